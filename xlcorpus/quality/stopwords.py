"""How many different stop words each text holds; lists differ by text, one pass over a mixed batch."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from xlcorpus.quality.character_classes import UNSPACED, WORD, class_table
from xlcorpus.quality.rules import StopWords
from xlcorpus.text.codepoints import CODE_SPACE, CodePoints, code_points
from xlcorpus.text.hashes import SpanHasher, mix
from xlcorpus.text.slices import pieces


@functools.cache
def _lower() -> np.ndarray:
    """uint32[0x110000]: each character's lower case where that is one character, else itself."""
    codes = np.arange(CODE_SPACE, dtype=np.uint32)
    for code in range(0x1E944):  # above the last cased letter, Adlam U+1E943, nothing changes
        small = chr(code).lower()
        if len(small) == 1:
            codes[code] = ord(small)
    return codes


def count_stop_words(texts: pa.Array, lists: Sequence[StopWords], list_of: np.ndarray) -> np.ndarray:
    """int64[rows]: different words of `lists[list_of[row]]` that stand in each text, upper and lower case alike.

    A word in letters of a spaced script must stand alone, as in datatrove; in a script without spaces, and a mark such
    as the Arabic comma, it may stand anywhere.
    """
    counts = np.zeros(len(texts), dtype=np.int64)
    patterns = _Patterns(lists)
    for start, piece in pieces(texts):
        rows = slice(start, start + len(piece))
        counts[rows] = patterns.count(code_points(piece), list_of[rows])
    return counts


class _Patterns:
    """The words of all lists as hashes of code points, by length."""

    def __init__(self, lists: Sequence[StopWords]) -> None:
        words = [(number, word) for number, stop_words in enumerate(lists) for word in stop_words.words]
        self._salts = mix(np.arange(1, len(lists) + 1, dtype=np.uint64))
        self._first = np.zeros(CODE_SPACE, dtype=bool)
        by_length: dict[int, list[tuple[int, str, int]]] = {}
        for index, (number, word) in enumerate(words):
            by_length.setdefault(len(word), []).append((number, word, index))
            self._first[ord(word[0])] = True
        self._groups: list[tuple[int, np.ndarray, np.ndarray]] = []
        for length, entries in sorted(by_length.items()):
            codes = np.array([[ord(character) for character in word] for _, word, _ in entries], dtype=np.uint32)
            starts = np.arange(len(entries), dtype=np.int64) * length
            hashes = SpanHasher.of_codes(codes.ravel()).hash(starts, starts + length)
            keys = hashes ^ self._salts[[number for number, _, _ in entries]]
            order = np.argsort(keys)
            self._groups.append((length, keys[order], np.array([index for *_, index in entries])[order]))

    def count(self, points: CodePoints, list_of: np.ndarray) -> np.ndarray:
        """int64[rows]: different words found in each text."""
        codes = _lower()[points.codes]
        flags = class_table()[points.codes]
        spaced = (flags & np.uint16(WORD | UNSPACED)) == WORD
        # A place inside a spaced word, where no word may start: a spaced letter after another one.
        inside = np.zeros(len(codes) + 1, dtype=bool)
        inside[1:-1] = spaced[1:] & spaced[:-1]
        inside[points.offsets] = False
        places = np.flatnonzero(self._first[codes] & ~inside[:-1])
        row = np.searchsorted(points.offsets, places, side="right") - 1
        room = points.offsets[row + 1] - places
        hasher = SpanHasher.of_codes(codes)
        found: list[np.ndarray] = []
        for length, keys, indices in self._groups:
            fits = np.flatnonzero(room >= length)
            starts, rows = places[fits], row[fits]
            ends = starts + length
            whole = ~inside[ends]
            starts, ends, rows = starts[whole], ends[whole], rows[whole]
            wanted = hasher.hash(starts, ends) ^ self._salts[list_of[rows]]
            at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
            hit = keys[at] == wanted
            found.append((rows[hit] << 32) | indices[at[hit]])
        pairs = np.unique(np.concatenate(found)) if found else np.zeros(0, dtype=np.int64)
        return np.bincount(pairs >> 32, minlength=len(points))
