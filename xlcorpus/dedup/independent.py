"""The first maximal independent set of the graph of similar texts: which stay, and which of these each other is like.

Texts come best first. One stays if no text that stays before it has Jaccard similarity >= threshold to it; else it
goes, and is of the cluster of one such. Which ones stay is one answer, whatever the blocks in which the work is done;
rounds as in Blelloch, Fineman and Shun (2012).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from xlcorpus.dedup.prefixes import Frequencies, Index, Prefixes, labelled, prefixes
from xlcorpus.dedup.sets import Sets, jaccard
from xlcorpus.text.ragged import begins_of, heads_of

_SEATS_AT_ONCE = 256  # that are compared among themselves
_MEETINGS_AT_ONCE = 1 << 21  # of some texts with those that stay: some 100 MB
_FIRST_MEETINGS = 4  # of each early shingle of a text that are looked at first; then 8 times as many, ...
_HELD_SHINGLES = 1 << 21  # of texts that stay: 16 MB; those of later ones are read again when they are needed
Similarity = Callable[[Sets, np.ndarray, Sets, np.ndarray], np.ndarray]
UNDECIDED, KEPT, GONE = np.uint8(0), np.uint8(1), np.uint8(2)


@dataclass(frozen=True)
class Block:
    """Sets of consecutive texts, and the component of each (int[sets])."""

    sets: Sets
    labels: np.ndarray


@dataclass(frozen=True)
class Judged:
    """Of each text: the one that stays for it, itself or an earlier one (int64), the similarity to that (float64, 0 to
    itself), and how many pairs were compared in all."""

    kept: np.ndarray
    similarity: np.ndarray
    compared: int


def judge(
    bounds: Sequence[int], block: Callable[[int], Block], threshold: float, similarity: Similarity = jaccard
) -> Judged:
    """Decide on all texts. bounds: where each block begins, and the end; block: reads one, twice and more.

    similarity: of two sets each, at most that of Jaccard.
    """
    frequencies = Frequencies()
    sizes = np.zeros(bounds[-1], dtype=np.int64)
    for number in range(len(bounds) - 1):
        part = block(number)
        sizes[bounds[number] : bounds[number + 1]] = part.sets.sizes
        frequencies.add(labelled(part.sets, part.labels))
    deciding = _Deciding(np.asarray(bounds), block, sizes, threshold, similarity)
    for number in range(len(bounds) - 1):
        deciding.decide_block(number, frequencies)
    return Judged(deciding.kept, deciding.similarity, deciding.compared)


class _Deciding:
    def __init__(
        self,
        bounds: np.ndarray,
        block: Callable[[int], Block],
        sizes: np.ndarray,
        threshold: float,
        similarity: Similarity,
    ) -> None:
        self._bounds, self._block, self._sizes, self._threshold = bounds, block, sizes, threshold
        self._similarity = similarity
        self._state = np.zeros(len(sizes), dtype=np.uint8)
        self.kept = np.arange(len(sizes))
        self.similarity = np.zeros(len(sizes))
        self.compared = 0
        self._earlier = Index()
        self._current = (0, Sets(np.zeros(0, np.uint64), np.zeros(1, np.int64)))
        self._held: dict[int, tuple[np.ndarray, Sets]] = {}
        self._room = _HELD_SHINGLES

    def decide_block(self, number: int, frequencies: Frequencies) -> None:
        """Decide on the texts of a block, after those of all before it."""
        part, start = self._block(number), int(self._bounds[number])
        if not len(part.sets):
            return
        self._current = (number, part.sets)
        seats = np.arange(start, start + len(part.sets))
        shingles = labelled(part.sets, part.labels)
        early = prefixes(part.sets, shingles, frequencies, seats, self._threshold)
        self._remove(seats, early, self._earlier)
        self._decide_rest(seats, early)
        stays = self._state[seats] == KEPT
        self._earlier.add(early.where(self._state == KEPT))
        if number + 1 < len(self._bounds) - 1 and part.sets.sizes[stays].sum() <= self._room:
            self._held[number] = (seats[stays], part.sets.take(np.flatnonzero(stays)))
            self._room -= len(self._held[number][1].hashes)

    def _remove(self, seats: np.ndarray, early: Prefixes, index: Index) -> None:
        """Decide on those of some seats that are like one of the index, of texts that stay.

        Those with the most room are looked at first, and no more once one is found: where there are many copies, or
        many that stay and are nearly copies, the first few will do.
        """
        met = index.meetings(early, self._sizes, self._threshold)
        for some in _parts(seats, met.of_each(seats), _MEETINGS_AT_ONCE):
            first, stop, seen = 0, _FIRST_MEETINGS, np.zeros(0, dtype=np.uint64)
            while first < met.longest:
                wanted = np.zeros(len(self._state), dtype=bool)
                wanted[some] = self._state[some] == UNDECIDED
                pairs = np.setdiff1d(met.pairs(wanted, first, stop), seen, assume_unique=True)
                left, right = _ends(pairs)
                value = self._similarities(left, right)
                similar = value >= self._threshold
                left, right, value = left[similar], right[similar], value[similar]
                self._go(*(column[_places(left) == 0] for column in (left, right, value)))
                seen = np.union1d(seen[self._state[_ends(seen)[0]] == UNDECIDED], pairs)
                first, stop = stop, 8 * stop

    def _decide_rest(self, seats: np.ndarray, early: Prefixes) -> None:
        """Decide on those of a block that are like none of an earlier block."""
        rest = seats[self._state[seats] == UNDECIDED]
        early, of_block = early.where(self._state == UNDECIDED), Index()
        for first in range(0, len(rest), _SEATS_AT_ONCE):
            some = rest[first : first + _SEATS_AT_ONCE]
            mine, among = early.of(some), Index()
            self._remove(some, mine, of_block)
            undecided = self._state == UNDECIDED
            mine = mine.where(undecided)
            among.add(mine)
            self._settle(some[undecided[some]], among.meetings(mine, self._sizes, self._threshold).pairs(undecided))
            of_block.add(mine.where(self._state == KEPT))

    def _settle(self, seats: np.ndarray, pairs: np.ndarray) -> None:
        """Decide on some seats by all pairs of them (seat << 32 | earlier seat, ascending) that may be similar.

        Each is compared with the first of its pairs, then with one, two, four, ... more.
        """
        left, right = _ends(pairs)
        self._state[np.setdiff1d(seats, left)] = KEPT
        value = np.full(len(pairs), -1.0)
        width = 1
        while len(left):
            new = np.flatnonzero((value < 0) & (_places(left) < width))
            value[new] = self._similarities(left[new], right[new])
            left, right, value = self._conclude(left, right, value)
            width *= 2

    def _conclude(
        self, left: np.ndarray, right: np.ndarray, value: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Draw all conclusions from what has been compared; returns the pairs that are still open."""
        before = -1
        while before != len(left):
            before, waiting = len(left), left
            some = ((value < 0) | (value >= self._threshold)) & (self._state[right] != GONE)
            left, right, value = left[some], right[some], value[some]
            self._state[np.setdiff1d(waiting, left)] = KEPT
            gone = (_places(left) == 0) & (value >= self._threshold) & (self._state[right] == KEPT)
            self._go(left[gone], right[gone], value[gone])
            some = self._state[left] == UNDECIDED
            left, right, value = left[some], right[some], value[some]
        return left, right, value

    def _go(self, seats: np.ndarray, kept: np.ndarray, similarity: np.ndarray) -> None:
        self._state[seats] = GONE
        self.kept[seats], self.similarity[seats] = kept, similarity

    def _similarities(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """float64[pairs]: left, of the current block, to right, of any up to it."""
        self.compared += len(left)
        number, current = self._current
        start = self._bounds[number]
        found = np.zeros(len(left))
        blocks = np.searchsorted(self._bounds, right, side="right") - 1
        for other in np.unique(blocks).tolist():
            here = np.flatnonzero(blocks == other)
            if other == number:
                theirs, rows = current, right[here] - start
            elif other in self._held:
                held, theirs = self._held[other]
                rows = np.searchsorted(held, right[here])
            else:
                theirs, rows = self._block(other).sets, right[here] - self._bounds[other]
            found[here] = self._similarity(current, left[here] - start, theirs, rows)
        return found


def _parts(seats: np.ndarray, weights: np.ndarray, most: int) -> Iterator[np.ndarray]:
    """The seats in parts, cut where the sum of their weights passes a multiple of `most`. weights: int64[seats]."""
    yield from np.split(seats, np.flatnonzero(np.diff(np.cumsum(weights) // most)) + 1)


def _ends(pairs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return (pairs >> np.uint64(32)).astype(np.int64), (pairs & np.uint64(0xFFFFFFFF)).astype(np.int64)


def _places(ascending: np.ndarray) -> np.ndarray:
    """int64[n]: the place of each in the run of its value."""
    return np.arange(len(ascending)) - heads_of(begins_of(ascending))
