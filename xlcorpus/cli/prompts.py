"""`xlcorpus prompts`: mined pairs as prompts and fine-tuning data, JSON Lines."""

from __future__ import annotations

import click

from xlcorpus.cli.options import OutputPath
from xlcorpus.dataset.storage import Location


def _command() -> click.Command:
    from xlcorpus.mine.fine_tuning import FORMATS
    from xlcorpus.mine.translate import TEMPLATE

    @click.command("prompts")
    @click.argument("datasets", nargs=-1, required=True, type=click.Path(path_type=Location))
    @click.option("--output", "-o", type=OutputPath(dir_okay=False), metavar="FILE.jsonl", required=True, help="a file")
    @click.option("--format", type=click.Choice(FORMATS), default="trl", show_default=True, help="columns of the lines")
    @click.option("--into", type=click.Choice(["src", "tgt"]), default="tgt", show_default=True, help="side to be said")
    @click.option("--shots", type=click.IntRange(0), default=0, show_default=True, help="examples of column shots")
    @click.option("--template", default=TEMPLATE, help="trl: the prompt, as of mine-pairs (its src is the side said)")
    def command(
        datasets: tuple[Location, ...], output: Location, format: str, into: str, shots: int, template: str
    ) -> None:
        """Write the pairs of DATASETS as prompts and what is to be said to them; those that mine-select kept.

        trl: columns prompt and completion, trl-messages: messages; llama-factory: instruction, input and output,
        llama-factory-messages: messages, both with the dataset_info.json that it wants beside the file.

        \b
        Example:
          xlcorpus prompts out/mined/pairs --format trl --shots 8 --output pairs.jsonl
        """
        from xlcorpus.dataset.dataset import Dataset
        from xlcorpus.mine.fine_tuning import write_prompts
        from xlcorpus.mine.translate import check_template

        check_template(template)
        opened = [Dataset.open(folder) for folder in datasets]
        count = write_prompts(opened, output, format, into=into, shots=shots, template=template)
        click.echo(f"{count:,} pairs: {output}")

    return command


command = _command()
