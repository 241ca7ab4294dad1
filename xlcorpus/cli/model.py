"""What `xlcorpus run` does with the datasets of a recipe: train a model on them, and say what it is worth."""

from __future__ import annotations

from typing import Any

import click

from xlcorpus.cli.evaluate import command as evaluate
from xlcorpus.cli.installed import TRAINING, require
from xlcorpus.dataset import storage
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError, naming
from xlcorpus.evaluate.measure import MEASURES, check_asked
from xlcorpus.evaluate.options import EvaluateOptions
from xlcorpus.options import checked
from xlcorpus.recipe.load import Recipe
from xlcorpus.recipe.training import Training, training_of
from xlcorpus.report.costs import Costs

_PATHS = ("PATH", "DATASET", "DIR", "FILE")  # metavars of options that name what must be there
_OURS = {"output": "it is OUTPUT/evaluate", "overwrite": "an evaluation is made anew in each run"}


def checked_training(recipe: Recipe, output: Location) -> Training | None:
    """The recipe's training, None where it has none; raises UserError for all that can be known before the passes."""
    if not recipe.blocks:
        return None
    require(TRAINING, f"{recipe.name}: training", "; or make its datasets alone: --data-only")
    training = training_of(recipe, output)
    if training is not None and training.evaluate is not None:
        asked = evaluation_context(training)
        for param in evaluate.params:
            if isinstance(param, click.Option) and param.metavar in _PATHS:
                _check_there(param, asked.params[str(param.name)], output, f"{training.path}: evaluate")
    return training


def train(training: Training, costs: Costs, *, resume: bool, overwrite: bool, quiet: bool) -> int:
    """Train, and evaluate the model; the exit status, 143 where a signal ended the training.

    With `resume`, a training that is done is kept, one that is begun is gone on with; an evaluation is made anew.
    """
    from xlcorpus.evaluate.held_out import HeldOut
    from xlcorpus.pretrain.train import Settings, pretrain

    def say(line: str) -> None:
        if not quiet:
            click.echo(line, err=True)

    recipe = training.pretrain
    with costs.part("pretrain"):
        status = pretrain(recipe, training.model, Settings(resume, overwrite, say=say), HeldOut(recipe.tokenizer_path))
    if status or training.evaluate is None:
        return status
    context = evaluation_context(training)
    with costs.part("evaluate"), context:
        evaluate.invoke(context)
    return 0


def evaluation_context(training: Training) -> click.Context:
    """The call of `xlcorpus evaluate` that the block is; raises UserError where it is none."""
    where = f"{training.path}: evaluate"
    given: list[str] = []
    for key, value in (training.evaluate or {}).items():
        if key in _OURS:
            raise UserError(f"{where}: {key} is not the recipe's to say", remedy=f"leave it out: {_OURS[key]}")
        flag = str(key).replace("_", "-")
        if isinstance(value, bool):
            given.append(f"--{flag}" if value else f"--no-{flag}")
            continue
        parts = [f"{name}={one}" for name, one in value.items()] if isinstance(value, dict) else value
        for one in parts if isinstance(parts, list) else [parts]:
            given += [f"--{flag}", str(one)]
    given += ["--output", str(training.evaluation), "--overwrite", str(training.model)]
    try:
        context = evaluate.make_context("evaluate", given)
    except click.ClickException as error:
        raise UserError(
            f"{where}: {error.format_message()}",
            remedy="its keys are the options of `xlcorpus evaluate`, with _ in the place of -",
        ) from error
    options: dict[str, Any] = {
        key: value for key, value in context.params.items() if key in EvaluateOptions.model_fields and value is not None
    }
    made = checked(EvaluateOptions, options, where, "evaluate", "`xlcorpus evaluate --help`")
    with naming(where):
        check_asked({name: context.params[name] for name in MEASURES.all}, context.params["against"], made)
    return context


def _check_there(param: click.Option, value: Any, output: Location, where: str) -> None:
    for one in value if isinstance(value, tuple) else [value] if value is not None else []:
        place = storage.locate(one)
        there = storage.is_inside(place, output) or storage.exists(place) or storage.is_pattern(str(one))
        if not there:
            raise UserError(
                f"{where}: {param.opts[0]} {one}: there is no such file or folder", remedy="name one that is"
            )
