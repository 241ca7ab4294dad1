"""The texts that rows of a dataset give to a mix, and what each counts for: source, kind, language, domain.

Kinds (methods A4.3): documents are `mono`, or what their column `kind` says (code); sentence pairs `bi`, or what theirs
says (mined); code-switched rows `cs`; rows to restore `restore`; pairs of a sentence and its romanisation `translico`;
and, where that is asked for, the romanised text of a document is `translit`, a second text beside the first. Rows of
two sides count both, a line each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.columns import column_or_null, text_or_empty
from xlcorpus.dataset.kinds import (
    CODESWITCH,
    DOCUMENT,
    MARKS,
    MIX_CLASS,
    PAIR,
    RESTORE,
    TRANSLICO,
    is_mix,
    may_hold,
    rows_of_kind,
)
from xlcorpus.mix.templated import PAIRS, columns_of, template_for, texts_by
from xlcorpus.pairs.swap import Directions, with_both_sides
from xlcorpus.text.ragged import offsets_of

ORIGINAL, LATIN, SWAPPED = 0, 1, 2  # variants of a row's text
TRANSLIT = "translit"  # the kind of a romanised text
AS_IS = Directions()
FIELDS = ("src", "tgt", "src_lang", "tgt_lang")
_KIND = {DOCUMENT: "mono", PAIR: "bi", CODESWITCH: "cs", RESTORE: "restore", TRANSLICO: "translico"}
_OWN_KIND = (CODESWITCH, RESTORE, TRANSLICO)  # what their column `kind` says is of what they were made of
_TEXTS = {
    DOCUMENT: ("text",),
    PAIR: FIELDS,
    CODESWITCH: ("cs_source", "cs_spans"),
    RESTORE: ("inputs", "targets", "cs_ratio"),
    TRANSLICO: ("pair_id", "text", "text_latn"),
}


@dataclass(frozen=True)
class Texts:
    """Texts of a batch in one variant.

    rows: int64[n], rows of the batch; used: these rows as they are used (pairs swapped); ids: binary[16][n], of them;
    text (what counts), source, kind, lang, domain: string[n], empty where there is none; sides: for pairs and rows to
    restore the two texts, each string[n], empty in other rows; switched: of code-switched rows the words put in,
    string[n], empty in other rows; restored: of rows to restore the share of the words of `inputs` (first of sides)
    that was put in, float64[n], 0 in other rows; version: of rows of which one document may have several, beside itself
    (switched, to restore, romanised in a mix), what sets them apart, string[n], null in other rows.
    """

    rows: pa.Array
    used: pa.RecordBatch
    ids: pa.Array
    text: pa.Array
    source: pa.Array
    kind: pa.Array
    lang: pa.Array
    domain: pa.Array
    sides: tuple[pa.Array, ...] = ()
    switched: pa.Array | None = None
    restored: np.ndarray | None = None
    version: pa.Array | None = None


def kinds_in(schema: str, names: Sequence[str]) -> tuple[str, ...]:
    """The kinds of rows that a dataset may hold: its own, and of a mix of several those whose columns it has."""
    return tuple(kind for kind in _TEXTS if may_hold(kind, schema, names))


def columns_read(
    schema: str, names: Sequence[str], template: str = PAIRS, *, latin: bool, domain: bool, dup_size: bool
) -> list[str]:
    """The columns of a dataset that `texts_of` and the census need, of those that it has."""
    wanted = ["doc_id", *_TEXTS[schema], *(["lang"] if schema != PAIR else []), "source", "kind", MIX_CLASS]
    for kind in kinds_in(schema, names):
        wanted += [*_TEXTS[kind], *MARKS.get(kind, ())] if kind != schema else []
    wanted += columns_of(template, schema, names)
    wanted += ["text_latn", "translit_identity"] if latin else []
    wanted += ["domain"] if domain else []
    wanted += ["dup_size"] if dup_size else []
    return [name for name in dict.fromkeys(wanted) if name in names]


def variants_of(schema: str, names: Sequence[str], *, latin: bool, directions: Directions = AS_IS) -> tuple[int, ...]:
    """The variants that texts of a dataset have."""
    if schema == PAIR and directions.swaps:
        return ORIGINAL, SWAPPED
    return (ORIGINAL, LATIN) if latin and schema == DOCUMENT and "text_latn" in names else (ORIGINAL,)


def texts_of(
    batch: pa.RecordBatch, schema: str, variant: int, template: str, *, domain: bool, directions: Directions = AS_IS
) -> Texts:
    """The texts of a batch: romanised ones only where they differ from the original, pairs as `directions` use them."""
    rows = pa.array(np.arange(batch.num_rows, dtype=np.int64))
    if variant == LATIN:
        has = pc.is_valid(batch.column("text_latn"))
        if "translit_identity" in batch.schema.names:
            has = pc.and_(has, pc.invert(pc.fill_null(batch.column("translit_identity"), False)))
        rows = pc.indices_nonzero(has).cast(pa.int64())
    elif schema == PAIR and directions.swaps:
        rows = pa.array(np.flatnonzero(directions.rows(batch, swapped=variant == SWAPPED)))
    if len(rows) < batch.num_rows:
        batch = batch.take(rows)
    if variant == SWAPPED:
        batch = with_both_sides(batch, swapped=True)
    count = batch.num_rows
    fixed = _repeat(TRANSLIT if variant == LATIN else _KIND[schema], count)
    kind = text_or_empty(batch, "kind")
    found = Texts(
        rows=rows,
        used=batch,
        ids=batch.column("doc_id"),
        text=text_or_empty(batch, "text_latn") if variant == LATIN else _text(batch, schema, template),
        source=text_or_empty(batch, "source"),
        kind=fixed if variant == LATIN or schema in _OWN_KIND else pc.if_else(pc.equal(kind, ""), fixed, kind),
        lang=direction_of(batch) if schema == PAIR else text_or_empty(batch, "lang"),
        domain=text_or_empty(batch, "domain") if domain else _repeat("", count),
    )
    if variant == LATIN:
        return found
    for of_kind in kinds_in(schema, batch.schema.names):
        found = _of_kind(found, batch, schema, of_kind)
    return found


def direction_of(pairs: pa.RecordBatch) -> pa.Array:
    """string[rows]: `src_lang-tgt_lang`, '' where one is not known."""
    langs = text_or_empty(pairs, "src_lang"), text_or_empty(pairs, "tgt_lang")
    both = pc.and_(pc.not_equal(langs[0], ""), pc.not_equal(langs[1], ""))
    return pc.if_else(both, pc.binary_join_element_wise(*langs, "-"), "")


def _of_kind(found: Texts, batch: pa.RecordBatch, schema: str, kind: str) -> Texts:
    """The texts with the parts of the rows of one kind; in a mix of several kinds `text` is what was counted."""
    if kind == DOCUMENT:
        romanised = pc.equal(found.kind, TRANSLIT)
        none = pa.scalar(None, pa.string())
        return replace(found, version=pc.if_else(romanised, found.text, none)) if is_mix(batch.schema.names) else found
    all_of_it = schema == kind  # then their text is made already
    here = pa.array(rows_of_kind(batch, schema, kind))

    def only(values: pa.Array, others: pa.Array | pa.Scalar | str = "") -> pa.Array:
        return values if all_of_it else pc.if_else(here, values, others)

    others = found.version if found.version is not None else pa.scalar(None, pa.string())

    if kind == PAIR:
        return replace(found, sides=tuple(only(text_or_empty(batch, side)) for side in ("src", "tgt")))
    if kind == CODESWITCH:
        put_in = _words_put_in(batch) if "cs_spans" in batch.schema.names else None
        return replace(found, switched=put_in, version=only(text_or_empty(batch, "cs_source"), others))
    if kind == TRANSLICO:
        ids = pc.coalesce(column_or_null(batch, "pair_id", pa.binary(16)), batch.column("doc_id"))
        return replace(found, ids=ids, text=found.text if all_of_it else only(_lines(batch, TRANSLICO), found.text))
    inputs, targets = (text_or_empty(batch, name) for name in ("inputs", "targets"))
    share = pc.fill_null(column_or_null(batch, "cs_ratio", pa.float32()), 0).cast(pa.float64())
    restored = np.where(np.asarray(here), share.to_numpy(zero_copy_only=False), 0.0)
    given = found.sides or (_repeat("", batch.num_rows),) * 2
    return replace(
        found,
        sides=tuple(only(mine, other) for mine, other in zip((inputs, targets), given, strict=True)),
        restored=restored,
        version=only(_lines(batch, RESTORE), others),
    )


def _text(batch: pa.RecordBatch, schema: str, template: str) -> pa.Array:
    """The texts by the template where it is for these rows, else their own: of two sides a line each."""
    found = template_for(template, schema, batch.schema.names)
    if found is not None:
        return texts_by(found, batch)
    if schema in (RESTORE, TRANSLICO):
        return _lines(batch, schema)
    return text_or_empty(batch, "cs_source" if schema == CODESWITCH else "text")


def _lines(batch: pa.RecordBatch, kind: str) -> pa.Array:
    one, other = ("text", "text_latn") if kind == TRANSLICO else ("inputs", "targets")
    return pc.binary_join_element_wise(text_or_empty(batch, one), text_or_empty(batch, other), "\n")


def _words_put_in(batch: pa.RecordBatch) -> pa.Array:
    """The words that code-switching has put in, with a space between two."""
    spans = batch.column("cs_spans")
    sizes = pc.fill_null(pc.list_value_length(spans), 0).to_numpy(zero_copy_only=False)
    words = pc.fill_null(pc.struct_field(spans.flatten(), "new_token"), "")
    return pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets_of(sizes).astype(np.int32)), words), " ")


def _repeat(value: str, count: int) -> pa.Array:
    return pa.repeat(pa.scalar(value, pa.string()), count)
