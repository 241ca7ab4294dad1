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
@run_options
@click.pass_context
def command(
    context: click.Context, /, recipe: str, output: Location | None, settings: tuple[str, ...], **values: Any
) -> None:
    """Run a recipe: a YAML file, or the name of a shipped one (`xlcorpus recipes list`).

    With --resume, passes that are done with the same input and options are skipped, others are done again.

    \b
    Example:
      xlcorpus run quickstart --output out/quickstart --workers 2
      xlcorpus run my.yaml --set dedup.threshold=0.7 --plan
    """
    from xlcorpus.cli.execute import execute
    from xlcorpus.recipe.load import load_recipe

    loaded = load_recipe(recipe, settings)
    folder = output or locate("out") / loaded.name
    execute(
        loaded.nodes,
        lambda node: folder / node.id,
        loaded.seed,
        values,
        context.obj or [],
        stale_is_error=not values["resume"],
    )
