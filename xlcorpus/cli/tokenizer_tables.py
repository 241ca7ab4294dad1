"""`xlcorpus tokenizer pieces|trim|overlap|words`: tables that new embeddings are made by."""

from __future__ import annotations

from typing import Any

import click

from xlcorpus.cli.options import OutputPath
from xlcorpus.dataset.storage import Location

DATASETS = click.argument("datasets", nargs=-1, required=True, type=click.Path(path_type=Location))
_OUTPUT = click.option(
    "--output", "-o", type=OutputPath(dir_okay=False), required=True, help="FILE.tsv, .txt (no header) or .parquet"
)


@click.command("pieces")
@click.argument("tokenizer")
@DATASETS
@_OUTPUT
@click.option("--by-language", is_flag=True, help="count each language by itself: a column lang")
def pieces_command(tokenizer: str, datasets: tuple[Location, ...], output: Location, by_language: bool) -> None:
    """How often each piece of TOKENIZER stands in all texts of DATASETS: id, piece, count.

    \b
    Example:
      xlcorpus tokenizer pieces out/tokenizer out/mix --output pieces.tsv
    """
    from xlcorpus.tokenizer.piece_tables import count_pieces, counts_table

    opened = _start(tokenizer, output)
    counts = count_pieces(opened, open_datasets(datasets))
    table = counts_table(opened, counts, by_language=by_language)
    total = counts_table(opened, counts)["count"].to_numpy()
    click.echo(f"{total.sum():,} tokens, {(total > 0).sum():,} of {opened.vocab_size:,} pieces")
    _write(table, output)


@click.command("trim")
@click.argument("tokenizer")
@DATASETS
@_OUTPUT
@click.option(
    "--threshold",
    type=click.FloatRange(0, 1),
    default=1e-6,
    show_default=True,
    help="least share of the tokens of a language",
)
@click.option("--write", type=OutputPath(), help="folder of the trimmed tokenizer, which pack and pretrain take")
def trim_command(
    tokenizer: str, datasets: tuple[Location, ...], output: Location, threshold: float, write: Location | None
) -> None:
    """Which pieces of TOKENIZER to keep for the languages of DATASETS, as BiStil trims: new_id, id, piece, why, share.

    Kept are special tokens, bytes, what is not below the threshold in one language at least, and what BPE makes that
    of, so that texts of such pieces are cut as before.

    \b
    Example:
      xlcorpus tokenizer trim xlmr/ out/mix --threshold 1e-6 --output kept.tsv
      xlcorpus tokenizer trim xlmr/ out/mix --output kept.tsv --write xlmr-small/
    """
    from xlcorpus.dataset.storage import locate
    from xlcorpus.tokenizer.piece_tables import count_pieces
    from xlcorpus.tokenizer.trim import trimmed
    from xlcorpus.tokenizer.trim_files import write_trimmed
    from xlcorpus.tokenizer.write_extended import check_extended_output

    opened = _start(tokenizer, output)
    if write is not None:
        check_extended_output(opened, locate(tokenizer), write)
    table = trimmed(opened, count_pieces(opened, open_datasets(datasets)), threshold)
    click.echo(f"{table.num_rows:,} of {opened.vocab_size:,} pieces are kept")
    _write(table, output)
    if write is not None:
        new = dict(zip(table["id"].to_pylist(), table["new_id"].to_pylist(), strict=True))
        click.echo(f"tokenizer: {write_trimmed(opened, locate(tokenizer), new, write).path}")


@click.command("overlap")
@click.argument("tokenizer")
@click.argument("other")
@_OUTPUT
@click.option("--loose", is_flag=True, help="then those too that differ in case and the space before them alone")
def overlap_command(tokenizer: str, other: str, output: Location, loose: bool) -> None:
    """The pieces that TOKENIZER and OTHER both have: id, other_id, piece, match (exact or loose).

    \b
    Example:
      xlcorpus tokenizer overlap xlmr/ out/tokenizer --output shared.tsv
    """
    from xlcorpus.tokenizer.open import open_tokenizer
    from xlcorpus.tokenizer.piece_tables import shared_pieces

    opened, theirs = _start(tokenizer, output), open_tokenizer(other)
    table = shared_pieces(opened, theirs, loose=loose)
    click.echo(f"{table.num_rows:,} of {opened.vocab_size:,} pieces are among the {theirs.vocab_size:,} of {other}")
    _write(table, output)


@click.command("words")
@click.argument("tokenizer")
@click.argument("words", type=click.Path(path_type=Location))
@_OUTPUT
def words_command(tokenizer: str, words: Location, output: Location) -> None:
    """The pieces of each word of WORDS: word, ids, pieces; WORDS is a word list or word vectors (word2vec text).

    \b
    Example:
      xlcorpus tokenizer words out/tokenizer vectors/deu_Latn.vec --output words.tsv
    """
    import pyarrow as pa

    from xlcorpus.dataset.table_file import read_words
    from xlcorpus.tokenizer.piece_tables import pieces_of_words

    opened = _start(tokenizer, output)
    table = pieces_of_words(opened, pa.array(read_words(words), pa.string()))
    click.echo(f"{table.num_rows:,} words")
    _write(table, output)


COMMANDS: tuple[click.Command, ...] = (pieces_command, trim_command, overlap_command, words_command)


def _start(tokenizer: str, output: Location) -> Any:
    from xlcorpus.dataset.table_file import check_table_output
    from xlcorpus.tokenizer.open import open_tokenizer

    check_table_output(output)
    return open_tokenizer(tokenizer)


def open_datasets(folders: tuple[Location, ...]) -> list[Any]:
    """The datasets in these folders."""
    from xlcorpus.dataset.dataset import Dataset

    return [Dataset.open(folder) for folder in folders]


def _write(table: Any, output: Location) -> None:
    from xlcorpus.dataset.table_file import write_table_file

    write_table_file(table, output)
    click.echo(f"table: {output} ({table.num_rows:,} rows)")
