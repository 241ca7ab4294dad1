"""Which sets can be similar, by their rarest shingles (prefix filter: Bayardo 2007; positions: Xiao 2008).

Put the shingles of every set in one order, the rarest first. Two sets of Jaccard similarity t or more share at least
t/(1+t) (|x| + |y|) shingles, so the first one that they share stands early in both: within the first |x| - t|x| + 1 of
either, and within the first |y| - 2t/(1+t)|y| + 1 of the smaller. What all pages of a site have in common stands late,
so pages that share nothing else never meet, however many they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from xlcorpus.dedup.sets import Sets
from xlcorpus.text.hashes import mix
from xlcorpus.text.ragged import offsets_of, ranges, rows_of

_CELLS_BITS = 23  # cells of the sketch of frequencies: 32 MB
_MOST = np.uint64(4095)  # more frequent ones count as equally frequent: 12 bits
_KEY_MASK = np.uint64((1 << 40) - 1)
_ROOM_BITS = np.uint64(24)
_ROOM_MASK = np.uint64((1 << 24) - 1)
_MOST_ROOM = (1 << 24) - 1  # in quarters of a shingle
_AT_ONCE = 1 << 21  # meetings that are looked at at once: some 60 bytes each
_SLACK = 1e-6  # on bounds, so that rounding never loses a pair


def labelled(sets: Sets, labels: np.ndarray) -> np.ndarray:
    """uint64[shingles]: shingles of which those of different components differ. labels: int[sets]."""
    return (sets.hashes << np.uint64(12)) ^ np.repeat(mix(labels.astype(np.uint64)), sets.sizes)


class Frequencies:
    """In how many sets each shingle is, or more where two share a cell of the sketch: never fewer."""

    def __init__(self) -> None:
        """None yet."""
        self._cells = np.zeros(1 << _CELLS_BITS, dtype=np.uint32)

    def add(self, shingles: np.ndarray) -> None:
        """Count those of some sets: uint64[shingles] as `labelled` gives them."""
        np.add.at(self._cells, self._places(shingles), np.uint32(1))

    def of(self, shingles: np.ndarray) -> np.ndarray:
        """uint32[shingles]: their counts."""
        found: np.ndarray = self._cells.take(self._places(shingles))
        return found

    @staticmethod
    def _places(shingles: np.ndarray) -> np.ndarray:
        return (shingles >> np.uint64(64 - _CELLS_BITS)).astype(np.int64)


@dataclass(frozen=True)
class Entries:
    """Early shingles of sets: code uint64, 40 bits of the shingle and then 24 of the room after it; seat int32.

    The room of x after its i-th shingle is |x| / (1+t) - i; the most room comes first. Where it is the first that x and
    y share, at i and j, they are similar only if the room of each is at least t/(1+t) times the size of the other.
    """

    code: np.ndarray
    seat: np.ndarray

    def __len__(self) -> int:
        """How many."""
        return len(self.code)

    def where(self, wanted: np.ndarray) -> Entries:
        """Those of bool[entries] or int64[k]."""
        return Entries(self.code[wanted], self.seat[wanted])

    def by_code(self) -> Entries:
        """Ascending by code; those of a code in their order."""
        return self.where(np.argsort(self.code, kind="stable"))

    def and_more(self, more: Entries) -> Entries:
        """Both, ascending by code, as each of them is."""
        at = np.searchsorted(self.code, more.code, side="right")
        return Entries(np.insert(self.code, at, more.code), np.insert(self.seat, at, more.seat))

    @classmethod
    def none(cls) -> Entries:
        """No entries."""
        return cls(np.zeros(0, np.uint64), np.zeros(0, np.int32))


@dataclass(frozen=True)
class Prefixes:
    """Entries in the order of their seats: `short`, the first of each set, which a larger or equal one must meet;
    `long`, the others that a smaller one may meet."""

    short: Entries
    long: Entries

    def where(self, wanted: np.ndarray) -> Prefixes:
        """Those of the seats for which bool[seats] is true."""
        return Prefixes(self.short.where(wanted[self.short.seat]), self.long.where(wanted[self.long.seat]))

    def of(self, seats: np.ndarray) -> Prefixes:
        """Those of some seats, of which no other one of ours stands between: int64[k], ascending."""
        return Prefixes(*(part.where(_between(part.seat, seats)) for part in (self.short, self.long)))


def _between(seat: np.ndarray, seats: np.ndarray) -> np.ndarray:
    return np.arange(*np.searchsorted(seat, [seats[0], seats[-1] + 1]))


def prefixes(
    sets: Sets, shingles: np.ndarray, frequencies: Frequencies, seats: np.ndarray, threshold: float
) -> Prefixes:
    """The early shingles of sets (at most `sets.MOST_ROWS`). shingles: as `labelled` gives them; seats: int[sets].

    A shingle that is in one set alone meets none and is left out.
    """
    rows = rows_of(sets.offsets)
    order = np.minimum(frequencies.of(shingles), _MOST).astype(np.uint64) << np.uint64(40)
    order |= (shingles >> np.uint64(12)) & _KEY_MASK
    order |= rows.astype(np.uint64) << np.uint64(52)
    order.sort()
    at = np.arange(len(rows), dtype=np.int64) - sets.offsets[rows]
    sizes = sets.sizes
    room = np.clip(_quarters(sizes[rows] / (1 + threshold) - at + _SLACK), 0, _MOST_ROOM)
    code = (order & _KEY_MASK) << _ROOM_BITS | (_MOST_ROOM - room).astype(np.uint64)
    shared = (order >> np.uint64(40)) & _MOST > 1
    reach = [sizes - np.ceil(share * sizes - _SLACK) for share in (2 * threshold / (1 + threshold), threshold)]
    early = [shared & (at <= least[rows]) for least in reach]
    early[1] &= ~early[0]
    return Prefixes(*(Entries(code[part], seats[rows[part]].astype(np.int32)) for part in early))


def _quarters(values: np.ndarray) -> np.ndarray:
    """int64[n]: how many quarters there are, the last one begun; so no bound is too narrow."""
    return np.ceil(4 * values).astype(np.int64)


class Index:
    """Prefixes of many sets, found by shingle and room: 12 bytes an entry."""

    def __init__(self) -> None:
        """Empty."""
        self._short, self._long = (_Merging(), _Merging())

    def add(self, more: Prefixes) -> None:
        """Put more in."""
        self._short.add(more.short.by_code())
        self._long.add(more.long.by_code())

    def meetings(self, given: Prefixes, sizes: np.ndarray, threshold: float) -> Meetings:
        """What `given` meets in here. sizes: int64[seats]."""
        shorts = given.short.by_code()
        whole = shorts.and_more(given.long.by_code())
        asked = [(whole, part) for part in self._short.parts] + [(shorts, part) for part in self._long.parts]
        return Meetings(
            [_Meeting.of(mine, part, sizes, threshold) for mine, part in asked if len(part)], sizes, threshold
        )


class _Merging:
    """Entries in two parts, ascending by code: new ones are held apart until they are an eighth."""

    def __init__(self) -> None:
        self.parts = (Entries.none(), Entries.none())

    def add(self, more: Entries) -> None:
        main, recent = self.parts[0], self.parts[1].and_more(more)
        full = len(recent) > max(len(main) // 8, 1 << 14)
        self.parts = (main.and_more(recent), Entries.none()) if full else (main, recent)


@dataclass(frozen=True)
class _Meeting:
    """Entries, and of each the run of others that it meets: int64 start and count."""

    mine: Entries
    others: Entries
    start: np.ndarray
    count: np.ndarray

    @classmethod
    def of(cls, mine: Entries, others: Entries, sizes: np.ndarray, threshold: float) -> _Meeting:
        key = mine.code >> _ROOM_BITS << _ROOM_BITS
        needed = np.floor(4 * (threshold / (1 + threshold) * sizes[mine.seat] - _SLACK)).astype(np.int64)
        last = key | (_MOST_ROOM - np.clip(needed, 0, _MOST_ROOM)).astype(np.uint64)
        start = np.searchsorted(others.code, key, side="left")
        count = np.searchsorted(others.code, last, side="right") - start
        some = count > 0
        return cls(mine.where(some), others, start[some], count[some])


@dataclass(frozen=True)
class Meetings:
    """Seats and others that may be similar to them, to be looked at by and by."""

    _found: Sequence[_Meeting]
    _sizes: np.ndarray
    _threshold: float

    @property
    def longest(self) -> int:
        """Of how many others one entry meets the most."""
        return max((int(part.count.max(initial=0)) for part in self._found), default=0)

    def of_each(self, seats: np.ndarray) -> np.ndarray:
        """int64[seats]: how many entries each of these (ascending) meets."""
        total = np.zeros(len(seats), dtype=np.int64)
        for part in self._found:
            np.add.at(total, np.searchsorted(seats, part.mine.seat), part.count)
        return total

    def pairs(self, wanted: np.ndarray, first: int = 0, stop: int | None = None) -> np.ndarray:
        """Pairs of a seat and an earlier one: uint64, seat << 32 | earlier seat, ascending, each once.

        wanted: bool[seats]; first, stop: of the others that each entry meets, those with the most room first.
        """
        found = [pairs for part in self._found for pairs in self._pairs(part, wanted, first, stop)]
        return np.unique(np.concatenate(found)) if found else np.zeros(0, dtype=np.uint64)

    def _pairs(self, part: _Meeting, wanted: np.ndarray, first: int, stop: int | None) -> Iterator[np.ndarray]:
        count = (part.count if stop is None else np.minimum(part.count, stop)) - first
        some = np.flatnonzero((count > 0) & wanted[part.mine.seat])
        start, count = part.start[some] + first, count[some]
        before = offsets_of(count)
        begin = 0
        while begin < len(some):
            end = int(np.searchsorted(before, before[begin] + _AT_ONCE, side="right")) - 1
            end = max(end, begin + 1)
            mine = np.repeat(some[begin:end], count[begin:end])
            seat, other = part.mine.seat[mine], part.others.seat[ranges(start[begin:end], count[begin:end])]
            room = (_MOST_ROOM - (part.mine.code[mine] & _ROOM_MASK).astype(np.int64)) / 4
            enough = room >= self._threshold / (1 + self._threshold) * self._sizes[other] - _SLACK
            met = (other < seat) & enough
            yield np.unique((seat[met].astype(np.uint64) << np.uint64(32)) | other[met].astype(np.uint64))
            begin = end
