"""`xlcorpus lid`: train and evaluate language identification models."""

from __future__ import annotations

from typing import Any

import click

from xlcorpus.cli.options import SEED, THREADS, OutputPath, at_least
from xlcorpus.cli.print_table import print_table
from xlcorpus.dataset import storage


@click.group("lid")
def command() -> None:
    """Train or evaluate a language identification model."""


@command.command("train")
@click.argument("folder", type=click.Path(path_type=storage.Location))
@click.option(
    "--output",
    "-o",
    type=OutputPath(dir_okay=False),
    required=True,
    help="the model, *.ftz",
)
@click.option(
    "--size-limit", type=at_least(1), default=6_000_000, show_default=True, help="bytes of the quantised model"
)
@click.option("--epochs", type=at_least(1), default=3, show_default=True, help="passes over the sampled text")
@click.option("--threads", type=THREADS, default=1, show_default=True, help="1: the same bytes each time")
@click.option("--seed", type=SEED, default=1, show_default=True)
def train_command(
    folder: storage.Location, output: storage.Location, size_limit: int, epochs: int, threads: int, seed: int
) -> None:
    """Train on FOLDER (xxx_Yyyy.txt.gz, one text a line) and write the model with its card beside it.

    \b
    Example:
      xlcorpus lid train texts/ --output models/lid.ftz
    """
    from xlcorpus.lid.train import TrainOptions, train

    options = TrainOptions(epoch=epochs, threads=threads, seed=seed)
    _print(train(folder, output, size_limit_bytes=size_limit, options=options))
    click.echo(f"model: {output} ({storage.size_of(output):,} bytes), card: {output.parent / 'README.md'}")


@command.command("eval")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=storage.Location))
@click.option("--model", default="embedded", show_default=True, help="embedded, lid176, or a path")
def eval_command(files: tuple[storage.Location, ...], model: str) -> None:
    """How often a model names the language of labelled FILES: JSON lines with lang and text, or xxx_Yyyy.txt[.gz].

    \b
    Example:
      xlcorpus lid eval gold.jsonl.gz --model lid176
    """
    from xlcorpus.lid.evaluate import evaluate
    from xlcorpus.lid.model import load_model

    _print(evaluate(load_model(model), files))


def _print(table: Any) -> None:
    print_table([table.column_names, *([_cell(value) for value in row.values()] for row in table.to_pylist())])


def _cell(value: Any) -> str:
    return "" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)
