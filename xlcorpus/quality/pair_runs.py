"""The longest run of words that both sides of a pair have, in all scripts."""

from __future__ import annotations

import numpy as np

from xlcorpus.quality.pair_words import SideWords
from xlcorpus.text.hashes import SpanHasher
from xlcorpus.text.repeats import within_text
from xlcorpus.text.segment import Spans

_SLOT_BITS = 10


def common_run(one: SideWords, other: SideWords) -> np.ndarray:
    """float64[rows], 0 to 1: tokens of the longest run that both sides have / of the side with fewer; 0 without any.

    Tokens are characters in scripts without spaces; what stands between them does not count.
    """
    shorter = np.minimum(one.spans.per_text, other.spans.per_text)
    longest = _longest_common(_Places(one.spans, one.hashes), _Places(other.spans, other.hashes), shorter)
    return np.divide(longest, shorter, out=np.zeros(len(shorter), dtype=np.float64), where=shorter > 0)


class _Places:
    """Places of one side at which a common run of the length known so far begins."""

    def __init__(self, spans: Spans, hashes: np.ndarray) -> None:
        self._hasher = SpanHasher(hashes)
        self._texts = len(spans.offsets) - 1
        self.starts, self.rows = np.arange(len(spans)), spans.rows
        self._stops = spans.offsets[1:][spans.rows]

    def windows(self, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Which places leave room for the size of their row (int64[rows], 0: none wanted); the keys of the windows."""
        size = sizes[self.rows]
        at = np.flatnonzero((size > 0) & (self.starts + size <= self._stops))
        starts = self.starts[at]
        return at, within_text(self._hasher.hash(starts, starts + size[at]), self.rows[at], self._texts)

    def keep(self, found: np.ndarray, held: np.ndarray) -> None:
        """Leave the places `found` (int64[n]) alone in the rows `held` (bool[rows]); the other rows as they are."""
        kept = ~held[self.rows]
        kept[found] = True
        self.starts, self.rows, self._stops = self.starts[kept], self.rows[kept], self._stops[kept]


def _longest_common(one: _Places, other: _Places, shorter: np.ndarray) -> np.ndarray:
    """int64[rows]: length of the longest common run, by search for the greatest length that both have.

    All rows at once: a run can be common only where its beginning is, so places become fewer.
    """
    sides, texts = (one, other), len(shorter)
    low, high = np.zeros(texts, dtype=np.int64), shorter + 1  # a run of low is common, none of high
    bound = np.ones(texts, dtype=np.int64)
    while (open_ := high - low > 1).any():
        size = np.where(open_, np.minimum(bound, (low + high) // 2), 0)
        (here, left), (there, right) = (side.windows(size) for side in sides)
        shared = shared_keys(left, one.rows[here], right, other.rows[there])
        here, there = here[shared[0]], there[shared[1]]
        held = np.zeros(texts, dtype=bool)
        held[one.rows[here]] = True
        one.keep(here, held)
        other.keep(there, held)
        low = np.where(held, size, low)
        high = np.where(open_ & ~held, size, high)
        bound = 2 * low
    return low


def shared_keys(
    left: np.ndarray, left_rows: np.ndarray, right: np.ndarray, right_rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """int64 twice: places of the keys (uint64[n], of rows int64[n], ascending) that the other has too."""
    here, there = np.arange(len(left)), np.arange(len(right))
    # Most have no equal and need not be sorted: they fall into slots of their row where the other has none.
    slots = _slots(left, left_rows), _slots(right, right_rows)
    size = 1 + max((int(part.max()) for part in slots if len(part)), default=0)
    for _ in range(2):
        taken = np.zeros(size, dtype=bool)
        taken[slots[1][there]] = True
        here, there = there, here[taken.take(slots[0][here])]
        slots = slots[::-1]
    one, two = left[here], right[there]
    return here[_among(one, np.sort(two))], there[_among(two, np.sort(one))]


def _among(keys: np.ndarray, known: np.ndarray) -> np.ndarray:
    """bool[n]: keys that are among the known ones, which are sorted. A quarter of the time of `np.isin`."""
    if not len(known):
        return np.zeros(len(keys), dtype=bool)
    found: np.ndarray = known.take(np.searchsorted(known, keys), mode="clip") == keys
    return found


def _slots(keys: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """int64[n]: one of the 1,024 slots of each key's row, so that what is looked up lies near what was before."""
    return (rows << _SLOT_BITS) | (keys >> np.uint64(64 - _SLOT_BITS)).view(np.int64)
