"""Bags of types: how often each n-gram, word or piece of a language stands in its text, by hashes.

Exact for up to MOST types a language. Beyond that those with the smallest hashes are kept (a bottom-k sketch, Cohen and
Kaplan 2007, PODC): a sample of the types that is the same in every language, so that shares and overlaps of what is
kept estimate those of all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

MOST = 1 << 17  # types of a language, 2 MB of hashes and counts
_PENDING = 1 << 20  # hashes that wait to be counted, 8 MB


@dataclass(frozen=True)
class Bag:
    """Types of a language: hashes uint64[n], ascending; counts int64[n].

    limit: the largest hash that was kept, where there were more than MOST types; None: all are here.
    """

    hashes: np.ndarray
    counts: np.ndarray
    limit: int | None = None

    def below(self, limit: int | None) -> Bag:
        """The types whose hashes are not above a limit."""
        if limit is None:
            return self
        end = int(np.searchsorted(self.hashes, np.uint64(limit), side="right"))
        return Bag(self.hashes[:end], self.counts[:end], limit)


class Counter:
    """Makes a Bag of hashes that come a batch at a time; how they are cut into batches does not matter."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._pending: list[np.ndarray] = []
        self._waiting = 0
        self._hashes, self._counts = np.zeros(0, np.uint64), np.zeros(0, np.int64)
        self._limit: int | None = None

    def add(self, hashes: np.ndarray) -> None:
        """Count some types (uint64[n], in any order, as often as they stand there)."""
        self._pending.append(hashes)
        self._waiting += len(hashes)
        if self._waiting >= _PENDING:
            self._settle()

    def bag(self) -> Bag:
        """What was counted."""
        self._settle()
        return Bag(self._hashes, self._counts, self._limit)

    def _settle(self) -> None:
        found = np.concatenate([np.zeros(0, np.uint64), *self._pending])
        self._pending, self._waiting = [], 0
        if self._limit is not None:
            found = found[found <= np.uint64(self._limit)]
        new, counts = np.unique(found, return_counts=True)
        hashes, inverse = np.unique(np.concatenate([self._hashes, new]), return_inverse=True)
        summed = np.zeros(len(hashes), np.int64)
        np.add.at(summed, inverse, np.concatenate([self._counts, counts]))
        if len(hashes) > self._most:
            hashes, summed = hashes[: self._most].copy(), summed[: self._most].copy()
            self._limit = int(hashes[-1])
        self._hashes, self._counts = hashes, summed


def _matrix(bags: Sequence[Bag]) -> csr_array:
    """Counts, float64[bags, types], of the types whose hashes no bag left out."""
    limit = min((bag.limit for bag in bags if bag.limit is not None), default=None)
    cut = [bag.below(limit) for bag in bags]
    types = np.unique(np.concatenate([np.zeros(0, np.uint64), *(bag.hashes for bag in cut)]))
    columns = [np.searchsorted(types, bag.hashes) for bag in cut]
    ends = np.cumsum([0, *map(len, columns)])
    values = np.concatenate([np.zeros(0), *(bag.counts for bag in cut)])
    places = np.concatenate([np.zeros(0, np.int64), *columns])
    return csr_array((values, places, ends), shape=(len(cut), len(types)))


def cosines(bags: Sequence[Bag]) -> np.ndarray:
    """float64[bags, bags]: cosine of the vectors of counts, 0 to 1; nan where a bag is empty."""
    counts = _matrix(bags)
    lengths = np.sqrt(counts.multiply(counts).sum(axis=1))
    with np.errstate(invalid="ignore", divide="ignore"):
        found: np.ndarray = (counts @ counts.T).toarray() / np.outer(lengths, lengths)
    return np.clip(found, 0, 1)


def jaccards(bags: Sequence[Bag]) -> np.ndarray:
    """float64[bags, bags]: types that both have, as a share of those that either has; nan where a bag is empty."""
    there = _matrix(bags)
    there.data[:] = 1
    both = (there @ there.T).toarray()
    sizes = there.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        found: np.ndarray = both / (sizes[:, None] + sizes[None, :] - both)
    found[sizes == 0, :] = np.nan
    found[:, sizes == 0] = np.nan
    return found
