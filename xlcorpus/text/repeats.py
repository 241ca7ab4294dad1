"""Find what occurs more than once in a text: groups of equal hashes."""

from __future__ import annotations

import functools

import numpy as np

from xlcorpus.text.hashes import GOLDEN, mix

_INDEX_BITS = 24
_INDEX_MASK = np.uint64((1 << _INDEX_BITS) - 1)


@functools.cache
def _salts(count: int) -> np.ndarray:
    return mix(np.arange(1, count + 1, dtype=np.uint64) * np.uint64(GOLDEN))


def within_text(hashes: np.ndarray, rows: np.ndarray, texts: int) -> np.ndarray:
    """uint64[n]: hashes that are equal only for equal things of the same text."""
    keys: np.ndarray = hashes ^ _salts(1 << max(texts - 1, 1).bit_length())[rows]
    return keys


def repeated(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Keys that occur more than once: members int64[m], their positions group by group and ascending in each group;
    starts int64[groups], where in `members` each group begins."""
    empty = np.zeros(0, dtype=np.int64)
    if len(keys) < 2:
        return empty, empty
    # Half of the unique keys fall alone into one of 1 to 2 buckets a key; they need not be sorted.
    bits = len(keys).bit_length()
    bucket = (keys >> np.uint64(64 - bits)).view(np.int64)
    candidates = np.flatnonzero(np.bincount(bucket, minlength=1 << bits)[bucket] > 1)
    if not len(candidates):
        return empty, empty
    keys = keys[candidates]
    order = _order(keys)
    ordered = keys[order]
    same = ordered[1:] == ordered[:-1]
    after = np.concatenate([[False], same])
    member = after | np.concatenate([same, [False]])
    return candidates[order[member]], np.flatnonzero(~after[member])


def _order(keys: np.ndarray) -> np.ndarray:
    """int64[n]: a stable order of uint64 keys. Sorting values, not indices, is done by SIMD: 7 times as fast."""
    if len(keys) <= 1 << _INDEX_BITS:
        packed = (keys & ~_INDEX_MASK) | np.arange(len(keys), dtype=np.uint64)
        packed.sort()
        order = (packed & _INDEX_MASK).view(np.int64)
        ordered = keys[order]
        head = packed >> np.uint64(_INDEX_BITS)
        # Keys that share their upper 40 bits and differ below may stand mixed: rare enough to sort again.
        if not ((head[1:] == head[:-1]) & (ordered[1:] != ordered[:-1])).any():
            return order
    return np.argsort(keys, kind="stable")


def occurs_before(hashes: np.ndarray, rows: np.ndarray, texts: int) -> np.ndarray:
    """bool[n]: an equal one stands earlier in the same text."""
    before = np.zeros(len(hashes), dtype=bool)
    members, starts = repeated(within_text(hashes, rows, texts))
    before[members] = True
    before[members[starts]] = False
    return before


def covered(starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """int64[spans]: places of each span that no span before it covers. `starts` ascend; spans may overlap."""
    if not len(starts):
        return np.zeros(0, dtype=np.int64)
    reached = np.maximum.accumulate(ends)
    fresh = starts.copy()
    np.maximum(fresh[1:], reached[:-1], out=fresh[1:])
    places: np.ndarray = np.maximum(ends - fresh, 0)
    return places
