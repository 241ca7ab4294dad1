"""What a reader derives from packs: rows filled up to one length, and where the parts of documents lie in them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from xlcorpus.errors import IntegrityError, UserError
from xlcorpus.pack.packs import PACK_AGAIN, values_of
from xlcorpus.text.ragged import ranges


@dataclass(frozen=True)
class Parts:
    """Where the parts of documents begin in packs that are filled up to one length; the padding of a row is one more.

    Cells are numbered through the batch: row times length plus place in the row. starts: int64[parts], ascending, the
    first cell of each part; padding: bool[parts].
    """

    rows: int
    length: int
    starts: np.ndarray
    padding: np.ndarray

    @classmethod
    def of(cls, packs: pa.RecordBatch, length: int, *, across: bool = False) -> Parts:
        """The parts of some packs (input_ids, doc_starts); across: all documents of a row count as one part.

        Raises IntegrityError where parts do not make up their row, UserError where a row is longer than `length`.
        """
        sizes = _sizes(values_of(packs.column("input_ids"))[1], length)
        begins = np.arange(0, len(sizes) * length, length)
        starts = begins[sizes > 0] if across else _begins_of_parts(packs, sizes, begins)
        short = sizes < length
        ends = (begins + sizes)[short]
        padding = np.zeros(len(starts) + len(ends), dtype=bool)
        if len(ends):
            padding[np.searchsorted(starts, ends) + np.arange(len(ends))] = True
            merged = np.empty(len(padding), dtype=np.int64)
            merged[padding], merged[~padding] = ends, starts
            starts = merged
        return cls(len(sizes), length, starts, padding)

    @cached_property
    def sizes(self) -> np.ndarray:
        """int64[parts]: cells of each part."""
        return np.append(self.starts[1:], self.rows * self.length) - self.starts

    def position_ids(self) -> np.ndarray:
        """int64[rows, length]: place of each token in its part, from 0 (in the padding as well)."""
        cells = np.arange(self.rows * self.length)
        cells -= np.repeat(self.starts, self.sizes)
        return cells.reshape(self.rows, self.length)

    def segment_ids(self) -> np.ndarray:
        """int64[rows, length]: number of each token's part in its row, from 1; 0 where there is padding.

        Tokens may attend to one another where these are equal.
        """
        rows = self.starts // self.length
        numbers = ranges(np.ones(self.rows, dtype=np.int64), np.bincount(rows, minlength=self.rows))
        numbers[self.padding] = 0
        return np.repeat(numbers, self.sizes).reshape(self.rows, self.length)

    def sums(self, values: np.ndarray) -> np.ndarray:
        """float64[parts without paddings]: sum of values[rows, length] over each part, in order of doc_starts."""
        if not len(self.starts):
            return np.zeros(0)
        sums: np.ndarray = np.add.reduceat(values.ravel(), self.starts, dtype=np.float64)[~self.padding]
        return sums


def fill_up(lists: pa.Array, length: int, fill: int) -> np.ndarray:
    """int64[rows, length]: the lists with `fill` behind them; raises UserError where one is longer."""
    values, offsets = values_of(lists)
    sizes = _sizes(offsets, length)
    if len(values) == len(sizes) * length:
        return values.astype(np.int64).reshape(-1, length)
    # Each row with as much behind it as it lacks, which is then overwritten: half of what a mask of all cells costs.
    padded = np.append(values, np.zeros(length, values.dtype))
    step = values.itemsize
    rows = np.ndarray((len(values) + 1, length), values.dtype, buffer=padded, strides=(step, step))[offsets[:-1]]
    rows.ravel()[ranges(np.arange(0, rows.size, length) + sizes, length - sizes)] = fill
    return rows.astype(np.int64)


def _begins_of_parts(packs: pa.RecordBatch, sizes: np.ndarray, begins: np.ndarray) -> np.ndarray:
    """int64[parts]: doc_starts, counted on from where each row begins; raises IntegrityError."""
    starts, offsets = values_of(packs.column("doc_starts"))
    heads, counts = offsets[:-1], offsets[1:] - offsets[:-1]
    if (
        not counts.all()
        or starts[heads].any()
        or not np.array_equal(np.flatnonzero(starts[1:] <= starts[:-1]) + 1, heads[1:])
        or (starts[offsets[1:] - 1] >= sizes).any()
    ):
        raise IntegrityError(
            "doc_starts of a pack do not rise from 0 to its end",
            remedy=PACK_AGAIN,
        )
    return starts + np.repeat(begins, counts)


def _sizes(offsets: np.ndarray, length: int) -> np.ndarray:
    """int64[rows]: tokens of each row; raises UserError where one has more than `length`."""
    sizes = offsets[1:] - offsets[:-1]
    if len(sizes) and sizes.max() > length:
        raise UserError(
            f"a row has {sizes.max()} tokens, more than {length}", remedy="read the shards with the length they have"
        )
    return sizes
