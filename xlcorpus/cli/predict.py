"""`xlcorpus predict MODEL DATASET`: label the rows of a dataset with a trained model."""

from __future__ import annotations

from importlib.util import find_spec

import click

from xlcorpus.cli.options import output_option
from xlcorpus.dataset.storage import Location, locate
from xlcorpus.errors import UserError


@click.command("predict")
@click.argument("model")
@click.argument("dataset")
@output_option(help="folder of the labelled rows", required=True)
@click.option("--resume", is_flag=True, help="go on behind the last whole shard of a run that ended")
@click.option("--overwrite", is_flag=True, help="replace the dataset or unfinished run that is there")
@click.option("--tokenizer", help="of the model, where none lies beside it")
@click.option("--device", help="cpu, cuda, ...; default: a GPU where there is one")
@click.option("--batch", type=click.IntRange(min=1), default=8, show_default=True, help="rows at once")
def command(
    model: str,
    dataset: str,
    output: Location,
    resume: bool,
    overwrite: bool,
    tokenizer: str | None,
    device: str | None,
    batch: int,
) -> None:
    """Label the rows of DATASET (of `xlcorpus pack`) with MODEL, which was trained with tagging, classification or
    filter: the same rows, with its labels in the place of their own and its distributions as `soft_labels`. Rows held
    out beside DATASET are not labelled: measure on gold.

    \b
    Example:
      xlcorpus predict out/tagger out/unlabelled --output out/labelled
    """
    for name in ("torch", "transformers"):
        if find_spec(name) is None:
            raise UserError(
                f"labelling needs {name}, which is not installed", remedy="pip install 'xlcorpus[pretrain]'"
            )
    from xlcorpus.evaluate.measures.labels.predict import predict
    from xlcorpus.evaluate.models import open_model

    trained = open_model(model, tokenizer=tokenizer, device=device)
    predict(trained, locate(dataset), output, batch=batch, resume=resume, overwrite=overwrite, say=click.echo)
