"""Plan or run nodes and print what came of them: shared by the steps and `xlcorpus run`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click

from xlcorpus.beam.runners import choose_runner
from xlcorpus.dataset.storage import Location
from xlcorpus.mine.costs import spent_lines
from xlcorpus.mine.options import AskOptions
from xlcorpus.recipe.graph import Node
from xlcorpus.recipe.plan import plan_lines
from xlcorpus.recipe.run import Finished, Settings, run_recipe
from xlcorpus.report.funnel import funnel_lines


def execute(
    nodes: Sequence[Node],
    folder_of: Callable[[Node], Location],
    seed: int,
    settings: dict[str, Any],
    beam_options: Sequence[str],
    *,
    stale_is_error: bool = True,
) -> list[Finished]:
    """Print the plan and stop, or run and print the funnel."""
    settings = dict(settings)
    plan_only = settings.pop("plan_only")
    runner, note = choose_runner(settings.pop("runner"), settings.pop("workers"), beam_options)
    if note:
        click.echo(note, err=True)
    run_settings = Settings(
        runner=runner,
        seed=seed,
        stale_is_error=stale_is_error,
        say=lambda line: click.echo(line, err=True),
        **settings,
    )
    if plan_only:
        for line in plan_lines(nodes, folder_of, run_settings):
            click.echo(line)
        return []
    finished = run_recipe(nodes, folder_of, run_settings)
    asked = [
        (done.work.id, done.spent, node.options.prices)
        for done in finished
        for node in done.work.nodes[:1]
        if done.spent is not None and isinstance(node.options, AskOptions)
    ]
    for line in funnel_lines([(done.work.id, done.dataset) for done in finished], spent_lines(asked)):
        click.echo(line)
    return finished
