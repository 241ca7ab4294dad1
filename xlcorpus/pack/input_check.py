"""What is asked of pack against what the tokenizer and the input hold: refused before any work, with the way out."""

from __future__ import annotations

import pyarrow as pa

from xlcorpus.dataset.columns import languages_read, require_column
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.kinds import (
    CODESWITCH,
    DOCUMENT,
    KINDS,
    PAIR,
    RESTORE,
    TRANSLICO,
    is_mix,
    marks_read,
    may_hold,
    rows_of_kind,
)
from xlcorpus.dataset.schema import load_schema
from xlcorpus.dataset.storage import Location, locate
from xlcorpus.errors import UserError
from xlcorpus.pack.byte_budgets import read_budgets
from xlcorpus.pack.holdout import check_documents
from xlcorpus.pack.label_ids import load_label_ids
from xlcorpus.pack.labels import VIEW as LABELS
from xlcorpus.pack.labels import label_source
from xlcorpus.pack.language_ids import load_ids
from xlcorpus.pack.options import PackOptions
from xlcorpus.pack.side_templates import check_sides, templates_of
from xlcorpus.pack.sides import VIEWS, rooms_of
from xlcorpus.pack.templated import template_of
from xlcorpus.templates.chat import ChatTemplate
from xlcorpus.templates.specials import SpecialIds
from xlcorpus.templates.template import Template
from xlcorpus.tokenizer.objectives import special_ids_around
from xlcorpus.tokenizer.tokenizer import Tokenizer

READS: dict[str | None, str] = {None: DOCUMENT, **{name: view.kind for name, view in VIEWS.items()}}
LABELLED = (DOCUMENT, PAIR, CODESWITCH)  # what the view labels is made of
_MADE_BY = {
    DOCUMENT: "give a dataset of documents",
    PAIR: "make pairs with `xlcorpus ingest --kind pairs`",
    RESTORE: "make restore rows with `xlcorpus codeswitch --view restore`",
    TRANSLICO: "make sentence pairs with `xlcorpus romanize --view translico`",
}


def check_tokenizer(options: PackOptions, tokenizer: Tokenizer) -> None:
    """Raise UserError where the tokenizer lacks a special id that the objective or the view needs."""
    if options.view is not None:
        tokenizer.require(*VIEWS[options.view].needs, mode=f"the view {options.view}")
        templates, rooms = templates_of(options.side_templates), rooms_of(options, tokenizer)
        if templates:
            sides = zip(VIEWS[options.view].sides, rooms.sides.tolist(), strict=True)
            check_sides(templates, options.view, dict(sides))
        _check_specials(tokenizer, *templates.values())
        return
    special_ids_around(tokenizer, options.objective, options.bos, options.eos)
    template = template_of(options)
    if template is not None:
        _check_specials(tokenizer, template)
        if options.strategy == "concatenate" and not options.with_eos and not template.names_specials:
            raise UserError(
                "concatenate parts documents by eos, and neither --template nor the objective has one",
                remedy="write {{ eos }} into the template, or choose the strategy best-fit or one",
            )
    if options.byte_budget is not None and tokenizer.kind != "bytes":
        raise UserError("--byte-budget counts bytes, and so must the tokenizer", remedy="use --tokenizer bytes")


def _check_specials(tokenizer: Tokenizer, *templates: Template | ChatTemplate) -> None:
    ids = SpecialIds(tokenizer)
    for special in (special for template in templates for special in template.specials):
        tokenizer.check_id(special.name, ids[special])


def check_files(options: PackOptions) -> None:
    """Raise UserError where a byte budget cannot be read, the numbers that are to be kept, or a holdout."""
    if options.byte_budget is not None:
        read_budgets(options.byte_budget, [])
    if options.language_ids is not None:
        load_ids(locate(options.language_ids))
    if options.label_ids is not None:
        load_label_ids(locate(options.label_ids))
    if options.holdout is not None and options.holdout_share is None:
        check_documents(options.holdout)


def check_dataset(options: PackOptions, dataset: Dataset) -> None:
    """Raise UserError where packs, or the view, are not made of what a dataset holds."""
    schema, columns = dataset.manifest.schema_name, dataset.manifest.arrow_schema
    wanted = READS[options.view]
    if options.view is not None and schema == DOCUMENT != wanted and is_mix(columns.names):
        _check_mix(options, dataset, wanted)
    else:
        check_columns(options, dataset.folder, schema, columns)
    options.kept.check(columns, load_schema("token").names, str(dataset.folder))


def _check_mix(options: PackOptions, dataset: Dataset, wanted: str) -> None:
    """Raise UserError where a mix of several kinds has no row for the view."""
    schema, names = dataset.manifest.schema_name, dataset.manifest.arrow_schema.names
    read = marks_read(wanted, schema, names)
    # Of a mix without such rows these columns are null, and next to nothing to read.
    if may_hold(wanted, schema, names) and any(
        rows_of_kind(batch, schema, wanted).any() for batch in dataset.batches(read)
    ):
        return
    held = ", ".join(f"{kind} {rows:,}" for kind, rows in sorted(dataset.manifest.kinds.items()))
    raise UserError(
        f"{dataset.folder} is a mix without a row for --view {options.view}; it holds {held or 'no row'}",
        remedy=f"mix datasets of the kind {wanted!r} too: {_MADE_BY[wanted]}",
    )


def remarks_on_tokenizer(tokenizer: Tokenizer) -> list[str]:
    """What is said of a tokenizer that pads with what ends texts, as GPT-2's and SmolLM2's are made to."""
    if tokenizer.pad_id is None or tokenizer.pad_id != tokenizer.eos_id:
        return []
    return [
        f"pad and eos of {tokenizer.name} are one token ({tokenizer.pad_id}): a collator that leaves padding without "
        "labels by its id leaves every end of a text without one, and the model never learns to stop; what is beyond "
        "the length of a row is the padding (docs/packing.md)"
    ]


def remarks(options: PackOptions, tokenizer: Tokenizer, dataset: Dataset) -> list[str]:
    """What is said of a mix whose shares were planned for other special ids than these packs have."""
    notes = dataset.manifest.notes
    if options.view is not None or tokenizer.fingerprint not in str(notes.get("unit_means")):
        return []
    around = special_ids_around(tokenizer, options.objective, options.bos, options.eos)
    planned, packed = notes.get("specials", 0), sum(map(len, around))
    if planned == packed:
        return []
    return [
        f"the shares of {dataset.folder} were planned for {planned} special ids a document, these packs have {packed}: "
        "for the same shares here, mix with the same --objective, --bos and --eos"
    ]


def check_columns(options: PackOptions, folder: Location, schema: str, columns: pa.Schema) -> None:
    """As `check_dataset`; schema: the name of the schema of the rows in the folder."""
    template = template_of(options)
    if template is not None:
        template.check(columns, str(folder))
        if options.pure and not languages_read(columns.names):
            require_column(columns, "lang", f"{folder}, and --pure goes by language")
        return
    wanted, what = READS[options.view], f"--view {options.view} is" if options.view else "packs are"
    if options.view == LABELS and schema in LABELLED:
        source = label_source(columns, options.label_column, str(folder))
        require_column(columns, source.text, str(folder))
        return
    fits = schema == wanted or (options.view is None and schema in KINDS and is_mix(columns.names))
    if not fits:
        fitting = [f"--view {name}" for name, reads in READS.items() if name and reads == schema and reads != DOCUMENT]
        instead = f"give {' or '.join(fitting)}" if fitting else "leave out --view for packs of documents"
        raise UserError(
            f"{folder} holds rows of the kind {schema!r}; {what} made of the kind {wanted!r}",
            remedy=f"{_MADE_BY[wanted]}, or {instead}",
        )
    templates = templates_of(options.side_templates)
    for template in templates.values():
        template.check(columns, str(folder))
    sides = VIEWS[options.view].texts if options.view else ("text",)
    for side in () if templates else sides:
        require_column(
            columns,
            VIEWS[options.view].column_of(side, columns.names) if options.view else side,
            f"{folder}, and {what} made of {', '.join(sides)}",
            remedy="ingest files that have these columns besides the one that becomes the text (--text-column)",
        )
    if options.byte_budget is not None or options.pure:
        asked = "--byte-budget" if options.byte_budget is not None else "--pure"
        require_column(columns, "lang", f"{folder}, and {asked} goes by language")
