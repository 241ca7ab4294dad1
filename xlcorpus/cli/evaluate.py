"""`xlcorpus evaluate MODEL`: the measures of what a trained model is worth."""

from __future__ import annotations

from typing import Any

import click

from xlcorpus.cli.installed import EVALUATION, require
from xlcorpus.cli.options import output_option, step_option
from xlcorpus.cli.print_table import print_table
from xlcorpus.dataset.storage import Location
from xlcorpus.evaluate.measure import MEASURES
from xlcorpus.evaluate.options import EvaluateOptions
from xlcorpus.evaluate.report import check_output, tables, write_report
from xlcorpus.options import checked


@click.command("evaluate")
@click.argument("model")
@click.option("--against", metavar="DIR", help="another evaluation: how bits per byte differ on the same documents")
@output_option(help="folder of evaluation.json, documents.parquet and the plots; none: the tables alone")
@click.option("--overwrite", is_flag=True, help="replace the evaluation that is there")
@click.option("--tokenizer", help="of the model, where none lies beside it")
@click.option("--device", help="cpu, cuda, ...; default: a GPU where there is one")
def command(
    model: str,
    against: str | None,
    output: Location | None,
    overwrite: bool,
    tokenizer: str | None,
    device: str | None,
    **values: Any,
) -> None:
    """Say what MODEL is worth: a folder that AutoModel of transformers loads, as `xlcorpus pretrain` leaves it, or
    FILE.gguf. Nothing is downloaded.

    Bits per byte compare models of whatever tokenizers; of models that read both ways they are pseudo bits, of masked
    tokens. Retrieval goes both ways. Mixing is the share of generated text in another language or script than its
    prompt's, beside the same of the texts that the prompts are from.

    \b
    Example:
      xlcorpus evaluate out/model --bits out/packed/holdout --output out/evaluation
      xlcorpus evaluate out/model --bits out/packed/holdout --against out/before
      xlcorpus evaluate out/model --retrieval pairs.tsv --src-column en --tgt-column sw --src-lang en --tgt-lang sw
      xlcorpus evaluate out/model --mixing out/packed/holdout --new-tokens 100
      xlcorpus evaluate out/model --translation out/pairs-packed/holdout --beams 4
      xlcorpus evaluate out/model --choice items.jsonl --shots 4 --shots-from more-items.jsonl
    """
    require(EVALUATION, "evaluating")
    asked = {name: values.pop(name) for name in MEASURES.all}
    given = {key: value for key, value in values.items() if value is not None}
    options = checked(EvaluateOptions, given, "xlcorpus evaluate", "evaluate", "`xlcorpus evaluate --help`")
    if output is not None:
        check_output(output, overwrite=overwrite)
    from xlcorpus.evaluate.evaluate import evaluate

    made = evaluate(
        model,
        asked,
        against=against,
        options=options,
        tokenizer=tokenizer,
        device=device,
        say=click.echo,
    )
    for title, rows in tables(made.report).items():
        click.echo(f"\n{title}")
        print_table(rows, right=range(1, len(rows[0]) - (rows[0][-1] in ("into", "change"))))
    if output is not None:
        click.echo("\n" + "\n".join(f"wrote {one}" for one in write_report(made.report, made.documents, output)))


command.params[1:1] = [
    click.Option([f"--{one.name}"], multiple=True, metavar="PATH", help=f"{one.help} (may be repeated)")
    for one in MEASURES.all.values()
]
command.params[-2:-2] = [step_option(key, field) for key, field in EvaluateOptions.model_fields.items()]
