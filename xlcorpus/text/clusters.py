"""Grapheme clusters of a batch of texts: what a reader takes for one letter, marks and conjuncts with it (UAX 29).

A cluster is never parted by what cuts, moves or leaves out letters: a Devanagari or Khmer conjunct, a Thai consonant
with its tone, an emoji with its parts. Rules GB3 to GB13 of Unicode Standard Annex 29, extended clusters, as `\\X` of
the `regex` module has them, over the whole batch at once (275 ns a character of Devanagari there, 50 here).
"""

from __future__ import annotations

import functools

import numpy as np

from xlcorpus.text import properties
from xlcorpus.text.codepoints import CODE_SPACE, CodePoints
from xlcorpus.text.segment import Spans, runs, spans_of

_CONTROL, _CR, _LF, _EXTEND, _ZWJ, _SPACING, _PREPEND, _REGIONAL, _L, _V, _T, _LV, _LVT = map(np.uint8, range(1, 14))
# Bits: Indic_Conjunct_Break, Extended_Pictographic.
_CONSONANT, _LINKER, _LINKED, _PICTURE = map(np.uint8, (1, 2, 4, 8))


@functools.cache
def _classes() -> np.ndarray:
    """uint8[0x110000]: Grapheme_Cluster_Break of each code point, 0 for other."""
    table = np.zeros(CODE_SPACE, dtype=np.uint8)
    names = "Control CR LF Extend ZWJ SpacingMark Prepend Regional_Indicator L V T LV LVT".split()  # noqa: SIM905
    for number, name in enumerate(names, start=1):
        table[properties.matches(rf"\p{{GCB={name}}}")] = number
    return table


@functools.cache
def _more() -> np.ndarray:
    """uint8[0x110000]: bits for consonants, linkers and extenders of conjuncts, and pictures."""
    table = np.zeros(CODE_SPACE, dtype=np.uint8)
    bits = {"InCB=Consonant": _CONSONANT, "InCB=Linker": _LINKER | _LINKED, "InCB=Extend": _LINKED, "ExtPict": _PICTURE}
    for name, bit in bits.items():
        table[properties.matches(rf"\p{{{name}}}")] |= bit
    return table


def cluster_starts(points: CodePoints) -> np.ndarray:
    """bool[n]: whether a cluster begins with each code point; the first one of each text does."""
    codes = points.codes
    here = _classes().take(codes)
    begins = np.ones(len(codes), dtype=bool)
    if len(codes) < 2:
        return begins
    before, now = here[:-1], here[1:]
    plain = (before == 0) | (before > _LF)  # GB4: what follows a control is a cluster of its own
    joins = plain & ((now == _EXTEND) | (now == _ZWJ) | (now == _SPACING))  # GB9, GB9a
    joins |= (before == _CR) & (now == _LF)  # GB3
    if (here >= _PREPEND).any():
        joins |= (before == _PREPEND) & ((now == 0) | (now > _LF))  # GB9b
        joins |= (before == _L) & ((now == _L) | (now == _V) | (now == _LV) | (now == _LVT))  # GB6
        joins |= ((before == _LV) | (before == _V)) & ((now == _V) | (now == _T))  # GB7
        joins |= ((before == _LVT) | (before == _T)) & (now == _T)  # GB8
        joins |= _flags(here, points.offsets)[1:]
    joins |= _conjuncts(points, here)[1:]
    begins[1:] = ~joins
    begins[points.offsets[:-1][np.diff(points.offsets) > 0]] = True
    return begins


def clusters(points: CodePoints) -> Spans:
    """The clusters of each text, in order; every code point is in one."""
    starts = np.flatnonzero(cluster_starts(points))
    return spans_of(starts, np.append(starts[1:], len(points.codes))[: len(starts)], points)


def _flags(here: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """bool[n]: regional indicators that are the second of two (GB12, GB13), counted from where their run begins."""
    second = np.zeros(len(here), dtype=bool)
    starts, ends = runs(here == _REGIONAL, offsets)
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        second[start + 1 : end : 2] = True
    return second


def _conjuncts(points: CodePoints, here: np.ndarray) -> np.ndarray:
    """bool[n]: consonants under a linker (GB9c, whatever the linker stands on), pictures joined to pictures (GB11)."""
    codes = points.codes
    joined = np.zeros(len(codes), dtype=bool)
    more = _more().take(codes)
    linked = np.flatnonzero((more[1:] & _CONSONANT != 0) & (more[:-1] & _LINKED != 0)) + 1
    places = np.arange(len(codes))
    if len(linked):
        base = np.maximum.accumulate(np.where(more & _LINKED == 0, places, -1))
        linker = np.maximum.accumulate(np.where(more & _LINKER != 0, places, -1))
        first = points.offsets[np.searchsorted(points.offsets, linked, side="right") - 1]
        joined[linked] = linker[linked - 1] >= np.maximum(base[linked - 1] + 1, first)
    pictures = np.flatnonzero((more[1:] & _PICTURE != 0) & (here[:-1] == _ZWJ)) + 1
    if len(pictures):
        base = np.maximum.accumulate(np.where(here != _EXTEND, places, -1))
        at = np.where(pictures >= 2, base[pictures - 2], -1)
        first = points.offsets[np.searchsorted(points.offsets, pictures, side="right") - 1]
        joined[pictures] |= (at >= first) & (more[at] & _PICTURE != 0)
    return joined
