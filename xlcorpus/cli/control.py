"""`xlcorpus control`: text without meaning and with a known structure, as much of it as is asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import click

from xlcorpus.cli.options import OutputPath, at_least
from xlcorpus.dataset import storage
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import StorageError, UserError


@click.command("control")
@click.argument("kind", type=click.Choice(["zipf", "uniform", "nested", "flat"]))
@click.option("--output", "-o", type=OutputPath(dir_okay=False), required=True, help="FILE.jsonl, or FILE.txt")
@click.option("--bytes", "budget", required=True, help="bytes of text in all, exactly: 10M")
@click.option(
    "--vocabulary",
    type=click.IntRange(1, 10_000_000),
    default=50_000,
    show_default=True,
    help="words, or pairs of brackets",
)
@click.option("--words", type=click.IntRange(2, 1 << 20), default=512, show_default=True, help="words of a document")
@click.option(
    "--exponent", type=click.FloatRange(0, 10), default=1.0, show_default=True, help="of Zipf's law; 0: uniform"
)
@click.option(
    "--open-share",
    type=click.FloatRange(0, 1),
    default=0.5,
    show_default=True,
    help="nested: of new words, where one may close",
)
@click.option("--paired", is_flag=True, help="nested, flat: what closes a word is another word, not itself")
@click.option("--closed", is_flag=True, help="nested: close all at the end of each document")
@click.option("--brackets", is_flag=True, help="nested, flat: () [] {} <> without spaces; --vocabulary 1 to 4")
@click.option(
    "--lengths", type=click.Path(path_type=Location), help='flat: JSON of distances and weights {"1": 5, "2": 3}'
)
@click.option("--seed", type=at_least(0), default=0, show_default=True, help="of every draw")
def command(output: Location, budget: str, lengths: Location | None, seed: int, **options: Any) -> None:
    """Write a control corpus: Zipf-distributed words, or words or brackets that open and close (MonoByte's controls).

    A larger budget begins with a smaller one, but for the document that a budget cuts.

    \b
    Example:
      xlcorpus control nested --bytes 10M --brackets --vocabulary 4 --output nested.jsonl
      xlcorpus ingest nested.jsonl --lang zxx_Zyyy --output out/nested
    """
    from xlcorpus.sample.control import Control, documents
    from xlcorpus.text.sizes import parse_size

    size = parse_size(budget, "--bytes", in_bytes=True)
    if output.suffix not in (".jsonl", ".txt"):
        raise UserError(f"--output {output}: it is JSON lines, or text", remedy="a name that ends in .jsonl or .txt")
    if lengths is not None:
        options["lengths"] = _lengths(lengths)
    control = Control(**options)
    counted = 0

    def parts() -> Iterator[bytes]:
        nonlocal counted
        for texts in documents(control, size, seed):
            counted += len(texts)
            lines = texts if output.suffix == ".txt" else [json.dumps({"text": text}) for text in texts]
            yield "".join(f"{line}\n" for line in lines).encode()

    try:
        storage.write_parts(output, parts())
    except OSError as error:
        raise StorageError(
            f"{output}: cannot be written: {error.strerror}", remedy="free space, or name another place"
        ) from error
    click.echo(f"{size:,} bytes of text in {counted:,} documents: {output}")


def _lengths(path: Location) -> dict[int, float]:
    try:
        return {int(key): float(value) for key, value in storage.read_json(path).items()}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise UserError(f"--lengths {path}: {error}", remedy='write a JSON file such as {"1": 5, "2": 3}') from error
