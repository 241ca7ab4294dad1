"""Words as the trivial tokenizer of the Indic NLP library has them: parted at spaces and tabs and at punctuation.

A line feed parts no words there, and numbers are put together again over a comma, full stop, colon or slash (12:30).
"""

from __future__ import annotations

import functools
import string

import numpy as np
import pyarrow as pa

from xlcorpus.quality.datatrove.characters import is_space
from xlcorpus.quality.datatrove.words import Words
from xlcorpus.text.characters import codes_of
from xlcorpus.text.codepoints import CODE_SPACE, CodePoints, code_points
from xlcorpus.text.ragged import offsets_of, ranges, sum_segments
from xlcorpus.text.segment import Spans, joined, spans_of

_ASCII = string.punctuation.replace("\\", "")  # its pattern escapes a bracket with the backslash
_INDIC = "\u0964\u0965\uaaf1\uaaf0\uabeb\uabec\uabed\uabee\uabef\u1c7e\u1c7f"
_URDU = "\u0609\u060a\u060c\u061e\u066a\u066b\u066c\u066d\u06d4"
_SPACE, _SIGN, _DIGIT, _JOINER = (np.uint8(1 << bit) for bit in range(4))


@functools.cache
def _classes(signs: str) -> np.ndarray:
    table = np.zeros(CODE_SPACE, dtype=np.uint8)
    table[codes_of(" \t")] = _SPACE
    table[codes_of(_ASCII + signs)] = _SIGN
    table[codes_of(",.:/")] |= _JOINER
    table[codes_of(string.digits)] = _DIGIT
    return table


class IndicBreaker:
    """urdu: Arabic punctuation in place of that of the Brahmic scripts, and no numbers put together."""

    def __init__(self, code: str = "") -> None:
        self._urdu = code == "urdu"
        self.name = "indic:urdu" if self._urdu else "indic"

    def words(self, texts: pa.Array) -> Words:
        """The words of each text."""
        points = code_points(texts)
        flags = _classes(_URDU if self._urdu else _INDIC)[points.codes]
        pieces = _pieces(points, flags)
        begins = np.ones(len(pieces), dtype=bool)
        if not self._urdu:
            joiner = np.flatnonzero(_joined_over(pieces, flags))
            begins[joiner] = begins[joiner + 1] = False
        return _stripped(points, pieces, joined(pieces, begins), begins)


def _pieces(points: CodePoints, flags: np.ndarray) -> Spans:
    """Signs one by one, and the runs between signs and spaces."""
    sign, inside = flags & _SIGN != 0, flags & (_SIGN | _SPACE) == 0
    follows = np.append(False, inside[:-1])
    follows[points.offsets[:-1][points.lengths > 0]] = False
    goes_on = np.append(inside[1:], False)
    goes_on[points.offsets[1:][points.lengths > 0] - 1] = False
    return spans_of(np.flatnonzero(sign | (inside & ~follows)), np.flatnonzero(sign | (inside & ~goes_on)) + 1, points)


def _joined_over(pieces: Spans, flags: np.ndarray) -> np.ndarray:
    """bool[pieces]: signs that join the number before them and the one after."""
    join = np.zeros(len(pieces), dtype=bool)
    if len(pieces) < 3:
        return join
    ends_so = flags[pieces.ends - 1] & _DIGIT != 0
    starts_so = flags[pieces.starts] & _DIGIT != 0
    join[1:-1] = ends_so[:-2] & (flags[pieces.starts[1:-1]] & _JOINER != 0) & starts_so[2:]
    join[1:-1] &= (pieces.rows[:-2] == pieces.rows[2:]) & (pieces.rows[:-2] == pieces.rows[1:-1])
    # The library leaves the numbers that a text begins with as they are: its loop starts behind them.
    digits = sum_segments(flags & _DIGIT != 0, np.append(pieces.starts, len(flags)))  # signs and spaces are none
    all_digits = digits == pieces.lengths
    first = pieces.offsets[:-1][pieces.per_text > 2]
    while len(first):
        first = first[all_digits[first] & join[first + 1]]
        join[first + 1] = False
        first = first[first + 3 < len(pieces)] + 2
    return join


def _stripped(points: CodePoints, pieces: Spans, groups: Spans, begins: np.ndarray) -> Words:
    """Words of groups of pieces, without the white space around each; those of white space alone are none."""
    solid = np.flatnonzero(~is_space()[points.codes])
    starts, ends = pieces.starts.copy(), pieces.ends.copy()
    last = np.append(begins[1:], True)[: len(begins)]
    bounded = np.append(solid, len(points.codes))
    starts[begins] = np.minimum(bounded[np.searchsorted(solid, starts[begins])], ends[begins])
    before = np.append(-1, solid)[np.searchsorted(solid, ends[last])] + 1
    ends[last] = np.maximum(before, starts[last])
    sizes = ends - starts
    first = np.flatnonzero(begins)
    lengths = np.add.reduceat(sizes, first) if len(first) else sizes
    per_text = sum_segments(lengths > 0, groups.offsets)
    return Words(points.codes[ranges(starts, sizes)], offsets_of(lengths[lengths > 0]), offsets_of(per_text))
