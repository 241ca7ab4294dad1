"""Sets of shingles: from texts, to spill files, and what two of them have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from scipy.sparse import csr_array

from xlcorpus.text.ragged import begins_of, offsets_of, ranges, rows_of, sums_before
from xlcorpus.text.shingle import Shingles

MOST_ROWS = 4096  # of a batch of sets: the number of a row has 12 bits beside the hash
_ROW_SHIFT = np.uint64(52)
_ROW_BITS = np.uint64(12)
_SIDE_SHIFT = np.uint64(51)
_HASH_MASK = np.uint64((1 << 52) - 1)
_AT_ONCE = 1 << 18  # shingles of the pairs that are compared at once: 2 MB, which stay in the cache


@dataclass(frozen=True)
class Sets:
    """Sets of shingles laid end to end: hashes uint64[n] of 52 bits, ascending in each set; offsets int64[sets + 1].

    52 bits take two different shingles of a pair of texts of 1,000 words for one once in 10^9 pairs.
    """

    hashes: np.ndarray
    offsets: np.ndarray

    def __len__(self) -> int:
        """Number of sets."""
        return len(self.offsets) - 1

    @property
    def sizes(self) -> np.ndarray:
        """int64[sets]: shingles of each."""
        return np.diff(self.offsets)

    def take(self, rows: np.ndarray) -> Sets:
        """The sets of these rows."""
        sizes = self.sizes[rows]
        return Sets(self.hashes[ranges(self.offsets[rows], sizes)], offsets_of(sizes))

    def side(self, number: int) -> Sets:
        """The sets of those hashes whose first bit is this number: of sentence pairs 0 is src, 1 tgt."""
        mine = self.hashes >> _SIDE_SHIFT == number
        return Sets(self.hashes[mine], sums_before(mine)[self.offsets])

    def _matrix(self) -> csr_array:
        """bool[sets, 2^52]: a row of ones a set."""
        ones = np.ones(len(self.hashes), dtype=np.int8)
        matrix = csr_array((ones, self.hashes.view(np.int64), self.offsets), shape=(len(self), 1 << 52))
        matrix.has_canonical_format = True
        return matrix


def sets_of(values: Shingles) -> Sets:
    """The shingles of each text as a set; at most `MOST_ROWS` texts."""
    rows = rows_of(values.offsets).astype(np.uint64) << _ROW_SHIFT
    ordered = np.sort(rows | (values.hashes >> _ROW_BITS))
    ordered = ordered[begins_of(ordered)]
    sizes = np.bincount((ordered >> _ROW_SHIFT).astype(np.int64), minlength=len(values.offsets) - 1)
    return Sets(ordered & _HASH_MASK, offsets_of(sizes))


def joined_sets(parts: Sequence[Sets]) -> Sets:
    """All of them, one after the other."""
    if len(parts) == 1:
        return parts[0]
    hashes = np.concatenate([part.hashes for part in parts]) if parts else np.zeros(0, dtype=np.uint64)
    return Sets(hashes, offsets_of(np.concatenate([part.sizes for part in parts] or [np.zeros(0, np.int64)])))


def _ratio(ours: Sets, theirs: Sets) -> np.ndarray:
    shared = np.diff(ours._matrix().multiply(theirs._matrix()).indptr)
    return shared / np.maximum(ours.sizes + theirs.sizes - shared, 1)


def _ratio_of_both(ours: Sets, theirs: Sets) -> np.ndarray:
    return np.minimum(*(_ratio(ours.side(side), theirs.side(side)) for side in (0, 1)))


def jaccard(left: Sets, left_rows: np.ndarray, right: Sets, right_rows: np.ndarray) -> np.ndarray:
    """float64[pairs]: the exact Jaccard similarity of two sets each, by their rows (int64[pairs]); 0 of empty ones."""
    return _compared(_ratio, left, left_rows, right, right_rows)


def jaccard_of_both(left: Sets, left_rows: np.ndarray, right: Sets, right_rows: np.ndarray) -> np.ndarray:
    """float64[pairs]: the lesser `jaccard` of the two sides of sets that have two (`texts.row_shingles`)."""
    return _compared(_ratio_of_both, left, left_rows, right, right_rows)


def _compared(
    ratio: Callable[[Sets, Sets], np.ndarray], left: Sets, left_rows: np.ndarray, right: Sets, right_rows: np.ndarray
) -> np.ndarray:
    sizes = left.sizes[left_rows] + right.sizes[right_rows]
    found = np.zeros(len(sizes))
    before = offsets_of(sizes)
    first = 0
    while first < len(sizes):
        last = max(int(np.searchsorted(before, before[first] + _AT_ONCE, side="right")) - 1, first + 1)
        part = slice(first, last)
        found[part] = ratio(left.take(left_rows[part]), right.take(right_rows[part]))
        first = last
    return found


def as_column(sets: Sets) -> pa.Array:
    """large_list<uint64>[sets]."""
    return pa.LargeListArray.from_arrays(pa.array(sets.offsets), pa.array(sets.hashes))


def from_column(column: pa.Array) -> Sets:
    """Copies of what `as_column` gave, or of a slice of it."""
    offsets = column.offsets.to_numpy()
    hashes = column.values.to_numpy()[offsets[0] : offsets[-1]] if len(column) else np.zeros(0, dtype=np.uint64)
    return Sets(hashes.copy(), offsets - offsets[0])
