"""A pretraining recipe: what is trained on what, how, and for how long, as YAML; everything unknown is an error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from xlcorpus.dataset import storage
from xlcorpus.dataset.storage import Location, fingerprint
from xlcorpus.dataset.yaml_file import (
    filled_in,
    find_yaml,
    load_mapping,
    name_of,
    packaged_yaml,
    refuse_unknown,
    seed_of,
    set_value,
    setting_of,
    variables_of,
)
from xlcorpus.errors import UserError, given_twice, nearest
from xlcorpus.initialize.options import StartOptions
from xlcorpus.options import StepOptions, checked, option
from xlcorpus.sample import sample_folder
from xlcorpus.text.sizes import parse_size

SEE = "docs/training.md"  # not of loader.source, which imports torch: recipes are listed without it
_TOP = ("name", "about", "seed", "variables", "tokenizer", "start", "stages")
_OF_DATA = ("folder", "objective", "weight", "holdout")
# What may change between a checkpoint and what goes on with it: how the same steps are done, and what is told of them.
_FREE = ("rows", "workers", "evaluation", "checkpoints", "log_every", "peak_tflops", "compile")


Beta = Annotated[float, Field(ge=0, lt=1)]


class _Texts(StepOptions):
    """What a recipe says of itself."""

    about: str = option("", description="for people")
    tokenizer: str | None = option(None, min_length=1, description="that the shards were packed with")


class DataOptions(StepOptions):
    """A dataset of token-1 to train on."""

    folder: str = option(min_length=1, description="a packed dataset, or a view")
    objective: str = option("clm", description="what is learnt from it; its own options stand beside it")
    weight: float = option(1.0, gt=0, le=1e9, description="its share of the micro-batches, relative to the others'")
    holdout: str | None = option(
        None, min_length=1, description="rows to evaluate on; default: FOLDER/holdout where there is one"
    )
    options: dict[str, Any] = option(default_factory=dict, description="of the objective")


class OptimizerOptions(StepOptions, allow_inf_nan=False):
    """How weights follow from gradients."""

    name: Literal["adamw", "adafactor"] = option("adamw", description="the algorithm")
    lr: float = option(3e-4, gt=0, description="highest learning rate")
    betas: tuple[Beta, Beta] = option((0.9, 0.95), only={"name": ["adamw"]}, description="of adamw")
    eps: float = option(1e-8, gt=0, only={"name": ["adamw"]}, description="of adamw")
    weight_decay: float = option(0.1, ge=0, description="of all but biases and norms")
    clip: float = option(1.0, ge=0, description="largest norm of the gradients; 0: as they are")


class ScheduleOptions(StepOptions, allow_inf_nan=False):
    """How the learning rate goes."""

    name: Literal["cosine", "linear", "wsd", "constant"] = option(
        "cosine", description="after the warm-up: half a cosine, a line, constant and a line at the end, or constant"
    )
    warmup: float = option(0.02, ge=0, description="below 1: share of the steps; otherwise steps")
    min_lr: float = option(
        0.1,
        ge=0,
        le=1,
        only={"name": ["cosine", "linear", "wsd"]},
        description="what is left at the end, as a share of the highest",
    )
    decay: float = option(
        0.2, gt=0, le=1, only={"name": ["wsd"]}, description="wsd: share of the steps in which it goes down"
    )

    @model_validator(mode="after")
    def _check_warmup(self) -> ScheduleOptions:
        if self.warmup >= 1 and self.warmup % 1:
            raise UserError(f"warmup {self.warmup} is no whole number of steps", remedy="write 0.02, or 2000")
        return self

    def warmup_steps(self, steps: int) -> int:
        """Steps of the warm-up, of all the steps; raises UserError where it, with the decay of wsd, is longer."""
        warmup = round(self.warmup * steps) if self.warmup < 1 else int(self.warmup)
        decay = round(self.decay * steps) if self.name == "wsd" else 0
        if warmup + decay > steps + 1 and steps:  # one more by rounding
            falls = f" and the decay {decay:,}" if decay else ""
            raise UserError(
                f"schedule: the warm-up takes {warmup:,} steps{falls}, and there are {steps:,}",
                remedy="write a shorter warmup, as `schedule: {warmup: 0.02}`",
            )
        return min(warmup, steps)


class EvaluationOptions(StepOptions):
    """When loss and bits per byte are measured on rows held out."""

    every: int = option(0, ge=0, description="steps between two; 0: before the first step and after the last alone")
    rows: int = option(64, ge=1, description="most rows of each dataset")
    batch: int = option(8, ge=1, description="rows at once")


class CheckpointOptions(StepOptions):
    """When a run can be gone on with."""

    every: int = option(500, ge=1, description="steps between two")
    keep: int = option(2, ge=1, description="the last ones that stay")


class StageOptions(StepOptions, allow_inf_nan=False):
    """A stage: everything but the model that it starts from."""

    name: str = option("train", pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", description="of its folder")
    data: tuple[DataOptions, ...] = option(min_length=1, description="what is trained on")
    batch: int = option(description="of a step, over all ranks: tokens, or `256 rows`")
    batch_in: Literal["tokens", "rows"] = option("tokens", description="what `batch` counts, as `batch` says it")
    rows: int = option(8, ge=1, description="rows of a micro-batch on each rank: memory goes with it")
    budget: int | None = option(None, description="tokens to train on")
    steps: int | None = option(
        None, ge=0, description="steps, in the place of a budget; 0: the model that training would begin with"
    )
    optimizer: OptimizerOptions = Field(default_factory=OptimizerOptions)
    schedule: ScheduleOptions = Field(default_factory=ScheduleOptions)
    evaluation: EvaluationOptions = Field(default_factory=EvaluationOptions)
    checkpoints: CheckpointOptions = Field(default_factory=CheckpointOptions)
    freeze: Literal["none", "embeddings", "body", "encoder"] = option(
        "none",
        description="what stays as it is: nothing, the embeddings (with the head's), all but those, or the encoder of "
        "an encoder-decoder and all embeddings",
    )
    without_residual: int | None = option(
        None,
        ge=0,
        description="encoder layer, from 0, that loses the residual connection around self-attention (SixT+: the last "
        "but one), for good; of a model of start: decoder_layers",
    )
    precision: Literal["fp32", "bf16"] = option("fp32", description="of the computation; weights are float32")
    attention: Literal["sdpa", "eager", "flex_attention", "flash_attention_2", "flash_attention_3"] = option(
        "sdpa", description="how the model computes it"
    )
    gradient_checkpointing: bool = option(False, description="a quarter more work, far less memory")
    compile: bool = option(False, description="torch.compile")
    workers: int = option(0, ge=0, le=256, description="processes that read, on each rank; 0: none of their own")
    log_every: int = option(10, ge=1, description="steps between two lines of metrics")
    peak_tflops: float | None = option(None, gt=0, description="of the device, where its name does not tell")
    trainer: dict[str, Any] = option(default_factory=dict, description="TrainingArguments of transformers, as they are")

    @model_validator(mode="after")
    def _check(self) -> StageOptions:
        if (self.budget is None) == (self.steps is None):
            raise UserError(
                "`budget` (tokens) or `steps` must be given, and not both", remedy="write budget: 10M, or steps: 1000"
            )
        return self

    def identity(self) -> dict[str, Any]:
        """What the weights depend on."""
        return {key: value for key, value in self.model_dump(mode="json").items() if key not in _FREE}


@dataclass(frozen=True)
class Recipe:
    """A checked recipe. path: of its file, for errors; tokenizer: of the shards; start: what the model begins as."""

    path: str
    name: str
    about: str
    seed: int
    tokenizer: str | None
    start: StartOptions
    stages: tuple[StageOptions, ...]

    @property
    def tokenizer_path(self) -> str | None:
        """Of the tokenizer: that beside the model to begin with, where none is named."""
        return self.tokenizer or self.start.model

    @property
    def content(self) -> dict[str, Any]:
        """All of it as plain data, for the run card."""
        stages = [stage.model_dump(mode="json") for stage in self.stages]
        return {
            "name": self.name,
            "seed": self.seed,
            "tokenizer": self.tokenizer,
            "start": self.start.model_dump(mode="json", exclude_unset=True),
            "stages": stages,
        }

    @property
    def fingerprint(self) -> str:
        """Of what the weights depend on, but for the data and the starting point themselves."""
        return fingerprint([self.seed, self.content["start"], [stage.identity() for stage in self.stages]])


_OF_STAGE = [key for key in StageOptions.model_fields if key != "batch_in"]  # `name` first


def shipped_recipes() -> dict[str, Location]:
    """The pretraining recipes in the package, by name."""
    return packaged_yaml("xlcorpus.pipelines.recipes.pretrain")


def load_recipe(name: str, settings: Sequence[str] = ()) -> Recipe:
    """Load a recipe and apply `--set key=value` (`seed=3`, `variables.x=y`, `optimizer.lr=1e-3`, `data.0.weight=2`)."""
    shipped = shipped_recipes()
    shown = {f"pretrain/{one}": path for one, path in shipped.items()}  # as `recipes show` names them
    path = find_yaml(name, "pretraining recipe", lambda: shipped | shown)
    content = load_mapping(path, ("tokenizer", "start", "data", "budget", "batch"), "pretrain/quickstart")
    if "steps" in content and isinstance(content["steps"], list):
        raise UserError(f"{path}: this is a recipe of steps, which make datasets", remedy=f"xlcorpus run {name}")
    for setting in settings:
        set_value(content, *setting_of(setting, "optimizer.lr=1e-3"))
    where = str(path)
    known = {"sample": str(sample_folder()), "recipe": str(storage.resolve(path).parent)}
    variables, seed = variables_of(content, known, where), seed_of(content, where)
    content = filled_in({key: value for key, value in content.items() if key != "variables"}, variables, where)
    return recipe_of(content, where, name_of(content, path), seed)


def recipe_of(content: Mapping[str, Any], where: str, name: str, seed: int) -> Recipe:
    """The recipe of plain data whose variables are filled in, as a recipe of steps has it in its block `pretrain`.

    where: its file, for errors. Raises UserError.
    """
    if not 0 <= seed < 1 << 32:  # numpy's, which Trainer sets
        raise UserError(f"{where}: seed {seed} is not between 0 and 4294967295", remedy="write `seed: 3`")
    refuse_unknown(content, [*_TOP, *_OF_STAGE[1:]], where)
    start = _mapping(content.get("start"), f"{where}: start", "start: {shape: llama, layers: 4, width: 256}")
    texts = checked(_Texts, {key: content[key] for key in _Texts.model_fields if key in content}, where, "recipe", SEE)
    return Recipe(
        where,
        name,
        texts.about,
        seed,
        texts.tokenizer,
        checked(StartOptions, start, where, "start", SEE),
        _stages(content, where),
    )


def _mapping(value: Any, where: str, example: str) -> dict[str, Any]:
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise UserError(f"{where} must be a mapping of options", remedy=f"write `{example}`")
    return dict(value)


def _stages(content: Mapping[str, Any], where: str) -> tuple[StageOptions, ...]:
    shared = {key: value for key, value in content.items() if key not in _TOP}
    if "stages" not in content:
        return (_stage(shared, where),)
    given = content["stages"]
    if not isinstance(given, list) or not given:
        raise UserError(
            f"{where}: `stages` must be a list of at least one stage",
            remedy="write\n    stages:\n      - {name: base, freeze: body, budget: 1M}\n      - {budget: 9M}",
        )
    stages = []
    for number, one in enumerate(given, 1):
        at = f"{where}: stage {number}"
        own = {"name": f"stage-{number}", **_mapping(one, at, "- {name: base, budget: 1M}")}
        refuse_unknown(own, _OF_STAGE, at)
        merged = dict(shared)
        if {"budget", "steps"} & own.keys():  # one replaces the other
            merged = {key: value for key, value in merged.items() if key not in ("budget", "steps")}
        for key, value in own.items():
            both = isinstance(value, dict) and isinstance(merged.get(key), dict)
            merged[key] = {**_taken_over(key, merged[key], value), **value} if both else value
        stages.append(_stage(merged, at))
    twice = given_twice(stage.name for stage in stages)
    if twice is not None:
        raise UserError(f"{where}: two stages have the name {twice!r}", remedy="give one of them another `name:`")
    return tuple(stages)


def _taken_over(key: str, shared: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """What a stage takes over of a block: with a name of its own nothing that belongs to another, as decay to wsd."""
    if "name" not in own:
        return shared
    fields = getattr(StageOptions.model_fields[key].annotation, "model_fields", {})

    def belongs(name: str) -> bool:
        extra = fields[name].json_schema_extra if name in fields else None
        return own["name"] in (extra or {}).get("only", {}).get("name", [own["name"]])

    return {name: value for name, value in shared.items() if belongs(name)}


def _stage(values: dict[str, Any], where: str) -> StageOptions:
    values = dict(values)
    for name, field in StageOptions.model_fields.items():
        kind: Any = field.annotation
        if name in values and isinstance(kind, type) and issubclass(kind, StepOptions):
            block = _mapping(values[name], f"{where}: {name}", f"{name}: {{...}}")
            values[name] = checked(kind, block, where, name, SEE)
    if "data" not in values or "batch" not in values:
        missing = "data" if "data" not in values else "batch"
        example = "data:\n      - {folder: out/packed, objective: clm}" if missing == "data" else "batch: 64k"
        raise UserError(f"{where}: there is no `{missing}`", remedy=f"write\n    {example}")
    if not isinstance(values["data"], list) or not values["data"]:
        raise UserError(f"{where}: data must be a list", remedy="write\n    data:\n      - {folder: out/packed}")
    values["data"] = tuple(_data(one, f"{where}: data {number}") for number, one in enumerate(values["data"], 1))
    if isinstance(values["batch"], str) and values["batch"].endswith(" rows"):
        values |= {"batch": values["batch"].removesuffix(" rows"), "batch_in": "rows"}
    for name in ("batch", "budget"):
        if values.get(name) is not None:
            values[name] = parse_size(values[name], f"{where}: {name}")
    return checked(StageOptions, values, where, "a stage", SEE)


def _data(value: Any, where: str) -> DataOptions:
    given = _mapping(value, where, "- {folder: out/packed, objective: clm}")
    own = {key: given[key] for key in given if key in _OF_DATA}
    rest = {key: given[key] for key in given if key not in _OF_DATA}
    if "folder" not in own:
        close = next((nearest(key, _OF_DATA) for key in rest), "")
        raise UserError(f"{where}: there is no `folder`; {close}", remedy="write - {folder: out/packed}")
    return checked(DataOptions, {**own, "options": rest}, where, "data", SEE)
