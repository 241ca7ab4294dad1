"""What a reader derives from packs: segment and position ids, and rows filled up to one length."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from xlcorpus.errors import IntegrityError, UserError
from xlcorpus.pack.packs import sizes_of, values_of
from xlcorpus.text.ragged import offsets_of, ranges


def segment_ids(packs: pa.RecordBatch) -> pa.Array:
    """The part that each token of input_ids belongs to: 1, 1, 2, ...; list<int32>. 0 is free for the padding.

    Tokens may attend to one another where these are equal. packs: rows with input_ids and doc_starts.
    """
    offsets, part_offsets, starts = _parts(packs)
    sizes = np.diff(starts, append=offsets[-1])
    counts = np.diff(part_offsets)
    numbers = ranges(np.ones_like(counts), counts)
    return _listed(np.repeat(numbers, sizes), offsets)


def position_ids(packs: pa.RecordBatch, *, continued: bool = False) -> pa.Array:
    """Position of each token of input_ids in its part, from 0; list<int32>.

    continued: the part of a document that was split begins at doc_offsets, not at 0 (such positions may lie beyond the
    context length).
    """
    offsets, _, starts = _parts(packs)
    first = starts.copy()
    if continued:
        first -= values_of(packs.column("doc_offsets"))[0]
    sizes = np.diff(starts, append=offsets[-1])
    return _listed(np.arange(int(offsets[-1])) - np.repeat(first, sizes), offsets)


def fill_up(lists: pa.Array, length: int, fill: int) -> np.ndarray:
    """int32[rows, length]: the lists with `fill` behind them; raises UserError where one is longer."""
    values, offsets = values_of(lists)
    sizes = np.diff(offsets)
    if len(sizes) and sizes.max() > length:
        raise UserError(
            f"a row has {sizes.max()} tokens, more than {length}", remedy="read the shards with the length they have"
        )
    filled = np.full((len(sizes), length), fill, dtype=np.int32)
    filled[np.arange(length) < sizes[:, None]] = values
    return filled


def _parts(packs: pa.RecordBatch) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Offsets of rows in tokens and in parts, and int64[parts], where each part begins among all tokens."""
    offsets = offsets_of(sizes_of(packs.column("input_ids")))
    starts, part_offsets = values_of(packs.column("doc_starts"))
    starts = starts.astype(np.int64) + np.repeat(offsets[:-1], np.diff(part_offsets))
    heads = part_offsets[:-1]
    whole = np.all(np.diff(part_offsets) > 0) and np.all(np.diff(starts, append=offsets[-1]) > 0)
    if not whole or not np.array_equal(starts[heads], offsets[:-1]):
        raise IntegrityError(
            "doc_starts of a pack do not rise from 0 to its end",
            remedy="make the token shards again with xlcorpus pack",
        )
    return offsets, part_offsets, starts


def _listed(values: np.ndarray, offsets: np.ndarray) -> pa.Array:
    return pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), pa.array(values.astype(np.int32)))
