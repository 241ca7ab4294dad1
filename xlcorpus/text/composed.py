"""Code points of texts in NFC, and where in the texts as they are written each comes from."""

from __future__ import annotations

import functools
import unicodedata

import numpy as np

from xlcorpus.text import properties
from xlcorpus.text.codepoints import CODE_SPACE, CodePoints
from xlcorpus.text.ragged import offsets_of, ranges

_FIRST_MARK = 0x300  # all code points before it are composed, whatever stands before them
_MAY, _NEVER = np.uint16(0x100), np.uint16(0x200)  # of NFC_Quick_Check: may compose with what precedes; is in no NFC
_CLASS = np.uint16(0xFF)
# Assigned, without Hangul's syllables and the ideographs that are their own: 40,000 instead of 290,000 to ask about.
_WITH_PARTS = r"(?![\u3400-\u9fff\uac00-\ud7a3\U00020000-\U0002f7ff])[^\p{Cn}\p{Co}\p{Cs}]"


@functools.cache
def _composing() -> tuple[np.ndarray, np.ndarray]:
    """Combining class of each code point and what NFC_Quick_Check says of it (bits of uint16[0x110000]); the pairs that
    compose, ascending: uint64, first << 32 | second."""
    table = np.zeros(CODE_SPACE, dtype=np.uint16)
    pairs = []
    for code in np.flatnonzero(properties.matches(_WITH_PARTS)).tolist():
        character = chr(code)
        table[code] |= unicodedata.combining(unicodedata.normalize("NFD", character)[0])  # of U+0F73 too, in no NFC
        written = unicodedata.decomposition(character)
        parts = [] if written.startswith("<") else [int(part, 16) for part in written.split()]  # <compat> is another
        if parts and unicodedata.normalize("NFC", character) != character:
            table[code] |= _NEVER
        elif len(parts) == 2:
            pairs.append(parts[0] << 32 | parts[1])
            table[parts[1]] |= _MAY
    # Hangul is composed by rule: a vowel follows an initial, a final a syllable without one.
    table[0x1161:0x1176] |= _MAY
    table[0x11A8:0x11C3] |= _MAY
    return table, np.array(sorted(pairs), dtype=np.uint64)


def composed(points: CodePoints) -> tuple[CodePoints, np.ndarray | None]:
    """The texts in NFC, and int64[m + 1]: where in the texts as they are each code point, and the end, comes from.

    None where that is the same place: no cluster of letter and marks has another length. The points themselves where
    all are in NFC: that costs one comparison a character, and a look-up for those beyond U+02FF. A boundary between
    words is at the same place in both.
    """
    codes = points.codes
    beyond = codes >= _FIRST_MARK
    count = np.count_nonzero(beyond)
    if not count:
        return points, None
    table, pairs = _composing()
    at = np.flatnonzero(beyond) if 8 * count < len(codes) else np.flatnonzero(table.take(codes) != 0)
    kind = table.take(codes.take(at))
    before = codes.take(at - 1, mode="wrap")
    rank, previous = kind & _CLASS, table.take(before) & _CLASS
    wrong = (kind & _NEVER != 0) | ((previous > rank) & (rank > 0))
    maybe = np.flatnonzero((kind & _MAY != 0) & ~wrong)
    second = codes[at[maybe]]
    pair = before[maybe].astype(np.uint64) << np.uint64(32) | second
    composes = pairs.take(np.searchsorted(pairs, pair), mode="clip") == pair
    wrong[maybe] = composes | (previous[maybe] > 0) | ((second >= 0x1161) & (second < 0x11C3))
    if not wrong.any():
        return points, None
    return _rewritten(points, at[wrong])


def _rewritten(points: CodePoints, at: np.ndarray) -> tuple[CodePoints, np.ndarray | None]:
    """See `composed`; at: int64[k], ascending, characters whose clusters are not in NFC."""
    codes = points.codes
    inside = (_composing()[0] & (_CLASS | _MAY)).take(codes) > 0  # of a cluster that begins before
    inside[points.offsets[:-1][points.lengths > 0]] = False
    heads = np.flatnonzero(~inside)
    own = np.unique(np.searchsorted(heads, at, side="right") - 1)
    starts, ends = heads[own], np.append(heads, len(codes))[own + 1]
    parts = _normal_spans(codes, starts, ends)
    sizes = np.array([len(part) for part in parts], dtype=np.int64)
    new = np.concatenate(parts)
    if (sizes == ends - starts).all():
        spelled = codes.copy()
        spelled[ranges(starts, sizes)] = new
        return CodePoints(spelled, points.offsets), None
    # What lies between clusters, and the clusters' new spellings, in turn.
    gaps, since = np.append(starts, len(codes)), np.append(0, ends)
    back = np.empty(len(codes) + int(sizes.sum() - (ends - starts).sum()) + 1, dtype=np.int64)
    shift = offsets_of(sizes - (ends - starts))
    kept = ranges(since, gaps - since)
    back[kept + np.repeat(shift, gaps - since)] = kept
    spelled = np.empty(len(back) - 1, dtype=np.uint32)
    spelled[kept + np.repeat(shift, gaps - since)] = codes[kept]
    place = ranges(starts + shift[:-1], sizes)
    spelled[place] = new
    back[place] = np.minimum(ranges(starts, sizes), np.repeat(ends - 1, sizes))
    back[-1] = len(codes)
    return CodePoints(spelled, np.searchsorted(back, points.offsets).astype(np.int64)), back


def _normal_spans(codes: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> list[np.ndarray]:
    """Spans of code points in NFC, uint32 each; each spelling is normalised once."""

    @functools.cache
    def normal(span: bytes) -> np.ndarray:
        return np.frombuffer(
            unicodedata.normalize("NFC", span.decode("utf-32-le")).encode("utf-32-le"), dtype=np.uint32
        )

    return [normal(codes[a:b].tobytes()) for a, b in zip(starts.tolist(), ends.tolist(), strict=True)]
