"""`xlcorpus run RECIPE`: run a recipe, each of its datasets in a folder of the output."""

from __future__ import annotations

from typing import Any

import click

from xlcorpus.cli.options import output_option, run_options
from xlcorpus.dataset.storage import Location, locate


@click.command("run")
@click.argument("recipe")
@output_option(help="folder for the datasets of the recipe  [default: out/NAME]")
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="seed=3, variables.x=y, dedup.threshold=0.7"
)
@click.option("--data-only", is_flag=True, help="make the datasets; train no model on them")
@run_options
@click.pass_context
def command(
    context: click.Context,
    /,
    recipe: str,
    output: Location | None,
    settings: tuple[str, ...],
    data_only: bool,
    **values: Any,
) -> int:
    """Run a recipe: a YAML file, or the name of a shipped one (`xlcorpus recipes list`).

    With --resume, passes that are done with the same input and options are skipped, others are done again. A recipe
    with a block `pretrain` goes on to train a model on its datasets, in OUTPUT/pretrain, and with `evaluate` to measure
    it; what each part took is printed at the end.

    \b
    Example:
      xlcorpus run quickstart --output out/quickstart --workers 2
      xlcorpus run my.yaml --set dedup.threshold=0.7 --plan
      xlcorpus run systems/xglm --set variables.documents=texts/ --set variables.tokenizer=t.model
    """
    from xlcorpus.cli.execute import execute
    from xlcorpus.cli.model import checked_training, train
    from xlcorpus.recipe.graph import passes_of
    from xlcorpus.recipe.load import load_recipe
    from xlcorpus.recipe.training import training_lines
    from xlcorpus.report.costs import Costs

    loaded = load_recipe(recipe, settings, data_only=data_only)
    folder = output or locate("out") / loaded.name
    training, costs = checked_training(loaded, folder), Costs()
    execute(
        loaded.nodes,
        lambda node: folder / node.id,
        loaded.seed,
        values | ({"around": costs.part} if training is not None else {}),
        context.obj or [],
        stale_is_error=not values["resume"],
    )
    if training is None:
        return 0
    if values["plan_only"]:
        for line in training_lines(training, len(passes_of(loaded.nodes)) + 1):
            click.echo(line)
        return 0
    how = {name: values[name] for name in ("resume", "overwrite", "quiet")}
    status = train(training, costs, **how)
    for line in ["", *costs.lines()]:
        click.echo(line)
    return status
