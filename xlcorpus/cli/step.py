"""`xlcorpus STEP INPUT... --output DIR`: a recipe of one step. The same shape for every step that is installed."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import Any

import click

from xlcorpus.cli.options import SEED, output_option, run_options, step_option
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError


def step_command(name: str) -> click.Command:
    """The command of an installed step, its options made from the step's fields."""
    from xlcorpus.recipe.registry import find_step

    step = find_step(name)

    @click.pass_context
    def call(context: click.Context, /, inputs: tuple[str, ...], output: Location, seed: int, **values: Any) -> None:
        given = {key: values.pop(key) for key in step.options.model_fields}  # what is left says how to run
        chosen = {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in given.items()
            if value is not None and value != ()
        }
        if inputs.count("-") > 1:
            raise UserError("'-' is given twice: there is one standard input", remedy="give it once")
        with ExitStack() as stack:
            files = [str(stack.enter_context(_standard_input())) if item == "-" else item for item in inputs]
            _run(name, files, output, seed, chosen, values, context.obj or [])

    callback = output_option(required=True, help="folder of the new dataset")(call)
    callback = click.option("--seed", type=SEED, default=0, show_default=True, help="seed of every random choice")(
        callback
    )
    callback = run_options(callback)
    callback = click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")(callback)
    example = f"xlcorpus {name} INPUT --output out/{name}"
    command = click.command(
        name,
        help=f"{step.summary}\n\nINPUT is a dataset folder, several (read as one), or raw files, which are ingested on "
        f"the way.\n\n\b\nExample:\n  {example}{_example(step)} --workers 2\n\nBeam options go after `--`.",
        short_help=step.summary,
    )(callback)
    command.params[1:1] = [step_option(key, field) for key, field in step.options.model_fields.items()]
    return command


def _example(step: Any) -> str:
    """The options of the example: what the step says, or else those that are required."""
    if step.example:
        return f" {step.example}"
    fields = step.options.model_fields.items()
    return "".join(f" --{key.replace('_', '-')} ..." for key, field in fields if field.is_required())


def _standard_input() -> Any:
    from xlcorpus.dataset.storage import spooled

    if sys.stdin is None:  # closed by whoever started us (`<&-`, some schedulers)
        raise UserError("standard input is closed", remedy="pipe data into '-', or give files instead")
    return spooled(sys.stdin.buffer)


def _run(
    name: str,
    inputs: list[str],
    output: Location,
    seed: int,
    options: dict[str, Any],
    settings: dict[str, Any],
    beam_options: list[str],
) -> None:
    from xlcorpus.cli.execute import execute
    from xlcorpus.recipe.single import folders_of_step, nodes_of_step

    nodes = nodes_of_step(name, inputs, options, f"xlcorpus {name}")
    execute(nodes, folders_of_step(name, output), seed, settings, beam_options)
