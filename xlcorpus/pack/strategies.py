"""Which tokens go into which pack: three strategies as arithmetic on lengths; no token is touched here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xlcorpus.pack.fit import best_fit
from xlcorpus.text.ragged import begins_of, offsets_of, ranges, sums_in_runs


@dataclass(frozen=True)
class Parts:
    """Parts of documents in the order in which they stand in the packs; int64[parts] each.

    documents: positions of the documents; starts: tokens of the document before the part; sizes: tokens of the part;
    packs: 0, 0, 1, ..., ascending without gaps.
    """

    documents: np.ndarray
    starts: np.ndarray
    sizes: np.ndarray
    packs: np.ndarray

    @property
    def count(self) -> int:
        """Number of packs."""
        return int(self.packs[-1]) + 1 if len(self.packs) else 0

    def take(self, rows: np.ndarray, packs: np.ndarray) -> Parts:
        """These parts, in new packs."""
        return Parts(self.documents[rows], self.starts[rows], self.sizes[rows], packs)


@dataclass(frozen=True)
class Layout:
    """Packs that are ready, and what waits for more documents: positions of documents, ascending, and their tokens
    that are packed already; int64 each."""

    parts: Parts
    waiting: np.ndarray
    waiting_starts: np.ndarray


def concatenate(lengths: np.ndarray, groups: np.ndarray, length: int, *, last: bool) -> Layout:
    """Documents of a group one after the other, cut every `length` tokens.

    lengths: int64[documents], in order of arrival; groups: int64[documents]. Packs come in the order in which their
    last document arrived, so it does not matter how many documents are laid out at a time. What does not fill a pack
    waits, or with `last` makes the last packs, one a group.
    """
    if not len(lengths):
        return _layout(_no_parts(), np.zeros(0, dtype=bool), np.zeros(0, dtype=np.int64))
    order = np.argsort(groups, kind="stable")
    sizes = lengths[order]
    begins = begins_of(groups[order])
    group = np.cumsum(begins) - 1
    starts = sums_in_runs(sizes, begins)
    ends = starts + sizes
    totals = np.add.reduceat(sizes, np.flatnonzero(begins))

    first = starts // length
    parts = (ends - 1) // length - first + 1
    rows = np.repeat(np.arange(len(sizes)), parts)
    pack = first[rows] + _within(parts)
    part_starts = np.maximum(pack * length - starts[rows], 0)
    part_ends = np.minimum((pack + 1) * length - starts[rows], sizes[rows])
    found = Parts(
        order[rows], part_starts, part_ends - part_starts, offsets_of(-(-totals // length))[group[rows]] + pack
    )
    full = pack < (totals // length)[group[rows]]
    completed_by = np.zeros(int(found.packs[-1]) + 1, dtype=np.int64)
    np.maximum.at(completed_by, found.packs, found.documents)
    is_full = np.zeros(len(completed_by), dtype=bool)
    is_full[found.packs] = full
    rank = np.lexsort((np.arange(len(completed_by)), completed_by, ~is_full))
    return _layout(found, full | last, rank)


def best_fit_decreasing(lengths: np.ndarray, groups: np.ndarray, length: int, *, last: bool) -> Layout:
    """Whole documents; those above `length` are cut to parts of `length` tokens and a rest.

    lengths, groups: as in `concatenate`. The emptiest pack of each group waits, whole, unless it is full or `last`.
    Packs come in the order in which the largest part of each arrived: one part of each pack says where it stands,
    whatever the number of the others, so packs of many short documents are not in front of those of one long document.
    """
    items = _cut(lengths, length)
    if not len(items.sizes):
        return _layout(items, np.zeros(0, dtype=bool), np.zeros(0, dtype=np.int64))
    item_groups = groups[items.documents]
    order = np.argsort(item_groups, kind="stable")
    cuts = np.flatnonzero(np.diff(item_groups[order])) + 1
    packs = np.empty(len(items.sizes), dtype=np.int64)
    count = 0
    ready: list[np.ndarray] = []
    for rows in np.split(order, cuts):
        bins, opened = best_fit(items.sizes[rows], length)
        packs[rows] = bins + count
        count += opened
        filled = np.bincount(bins, weights=items.sizes[rows], minlength=opened)
        whole = np.ones(opened, dtype=bool)
        emptiest = opened - 1 - int(np.argmin(filled[::-1]))
        whole[emptiest] = last or filled[emptiest] == length
        ready.append(whole)
    # The largest of a pack: the last to be written here, sizes ascending, of equal ones the first to arrive.
    seed = np.empty(count, dtype=np.int64)
    ascending = np.lexsort((-np.arange(len(packs)), items.sizes))
    seed[packs[ascending]] = ascending
    found = Parts(items.documents, items.starts, items.sizes, packs)
    return _layout(found, np.concatenate(ready)[packs], np.argsort(seed, kind="stable"))


def one_by_one(lengths: np.ndarray, groups: np.ndarray, length: int, *, last: bool) -> Layout:
    """A document a pack; those above `length` are cut to parts of `length` tokens and a rest, a pack each."""
    items = _cut(lengths, length)
    return _layout(items, np.ones(len(items.sizes), dtype=bool), np.arange(len(items.sizes)))


STRATEGIES = {"concatenate": concatenate, "best-fit": best_fit_decreasing, "one": one_by_one}


def _cut(lengths: np.ndarray, length: int) -> Parts:
    """Parts of `length` tokens and a rest of each document, every one in a pack of its own."""
    parts = -(-lengths // length)
    documents = np.repeat(np.arange(len(lengths)), parts)
    starts = _within(parts) * length
    sizes = np.minimum(lengths[documents] - starts, length)
    return Parts(documents, starts, sizes, np.arange(len(documents)))


def _within(counts: np.ndarray) -> np.ndarray:
    """0, 1, ..., counts[0] - 1, 0, 1, ...: the place of each in its run."""
    return ranges(np.zeros_like(counts), counts)


def _layout(found: Parts, ready: np.ndarray, rank: np.ndarray) -> Layout:
    """Packs in the order `rank` (int64[packs], the packs' numbers), where their parts are ready (bool[parts])."""
    place = np.empty(len(rank), dtype=np.int64)
    place[rank] = np.arange(len(rank))
    rows = np.flatnonzero(ready)
    places = place[found.packs[rows]]
    rows = rows[np.argsort(places, kind="stable")]  # the parts of a pack are in order of arrival already
    numbers = np.unique(np.sort(places), return_inverse=True)[1].astype(np.int64)
    waiting = np.flatnonzero(~ready)
    waiting = waiting[np.argsort(found.documents[waiting], kind="stable")]
    return Layout(found.take(rows, numbers), found.documents[waiting], found.starts[waiting])


def _no_parts() -> Parts:
    empty = np.zeros(0, dtype=np.int64)
    return Parts(empty, empty, empty, empty)
