"""The texts that rows of a dataset give to a mix, and what each counts for: source, kind, language, domain.

Kinds (methods A4.3): documents are `mono`, or what their column `kind` says (code); sentence pairs `bi`, or what theirs
says (mined); code-switched rows `cs`; and, where that is asked for, the romanised text of a document is `translit`, a
second text beside the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.columns import text_or_empty
from xlcorpus.mix.templated import PAIRS, columns_of, template_for, texts_by
from xlcorpus.text.ragged import offsets_of

DOCUMENT, PAIR, CODESWITCH = ("document", "pair", "codeswitch")
FIELDS = ("src", "tgt", "src_lang", "tgt_lang")
ORIGINAL, LATIN = 0, 1  # variants of a row's text
_KIND = {DOCUMENT: "mono", PAIR: "bi", CODESWITCH: "cs"}


@dataclass(frozen=True)
class Texts:
    """Texts of a batch in one variant.

    rows: int64[n], rows of the batch; text, source, kind, lang, domain: string[n], empty where there is none; sides:
    for pairs the two texts, each string[n]; switched: of code-switched rows the words put in, string[n].
    """

    rows: pa.Array
    text: pa.Array
    source: pa.Array
    kind: pa.Array
    lang: pa.Array
    domain: pa.Array
    sides: tuple[pa.Array, ...] = ()
    switched: pa.Array | None = None


def columns_read(
    schema: str, names: Sequence[str], template: str = PAIRS, *, latin: bool, domain: bool, dup_size: bool
) -> list[str]:
    """The columns of a dataset that `texts_of` and the census need, of those that it has."""
    texts = {DOCUMENT: ["text", "lang"], PAIR: list(FIELDS), CODESWITCH: ["cs_source", "cs_spans", "lang"]}[schema]
    wanted = ["doc_id", *texts, "source", "kind", *columns_of(template, schema, names)]
    wanted += ["text_latn", "translit_identity"] if latin else []
    wanted += ["domain"] if domain else []
    wanted += ["dup_size"] if dup_size else []
    return [name for name in dict.fromkeys(wanted) if name in names]


def variants_of(schema: str, names: Sequence[str], *, latin: bool) -> tuple[int, ...]:
    """The variants that texts of a dataset have."""
    return (ORIGINAL, LATIN) if latin and schema == DOCUMENT and "text_latn" in names else (ORIGINAL,)


def texts_of(batch: pa.RecordBatch, schema: str, variant: int, template: str, *, domain: bool) -> Texts:
    """The texts of a batch; romanised ones only where they differ from the original."""
    rows = None
    if variant == LATIN:
        has = pc.is_valid(batch.column("text_latn"))
        if "translit_identity" in batch.schema.names:
            has = pc.and_(has, pc.invert(pc.fill_null(batch.column("translit_identity"), False)))
        rows = pc.indices_nonzero(has).cast(pa.int64())
        batch = batch.take(rows)
    count = batch.num_rows
    sides: tuple[pa.Array, ...] = ()
    if schema == PAIR:
        sides = text_or_empty(batch, "src"), text_or_empty(batch, "tgt")
        text = _text(batch, schema, template, "")
        langs = text_or_empty(batch, "src_lang"), text_or_empty(batch, "tgt_lang")
        both = pc.and_(pc.not_equal(langs[0], ""), pc.not_equal(langs[1], ""))
        lang = pc.if_else(both, pc.binary_join_element_wise(*langs, "-"), "")
    else:
        own = "text_latn" if variant == LATIN else "cs_source" if schema == CODESWITCH else "text"
        text = text_or_empty(batch, own) if variant == LATIN else _text(batch, schema, template, own)
        lang = text_or_empty(batch, "lang")
    fixed = _repeat("translit" if variant == LATIN else _KIND[schema], count)
    kind = text_or_empty(batch, "kind")
    return Texts(
        rows=pa.array(np.arange(count, dtype=np.int64)) if rows is None else rows,
        text=text,
        source=text_or_empty(batch, "source"),
        kind=fixed if variant == LATIN or schema == CODESWITCH else pc.if_else(pc.equal(kind, ""), fixed, kind),
        lang=lang,
        domain=text_or_empty(batch, "domain") if domain else _repeat("", count),
        sides=sides,
        switched=_words_put_in(batch) if schema == CODESWITCH and "cs_spans" in batch.schema.names else None,
    )


def _text(batch: pa.RecordBatch, schema: str, template: str, own: str) -> pa.Array:
    """The texts by the template where it is for these rows, else the column `own`."""
    found = template_for(template, schema, batch.schema.names)
    return text_or_empty(batch, own) if found is None else texts_by(found, batch)


def _words_put_in(batch: pa.RecordBatch) -> pa.Array:
    """The words that code-switching has put in, with a space between two."""
    spans = batch.column("cs_spans")
    sizes = pc.fill_null(pc.list_value_length(spans), 0).to_numpy(zero_copy_only=False)
    words = pc.fill_null(pc.struct_field(spans.flatten(), "new_token"), "")
    return pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets_of(sizes).astype(np.int32)), words), " ")


def _repeat(value: str, count: int) -> pa.Array:
    return pa.repeat(pa.scalar(value, pa.string()), count)
