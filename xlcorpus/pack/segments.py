"""What a reader derives from packs: rows filled up to one length, and where the parts of documents lie in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from xlcorpus.errors import IntegrityError, UserError
from xlcorpus.pack.packs import sizes_of, values_of
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
        sizes = _checked(sizes_of(packs.column("input_ids")), length)
        begins = np.arange(len(sizes)) * length
        if across:
            starts = begins[sizes > 0]
        else:
            starts, offsets = values_of(packs.column("doc_starts"))
            counts = np.diff(offsets)
            last = offsets[1:] - 1
            rises = np.diff(starts, prepend=-1) > 0
            rises[offsets[:-1][counts > 0]] = True
            if not (counts.all() and rises.all() and not starts[offsets[:-1]].any() and (starts[last] < sizes).all()):
                raise IntegrityError(
                    "doc_starts of a pack do not rise from 0 to its end",
                    remedy="make the token shards again with xlcorpus pack",
                )
            starts = starts + np.repeat(begins, counts)  # int64
        ends = (begins + sizes)[sizes < length]
        if not len(ends):
            return cls(len(sizes), length, starts, np.zeros(len(starts), dtype=bool))
        at = np.searchsorted(starts, ends)
        padding = np.insert(np.zeros(len(starts), dtype=bool), at, True)
        return cls(len(sizes), length, np.insert(starts, at, ends), padding)

    @property
    def sizes(self) -> np.ndarray:
        """int64[parts]: cells of each part."""
        return np.diff(self.starts, append=self.rows * self.length)

    def position_ids(self) -> np.ndarray:
        """int64[rows, length]: place of each token in its part, from 0 (in the padding as well)."""
        return ranges(np.zeros_like(self.starts), self.sizes).reshape(self.rows, self.length)

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
    sizes = _checked(np.diff(offsets), length)
    if len(values) == len(sizes) * length:
        return values.astype(np.int64).reshape(-1, length)
    filled = np.full((len(sizes), length), fill, dtype=np.int64)
    filled[np.arange(length) < sizes[:, None]] = values
    return filled


def _checked(sizes: np.ndarray, length: int) -> np.ndarray:
    if len(sizes) and sizes.max() > length:
        raise UserError(
            f"a row has {sizes.max()} tokens, more than {length}", remedy="read the shards with the length they have"
        )
    return sizes
