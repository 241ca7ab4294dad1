"""What the mix reads of a dataset's rows: the text, what it counts for, and the columns that go on with it.

Kinds (methods A4.3): documents are `mono`, or what their column `kind` says (code); sentence pairs `bi`, or what theirs
says (mined); code-switched rows `cs`; and, where that is asked for, the romanised text of a document is `translit`, a
second text beside the first.
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.errors import UserError

DOCUMENT, PAIR, CODESWITCH = ("document", "pair", "codeswitch")
TEXT, LATIN = 0, 1  # views of a row
TEMPLATE = "{src}\n{tgt}"
_FIELDS = ("src", "tgt", "src_lang", "tgt_lang")
_KIND = {DOCUMENT: "mono", PAIR: "bi", CODESWITCH: "cs"}
# Columns that are not copied: their text is in `text`, or they place words in one that is not.
_LEFT_OUT = {
    DOCUMENT: ("text_latn", "text_ipa"),
    PAIR: ("align",),
    CODESWITCH: ("cs_source", "cs_target", "cs_spans", "text_latn", "text_ipa"),  # the last two are of the original
}


@dataclass(frozen=True)
class Texts:
    """Texts of a batch under one view.

    rows: int64[n], rows of the batch; text, source, kind, lang, domain: string[n], empty where there is none; sides:
    for pairs the two texts, each string[n].
    """

    rows: pa.Array
    text: pa.Array
    source: pa.Array
    kind: pa.Array
    lang: pa.Array
    domain: pa.Array
    sides: tuple[pa.Array, ...] = ()


def check_template(template: str) -> str:
    """The template of a pair, if it has src and tgt and nothing unknown; `\\n` and `\\t` are read as signs."""
    template = template.replace("\\n", "\n").replace("\\t", "\t")
    try:
        parts = [part[1:] for part in string.Formatter().parse(template) if part[1] is not None]
    except ValueError as error:
        raise UserError(f"--template {template!r}: {error}", remedy=f"write {TEMPLATE!r}") from None
    fields = [str(name) for name, _, _ in parts]
    # `{src!r}` and `{src:>9}` are no fields of ours either: a text goes in as it is.
    unknown = [
        f"{name}{f'!{conversion}' if conversion else ''}{f':{form}' if form else ''}"
        for name, form, conversion in parts
        if name not in _FIELDS or form or conversion
    ]
    if unknown or not {"src", "tgt"} <= set(fields):
        raise UserError(
            f"--template {template!r}: " + (f"there is no field {unknown[0]!r}" if unknown else "it lacks src or tgt"),
            remedy=f"write for example '[{{src_lang}}]: {{src}}\\n[{{tgt_lang}}]: {{tgt}}' with {', '.join(_FIELDS)}",
        )
    return template


def columns_read(schema: str, names: Sequence[str], *, latin: bool, domain: bool, dup_size: bool) -> list[str]:
    """The columns of a dataset that `texts_of` and the counts need, of those that it has."""
    texts = {DOCUMENT: ["text", "lang"], PAIR: list(_FIELDS), CODESWITCH: ["cs_source", "lang"]}[schema]
    wanted = ["doc_id", *texts, "source", "kind"]
    wanted += ["text_latn", "translit_identity"] if latin else []
    wanted += ["domain"] if domain else []
    wanted += ["dup_size"] if dup_size else []
    return [name for name in wanted if name in names]


def views_of(schema: str, names: Sequence[str], *, latin: bool) -> tuple[int, ...]:
    """The views that rows of a dataset have."""
    return (TEXT, LATIN) if latin and schema == DOCUMENT and "text_latn" in names else (TEXT,)


def texts_of(batch: pa.RecordBatch, schema: str, view: int, template: str, *, domain: bool) -> Texts:
    """The texts of a batch; romanised ones only where they differ from the original."""
    rows = None
    if view == LATIN:
        has = pc.is_valid(batch.column("text_latn"))
        if "translit_identity" in batch.schema.names:
            has = pc.and_(has, pc.invert(pc.fill_null(batch.column("translit_identity"), False)))
        rows = pc.indices_nonzero(has).cast(pa.int64())
        batch = batch.take(rows)
    count = batch.num_rows
    sides: tuple[pa.Array, ...] = ()
    if schema == PAIR:
        sides = _text(batch, "src"), _text(batch, "tgt")
        text = render(batch, template)
        langs = _text(batch, "src_lang"), _text(batch, "tgt_lang")
        both = pc.and_(pc.not_equal(langs[0], ""), pc.not_equal(langs[1], ""))
        lang = pc.if_else(both, pc.binary_join_element_wise(*langs, "-"), "")
    else:
        text = _text(batch, "text_latn" if view == LATIN else "cs_source" if schema == CODESWITCH else "text")
        lang = _text(batch, "lang")
    fixed = pa.repeat(pa.scalar("translit" if view == LATIN else _KIND[schema], pa.string()), count)
    kind = _text(batch, "kind")
    return Texts(
        rows=pa.array(np.arange(count, dtype=np.int64)) if rows is None else rows,
        text=text,
        source=_text(batch, "source"),
        kind=fixed if view == LATIN or schema == CODESWITCH else pc.if_else(pc.equal(kind, ""), fixed, kind),
        lang=lang,
        domain=_text(batch, "domain") if domain else pa.repeat(pa.scalar("", pa.string()), count),
        sides=sides,
    )


def _text(batch: pa.RecordBatch, name: str) -> pa.Array:
    """A string column, '' for null; all '' where there is no such column."""
    at = batch.schema.get_field_index(name)
    if at < 0:
        return pa.repeat(pa.scalar("", pa.string()), batch.num_rows)
    return pc.fill_null(batch.column(at).cast(pa.string()), "")


def render(batch: pa.RecordBatch, template: str) -> pa.Array:
    """string[rows]: sentence pairs as text, by the template (`check_template`)."""
    parts: list[pa.Array | pa.Scalar] = []
    for literal, name, _, _ in string.Formatter().parse(template):
        if literal:
            parts.append(pa.scalar(literal))
        if name is not None:
            parts.append(_text(batch, name))
    return pc.binary_join_element_wise(*parts, "")


def mixed_schema(schema: str, arrow: pa.Schema) -> pa.Schema:
    """The columns that rows of a dataset have in a mix: its own, but for texts that become `text`."""
    kept = [field for field in arrow if field.name not in (*_LEFT_OUT[schema], *_OURS)]
    return pa.schema([*kept, *(pa.field(name, pa.string()) for name in _OURS)])


_OURS = ("text", "lang", "kind")


def mixed_rows(batch: pa.RecordBatch, schema: str, view: int, template: str) -> pa.RecordBatch:
    """Rows as they go into a mix (`mixed_schema`): the text that was counted, lang and kind. All have the view."""
    found = texts_of(batch, schema, view, template, domain=False)
    if len(found.text) != batch.num_rows:
        raise AssertionError("a row without the view was chosen")
    kept = batch.select([name for name in batch.schema.names if name not in (*_LEFT_OUT[schema], *_OURS)])
    lang = pc.if_else(pc.equal(found.lang, ""), pa.scalar(None, pa.string()), found.lang)
    columns = [*kept.columns, found.text, lang, found.kind]
    return pa.RecordBatch.from_arrays(columns, schema=mixed_schema(schema, batch.schema))
