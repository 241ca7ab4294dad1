"""A recipe's blocks `pretrain` and `evaluate`, checked against its steps before the first of them runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from xlcorpus.dataset import storage
from xlcorpus.dataset.storage import Location
from xlcorpus.dataset.yaml_file import filled_in
from xlcorpus.errors import UserError, nearest
from xlcorpus.options import checked
from xlcorpus.pretrain.recipe import SEE, recipe_of
from xlcorpus.pretrain.recipe import Recipe as PretrainRecipe
from xlcorpus.recipe.graph import Node, passes_of
from xlcorpus.recipe.load import Recipe


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

    Raises UserError for what the passes could be in vain for: an unknown objective or option, a folder that no step
    makes, rows of another view than the objective reads. Imports torch.
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
    content = {"about": recipe.about, **blocks["pretrain"]}
    training = recipe_of(content, where, recipe.name, recipe.seed)
    made = {work.id: work.nodes[-1] for work in passes_of(recipe.nodes)}
    _check_data(training, made, output, where)
    evaluate = blocks.get("evaluate")
    for key, value in (evaluate or {}).items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, str):
                _maker(one, made, output, f"{recipe.path}: evaluate: {key}")
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


def _check_data(training: PretrainRecipe, made: Mapping[str, Node], output: Location, where: str) -> None:
    from xlcorpus.objectives.objective import OBJECTIVES

    for stage in training.stages:
        for data in stage.data:
            at = f"{where}: stage {stage.name}: {data.folder}"
            kind = OBJECTIVES.find(data.objective)
            checked(kind.options, dict(data.options), at, kind.name, SEE)
            node = _maker(data.folder, made, output, at)
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


def _maker(folder: str, made: Mapping[str, Node], output: Location, where: str) -> Node | None:
    """The last step of the pass that makes a folder of the output; None for one that lies elsewhere."""
    place = storage.locate(folder)
    if not storage.is_inside(place, output):
        return None
    name = storage.relative_name(place, output).partition("/")[0]
    if name not in made:
        raise UserError(
            f"{where}: no step leaves a dataset {name!r}; {nearest(name, made)}",
            remedy=f"the datasets of the recipe are {', '.join(made)}; `keep: true` keeps that of another step",
        )
    return made[name]


def _shown(view: str | None) -> str:
    return "packs" if view is None else f"the view {view}"
