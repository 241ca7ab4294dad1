"""Rows of views as one sequence each: lists of ids with special ids around them, filled up to one length."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from xlcorpus.errors import UserError
from xlcorpus.objectives.objective import Vocabulary
from xlcorpus.pack.packs import sizes_of, values_of
from xlcorpus.text.ragged import offsets_of, ranges

Ids = tuple[int, ...]
_STEP = 8  # widths are multiples of it, so that batches have few shapes and fill the tiles of matrix units


def column_of(rows: pa.RecordBatch, name: str, view: str) -> pa.Array:
    """A column of lists; raises UserError, with the view that makes it, where the shards lack it."""
    if name not in rows.schema.names:
        raise UserError(
            f"the shards have no column {name}", remedy=f"make them with xlcorpus pack --view {view}, or choose others"
        )
    return rows.column(name)


def around_text(vocabulary: Vocabulary) -> tuple[Ids, Ids]:
    """Ids before and after a text for an encoder: the tokenizer's own, else cls or bos, and sep or eos."""
    before, after = vocabulary.around
    return before or (vocabulary.id_of("cls", "bos"),), after or (vocabulary.id_of("sep", "eos"),)


def join(parts: Sequence[pa.Array | Ids]) -> tuple[pa.Array, np.ndarray]:
    """The rows as list<int32>, and int64[rows, parts + 1], where each part begins and the last one ends.

    parts: lists of ids, a list a row, or the same ids in all rows.
    """
    rows = next(len(part) for part in parts if not isinstance(part, tuple))
    sizes = np.stack([_sizes(part, rows) for part in parts], axis=1)
    offsets = offsets_of(sizes.sum(axis=1))
    starts = np.zeros((rows, len(parts) + 1), dtype=np.int64)
    np.cumsum(sizes, axis=1, out=starts[:, 1:])
    ids = np.empty(offsets[-1], dtype=np.int32)
    for place, part in enumerate(parts):
        values = np.tile(np.array(part, np.int32), rows) if isinstance(part, tuple) else values_of(part)[0]
        ids[ranges(offsets[:-1] + starts[:, place], sizes[:, place])] = values
    return pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), pa.array(ids)), starts


def cut(lists: pa.Array, sizes: np.ndarray) -> pa.Array:
    """The first ids of each list. lists: list<int32>; sizes: int64[rows], at most as many as there are."""
    values, offsets = values_of(lists)
    kept = values[ranges(offsets[:-1], sizes)]
    return pa.ListArray.from_arrays(pa.array(offsets_of(sizes).astype(np.int32)), pa.array(kept))


def width_of(lists: Sequence[pa.Array], length: int) -> int:
    """The longest row of all, to the next multiple of 8, at most the context length."""
    longest = max((int(sizes_of(one).max(initial=1)) for one in lists), default=1)
    return max(longest, min(-(-longest // _STEP) * _STEP, length))


def _sizes(part: pa.Array | Ids, rows: int) -> np.ndarray:
    return np.full(rows, len(part), dtype=np.int64) if isinstance(part, tuple) else sizes_of(part)
