"""`xlcorpus lexicon`: build, merge, invert, induce and look into bilingual dictionaries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

_FORMATS = ("auto", "muse", "tsv", "csv", "mined", "lexicon")
_FILES = click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))


def _check_output(context: click.Context, parameter: click.Parameter, path: Path) -> Path:
    from xlcorpus.errors import UserError

    if path.suffix != ".parquet":  # it replaces what is there: a slip must not cost a dictionary in text
        raise UserError(f"--output {path}: a lexicon is a Parquet file", remedy="give it a name that ends in .parquet")
    return path


_OUTPUT = click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    callback=_check_output,
    help="the lexicon, *.parquet; replaced if it is there",
)
_REASONS = {
    "identical": "the same word on both sides",
    "repeated": "in more than one place",
    "other_language": "of other languages",
    "limited": "beyond the limits",
}


def _limits(command: F) -> F:
    decorators = [
        click.option("--max-candidates", type=click.IntRange(1), help="keep the best N translations of each word"),
        click.option("--min-score", type=float, help="leave out entries with a lower score; those without one stay"),
        click.option("--single-word-targets", is_flag=True, help="leave out translations of several words"),
        click.option("--plan", "--dry-run", "plan_only", is_flag=True, help="read and count, but write nothing"),
    ]
    for decorator in reversed(decorators):
        command = decorator(command)
    return command


@click.group("lexicon")
def command() -> None:
    """Build, merge, invert, induce or look into bilingual dictionaries."""


@command.command("build")
@_FILES
@_OUTPUT
@click.option("--src", help="language of the source side, where the file does not say it: eng_Latn or en")
@click.option("--tgt", help="language of the target side")
@click.option("--format", type=click.Choice(_FORMATS), default="auto", show_default=True, help="of the files")
@click.option("--source", help="name of the collection  [default: the name of each file]")
@_limits
def build_command(files: tuple[Path, ...], output: Path, plan_only: bool, **options: Any) -> None:
    """Make one lexicon of dictionary FILES: MUSE text, TSV or CSV with a header, mined words, or other lexicons.

    The same entries give the same bytes, whatever the order of the files.

    \b
    Example:
      xlcorpus lexicon build en-de.tsv.gz muse/en-fr.txt --output dictionaries.parquet
      xlcorpus lexicon build words.txt --src eng_Latn --tgt swh_Latn --output swahili.parquet
    """
    _build(files, output, plan_only, options)


@command.command("merge")
@_FILES
@_OUTPUT
@_limits
def merge_command(files: tuple[Path, ...], output: Path, plan_only: bool, **options: Any) -> None:
    """Make one lexicon of several. Entries that occur twice become one, with the higher score and both sources.

    \b
    Example:
      xlcorpus lexicon merge wiktionary.parquet mined.parquet --output all.parquet
    """
    _build(files, output, plan_only, options)


@command.command("invert")
@click.argument("file", type=click.Path(path_type=Path))
@_OUTPUT
def invert_command(file: Path, output: Path) -> None:
    """Turn a dictionary round: from English to German becomes from German to English.

    \b
    Example:
      xlcorpus lexicon invert en-de.parquet --output de-en.parquet
    """
    from xlcorpus.lexicon.entries import invert_entries
    from xlcorpus.lexicon.lexicon_file import read_entries, write_lexicon

    read = read_entries([file])
    write_lexicon(invert_entries(read.table), output)
    _report(read.rows, read.table.num_rows, read.left_out)
    click.echo(f"lexicon: {output} ({output.stat().st_size:,} bytes)")


@command.command("induce")
@click.argument("folders", nargs=-1, required=True, metavar="DATASET...", type=click.Path(path_type=Path))
@_OUTPUT
@click.option("--src", required=True, help="language of the source side: eng_Latn")
@click.option("--tgt", required=True, help="language of the target side: deu_Latn")
@click.option(
    "--seed-words",
    type=click.Choice(["numerals", "identical"]),
    default="numerals",
    show_default=True,
    help="words written alike that the mapping begins with",
)
@click.option("--seed-dictionary", type=click.Path(), help="a small dictionary to begin with, besides these")
@click.option("--candidates", type=click.IntRange(1), default=3, show_default=True, help="translations of a word")
@click.option("--min-count", type=click.IntRange(1), default=2, show_default=True, help="of a word in the text")
@click.option("--min-score", type=float, help="leave out translations with a lower CSLS score")
@click.option(
    "--most-mb", type=click.IntRange(1, 1024), default=200, show_default=True, help="text of each language to use"
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="seed of every random choice")
def induce_command(folders: tuple[Path, ...], output: Path, **options: Any) -> None:
    """Make a dictionary of two languages out of their texts alone, where there is none: fastText vectors, VecMap.

    DATASET: documents with their languages, or sentence pairs (whose alignment is not used). Texts that are not about
    the same matters, and languages that are not alike, give poor dictionaries: look at it before using it.

    \b
    Example:
      xlcorpus lexicon induce out/dedup --src eng_Latn --tgt deu_Latn --output induced.parquet
    """
    from xlcorpus.dataset.dataset import Dataset
    from xlcorpus.errors import UserError
    from xlcorpus.lexicon.embed import EmbedOptions
    from xlcorpus.lexicon.entries import limit_entries
    from xlcorpus.lexicon.induce import InduceOptions
    from xlcorpus.lexicon.induced import induce_lexicon, texts_of
    from xlcorpus.lexicon.lexicon_file import write_lexicon

    if options["src"] == options["tgt"]:  # before hours of training
        raise UserError(f"--src and --tgt are both {options['src']}", remedy="name two languages")
    datasets = [Dataset.open(folder) for folder in folders]
    languages = options["src"], options["tgt"]
    one, other = (texts_of(datasets, lang, options["most_mb"] << 20, options["seed"]) for lang in languages)
    made = induce_lexicon(
        (one, other),
        languages,
        words=options["seed_words"],
        dictionary=options["seed_dictionary"],
        embed=EmbedOptions(min_count=options["min_count"], seed=options["seed"] + 1),
        options=InduceOptions(candidates=options["candidates"], seed=options["seed"]),
    )
    entries = limit_entries(made.entries, min_score=options["min_score"])
    if not entries.num_rows:
        raise UserError(
            f"none of the {made.entries.num_rows:,} entries has a score of {options['min_score']} or more",
            remedy="lower --min-score, or leave it out",
        )
    write_lexicon(entries, output)
    rows = [["language", "texts", "words"]]
    rows += [[lang, f"{n:,}", f"{k:,}"] for lang, n, k in zip(languages, made.texts, made.words, strict=True)]
    _print(rows, right=(1, 2))
    click.echo(f"{made.seeds:,} seed pairs, {entries.num_rows:,} entries")
    click.echo(f"lexicon: {output} ({output.stat().st_size:,} bytes)")


@command.command("inspect")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--lang", help="only pairs with this language on one side")
@click.option("--word", help="show the translations of a word, in any case")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="translations or pairs to show")
def inspect_command(file: Path, lang: str | None, word: str | None, limit: int) -> None:
    """Show the languages and sizes of a dictionary FILE, or the translations of a word, the best first.

    \b
    Example:
      xlcorpus lexicon inspect all.parquet --lang deu_Latn
      xlcorpus lexicon inspect all.parquet --word house
    """
    from xlcorpus.errors import UserError, nearest
    from xlcorpus.lexicon.lexicon import load_lexicon

    lexicon = load_lexicon([file])
    pairs = [pair for pair in lexicon.pairs if lang is None or lang in pair]
    if not pairs:
        known = {one for pair in lexicon.pairs for one in pair}
        raise UserError(f"{file} has no entry in {lang}; {nearest(str(lang), known)}", remedy="name a language it has")
    if word is not None:
        _show_word(lexicon, word, pairs, limit)
        return
    rows = [["from", "to", "words", "entries", "per word", "phrases left out"]]
    for src, tgt in pairs:
        index = lexicon.index(src, tgt)
        words = len(index.keys)
        each = f"{index.entries / words:.2f}" if words else ""
        rows.append([src, tgt, f"{words:,}", f"{index.entries:,}", each, f"{index.multiword_sources:,}"])
    _print(rows[: limit + 1], right=(2, 3, 4, 5))
    if len(rows) > limit + 1:
        click.echo(f"... and {len(rows) - limit - 1} more language pairs: --limit {len(rows) - 1}")
    click.echo(f"fingerprint {lexicon.fingerprint}")


def _show_word(lexicon: Any, word: str, pairs: list[tuple[str, str]], limit: int) -> None:
    from xlcorpus.errors import UserError

    rows = [["from", "to", "rank", "translation", "score", "source"]]
    for src, tgt in pairs:
        found = lexicon.entries([word], src, tgt)
        first, count = int(found.first[0]), int(found.count[0])
        for rank, row in enumerate(range(first, first + min(count, limit)), start=1):
            score = found.scores[row].as_py()
            shown = "" if score is None else f"{score:.6g}"
            rows.append([src, tgt, str(rank), found.targets[row].as_py(), shown, found.sources[row].as_py()])
    if len(rows) == 1:
        raise UserError(
            f"{word!r} is not in the dictionary", remedy="words are looked up as they are: no stemming, one word only"
        )
    _print(rows, right=(2, 4))


def _build(files: tuple[Path, ...], output: Path, plan_only: bool, options: dict[str, Any]) -> None:
    from xlcorpus.lexicon.lexicon_file import read_entries, write_lexicon

    read = read_entries(files, **options)
    counts: Counter[tuple[str, str]] = Counter()
    for row in read.table.group_by(["src_lang", "tgt_lang"]).aggregate([("src", "count")]).to_pylist():
        counts[row["src_lang"], row["tgt_lang"]] = row["src_count"]
    _print([["from", "to", "entries"], *([*pair, f"{counts[pair]:,}"] for pair in sorted(counts))], right=(2,))
    _report(read.rows, read.table.num_rows, read.left_out)
    if plan_only:
        click.echo(f"nothing is written; without --plan: {output}")
        return
    write_lexicon(read.table, output)
    click.echo(f"lexicon: {output} ({output.stat().st_size:,} bytes)")


def _report(rows: int, kept: int, left_out: Counter[str]) -> None:
    click.echo(f"{rows:,} rows read, {kept:,} entries")
    for reason, words in _REASONS.items():
        if left_out[reason]:
            click.echo(f"  left out: {left_out[reason]:,} {words} ({reason})")
    if left_out["notes"]:
        click.echo(f"  taken off: {left_out['notes']:,} notes in brackets")


def _print(rows: list[list[str]], right: tuple[int, ...] = ()) -> None:
    from xlcorpus.text.tables import table_lines

    for line in table_lines(rows, right=right):
        click.echo(line)
