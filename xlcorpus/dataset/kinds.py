"""What rows are: the schema of a dataset says it, and in a mix of several kinds each row's own columns do.

A mix of one kind is a dataset of that kind. A mix of several is of documents, with the columns of all: a sentence pair
has src and tgt there, a code-switched row cs_source, a row to restore inputs and targets, one of TransliCo pair_id and
text_latn; everything else is a document. `text` is in all of them the text that the mix has counted.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

DOCUMENT, PAIR, CODESWITCH, RESTORE, TRANSLICO = "document", "pair", "codeswitch", "restore", "translico"
KINDS = (DOCUMENT, PAIR, CODESWITCH, RESTORE, TRANSLICO)  # names of schemas of rows with text
# What a row of a kind has and no other one; a code-switched row that was made of a pair has src and tgt as well.
MARKS = {
    PAIR: ("src", "tgt"),
    CODESWITCH: ("cs_source",),
    RESTORE: ("inputs", "targets"),
    TRANSLICO: ("pair_id", "text_latn"),
}
MIX_CLASS = "mix_class"  # a column of every mix


def is_mix(names: Collection[str]) -> bool:
    """Whether a dataset of these columns is a mix, or was made of one."""
    return MIX_CLASS in names


def kind_of_mix(kinds: Sequence[str]) -> str:
    """The schema of a mix of rows of these schemas: theirs, or of several kinds that of documents."""
    return kinds[0] if len(set(kinds)) == 1 else DOCUMENT


def may_hold(kind: str, schema: str, names: Collection[str]) -> bool:
    """Whether a dataset of a schema, with columns of these names, may hold rows of a kind."""
    return schema == kind or (schema == DOCUMENT and is_mix(names) and set(MARKS.get(kind, ())) <= set(names))


def marks_read(kind: str, schema: str, names: Collection[str]) -> list[str]:
    """The columns that `rows_of_kind` looks at."""
    if schema == kind:
        return []
    wanted = MARKS[kind] if kind != PAIR else (*MARKS[PAIR], *MARKS[CODESWITCH])
    return [name for name in wanted if name in names]


def rows_of_kind(batch: pa.RecordBatch, schema: str, kind: str) -> np.ndarray:
    """bool[rows]: which rows of a dataset of a schema are of a kind (not that of documents, unless all are)."""
    if schema == kind:
        return np.ones(batch.num_rows, dtype=bool)
    names = batch.schema.names
    if not set(MARKS.get(kind, (MIX_CLASS,))) <= set(names):
        return np.zeros(batch.num_rows, dtype=bool)
    found = np.ones(batch.num_rows, dtype=bool)
    for name in MARKS[kind]:
        found &= np.asarray(pc.is_valid(batch.column(name)))
    if kind == PAIR and "cs_source" in names:
        found &= np.asarray(pc.is_null(batch.column("cs_source")))
    return found
