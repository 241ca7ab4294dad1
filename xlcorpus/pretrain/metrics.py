"""What training is measured by, as lines of JSON: losses, tokens a second, how well the device is used, waiting."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist

from xlcorpus.dataset import storage
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import IntegrityError
from xlcorpus.objectives.objective import Losses
from xlcorpus.objectives.ranks import rank_and_ranks

METRICS = "metrics.jsonl"
_SAID = re.compile(r"/loss$|/all/\w*bits_per_byte$")  # of an evaluation, on the terminal
_WRITE_EVERY = 10.0  # seconds: the file is written whole, so that it never ends within a line


class Book:
    """The lines of all stages, in one file."""

    def __init__(self, folder: Location, *, keeps: bool = True) -> None:
        """keeps: whether this process writes (of several ranks, the first)."""
        self._file, self._keeps, self._written = folder / METRICS, keeps, 0.0
        self.lines: list[dict[str, Any]] = []

    def load(self, stage: str, step: int, done: set[str]) -> None:
        """Read what an earlier run wrote, up to a step of a stage; done: stages before it. Raises IntegrityError."""
        if not storage.is_file(self._file):
            return
        try:
            lines = [json.loads(line) for line in storage.read_text(self._file).splitlines()]
            self.lines = [
                one for one in lines if one["stage"] in done or (one["stage"] == stage and one["step"] <= step)
            ]
        except (ValueError, KeyError, TypeError) as error:
            raise IntegrityError(
                f"{self._file} is damaged: {error}", remedy="remove it, and go on: no more than its lines is lost"
            ) from error

    def add(self, line: dict[str, Any]) -> None:
        """One more line."""
        self.lines.append(line)
        if time.monotonic() - self._written > _WRITE_EVERY:
            self.write()

    def write(self) -> None:
        """All lines, under the file's name when they are whole."""
        if self._keeps and self.lines:
            text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in self.lines)
            storage.write_text(self._file, text)
            self._written = time.monotonic()


class Meter:
    """Of one stage. A window is what lies between two logs; evaluating and saving are not counted in it."""

    def __init__(
        self,
        book: Book,
        stage: str,
        flops_a_token: float,
        peak: float | None,
        *,
        say: Callable[[str], None],
        tokens: int = 0,
    ) -> None:
        """peak: FLOP/s of a device, None where it is not known; tokens: seen so far."""
        self._book, self._stage, self._flops, self._peak, self._say = book, stage, flops_a_token, peak, say
        self.tokens = tokens
        self._sums: dict[str, tuple[torch.Tensor, int]] = {}
        self.begin()

    def begin(self) -> None:
        """Begin a window."""
        self._begun, self._away, self._wait, self._seen = time.perf_counter(), 0.0, 0.0, 0.0
        self._sums = {}

    def waited(self, seconds: float) -> None:
        """For data."""
        self._wait += seconds

    def saw(self, tokens: float) -> None:
        """On all ranks; see `engine._tokens`."""
        self._seen += tokens
        self.tokens += int(tokens)

    def parts(self, name: str, losses: Losses) -> None:
        """The losses of a micro-batch."""
        for key, value in {name: losses.total, **{f"{name}/{part}": one for part, one in losses.parts.items()}}.items():
            total, count = self._sums.get(key, (torch.zeros((), device=value.device), 0))
            self._sums[key] = (total + value.detach().float(), count + 1)

    @contextmanager
    def away(self) -> Iterator[None]:
        """Inside, no training is done."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self._away += time.perf_counter() - begun

    def log(self, step: int, logs: Mapping[str, float], ranks: int) -> dict[str, float]:
        """A line for the window that ends here. Collective: every rank calls it."""
        seconds = max(time.perf_counter() - self._begun - self._away, 1e-9)
        means = {key: _mean_over_ranks(total / count) for key, (total, count) in self._sums.items()}
        parts = {f"loss/{key}": value for key, value in means.items()} if len(means) > 1 else {}
        told = {name: logs[name] for name in ("loss", "learning_rate", "grad_norm") if name in logs}
        told |= parts | {
            "tokens": self.tokens,
            "tokens_per_second": round(self._seen / seconds, 1),
            "data_wait": round(self._wait / seconds, 5),
        }
        if self._peak is not None:
            told["mfu"] = round(self._seen * self._flops / seconds / (self._peak * ranks), 4)
        self._book.add({"stage": self._stage, "step": step, **told})
        used = f", {100 * told['mfu']:.1f} % of peak" if "mfu" in told else ""
        self._say(
            f"{self._stage} {step}: loss {told['loss']:.4f}, {told['tokens_per_second']:,.0f} tokens/s{used}, "
            f"waiting for data {100 * told['data_wait']:.1f} %"
        )
        self.begin()
        return told

    def write(self) -> None:
        """Put all lines on the disk."""
        self._book.write()

    def evaluated(self, step: int, found: Mapping[str, Any]) -> dict[str, float]:
        """A line of an evaluation; what of it is one number, by name."""
        self._book.add({"stage": self._stage, "step": step, "tokens": self.tokens, "evaluation": dict(found)})
        told = _numbers(found, "evaluation")
        shown = [
            f"{name.removeprefix('evaluation/')} {value:.4f}" for name, value in told.items() if _SAID.search(name)
        ]
        if shown:
            self._say(f"{self._stage} {step}: {', '.join(shown)}")
        return told


def _mean_over_ranks(value: torch.Tensor) -> float:
    _, ranks = rank_and_ranks()
    if ranks > 1:
        dist.all_reduce(value)
    return float(value) / ranks


def _numbers(found: Mapping[str, Any], name: str) -> dict[str, float]:
    told: dict[str, float] = {}
    for key, value in found.items():
        if isinstance(value, Mapping):
            told |= _numbers(value, f"{name}/{key}")
        elif isinstance(value, (int, float)):
            told[f"{name}/{key}"] = float(value)
    return told
