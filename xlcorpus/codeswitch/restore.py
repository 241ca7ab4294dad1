"""The restore task (CSR): switched text in, original out, as rows for sequence-to-sequence training (methods A2.3).

Published: encoder input is the switched sentence, end of sentence, language id of the *original*; the decoder gives the
original, and the loss is over all of it. Of a dataset of pairs, samples with an even index in their batch take the
source side, switched into the target language, and odd ones the target side. An index in a batch depends on how the
training batches were shuffled; here a hash of (seed, doc_id) takes its place, so each side has half of the pairs and a
pair has the same side in every run. Where the dictionary goes one way alone, that side is taken of every pair.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.codeswitch.options import CodeswitchOptions
from xlcorpus.codeswitch.partners import PARTNER
from xlcorpus.dataset.columns import append_columns, require_column, text_or_empty
from xlcorpus.dataset.kept import Kept, beside
from xlcorpus.dataset.schema import load_schema
from xlcorpus.lexicon.index import Direction
from xlcorpus.text.draws import row_states
from xlcorpus.text.labels import encode_pairs, stands_for

SIDES = ("src", "tgt")
_VIEW = {"inputs": "cs_source", "targets": "cs_target"}  # column of the view: that of the switched rows


NOTHING = Kept()


def restore_batch(switched: pa.RecordBatch, kept: Kept = NOTHING) -> pa.RecordBatch:
    """Rows of the restore task (restore-1), one for each switched row (codeswitch-1), in order. kept: columns besides.

    Raises UserError where a column is missing.
    """
    if kept:
        kept.check(switched.schema, load_schema("restore").names, "the switched rows")
    fields = [field for field in load_schema("restore").fields if field.name in {*switched.schema.names, *_VIEW}]
    wanted = [_VIEW.get(field.name, field.name) for field in fields]
    for name in wanted:
        require_column(switched.schema, name, remedy="make the rows with `xlcorpus codeswitch`")
    columns = [switched.column(name).cast(field.type) for name, field in zip(wanted, fields, strict=True)]
    rows = pa.RecordBatch.from_arrays(columns, schema=pa.schema([field.remove_metadata() for field in fields]))
    return beside(rows, kept.of(switched)) if kept else rows


def check_kept(options: CodeswitchOptions, given: pa.Schema, where: str) -> None:
    """Raise UserError for a column to keep that is neither in the input nor made here, or bears a name of restore-1."""
    made = {field.name: field for field in load_schema("codeswitch").fields}
    columns = pa.schema([*given, *(field for name, field in made.items() if name not in given.names)])
    options.kept.check(columns, load_schema("restore").names, where)


def choose_sides(pairs: pa.RecordBatch, seed: int, directions: Sequence[Direction]) -> pa.RecordBatch:
    """One side of each pair as a document to be switched into the language of the other side.

    pairs: doc_id, origin, src, tgt, src_lang, tgt_lang, one pair a row. They keep their columns and get text, lang,
    cs_partner (the other side's language, see `partners.PARTNER`) and cs_side (src or tgt): the side that a dictionary
    of these directions goes from into the other, by hash where both or none have one. Raises UserError where a column
    is missing.
    """
    for name in ("doc_id", "origin", "src", "tgt", "src_lang", "tgt_lang"):
        require_column(pairs.schema, name, remedy="give sentence pairs")
    drawn = (row_states(pairs.column("doc_id"), f"codeswitch/sides/{seed}") & np.uint64(1)).astype(bool)
    ways, numbers = encode_pairs(text_or_empty(pairs, "src_lang"), text_or_empty(pairs, "tgt_lang"))
    forth = np.array([_leads(one, two, directions) for one, two in ways], dtype=bool)[numbers]
    back = np.array([_leads(two, one, directions) for one, two in ways], dtype=bool)[numbers]
    other = np.where(forth == back, drawn, back)
    target = pa.array(other)

    def either(source: str, alternative: str) -> pa.Array:
        return pc.if_else(target, pairs.column(alternative), pairs.column(source))

    made = {
        "text": either("src", "tgt"),
        "lang": either("src_lang", "tgt_lang"),
        PARTNER: either("tgt_lang", "src_lang"),
        "cs_side": pa.array(SIDES).take(pa.array(other.astype(np.int8))),
    }
    kept = [name for name in pairs.schema.names if name not in made]
    return append_columns(pairs.select(kept), pa.RecordBatch.from_pydict(made))


def _leads(one: str, other: str, directions: Sequence[Direction]) -> bool:
    return any(stands_for(way.src, one) and stands_for(way.tgt, other) for way in directions)
