"""Repetition of n-grams as datatrove measures it: punctuation is words, and n-grams may count more than once.

top_n: characters of the most common n-gram (the first of several), its spaces among them, times its count: it need not
occur twice, its places may overlap. dup_n: characters of n-grams that occurred before; what one covers is not looked
at again, nor is what was passed over remembered.
"""

from __future__ import annotations

import numpy as np

from xlcorpus.quality.datatrove.words import Words
from xlcorpus.quality.ngrams import DUP_SIZES, TOP_SIZES
from xlcorpus.text.hashes import SpanHasher
from xlcorpus.text.repeats import repeated, within_text

_PLACES = 32  # bits of a place in a text


def ngram_counts(words: Words) -> dict[str, np.ndarray]:
    """int64[rows] by name: `top_2_gram` to `top_4_gram`, `dup_5_gram` to `dup_10_gram`."""
    texts = len(words.texts) - 1
    room_ends = words.texts[1:][words.rows]
    result: dict[str, np.ndarray] = {}
    starts = np.arange(len(words), dtype=np.int64)
    hasher = SpanHasher(words.hashes)
    for size in TOP_SIZES:
        starts = starts[starts + size <= room_ends[starts]]
        members, groups = repeated(within_text(hasher.hash(starts, starts + size), words.rows[starts], texts))
        result[f"top_{size}_gram"] = _top(words, starts[members], groups, size)
        starts = starts[np.sort(members)]  # only what is repeated can begin a longer one that is
    del hasher
    starts = np.arange(len(words), dtype=np.int64)
    for size in DUP_SIZES:
        starts = starts[starts + size <= room_ends[starts]]
        # Equal characters are equal n-grams, however they are cut: "".join is what datatrove compares.
        keys = words.hasher.hash(words.offsets[starts], words.offsets[starts + size])
        members, groups = repeated(within_text(keys, words.rows[starts], texts))
        result[f"dup_{size}_gram"] = _covered(words, starts[members], groups, size)
    return result


def _characters(words: Words, starts: np.ndarray, size: int) -> np.ndarray:
    """int64[n]: characters of n-grams, without spaces."""
    counts: np.ndarray = words.offsets[starts + size] - words.offsets[starts]
    return counts


def _top(words: Words, members: np.ndarray, groups: np.ndarray, size: int) -> np.ndarray:
    """int64[rows]; `members` are the first words of repeated n-grams, `groups` where in them equal ones begin."""
    count = (words.per_text >= size).astype(np.int64)
    start = words.texts[:-1].copy()
    if len(members):
        first, times = members[groups], np.diff(np.append(groups, len(members)))
        rows = words.rows[first]
        earlier = (1 << _PLACES) - 1 - (first - words.texts[rows])
        best = np.zeros(len(count), dtype=np.int64)
        np.maximum.at(best, rows, times << _PLACES | earlier)
        some = best > 0
        count[some] = best[some] >> _PLACES
        start[some] += (1 << _PLACES) - 1 - (best[some] & ((1 << _PLACES) - 1))
    some = count > 0
    result = np.zeros(len(count), dtype=np.int64)
    result[some] = count[some] * (_characters(words, start[some], size) + size - 1)
    return result


def _covered(words: Words, members: np.ndarray, groups: np.ndarray, size: int) -> np.ndarray:
    """int64[rows]: characters of the n-grams that were met before.

    What is met depends on what was passed over, so those n-grams that are repeated at all are gone through one by one:
    some 4 in 100 of prose, 0.1 us each.
    """
    order = np.argsort(members, kind="stable")
    group = np.repeat(np.arange(len(groups)), np.diff(np.append(groups, len(members))))[order].tolist()
    met = bytearray(len(groups))
    hits: list[int] = []
    free = 0
    for place, number in zip(members[order].tolist(), group, strict=True):
        if place < free:
            continue
        if met[number]:
            hits.append(place)
            free = place + size
        else:
            met[number] = 1
    starts = np.array(hits, dtype=np.int64)
    sums = np.bincount(words.rows[starts], weights=_characters(words, starts, size), minlength=len(words.texts) - 1)
    return sums.astype(np.int64)  # exact below 2^53
