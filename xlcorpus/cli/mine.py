"""`xlcorpus mine`: words, weak translations, candidate pairs and kept pairs of two languages, in one go."""

from __future__ import annotations

from typing import Any

import click

from xlcorpus.cli.options import SEED, output_option, run_options, step_option
from xlcorpus.dataset.storage import Location


def _command() -> click.Command:
    from xlcorpus.recipe.mining import options_of_mining

    fields = options_of_mining()

    @click.command("mine")
    @click.argument("inputs", nargs=-1, required=True, metavar="DATASET...")
    @output_option(required=True, help="folder of the datasets words, weak, candidates and pairs")
    @click.option("--set", "settings", multiple=True, metavar="STEP.OPTION=VALUE", help="weak.least_translated=0.3")
    @click.option("--seed", type=SEED, default=0, show_default=True, help="seed of every random choice")
    @run_options
    @click.pass_context
    def command(
        context: click.Context,
        /,
        inputs: tuple[str, ...],
        output: Location,
        settings: tuple[str, ...],
        seed: int,
        **values: Any,
    ) -> None:
        """Mine sentence pairs of two languages out of DATASET, documents of both, and a language model.

        Four steps, a dataset each in the output folder: words (mine-words), weak (mine-weak), candidates (mine-pairs)
        and pairs (mine-select). Each can be run alone, has more options than are here (--set STEP.OPTION=VALUE), and is
        skipped where it is done. With --dictionary no words are mined.

        \b
        Example:
          xlcorpus mine out/documents --pair swh_Latn:eng_Latn --llm transformers:MODEL --output out/mined
        """
        from xlcorpus.cli.execute import execute
        from xlcorpus.recipe.mining import nodes_of_mining

        given = {name: values.pop(name) for name in fields}
        chosen = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in given.items()
            if value is not None and value != ()
        }
        nodes = nodes_of_mining(inputs, chosen, settings)
        stale_is_error = not values["resume"]
        execute(nodes, lambda node: output / node.id, seed, values, context.obj or [], stale_is_error=stale_is_error)

    command.params[1:1] = [step_option(name, field) for name, field in fields.items()]
    return command


command = _command()
