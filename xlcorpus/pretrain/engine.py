"""transformers' Trainer with the data, losses, checkpoints and metrics of xlcorpus.

What is its own here, and why: the loss of a step is the mean over the labels of each source, over all micro-batches and
ranks (Trainer's is a mean of means, or counts `labels` as one kind); batches are not dealt out again by accelerate;
checkpoints get their name when they are whole; evaluation is bits per byte; logs are lines of JSON.
"""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from types import FrameType
from typing import Any

import torch
import torch.distributed as dist
from torch.utils.data import DataLoader
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from xlcorpus.dataset import storage
from xlcorpus.dataset.storage import Location
from xlcorpus.loader.source import Source
from xlcorpus.loader.stream import TokenStream
from xlcorpus.objectives.objective import NO_LABEL, Batch
from xlcorpus.objectives.own_weights import average_gradients
from xlcorpus.objectives.ranks import rank_and_ranks
from xlcorpus.pretrain.checkpoint import last_checkpoint, write_checkpoint
from xlcorpus.pretrain.failures import named_rows, no_number
from xlcorpus.pretrain.metrics import Meter
from xlcorpus.pretrain.plan import Plan
from xlcorpus.pretrain.recipe import StageOptions
from xlcorpus.pretrain.sources import Data


@dataclass
class Stop:
    """Whether somebody asked this process to stop: SIGTERM (exit 143) or Ctrl-C (130)."""

    status: int = 0

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Inside, these signals are remembered, and a second Ctrl-C interrupts; for the main thread."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def remember(number: int, frame: FrameType | None) -> None:
            if self.status and number == signal.SIGINT:
                raise KeyboardInterrupt
            self.status = 128 + number

        before = {number: signal.signal(number, remember) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


@dataclass
class Step:
    """The step under way: weight and source of each micro-batch, its loss, and whether to stop after it (143, 130)."""

    weights: list[float] = field(default_factory=list)
    sources: list[int] = field(default_factory=list)
    losses: list[torch.Tensor] = field(default_factory=list)
    stop: int = 0


class Engine(Trainer):  # type: ignore[misc]  # transformers is not followed
    """One stage."""

    loss_is_scaled_for_ga = True
    control: Any

    def __init__(
        self,
        model: Any,
        args: TrainingArguments,
        *,
        stage: StageOptions,
        data: Data,
        plan: Plan,
        folder: Location,
        fingerprint: str,
        seed: int,
        meter: Meter,
        evaluate: Callable[[Any], Mapping[str, Any]] | None,
        stop: Stop,
    ) -> None:
        """folder: of the checkpoints; evaluate: the model on rows held out."""
        super().__init__(model=model, args=args, callbacks=[_Watch(self)])
        self.remove_callback(PrinterCallback)  # metrics are told by the meter
        self.stage, self.data, self.plan, self.folder, self.meter = stage, data, plan, folder, meter
        self._fingerprint, self._seed, self._evaluation, self._stop = fingerprint, seed, evaluate, stop
        self._stream: TokenStream | None = None
        self._cursor: Mapping[str, Any] | None = None
        self._step, self._first_step = Step(), 0

    def resume_at(self, cursor: Mapping[str, Any]) -> None:
        """Go on with the data where a checkpoint was."""
        self._cursor, self._first_step = cursor, int(cursor["step"])

    @property
    def stopped(self) -> int:
        """The status to exit with, where the ranks agreed to stop; 0 where they came to the end."""
        return self._step.stop

    # Data.

    def get_train_dataloader(self) -> DataLoader[Any]:
        """This rank's micro-batches, as the stream makes them."""
        rank, ranks = rank_and_ranks()
        self._stream = TokenStream(self.data.sources, rows=self.stage.rows, seed=self._seed, rank=rank, ranks=ranks)
        if self._cursor is not None:
            self._stream.load_state_dict(self._cursor["data"])
        workers = self.stage.workers
        return DataLoader(
            self._stream,
            batch_size=None,
            num_workers=workers,
            pin_memory=torch.cuda.is_available() and not self.args.use_cpu,
            prefetch_factor=4 if workers else None,
            worker_init_fn=_end_on_sigterm,
            # Of its own: `iter` draws a seed, and from torch's own generator that would change dropout after a resume.
            generator=torch.Generator().manual_seed(self._seed),
        )

    def last_batches(self, source: Source, rows: int) -> Iterator[Batch]:
        """This rank's micro-batches of the last rows of the first epoch (over all ranks), on the device."""
        count, (rank, ranks) = source.rows.count, rank_and_ranks()
        stream = TokenStream([source], rows=self.stage.rows, seed=self._seed, rank=rank, ranks=ranks, samples=count)
        stream.load_state_dict({**stream.state_dict(), "samples": [max(count - rows, 0)]})
        for batch in stream:
            del batch["source"]
            yield {name: one.to(self.args.device) for name, one in batch.items()}

    def get_batch_samples(self, epoch_iterator: Iterator[Any], num_batches: int, device: Any) -> tuple[list[Any], None]:
        """The micro-batches of a step, and what each counts for."""
        begun = time.perf_counter()
        batches = [next(epoch_iterator) for _ in range(num_batches)]
        self.meter.waited(time.perf_counter() - begun)
        counts = [sum(int((one != NO_LABEL).sum()) for one in _labels(batch)) for batch in batches]
        tokens = sum(self.data.sources[batch["source"]].objective.tokens(batch) for batch in batches)
        told = torch.tensor([*counts, tokens, float(self._stop.status > 0)], dtype=torch.float64)
        if rank_and_ranks()[1] > 1:
            told = told.to(device if torch.device(device).type != "mps" else "cpu")
            dist.all_reduce(told)
        *labels, seen, stop = told.tolist()
        self.meter.saw(seen)
        sources = [batch["source"] for batch in batches]
        of_source = {one: sum(n for n, s in zip(labels, sources, strict=True) if s == one) for one in {*sources}}
        weights = [
            (n / of_source[s] if of_source[s] else 1 / sources.count(s)) * sources.count(s) / len(sources)
            for n, s in zip(labels, sources, strict=True)
        ]
        # A signal may reach one rank alone; one that comes after this, in the last step, comes too late to stop for.
        self._step = Step(weights, sources, stop=(self._stop.status or 128 + signal.SIGTERM) if stop else 0)
        return batches, None

    # Losses.

    def compute_loss(self, model: Any, inputs: dict[str, Any], *_: Any, **__: Any) -> torch.Tensor:
        """The loss of a micro-batch by its own objective, weighted."""
        source = inputs.pop("source")
        losses = self.data.sources[source].objective.losses(model, inputs)
        self.meter.parts(self.data.names[source], losses)
        self._step.losses.append(losses.total.detach())
        weighted: torch.Tensor = losses.total * self._step.weights[len(self._step.losses) - 1]
        return weighted

    def _clip_grad_norm(self, model: Any) -> Any:
        average_gradients(model)
        return super()._clip_grad_norm(model)

    def _get_grad_norm(self, model: Any, grad_norm: Any = None) -> Any:
        """As Trainer does it, once a step before the weights change; raises UserError for a loss that is no number."""
        if grad_norm is None:
            average_gradients(model)
        norm = super()._get_grad_norm(model, grad_norm)
        checked = torch.stack(self._step.losses)
        value = torch.as_tensor(norm if norm is not None else 0.0, device=checked.device).float()
        if not bool(torch.isfinite(checked.sum().float() + value)):
            self._refuse(checked, float(value))
        return norm

    def _refuse(self, losses: torch.Tensor, norm: float) -> None:
        step, values = self.state.global_step, losses.float().tolist()
        at_fault = [number for number, one in enumerate(values) if not math.isfinite(one)]
        what = f"the loss is {values[at_fault[0]]}" if at_fault else f"the norm of the gradients is {norm}"
        rows = []
        for number in at_fault or range(len(values)):
            if self._stream is not None:
                source, groups, within = self._stream.rows_of(
                    (step - self._first_step) * self.plan.accumulation + number
                )
                rows.append(named_rows(source.rows, groups, within))
        raise no_number(what, self.stage.name, step + 1, rows, last_checkpoint(self.folder))

    def floating_point_ops(self, inputs: Any) -> int:
        """Not counted here: Trainer's counts all parameters anew in each micro-batch."""
        return 0

    # What is told and kept.

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Hand what Trainer measured to the meter, and what the meter makes of it to TensorBoard and the like."""
        if "loss" not in logs:
            return
        told = self.meter.log(self.state.global_step, logs, rank_and_ranks()[1])
        self.control = self.callback_handler.on_log(self.args, self.state, self.control, dict(told))

    def _evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        self.control.should_evaluate = False
        if self._evaluation is None:
            return {}
        with self.meter.away(), torch.random.fork_rng():
            found = self._evaluation(self.model)
        told = self.meter.evaluated(self.state.global_step, found)
        self.control = self.callback_handler.on_log(self.args, self.state, self.control, dict(told))
        return {}

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """Model, optimiser, schedule, generators of random numbers and the place in the data, whole or not at all."""
        step = self.state.global_step
        made = (step - self._first_step) * self.plan.accumulation
        cursor = {
            "step": step,
            "fingerprint": self._fingerprint,
            "data": self._stream.state_dict(made) if self._stream is not None else {},
            "tokens": self.meter.tokens,
        }

        def save(folder: Location) -> None:
            self.save_model(str(folder), _internal_call=True)
            storage.remove(folder / "training_args.bin")  # a pickle of what the recipe says
            self._save_optimizer_and_scheduler(str(folder))
            self._save_scaler(str(folder))
            self._save_rng_state(str(folder))
            if self.args.should_save:
                self.state.save_to_json(str(folder / "trainer_state.json"))

        with self.meter.away():
            self.meter.write()  # what goes on from here has the lines up to here
            write_checkpoint(self.folder, cursor, save, self._everyone_wrote, self.stage.checkpoints.keep)

    def _everyone_wrote(self) -> bool:
        self.accelerator.wait_for_everyone()
        return bool(self.args.should_save)


def _end_on_sigterm(worker: int) -> None:
    """A worker that was forked has its parent's handlers; a signal to stop is the parent's to answer."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _labels(batch: Mapping[str, Any]) -> list[torch.Tensor]:
    return [value for name, value in batch.items() if name.startswith("labels")]


class _Watch(TrainerCallback):  # type: ignore[misc]
    """When a step is logged, evaluated, saved, or the last."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Before the first step: how good the model is so far."""
        engine = self._engine
        # Each rank drops out others. What is gone on with loads its generators afterwards, where it has this rank's.
        torch.manual_seed((engine._first_step << 32) + engine._seed + 1 + rank_and_ranks()[0])
        if engine._cursor is None:
            for source in engine.data.sources:
                source.objective.begin(engine.model, partial(engine.last_batches, source))
            engine._evaluate()
        engine.meter.begin()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> Any:
        """What falls due."""
        engine, step = self._engine, state.global_step
        for source in engine.data.sources:
            source.objective.after_step(engine.model)
        last = step >= engine.plan.steps or engine.stopped > 0
        every = engine.stage.evaluation.every
        control.should_evaluate = step >= engine.plan.steps or bool(every and step % every == 0)
        control.should_save = last or step % engine.stage.checkpoints.every == 0
        # A window of metrics ends where a run may be gone on with, so that resuming makes the same lines.
        control.should_log = control.should_log or control.should_save
        control.should_training_stop = last
        return control
