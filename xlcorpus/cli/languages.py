"""`xlcorpus languages`: what the languages of a dataset are like, and how far they are from one another."""

from __future__ import annotations

from typing import Any

import click

from xlcorpus.cli.options import SEED, OutputPath
from xlcorpus.cli.print_table import print_table
from xlcorpus.dataset.storage import Location


@click.command("languages")
@click.argument("datasets", nargs=-1, required=True, type=click.Path(path_type=Location))
@click.option("--output", "-o", type=OutputPath(dir_okay=False), help="FILE.json, and FILE.parquet, FILE.pairs.parquet")
@click.option("--tokenizer", default="bytes", show_default=True, help="whose fertility and pieces to measure")
@click.option("--distance", multiple=True, help="features and weights  [default: script=1,ngrams=1]")
@click.option("--table", type=click.Path(path_type=Location), help="CSV or TSV by ISO code: family, numbers")
@click.option("--ngram", type=click.IntRange(1, 16), default=3, show_default=True, help="characters of an n-gram")
@click.option("--nearest", metavar="LANG", help="print the distances to this language alone, the nearest first")
@click.option("--sample-bytes", default="50M", show_default=True, help="measure at most this much, or all")
@click.option("--seed", type=SEED, default=0, show_default=True, help="of the sample")
def command(datasets: tuple[Location, ...], output: Location | None, nearest: str | None, **options: Any) -> None:
    """Scripts, sizes, fertility and families of the languages of DATASETS, and a distance of each two.

    The distance is the weighted mean of the features named by --distance: script, family, ngrams, words, pieces (each
    of the three also as _jaccard), syntactic, phonological, inventory (URIEL: the extra `typology`), table. `mix
    --languages` and `codeswitch --partners` choose by the file: nearest:3:swh_Latn, diverse:5.

    \b
    Example:
      xlcorpus languages out/dedup --tokenizer out/tokenizer --output out/languages.json
      xlcorpus languages out/dedup --distance script=1,ngrams=1,table=2 --table typology.csv --nearest swh_Latn
    """
    from xlcorpus.dataset.dataset import Dataset
    from xlcorpus.languages.choose import distances_to
    from xlcorpus.languages.distance import parse_weights
    from xlcorpus.languages.measured import measure_languages
    from xlcorpus.languages.report import language_rows
    from xlcorpus.languages.table import check_output, write_languages
    from xlcorpus.text.sizes import parse_size
    from xlcorpus.tokenizer.open import open_tokenizer

    if output is not None:
        check_output(output)
    given = options["sample_bytes"]
    most = None if given == "all" else parse_size(given, "--sample-bytes", in_bytes=True, remedy="write 50M, or all")
    table = measure_languages(
        [Dataset.open(folder) for folder in datasets],
        open_tokenizer(options["tokenizer"]),
        weights=parse_weights(options["distance"]) if options["distance"] else None,
        table=options["table"],
        sample_bytes=most,
        ngram=options["ngram"],
        seed=options["seed"],
    )
    if nearest is None:
        rows = language_rows(table)
        print_table(rows, right=range(3, len(rows[0]) - 1))
    else:
        found = distances_to(nearest, table)
        print_table([["lang", "distance"], *([lang, f"{value:.4f}"] for lang, value in found.items())], right=(1,))
        if left := len(table.labels) - 1 - len(found):
            click.echo(f"of {left:,} languages the distance is not known: they lack one of its features")
    if not table.facts["exact"]:
        click.echo("some languages have more than 131,072 types: of all, those with the smallest hashes are compared")
    if output is not None:
        for file in write_languages(table, output):
            click.echo(f"table: {file}")
