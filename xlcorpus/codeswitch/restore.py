"""The restore task (CSR): switched text in, original out, as rows for sequence-to-sequence training (methods A2.3).

Published: encoder input is the switched sentence, end of sentence, language id of the *original*; the decoder gives the
original, and the loss is over all of it. Of a dataset of pairs, samples with an even index in their batch take the
source side, switched into the target language, and odd ones the target side. An index in a batch depends on how the
training batches were shuffled; here a hash of (seed, doc_id) takes its place, so each side has half of the pairs and a
pair has the same side in every run. `first` gives strict alternation by row number instead.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.codeswitch.spans import row_states
from xlcorpus.errors import UserError, nearest

SIDES = ("src", "tgt")
RESTORE = pa.schema(
    [
        pa.field("doc_id", pa.binary(16)),
        pa.field("source", pa.string()),
        pa.field("target", pa.string()),
        pa.field("lang", pa.string()),
        pa.field("cs_langs", pa.list_(pa.string())),
        pa.field("cs_ratio", pa.float32()),
        pa.field("cs_operator", pa.string()),
    ]
)


def restore_batch(switched: pa.RecordBatch) -> pa.RecordBatch:
    """Rows of the restore task (`RESTORE`), one for each switched row, in order.

    switched: the output of an operator. source is cs_source, target cs_target, lang the language of the original:
    column lang, or for align_span, whose rows are pairs, tgt_lang. Raises UserError where a column is missing.
    """
    names = switched.schema.names
    lang = "lang" if "lang" in names else "tgt_lang"
    columns = {"source": "cs_source", "target": "cs_target", "lang": lang}
    wanted = [columns.get(field.name, field.name) for field in RESTORE]
    _check(names, wanted, "make the rows with `xlcorpus codeswitch`")
    return pa.RecordBatch.from_arrays(
        [switched.column(name).cast(field.type) for name, field in zip(wanted, RESTORE, strict=True)], schema=RESTORE
    )


def choose_sides(pairs: pa.RecordBatch, seed: int, *, first: int | None = None) -> pa.RecordBatch:
    """One side of each pair as a document to be switched into the language of the other side.

    pairs: doc_id, origin, src, tgt, src_lang, tgt_lang, one pair a row. Returns doc_id, origin, text, lang, cs_partner
    (the other side's language, see `switch.Settings.partner`) and cs_side (src or tgt), in the order of the pairs.
    first: number of the first row in the dataset, for even rows src and odd rows tgt; by hash without it. Raises
    UserError where a column is missing.
    """
    _check(pairs.schema.names, ["doc_id", "origin", "src", "tgt", "src_lang", "tgt_lang"], "give sentence pairs")
    if first is None:
        other = (row_states(pairs.column("doc_id"), seed, "sides") & np.uint64(1)).astype(bool)
    else:
        other = (np.arange(first, first + len(pairs)) % 2).astype(bool)
    target = pa.array(other)

    def either(source: str, alternative: str) -> pa.Array:
        return pc.if_else(target, pairs.column(alternative), pairs.column(source))

    return pa.RecordBatch.from_pydict(
        {
            "doc_id": pairs.column("doc_id"),
            "origin": pairs.column("origin"),
            "text": either("src", "tgt"),
            "lang": either("src_lang", "tgt_lang"),
            "cs_partner": either("tgt_lang", "src_lang"),
            "cs_side": pa.array(SIDES).take(pa.array(other.astype(np.int8))),
        }
    )


def _check(names: list[str], wanted: list[str], remedy: str) -> None:
    for name in wanted:
        if name not in names:
            raise UserError(f"there is no column {name!r} here ({nearest(name, names)})", remedy=remedy)
