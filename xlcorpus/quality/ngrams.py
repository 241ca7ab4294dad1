"""Repetition of word n-grams within a text (Gopher, Rae et al. 2021, table A1), in scripts with and without spaces."""

from __future__ import annotations

import numpy as np

from xlcorpus.quality.weighed_tokens import WeighedTokens
from xlcorpus.text.hashes import SpanHasher
from xlcorpus.text.ragged import sums_before
from xlcorpus.text.repeats import covered, repeated, within_text
from xlcorpus.text.segment import Spans

TOP_SIZES = (2, 3, 4)
DUP_SIZES = (5, 6, 7, 8, 9, 10)


class _Windows:
    """N-grams of the tokens of a batch.

    An n-gram takes tokens until they make n words: n tokens where the script has spaces; where it has none, the tokens
    whose middles lie less than n words from its start, a character being 1 / (letters per word) of a word. So a Chinese
    5-gram is 8 or 9 characters, a Thai one 24, and a text in both scripts needs no rule of its own.
    """

    def __init__(self, words: WeighedTokens) -> None:
        self._spaced = bool((words.share == 1).all())
        self._text_end = words.spans.offsets[1:]
        self._rows = words.spans.rows
        if not self._spaced:
            share = words.share
            # Sums of float32 shares are exact in float64 up to 2^27 words, so they are the same in any batch.
            self._before = sums_before(share, np.float64)
            self._middle = self._before[:-1] + share / 2
            last = np.maximum(self._text_end - 1, 0)
            self._limit = self._before[self._text_end] + share[last] / 2

    def of(self, starts: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
        """The starts that leave room for `size` words in their text, and the ends of their n-grams."""
        if self._spaced:
            ends = starts + size
            room = ends <= self._text_end[self._rows[starts]]
            return starts[room], ends[room]
        reach = self._before[starts] + size
        room = reach <= self._limit[self._rows[starts]]
        starts, reach = starts[room], reach[room]
        ends = np.searchsorted(self._middle, reach)
        return starts, np.minimum(ends, self._text_end[self._rows[starts]])


def ngram_coverage(words: WeighedTokens) -> dict[str, np.ndarray]:
    """Characters covered, int64[rows] for each signal: `top_2_gram` to `top_4_gram`, `dup_5_gram` to `dup_10_gram`.

    top_n: by the most common n-gram that occurs at least twice, from its first to its last character; of equally common
    ones the one that covers most. dup_n: letters, marks and digits in n-grams that occur before in the text. Characters
    under several overlapping n-grams count once.
    """
    texts, rows = len(words.spans.offsets) - 1, words.spans.rows
    windows = _Windows(words)
    hasher = SpanHasher(words.hashes)
    letters_before = words.letters_before
    starts = np.arange(len(words.spans), dtype=np.int64)
    result: dict[str, np.ndarray] = {}
    for size in range(TOP_SIZES[0], DUP_SIZES[-1] + 1):
        starts, ends = windows.of(starts, size)
        members, groups = repeated(within_text(hasher.hash(starts, ends), rows[starts], texts))
        if size in TOP_SIZES:
            result[f"top_{size}_gram"] = _top(words.spans, starts[members], ends[members], groups, texts)
        else:
            again = np.zeros(len(starts), dtype=bool)
            again[members] = True
            again[members[groups]] = False
            first, last = starts[again], ends[again]
            fresh = covered(letters_before[first], letters_before[last])
            sums = np.bincount(rows[first], weights=fresh, minlength=texts)  # exact below 2^53
            result[f"dup_{size}_gram"] = sums.astype(np.int64)
        # Only an n-gram that is repeated can start a longer one that is: the work shrinks from size to size.
        starts = starts[np.sort(members)]
    return result


def _top(spans: Spans, first: np.ndarray, last: np.ndarray, groups: np.ndarray, texts: int) -> np.ndarray:
    """int64[rows]: characters covered by each text's most common n-gram; `groups` are the starts of equal n-grams."""
    top = np.zeros(texts, dtype=np.int64)
    if not len(first):
        return top
    begin, end = spans.starts[first], spans.ends[last - 1]
    fresh = end - begin
    # Equal n-grams have equally many tokens, so in a group the ends ascend as the starts do.
    inner = np.ones(len(first), dtype=bool)
    inner[groups] = False
    follows = np.flatnonzero(inner)
    fresh[follows] = np.minimum(fresh[follows], end[follows] - end[follows - 1])
    sizes = np.diff(np.append(groups, len(first)))
    total = np.add.reduceat(fresh, groups)
    rank = (sizes << 32) | total
    np.maximum.at(top, spans.rows[first[groups]], rank)
    return top & 0xFFFFFFFF
