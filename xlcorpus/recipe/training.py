"""A recipe's blocks `pretrain` and `evaluate`, checked against its steps before the first of them runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from xlcorpus.dataset import storage
from xlcorpus.dataset.layout import HOLDOUT
from xlcorpus.dataset.storage import Location
from xlcorpus.dataset.yaml_file import filled_in
from xlcorpus.errors import UserError, naming, nearest
from xlcorpus.options import checked
from xlcorpus.pretrain.recipe import SEE, recipe_of
from xlcorpus.pretrain.recipe import Recipe as PretrainRecipe
from xlcorpus.recipe.graph import Node, passes_of
from xlcorpus.recipe.load import Recipe
from xlcorpus.tokenizer.open import open_tokenizer


@dataclass(frozen=True)
class Training:
    """What is done with the datasets: how a model is trained, and the options of its evaluation, None: none.

    path: of the recipe, for errors; model, evaluation: folders.
    """

    path: str
    pretrain: PretrainRecipe
    evaluate: dict[str, Any] | None
    model: Location
    evaluation: Location


def training_of(recipe: Recipe, output: Location) -> Training | None:
    """The blocks with `${output}` filled in, None where the recipe has none.

    Raises UserError for what the passes could be in vain for: an unknown objective or option, a folder, model or
    tokenizer that is not there and that no step makes, rows of another view than the objective reads, objectives of two
    kinds of model, a warm-up longer than its stage. Imports torch.
    """
    if not recipe.blocks:
        return None
    blocks = filled_in(dict(recipe.blocks), {"output": str(output)}, recipe.path)
    if "pretrain" not in blocks:
        raise UserError(
            f"{recipe.path}: `evaluate` is of the model that `pretrain` makes, and there is no `pretrain`",
            remedy="write one, or measure a model of yours with `xlcorpus evaluate`",
        )
    where = f"{recipe.path}: pretrain"
    block = blocks["pretrain"]
    for key in ("name", "seed", "variables"):
        if key in block:
            raise UserError(
                f"{where}: `{key}` is the whole recipe's", remedy=f"write `{key}:` beside `steps:`, not in `pretrain:`"
            )
    training = recipe_of({"about": recipe.about, **block}, where, recipe.name, recipe.seed)
    folders = _Folders({work.id: work.nodes[-1] for work in passes_of(recipe.nodes)}, output)
    _check_start(training, folders, where)
    _check_data(training, folders, where)
    evaluate = blocks.get("evaluate")
    for key, value in (evaluate or {}).items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, str):
                folders.maker(one, f"{recipe.path}: evaluate: {key}")
    return Training(recipe.path, training, evaluate, output / "pretrain", output / "evaluate")


def training_lines(training: Training, number: int) -> Iterator[str]:
    """What will be trained and measured, a line a stage; number: of the first line."""
    last = len(training.pretrain.stages) - 1
    for index, stage in enumerate(training.pretrain.stages):
        data = ", ".join(f"{one.objective} on {one.folder}" for one in stage.data)
        long = f"{stage.steps:,} steps" if stage.steps is not None else f"{stage.budget:,} tokens"
        where = training.model if index == last else training.model / "stages" / stage.name
        yield f"{number + index}. pretrain, stage {stage.name} -> {where}: {data}; {long}"
    if training.evaluate is not None:
        asked = ", ".join(f"{key} {value}" for key, value in training.evaluate.items())
        yield f"{number + last + 1}. evaluate -> {training.evaluation}: {asked}"


@dataclass(frozen=True)
class _Folders:
    """What the passes make: by name the last step of each, and where their datasets lie."""

    made: Mapping[str, Node]
    output: Location

    def maker(self, given: str, where: str) -> Node | None:
        """The last step of the pass that makes a dataset of the output, or its holdout; None for what lies elsewhere.

        Raises UserError where a path in the output is neither.
        """
        place = storage.locate(given)
        if not storage.is_inside(place, self.output):
            return None
        name, _, rest = storage.relative_name(place, self.output).partition("/")
        if name not in self.made:
            raise UserError(
                f"{where}: no step leaves a dataset {name!r}; {nearest(name, self.made)}",
                remedy=f"the recipe's are {', '.join(self.made)}; `keep: true` keeps that of another step",
            )
        node = self.made[name]
        if rest and (rest != HOLDOUT or getattr(node.options, "holdout", None) is None):
            raise UserError(
                f"{where}: step {name!r} leaves no {rest!r}",
                remedy=f"`holdout: 5%` of a `pack` makes {name}/{HOLDOUT}" if rest == HOLDOUT else f"name {name}",
            )
        return node

    def there(self, given: str, where: str) -> Node | None:
        """As `maker`; raises UserError also where what lies elsewhere is not there."""
        node = self.maker(given, where)
        if node is None and not storage.exists(storage.locate(given)):
            raise UserError(f"{where}: {given} is not there", remedy="check the path")
        return node


def _check_start(training: PretrainRecipe, folders: _Folders, where: str) -> None:
    """Models, tokenizers, and what new rows are made from."""
    start, way = training.start, training.start.initialization()
    named: dict[str, Any] = {"start: model": start.model}
    if way is not None:
        named |= {f"start: new_rows: {name}": getattr(way[1], name) for name in way[1].files}
    for key, value in named.items():
        for path in [value] if isinstance(value, str) else value or ():
            folders.there(path, f"{where}: {key}")
    with naming(where):
        for path in (training.tokenizer, start.old_tokenizer):
            if path is not None:
                open_tokenizer(path)


def _check_data(training: PretrainRecipe, folders: _Folders, where: str) -> None:
    from xlcorpus.objectives.objective import OBJECTIVES, ObjectiveKind

    kinds: list[ObjectiveKind] = []
    for stage in training.stages:
        if stage.steps is not None:
            with naming(f"{where}: stage {stage.name}"):
                stage.schedule.warmup_steps(stage.steps)
        for data in stage.data:
            at = f"{where}: stage {stage.name}: {data.folder}"
            kind = OBJECTIVES.find(data.objective)
            kinds.append(kind)
            if kind.architecture != kinds[0].architecture:
                raise UserError(
                    f"{at}: {kind.name} trains an {kind.architecture}, {kinds[0].name} an {kinds[0].architecture}",
                    remedy="no model is both: give them two recipes",
                )
            options = checked(kind.options, dict(data.options), at, kind.name, SEE)
            for name in options.files:
                if getattr(options, name) is not None:
                    folders.there(getattr(options, name), f"{at}: {name}")
            if data.holdout is not None:
                folders.there(data.holdout, f"{at}: holdout")
            node = folders.there(data.folder, at)
            if node is None:
                continue
            if "view" not in type(node.options).model_fields:
                raise UserError(
                    f"{at}: {node.step.name} makes no rows of tokens", remedy="name a `pack` of the recipe by its id"
                )
            view = getattr(node.options, "view", None)
            if view != kind.view:
                raise UserError(
                    f"{at}: {kind.name} reads {_shown(kind.view)}, and step {node.id!r} makes {_shown(view)}",
                    remedy="give the step another `view:`, or the data another `objective:`",
                )


def _shown(view: str | None) -> str:
    return "packs" if view is None else f"the view {view}"
