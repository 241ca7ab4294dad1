"""Training, from a recipe to a model that is saved: read it from top to bottom."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
import transformers

from xlcorpus.dataset import storage
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError, first_line, naming
from xlcorpus.initialize.encoder_decoder import JoinedConfig, remove_residual
from xlcorpus.initialize.factored import check_sharding, make_whole, save_factors, take_up_factors
from xlcorpus.initialize.load import load_model
from xlcorpus.initialize.start import copy_tokenizer, start
from xlcorpus.objectives.own_weights import attach, detach
from xlcorpus.objectives.own_weights import save as save_own
from xlcorpus.objectives.ranks import rank_and_ranks
from xlcorpus.pretrain.arguments import training_arguments
from xlcorpus.pretrain.card import model_card, run_facts
from xlcorpus.pretrain.checkpoint import last_checkpoint, read_cursor, writing_model
from xlcorpus.pretrain.curves import write_curves
from xlcorpus.pretrain.engine import Engine, Stop
from xlcorpus.pretrain.failures import needing_memory, out_of_memory
from xlcorpus.pretrain.flops import flops_a_token, peak_flops
from xlcorpus.pretrain.metrics import Book, Meter
from xlcorpus.pretrain.plan import Plan, memory_bytes, plan_stage
from xlcorpus.pretrain.recipe import Recipe, StageOptions
from xlcorpus.pretrain.run_folder import CARD, CURVES, RECIPE, RunFolder
from xlcorpus.pretrain.sources import Data, open_data
from xlcorpus.pretrain.teachers import bring_teachers, check_teachers
from xlcorpus.tokenizer.open import open_tokenizer

# Layers that are left out at random (M2M100: 0.05 unless told otherwise) have no gradient then, which DDP must know.
_LAYER_DROPS = ("layerdrop", "encoder_layerdrop", "decoder_layerdrop")
Evaluation = Callable[[Any, Data, StageOptions], Mapping[str, Any]]


@dataclass(frozen=True)
class Settings:
    """What the user asked for beside the recipe."""

    resume: bool = False
    overwrite: bool = False
    plan_only: bool = False
    say: Callable[[str], None] = print


@dataclass(frozen=True)
class Stage:
    """A stage with its data opened."""

    options: StageOptions
    data: Data
    plan: Plan


def pretrain(recipe: Recipe, output: Location, settings: Settings, evaluation: Evaluation | None = None) -> int:
    """Train, and leave the model, its cards and the metrics in `output`; the exit status: 0, or 143 after SIGTERM.

    evaluation: the model on the rows held out, by dataset. Several processes of torchrun work on one model. Raises
    UserError: what can be refused is refused before a model is loaded.
    """
    rank, ranks = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    say = settings.say if rank == 0 else lambda _: None

    # The data, what it comes to, and whether all of it goes together.
    stages = []
    with naming(recipe.path):
        for options in recipe.stages:
            data = open_data(options, recipe.tokenizer_path)
            check_teachers(data)
            stages.append(Stage(options, data, plan_stage(options, data, ranks)))
        tokenizer = _tokenizer(recipe, stages)
    folder = RunFolder(output, _identity(recipe, tokenizer, stages))
    for line in plan_lines(stages, ranks):
        say(line)
    if folder.is_done() and not settings.overwrite:
        say(f"{output} is done already, with the same recipe and data")
        return 0
    if settings.plan_only:
        for line in memory_lines(_start(recipe, tokenizer, stages, say)[0], stages) if rank == 0 else []:
            say(line)
        return 0

    # The folder is this run's alone, and the other ranks go on when the first has made it ready.
    stop, book = Stop(), Book(output, keeps=rank == 0)
    with ExitStack() as held:
        if rank == 0:
            held.enter_context(storage.lock(output))
            folder.begin(resume=settings.resume, overwrite=settings.overwrite)
        transformers.utils.logging.set_verbosity_error()
        transformers.utils.logging.disable_progress_bar()
        with naming(recipe.path):  # of all stages, before the first is trained
            arguments = [training_arguments(one.options, one.plan, recipe.seed, output) for one in stages]
        _join(arguments[0], ranks)
        held.enter_context(stop.watching())  # not before: where the first rank refuses, the others are ended

        for number, stage in enumerate(stages):
            name, last = stage.options.name, number == len(stages) - 1
            if not last and folder.has_model(name):
                continue
            if number == 0:
                before = None if recipe.start.model is None else storage.locate(recipe.start.model)
                with folder.begun_for(rank):
                    model, counted = _start(recipe, tokenizer, stages, say)
                if rank == 0:
                    folder.note(start=counted)
            else:
                before = folder.stage(stages[number - 1].options.name, last=False)
                model = load_model(
                    str(before), stage.data.architecture, recipe.seed, settings=stage.data.settings
                ).model.train()
                take_up_factors(model, before)
            done = {one.options.name for one in stages[:number]}
            with needing_memory(partial(out_of_memory, stage.options, stage.data.length)):
                engine = fit(model, stage, recipe, tokenizer, before, folder, book, done, stop, evaluation, say)
            if engine.stopped:
                say(f"stopped by signal {engine.stopped - 128} and saved; go on with --resume")
                return engine.stopped
            save(engine, name, folder, tokenizer, before, last=last)
        if rank == 0:
            write_cards(recipe, stages, folder, book)
            say(f"model: {output}")
    return 0


def fit(
    model: Any,
    stage: Stage,
    recipe: Recipe,
    tokenizer: str,
    before: Location | None,
    folder: RunFolder,
    book: Book,
    done: set[str],
    stop: Stop,
    evaluation: Evaluation | None,
    say: Callable[[str], None],
) -> Engine:
    """Train the model in one stage, from its last checkpoint where there is one.

    tokenizer: path of that of the shards; before: the folder that the model is of, None: it is new; done: stages before
    it.
    """
    options, data, plan = stage.options, stage.data, stage.plan
    try:
        model.set_attn_implementation(options.attention)
    except (ValueError, ImportError) as error:
        raise UserError(
            f"stage {options.name}: attention: {first_line(error)}", remedy="write attention: sdpa"
        ) from error
    if options.without_residual is not None:
        remove_residual(model, options.without_residual)
    freeze(model, options.freeze)
    arguments = training_arguments(options, plan, recipe.seed, folder.root)
    if any(getattr(model.config, name, 0) for name in _LAYER_DROPS):
        arguments.ddp_find_unused_parameters = True
    check_sharding(model, sharded=bool(arguments.fsdp), where=f"stage {options.name}")
    model.to(arguments.device)
    bring_teachers(data, tokenizer, recipe.seed, arguments.device)
    for name, objective in data.objectives.items():
        with naming(f"{recipe.path}: stage {options.name}: {name}"):
            objective.prepare(model)
    flops = flops_a_token(model, data.length)  # of the model, not of what objectives have beside it
    attached = attach(model, data.objectives, recipe.seed, before)
    if attached and arguments.fsdp:
        raise UserError(
            f"stage {options.name}: fsdp would cut up the own weights of {' and '.join(attached)}",
            remedy="leave fsdp out of trainer: (ranks of torchrun then train by DDP, each with the whole model), or "
            "leave these data out",
        )

    checkpoint = last_checkpoint(folder.checkpoints(options.name))
    cursor = read_cursor(checkpoint, verify=arguments.process_index == 0) if checkpoint else None
    arguments.distributed_state.wait_for_everyone()  # none loads what the first refuses
    if cursor is not None:
        if cursor["fingerprint"] != folder.fingerprint:
            raise UserError(
                f"{checkpoint} is of another recipe, other data or another start",
                remedy="repeat the command as it was, or start anew with --overwrite",
            )
        say(f"stage {options.name}: goes on at step {cursor['step']} of {plan.steps}")
    book.load(options.name, cursor["step"] if cursor else -1, done)
    device = torch.cuda.get_device_name(arguments.device) if arguments.device.type == "cuda" else "cpu"
    meter = Meter(
        book,
        options.name,
        flops,
        peak_flops(device, options.peak_tflops),
        say=say,
        tokens=cursor["tokens"] if cursor else 0,
    )
    try:
        engine = Engine(
            model,
            arguments,
            stage=options,
            data=data,
            plan=plan,
            folder=folder.checkpoints(options.name),
            fingerprint=folder.fingerprint,
            seed=recipe.seed,
            meter=meter,
            evaluate=(lambda trained: evaluation(trained, data, options)) if evaluation and data.holdouts else None,
            stop=stop,
        )
    except (ImportError, RuntimeError, ValueError) as error:  # of what `trainer:` asks for (wandb, deepspeed, ...)
        raise UserError(
            f"stage {options.name}: trainer: {first_line(error)}", remedy="install it, or change `trainer:`"
        ) from error
    try:
        if plan.steps == 0:
            engine._evaluate()
        elif cursor is None:
            engine.train()
        elif cursor["step"] < plan.steps:
            engine.resume_at(cursor)
            engine.train(resume_from_checkpoint=str(checkpoint))
        else:  # all was done but saving the model
            engine._load_from_checkpoint(str(checkpoint))
    finally:
        book.write()
    return engine


def save(engine: Engine, stage: str, folder: RunFolder, tokenizer: str, before: Location | None, *, last: bool) -> None:
    """Put the model with its tokenizer where the stage's belongs; every rank takes part. before: as of `fit`."""
    with writing_model(folder.root):
        temporary = folder.model_in_work(stage)
        engine.model.config.use_cache = True  # Trainer puts it off while it trains; users generate
        own, factors = detach(engine.model), make_whole(engine.model)
        engine.save_model(str(temporary), _internal_call=True)
        if engine.args.should_save:
            storage.remove(temporary / "training_args.bin")
            save_own(own, engine.data.objectives, temporary, before)
            save_factors(factors, temporary)
            copy_tokenizer(open_tokenizer(tokenizer), tokenizer, temporary)
            folder.put_model(temporary, stage, last=last)
        engine.accelerator.wait_for_everyone()


def write_cards(recipe: Recipe, stages: list[Stage], folder: RunFolder, book: Book) -> None:
    """The run card, the model card and the recipe as it was read; afterwards the run is finished."""
    before = folder.read() or {}
    evaluated = [line["evaluation"] for line in book.lines if "evaluation" in line][-1:]
    of_stages = [(one.options, one.data, one.plan) for one in stages]
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else platform.machine()
    facts = run_facts(recipe, of_stages, before.get("start", {}), {"name": device, "ranks": rank_and_ranks()[1]})
    own_kind = storage.read_json(folder.root / "config.json")["model_type"] == JoinedConfig.model_type
    card = model_card(
        recipe, facts, evaluated[0] if evaluated else None, stages[0].data.architecture, own_kind=own_kind
    )
    storage.write_text(folder.root / CARD, card)
    write_curves(book.lines, folder.root / CURVES)
    storage.write_json(folder.root / RECIPE, recipe.content)
    folder.write({**facts, "evaluation": evaluated, "finished": True, "files": before.get("files", [])})


def freeze(model: Any, what: str) -> None:
    """Leave the embeddings (with the head's), all but those, or the encoder and all embeddings as they are.

    Raises UserError for `encoder` where the model has no decoder beside it.
    """
    tables = [one for one in (model.get_input_embeddings(), model.get_output_embeddings()) if one is not None]
    if what == "encoder":
        if not model.config.is_encoder_decoder:
            raise UserError(
                f"freeze: encoder would leave nothing of a {model.config.model_type} to train",
                remedy="write freeze: body, or train an encoder-decoder",
            )
        positions = getattr(model.get_decoder().base_model, "embeddings", None)
        tables += [model.get_encoder(), *([positions] if positions is not None else [])]
    held = {id(weight) for table in tables for weight in table.parameters()}
    for weight in model.parameters():
        weight.requires_grad_(what == "none" or (id(weight) in held) == (what == "body"))


def plan_lines(stages: list[Stage], ranks: int) -> list[str]:
    """What will be trained on what, a line a stage and a dataset."""
    lines = []
    for stage in stages:
        plan, options = stage.plan, stage.options
        on = f" x {ranks} ranks" if ranks > 1 else ""
        lines.append(
            f"stage {options.name}: {plan.steps:,} steps of {plan.step_rows:,} rows ({options.rows} x "
            f"{plan.accumulation}{on}), about {plan.tokens:,} tokens, {options.precision}, {options.attention}"
        )
        total = sum(source.weight for source in stage.data.sources)
        for name, source in zip(stage.data.names, stage.data.sources, strict=True):
            share = source.weight / total
            epochs = plan.steps * plan.step_rows * share / source.rows.count
            lines.append(
                f"  {source.rows.folder}: {name}, {100 * share:.1f} % of the rows, {source.rows.count:,} rows of "
                f"{source.rows.length:,}, {epochs:.2f} epochs"
            )
        lines += [f"  {rows.folder}: {rows.count:,} rows to evaluate on" for _, rows in stage.data.holdouts]
    return lines


def memory_lines(model: Any, stages: list[Stage]) -> list[str]:
    """What will be in memory, about, a line a stage."""
    lines = [f"model: {type(model).__name__}, {model.num_parameters():,} parameters"]
    for stage in stages:
        freeze(model, stage.options.freeze)
        needed = memory_bytes(model, stage.options, stage.data)
        parts = ", ".join(f"{name} {size / 1e9:.2f}" for name, size in needed.items())
        lines.append(f"stage {stage.options.name}: about {sum(needed.values()) / 1e9:.2f} GB on each rank ({parts})")
    return lines


def _tokenizer(recipe: Recipe, stages: list[Stage]) -> str:
    """Path of the tokenizer of the shards; raises UserError where it is another, or stages train two kinds of model."""
    given = recipe.tokenizer_path
    if given is None:
        raise UserError(
            "there is no `tokenizer`",
            remedy="write tokenizer: and the one that the shards were packed with",
        )
    tokenizer = open_tokenizer(given)
    for stage in stages:
        for source in stage.data.sources:
            source.rows.vocabulary.check_packed_with(tokenizer, given, source.rows.folder)
        if stage.data.architecture != stages[0].data.architecture:
            raise UserError(
                f"stage {stage.options.name} trains an {stage.data.architecture}, the first an "
                f"{stages[0].data.architecture}: no model is both",
                remedy="give all stages objectives of one kind of model",
            )
    return given


def _start(
    recipe: Recipe, tokenizer: str, stages: list[Stage], say: Callable[[str], None]
) -> tuple[Any, dict[str, Any]]:
    data, length = stages[0].data, max(stage.data.length for stage in stages)
    with naming(recipe.path):
        begun = start(
            recipe.start, tokenizer, data.architecture, recipe.seed, length=length, settings=data.settings, say=say
        )
    for line in begun.counted.lines():
        say(line)
    return begun.model, begun.counted.facts()


def _identity(recipe: Recipe, tokenizer: str, stages: list[Stage]) -> dict[str, Any]:
    """What the weights depend on; of files their content."""
    begin = recipe.start
    teachers = [one.teacher for stage in stages for one in stage.data.objectives.values()]
    return {
        "recipe": recipe.fingerprint,
        "data": [[one.rows.manifest.content_fingerprint for one in stage.data.sources] for stage in stages],
        "start": [begin.recorded(), _content_of(*begin.paths())],
        **({"teachers": _content_of(*teachers)} if any(teachers) else {}),
        "tokenizer": open_tokenizer(tokenizer).fingerprint,
        "batch": [[stage.plan.step_rows, stage.plan.steps] for stage in stages],
    }


def _content_of(*paths: str | None) -> list[tuple[str, str]]:
    """Name and fingerprint of every file there."""
    given = [storage.locate(path) for path in paths if path is not None]
    files = [one for place in given for one in (storage.files_below(place) if storage.is_folder(place) else [place])]
    return [(one.name, storage.fingerprint_of_file(one)) for one in files]


def _join(arguments: transformers.TrainingArguments, ranks: int) -> None:
    """Make the process group, where torchrun started several, and wait for all ranks."""
    if arguments.device is not None and arguments.world_size != ranks:
        raise UserError(
            f"{ranks} processes were started, and accelerate joins {arguments.world_size} of them",
            remedy="start them with torchrun; on CPUs set trainer: {use_cpu: true}",
        )
    arguments.distributed_state.wait_for_everyone()
