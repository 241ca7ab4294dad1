"""Best-fit-decreasing bin packing of whole numbers, by classes of equal size instead of item by item.

The largest item goes first, into the bin with the least room that still holds it (Johnson, Demers, Ullman, Garey and
Graham 1974). Sizes are whole numbers up to the length, so bins of equal room are alike: items of one size are placed
together, and a bin that takes one of them takes as many as it holds, because it stays the one with the least room.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque

import numpy as np

from xlcorpus.text.ragged import begins_of


def best_fit(sizes: np.ndarray, length: int) -> tuple[np.ndarray, int]:
    """The bin of each item, int64[n], and the number of bins; bins are numbered in the order they were opened.

    sizes: integers[n], 1 to length. The bins hold the same sizes as those of best-fit-decreasing item by item; of
    equal items the first in the input goes first, of bins with equal room the one that has had it longest. Takes
    n log n to sort, and a step for each run of bins of equal room that a size meets. Raises ValueError where a size is
    not within 1 and length.
    """
    count = len(sizes)
    if not count:
        return np.zeros(0, dtype=np.int64), 0
    order = np.argsort(length - sizes.astype(np.int64), kind="stable")
    ordered = sizes[order].astype(np.int64)
    if ordered[-1] < 1 or ordered[0] > length:
        raise ValueError(f"sizes must be within 1 and {length}, not {ordered[-1]} to {ordered[0]}")
    starts = np.flatnonzero(begins_of(ordered))
    placed = np.empty(count, dtype=np.int64)
    bins = _Bins(length)
    stops = [*starts[1:].tolist(), count]
    for start, stop, size in zip(starts.tolist(), stops, ordered[starts].tolist(), strict=True):
        while start < stop:
            start += bins.place(size, placed[start:stop])
    bin_of = np.empty(count, dtype=np.int64)
    bin_of[order] = placed
    return bin_of, bins.count


class _Bins:
    """Open bins by the room that is left in them."""

    def __init__(self, length: int) -> None:
        self.count = 0
        self._length = length
        self._rooms: list[int] = []  # ascending, each with bins in _with_room
        self._with_room: dict[int, deque[np.ndarray]] = {}

    def place(self, size: int, items: np.ndarray) -> int:
        """Write the bins of the first items of this size into `items`; returns how many were placed, at least one."""
        room, bins = self._tightest(size, len(items))
        each = room // size
        taken = min(len(items), len(bins) * each)
        full, rest = divmod(taken, each)
        items[:taken] = np.repeat(bins[: full + 1], each)[:taken] if each > 1 else bins[:taken]
        used = full + (rest > 0)
        if used < len(bins):
            self._put(room, bins[used:], first=True)
        if full:
            self._put(room - each * size, bins[:full])
        if rest:
            self._put(room - rest * size, bins[full:used])
        return taken

    def _tightest(self, size: int, items: int) -> tuple[int, np.ndarray]:
        """The least room that holds this size, with bins of it (taken out); new ones where there is none."""
        at = bisect_left(self._rooms, size)
        if at == len(self._rooms):
            opened = -(-items // (self._length // size))
            self.count += opened
            return self._length, np.arange(self.count - opened, self.count)
        room = self._rooms[at]
        runs = self._with_room[room]
        bins = runs.popleft()
        if not runs:
            del self._with_room[room], self._rooms[at]
        return room, bins

    def _put(self, room: int, bins: np.ndarray, *, first: bool = False) -> None:
        if not room:
            return
        runs = self._with_room.get(room)
        if runs is None:
            self._with_room[room] = deque([bins])
            insort(self._rooms, room)
        elif first:
            runs.appendleft(bins)
        else:
            runs.append(bins)
