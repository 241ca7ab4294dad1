"""`xlcorpus tokenizer`: train, extend and measure tokenizers."""

from __future__ import annotations

from typing import Any

import click

from xlcorpus.cli.options import SEED, THREADS, OutputPath, at_least, together
from xlcorpus.cli.print_table import print_table
from xlcorpus.cli.tokenizer_tables import COMMANDS, DATASETS, open_datasets
from xlcorpus.dataset.storage import Location

_OVERWRITE = click.option("--overwrite", is_flag=True, help="replace what is there")
_PLAN = click.option("--plan", "--dry-run", "plan_only", is_flag=True, help="show the sample, but train nothing")


_sampling = together(
    click.option("--coverage", default="auto", show_default=True, help="of characters: auto (by script), or a share"),
    click.option("--sample-bytes", default="100M", show_default=True, help="train on at most this much text"),
    click.option("--seed", type=SEED, default=0, show_default=True, help="of the sample"),
    click.option("--threads", type=THREADS, default=1, show_default=True, help="each number has its bytes"),
)


@click.group("tokenizer")
def command() -> None:
    """Train, extend or measure a tokenizer; tables of its pieces."""


for _one in COMMANDS:
    command.add_command(_one)


@command.command("train")
@DATASETS
@click.option(
    "--output",
    "-o",
    type=OutputPath(),
    required=True,
    help="a folder, or FILE.model with others beside",
)
@click.option("--model", type=click.Choice(["unigram", "bpe"]), default="unigram", show_default=True)
@click.option("--vocab-size", type=at_least(8), default=32_000, show_default=True, help="pieces, all included")
@click.option(
    "--byte-fallback/--no-byte-fallback", default=True, show_default=True, help="bytes for unknown characters"
)
@click.option("--normalization", type=click.Choice(["identity", "nfkc"]), default="identity", show_default=True)
@click.option("--mask/--no-mask", default=True, show_default=True, help="a token <mask>")
@click.option("--special", multiple=True, help='a token of your own, such as "<2eng_Latn>"; may be repeated')
@click.option("--prefix/--no-prefix", "dummy_prefix", default=True, show_default=True, help="a space before each text")
@_sampling
@_OVERWRITE
@_PLAN
def train_command(
    datasets: tuple[Location, ...], output: Location, overwrite: bool, plan_only: bool, **options: Any
) -> None:
    """Train a SentencePiece tokenizer on DATASETS, usually a mix, in the shares that they have there.

    Writes a folder that pack, mix and transformers open: tokenizer.model, tokenizer.vocab, tokenizer.json and the card
    card.json; with --output FILE.model also FILE.vocab, FILE.hf/ and FILE.json. Texts come back from their ids as they
    were, line ends and spaces included. Same datasets, options and seed: same bytes.

    \b
    Example:
      xlcorpus tokenizer train out/mix --output out/tokenizer --vocab-size 32000
      xlcorpus tokenizer train out/mix -o t.model --model bpe --special "<2eng_Latn>" --special "<2swh_Latn>"
    """
    from xlcorpus.tokenizer.text_sample import draw_sample
    from xlcorpus.tokenizer.train import TrainOptions, memory_needed, train
    from xlcorpus.tokenizer.write import check_output, files_of, write_trained

    check_output(output, overwrite=overwrite)
    options["sample_bytes"] = _size(options["sample_bytes"])
    settings = TrainOptions(**options)
    settings.check()
    opened = open_datasets(datasets)
    sample = draw_sample(opened, settings.sample_bytes, settings.seed)
    _show_sample(sample)
    needed = memory_needed(sum(sample.bytes_by_language().values()), settings.model)
    click.echo(f"memory for training: at most {needed / 1e9:.1f} GB; a smaller --sample-bytes needs less")
    if plan_only:
        click.echo(f"nothing is written; without --plan: {output}")
        return
    trained = train(opened, settings, sample)
    tokenizer, table = write_trained(trained, output)
    _show_report(table)
    click.echo(f"tokenizer: {output} ({tokenizer.vocab_size:,} pieces, fingerprint {tokenizer.fingerprint})")
    _, card, folder = files_of(output)
    click.echo(f"for transformers: {folder}, card: {card}")


@command.command("extend")
@click.argument("base", type=click.Path(path_type=Location))
@click.argument("datasets", nargs=-1, type=click.Path(path_type=Location))
@click.option("--with", "source", type=click.Path(path_type=Location), help="take the pieces of this tokenizer")
@click.option("--romanized", is_flag=True, help="take the pieces of BASE in Latin letters (uroman; TransMI)")
@click.option(
    "--merge",
    type=click.Choice(["max", "min", "average"]),
    help="with --romanized: the score of a piece that several become  [default: max]",
)
@click.option(
    "--pieces", type=at_least(0), help="how many to add  [default: with --with and --romanized, all that can be]"
)
@click.option("--output", "-o", type=OutputPath(), required=True, help="FILE.model, FILE.json or a folder")
@click.option(
    "--check", multiple=True, type=click.Path(path_type=Location), help="also compare on this dataset, not trained on"
)
@click.option("--special", multiple=True, help="a token to add, such as <mask> or <2eng_Latn>; may be repeated")
@click.option(
    "--margin", type=float, help="unigram: nats off the new scores; more changes old texts less  [default: 2]"
)
@_sampling
@_OVERWRITE
@_PLAN
def extend_command(
    base: Location, datasets: tuple[Location, ...], output: Location, overwrite: bool, plan_only: bool, **options: Any
) -> None:
    """Add pieces to the tokenizer BASE after its last id: of another one, its own romanised, or learnt from DATASETS.

    BASE is a SentencePiece .model, or a tokenizer.json (BPE or Unigram) or its folder. All old ids stay, and old texts
    are cut as before as far as can be; the table says by how much that changed, language by language.

    \b
    Example:
      xlcorpus tokenizer extend llama/ out/mix --pieces 8000 --output llama-swh/ --check out/english
      xlcorpus tokenizer extend base.model --with swahili.model --output both.model --check out/mix
      xlcorpus tokenizer extend xlmr/ --romanized --output xlmr-latn/ --check out/mix
    """
    from xlcorpus.romanize.tools import open_tool
    from xlcorpus.tokenizer.compare import compare
    from xlcorpus.tokenizer.extend_as_asked import Asked, extend_as_asked
    from xlcorpus.tokenizer.open import open_tokenizer
    from xlcorpus.tokenizer.romanized import check_unigram
    from xlcorpus.tokenizer.text_sample import draw_sample
    from xlcorpus.tokenizer.train import TrainOptions
    from xlcorpus.tokenizer.write_extended import check_extended_output, write_extended

    asked = Asked(
        **{name: options.pop(name) for name in ("source", "romanized", "pieces", "merge", "margin")},
        specials=options.pop("special"),
    )
    check = options.pop("check")
    asked.check(has_text=bool(datasets))
    settings = TrainOptions(**options | {"sample_bytes": _size(options["sample_bytes"]), "special": asked.specials})
    opened, checked = open_datasets(datasets), open_datasets(check)
    old = open_tokenizer(base)
    check_extended_output(old, base, output, overwrite=overwrite)
    if asked.romanized:
        check_unigram(old)
    sample = draw_sample(opened, settings.sample_bytes, settings.seed) if opened else None
    if sample is not None:
        _show_sample(sample)
    if plan_only:
        click.echo(f"nothing is written; without --plan: {output}")
        return
    facts: dict[str, Any] = {"options": options | {"margin": asked.nats, "special": list(asked.specials)}}
    tool = open_tool("uroman", 64 << 20) if asked.romanized else None
    if tool is not None:
        facts["romanized"] = {"tool": tool.name, "version": tool.version, "merge": asked.merge or "max"}
    romanize = (lambda text: tool.romanize(text, None, None)) if tool is not None else None
    extended, of_pieces = extend_as_asked(old, asked, opened, sample, settings, romanize)
    new = write_extended(extended, old, base, output)
    if asked.romanized:
        click.echo(f"sources of the new pieces, for their embeddings: {new.sources}")
    samples = [sample] if sample is not None else []
    if checked:
        samples.append(draw_sample(checked, settings.sample_bytes, settings.seed))
    table = compare(old, new.tokenizer, (batch for one in samples for batch in one.batches()))
    if new.left_out:
        click.echo(f"left out, since they hold the old vocabulary: {', '.join(new.left_out)}")
    click.echo(f"how each new row begins, for its embedding: {new.rows}")
    new.write_card(facts | of_pieces, table)
    if table.num_rows:
        _show_changes(table)
    added = f"{extended.added:,} pieces" + (f" and {len(asked.specials)} special tokens" if asked.specials else "")
    click.echo(f"tokenizer: {output} ({old.vocab_size:,} ids as they were, {added} added), card: {new.card}")


@command.command("report")
@click.argument("tokenizer")
@DATASETS
@click.option("--plot", type=OutputPath(dir_okay=False), help="also as bars: FILE.svg")
@click.option("--output", "-o", type=OutputPath(dir_okay=False), help="also as a table: FILE.csv or .json")
@click.option("--parallel", help="column whose equal values are translations: parity is counted over them")
@click.option("--reference", default="eng_Latn", show_default=True, help="language that parity is relative to")
@click.option(
    "--sample-bytes", default="50M", show_default=True, help="measure at most this much; with --parallel, all"
)
@click.option("--seed", type=SEED, default=0, show_default=True, help="of the sample")
def report_command(
    tokenizer: str, datasets: tuple[Location, ...], plot: Location | None, output: Location | None, **options: Any
) -> None:
    """How TOKENIZER treats each language of DATASETS: a .model, a tokenizer.json or its folder, or the word bytes.

    fertility: tokens a word (in scripts without spaces, words are estimated from characters); partial: share of the
    tokens that are bytes of a character; coverage: share of the characters that are pieces; whole words: share of the
    words that are one token; parity: tokens for one of the reference, on parallel text with --parallel, else for the
    same number of bytes.

    \b
    Example:
      xlcorpus tokenizer report out/tokenizer out/mix --plot fertility.svg
      xlcorpus tokenizer report xlmr/ flores/ --parallel sentence_id --output xlmr.csv
    """
    from xlcorpus.tokenizer.measure import measure
    from xlcorpus.tokenizer.open import open_tokenizer
    from xlcorpus.tokenizer.plot import check_plot, write_plot
    from xlcorpus.tokenizer.text_sample import draw_sample
    from xlcorpus.tokenizer.write import write_table

    if plot is not None:
        check_plot(plot)
    opened, parallel = open_tokenizer(tokenizer), options["parallel"]
    most = None if parallel is not None else _size(options["sample_bytes"])
    sample = draw_sample(open_datasets(datasets), most, options["seed"], [parallel] if parallel is not None else [])
    table = measure(opened, sample.by_language().batches(), parallel=parallel, reference=options["reference"])
    _show_report(table)
    if output is not None:
        write_table(table, output)
        click.echo(f"table: {output}")
    if plot is not None:
        write_plot(table, plot, f"{opened.name}, {opened.vocab_size:,} pieces")
        click.echo(f"plot: {plot}")


def _size(text: str) -> int:
    from xlcorpus.text.sizes import parse_size

    return parse_size(text, "--sample-bytes", in_bytes=True, remedy="write 50000000, 50M or 1.5G")


def _show_sample(sample: Any) -> None:
    from xlcorpus.tokenizer.report_table import sample_rows

    print_table(sample_rows(sample), right=(1, 2, 3))


def _show_report(table: Any) -> None:
    from xlcorpus.tokenizer.report_table import report_rows

    _print_figures(report_rows(table))


def _show_changes(table: Any) -> None:
    from xlcorpus.tokenizer.report_table import change_rows

    _print_figures(change_rows(table))


def _print_figures(rows: list[list[str]]) -> None:
    print_table(rows, right=range(1, len(rows[0])))
