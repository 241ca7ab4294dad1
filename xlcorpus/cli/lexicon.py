"""`xlcorpus lexicon`: build, merge, invert, induce and look into bilingual dictionaries."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import partial
from typing import Any

import click

from xlcorpus.cli.lexicon_words import words_command
from xlcorpus.cli.options import OutputPath, at_least, together
from xlcorpus.cli.print_table import print_table
from xlcorpus.dataset import storage
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError
from xlcorpus.lexicon.formats import FORMATS

_FILES = click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Location))


def _check_output(context: click.Context, parameter: click.Parameter, path: Location) -> Location:
    if path.suffix not in (".parquet", ".txt"):
        raise UserError(
            f"--output {path}: a lexicon is a Parquet file, or TAB text", remedy="a name that ends in .parquet, or .txt"
        )
    if path.suffix == ".txt" and storage.exists(path):  # a slip must not cost a dictionary in text
        raise UserError(f"--output {path} is there already", remedy="remove it, or a name that ends in .parquet")
    return path


_OUTPUT = click.option(
    "--output",
    "-o",
    type=OutputPath(dir_okay=False),
    required=True,
    callback=_check_output,
    help="the lexicon: *.parquet, replaced if it is there; or *.txt, words and TAB",
)
_REASONS = {
    "identical": "the same word on both sides",
    "repeated": "in more than one place",
    "other_language": "of other languages",
    "limited": "beyond the limits",
    "affixes": "parts of words or phrases",
    "signs": "with signs inside",
    "no_word": "without a letter",
    "other_script": "phrases in Latin letters in a language of another script",
}
_MENDED = {
    "apart": "fields of several translations taken apart",
    "notes": "notes in brackets taken off",
    "trimmed": "signs at the ends taken off",
    "unseen": "fields rid of marks that nobody sees",
    "particles": "words before the dictionary form (to, articles) taken off",
    "stress": "words rid of accents that only dictionaries write (вода́)",
}


_limits = together(
    click.option("--max-candidates", type=at_least(1), help="keep the best N translations of each word"),
    click.option("--min-score", type=float, help="leave out entries with a lower score; those without one stay"),
    click.option("--direction", metavar="SRC-TGT", help="only these entries: eng_Latn-deu_Latn"),
    click.option("--single-word-targets", is_flag=True, help="leave out translations of several words"),
    click.option("--plan", "--dry-run", "plan_only", is_flag=True, help="read and count, but write nothing"),
)


@click.group("lexicon")
def command() -> None:
    """Build, merge, invert, induce or look into bilingual dictionaries; list the words of a language."""


command.add_command(words_command)


@command.command("build")
@_FILES
@_OUTPUT
@click.option("--src", help="language of the source side, where the file does not say it: eng_Latn or en")
@click.option("--tgt", help="language of the target side")
@click.option("--format", type=click.Choice(FORMATS), default="auto", show_default=True, help="of the files")
@click.option("--source", help="name of the collection  [default: the name of each file]")
@_limits
def build_command(files: tuple[Location, ...], output: Location, plan_only: bool, **options: Any) -> None:
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
def merge_command(files: tuple[Location, ...], output: Location, plan_only: bool, **options: Any) -> None:
    """Make one lexicon of several. Entries that occur twice become one, with the higher score and both sources.

    \b
    Example:
      xlcorpus lexicon merge wiktionary.parquet mined.parquet --output all.parquet
    """
    _build(files, output, plan_only, options)


@command.command("invert")
@click.argument("file", type=click.Path(path_type=Location))
@_OUTPUT
def invert_command(file: Location, output: Location) -> None:
    """Turn a dictionary round: from English to German becomes from German to English.

    \b
    Example:
      xlcorpus lexicon invert en-de.parquet --output de-en.parquet
    """
    from xlcorpus.lexicon.dictionaries import read_entries
    from xlcorpus.lexicon.entries import invert_entries

    read = read_entries([file])
    _report(read.rows, read.table.num_rows, read.left_out)
    _write(invert_entries(read.table), output)


@command.command("induce")
@click.argument("folders", nargs=-1, required=True, metavar="DATASET...", type=click.Path(path_type=Location))
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
@click.option(
    "--seed-dictionary", type=click.Path(path_type=Location), help="a small dictionary to begin with, besides these"
)
@click.option("--candidates", type=at_least(1), default=3, show_default=True, help="translations of a word")
@click.option("--min-count", type=at_least(1), default=2, show_default=True, help="of a word in the text")
@click.option("--min-score", type=float, help="leave out translations with a lower CSLS score")
@click.option(
    "--most-mb", type=click.IntRange(1, 1024), default=200, show_default=True, help="text of each language to use"
)
@click.option("--seed", type=at_least(0), default=0, show_default=True, help="seed of every random choice")
@click.option("--vectors", type=OutputPath(file_okay=False), help="also keep the vectors: LANG.vec, LANG.mapped.vec")
@click.option("--tokenizer", help="a dictionary of the pieces of this tokenizer, for codeswitch --operator dict-piece")
def induce_command(
    folders: tuple[Location, ...], output: Location, vectors: Location | None, tokenizer: str | None, **options: Any
) -> None:
    """Make a dictionary of two languages out of their texts alone, where there is none: fastText vectors, VecMap.

    DATASET: documents with their languages, or sentence pairs (whose alignment is not used). Texts that are not about
    the same matters, and languages that are not alike, give poor dictionaries: look at it before using it. Scripts
    without spaces between words need a word breaker (Thai, Lao, Khmer, Burmese, Chinese, Japanese: the extra `icu`).
    --vectors: word2vec text, as trained, and mapped into one space.

    \b
    Example:
      xlcorpus lexicon induce out/dedup --src eng_Latn --tgt deu_Latn --output induced.parquet
    """
    from xlcorpus.dataset.dataset import Dataset
    from xlcorpus.lexicon.induce import induce_from, write_all_vectors

    if tokenizer is not None:
        from xlcorpus.tokenizer.open import open_tokenizer
        from xlcorpus.tokenizer.piece_tables import piece_lines

        opened = open_tokenizer(tokenizer)
    languages = options["src"], options["tgt"]
    made = induce_from(
        [Dataset.open(folder) for folder in folders],
        languages,
        most_bytes=options["most_mb"] << 20,
        words=options["seed_words"],
        dictionary=options["seed_dictionary"],
        cut=None if tokenizer is None else partial(piece_lines, opened),
        **{name: options[name] for name in ("candidates", "min_count", "min_score", "seed")},
    )
    rows = [["language", "texts", "words"]]
    rows += [[lang, f"{n:,}", f"{k:,}"] for lang, n, k in zip(languages, made.texts, made.words, strict=True)]
    print_table(rows, right=(1, 2))
    for lang, breaker in zip(languages, made.breakers, strict=True):
        if breaker is not None:
            click.echo(f"words of {lang}: as the word breaker {breaker} finds them")
    click.echo(f"{made.seeds:,} seed pairs, {made.entries.num_rows:,} entries")
    _write(made.entries, output)
    if vectors is not None:
        for file in write_all_vectors(made, languages, vectors):
            click.echo(f"vectors: {file}")


@command.command("inspect")
@click.argument("file", type=click.Path(path_type=Location))
@click.option("--lang", help="only pairs with this language on one side")
@click.option("--word", help="show the translations of a word, in any case")
@click.option("--limit", type=at_least(1), default=20, show_default=True, help="translations or pairs to show")
def inspect_command(file: Location, lang: str | None, word: str | None, limit: int) -> None:
    """Show the languages and sizes of a dictionary FILE, or the translations of a word, the best first.

    \b
    Example:
      xlcorpus lexicon inspect all.parquet --lang deu_Latn
      xlcorpus lexicon inspect all.parquet --word house
    """
    from xlcorpus.lexicon.contents import sizes_of, translations
    from xlcorpus.lexicon.dictionaries import read_entries

    read = read_entries([file])
    sizes = sizes_of(read.table, lang, where=str(file))
    if word is not None:
        rows = [["from", "to", "rank", "translation", "score", "source"]]
        for found in translations(read.table, word, [size.direction for size in sizes]):
            if found.rank <= limit:
                score = "" if found.score is None else f"{found.score:.6g}"
                rows.append(
                    [found.direction.src, found.direction.tgt, str(found.rank), found.text, score, found.source]
                )
        print_table(rows, right=(2, 4))
        return
    rows = [["from", "to", "words", "entries", "per word", "phrases left out"]]
    for size in sizes[:limit]:
        each = f"{size.entries / size.words:.2f}" if size.words else ""
        rows.append(
            [size.direction.src, size.direction.tgt, f"{size.words:,}", f"{size.entries:,}", each, f"{size.phrases:,}"]
        )
    print_table(rows, right=(2, 3, 4, 5))
    if len(sizes) > limit:
        click.echo(f"... and {len(sizes) - limit} more language pairs: --limit {len(sizes)}")
    click.echo(f"fingerprint {read.fingerprint}")


def _build(files: tuple[Location, ...], output: Location, plan_only: bool, options: dict[str, Any]) -> None:
    from xlcorpus.lexicon.dictionaries import of_direction, read_entries

    direction = options.pop("direction")
    read = read_entries(files, **options)
    if direction is not None:
        read = replace(read, table=of_direction(read.table, direction))
    counts = read.table.group_by(["src_lang", "tgt_lang"]).aggregate([("src", "count")]).to_pylist()
    rows = sorted([row["src_lang"], row["tgt_lang"], f"{row['src_count']:,}"] for row in counts)
    print_table([["from", "to", "entries"], *rows], right=(2,))
    _report(read.rows, read.table.num_rows, read.left_out)
    if plan_only:
        click.echo(f"nothing is written; without --plan: {output}")
        return
    _write(read.table, output)


def _write(table: Any, output: Location) -> None:
    from xlcorpus.lexicon.dictionaries import write_lexicon

    write_lexicon(table, output)
    click.echo(f"lexicon: {output} ({storage.size_of(output):,} bytes)")


def _report(rows: int, kept: int, left_out: Counter[str]) -> None:
    from xlcorpus.lexicon.entries import UNREAD

    click.echo(f"{rows:,} rows read, {kept:,} entries")
    for reason, words in _REASONS.items():
        if left_out[reason]:
            click.echo(f"  left out: {left_out[reason]:,} {words} ({reason})")
    for reason, count in left_out.items():
        if reason.startswith(UNREAD):
            click.echo(f"  not read: {reason} of {count:,} rows")
    for reason, words in _MENDED.items():
        if left_out[reason]:
            click.echo(f"  mended: {left_out[reason]:,} {words} ({reason})")
