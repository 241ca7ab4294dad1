"""`xlcorpus lexicon words`: the words of a language, how often they stand in its texts, and how they are read."""

from __future__ import annotations

from typing import Any

import click

from xlcorpus.cli.options import OutputPath, at_least
from xlcorpus.dataset.storage import Location


@click.command("words")
@click.argument("folders", nargs=-1, required=True, metavar="DATASET...", type=click.Path(path_type=Location))
@click.option("--output", "-o", type=OutputPath(dir_okay=False), required=True, help="FILE.tsv, .txt or .parquet")
@click.option("--lang", required=True, help="language of the words: swh_Latn")
@click.option(
    "--tool",
    type=click.Choice(["uroman", "icu", "epitran", "none"]),
    default="uroman",
    show_default=True,
    help="form of each word: Latin letters (uroman, icu), IPA (epitran), or no form",
)
@click.option("--lcode", default="auto", show_default=True, help="ISO 639-3 code for the tool; auto: that of --lang")
@click.option("--min-count", type=at_least(1), default=1, show_default=True, help="of a word in the texts")
@click.option("--limit", type=at_least(1), help="the most frequent words alone")
def words_command(folders: tuple[Location, ...], output: Location, lang: str, **options: Any) -> None:
    """List the words of a language in DATASETS: word, form (romanised or IPA), count; the most frequent first.

    FILE.txt has no header and no count: word, TAB, form, as pronunciation lexicons are.

    \b
    Example:
      xlcorpus lexicon words out/dedup --lang swh_Latn --tool epitran --output swahili.txt
    """
    from xlcorpus.dataset.dataset import Dataset
    from xlcorpus.dataset.table_file import check_table_output, write_table_file
    from xlcorpus.lexicon.words import count_words, with_forms
    from xlcorpus.romanize.tools import check_lcode, language_code, open_tool
    from xlcorpus.text.labels import script_of

    check_table_output(output)
    asked, name = options["lcode"], options["tool"]
    code = language_code(lang, asked if asked in ("auto", "none") else check_lcode(asked), name)
    tool = None if name == "none" else open_tool(name, 64 << 20)
    table = count_words([Dataset.open(folder) for folder in folders], lang, min_count=options["min_count"])
    table = table.slice(0, options["limit"])
    if tool is not None:
        what = f"--tool {tool.name} and {lang}"
        table = with_forms(table, lambda text: tool.romanize(text, code, script_of(lang) or None), what)
        click.echo(f"forms: {tool.name} {tool.version}")
    write_table_file(table.drop_columns(["count"]) if output.suffix == ".txt" and tool else table, output)
    click.echo(f"lexicon: {output} ({table.num_rows:,} words)")
