"""Case folding as dictionaries do it: one character for one, so that no position moves."""

from __future__ import annotations

import functools

import numpy as np

from xlcorpus.text import properties
from xlcorpus.text.characters import SAME_SIGNS, codes_of
from xlcorpus.text.codepoints import CODE_SPACE, CodePoints
from xlcorpus.text.hashes import code_values


@functools.cache
def folds() -> np.ndarray:
    """uint32[0x110000]: each code point's simple case folding, one to one; signs for one and the same become one.

    Foldings to several characters (sharp s to ss) would move positions: the lower case is taken there.
    """
    table = np.arange(CODE_SPACE, dtype=np.uint32)
    cased = np.flatnonzero(properties.matches(r"[\p{L}\p{M}\p{N}\p{So}]"))
    for code in cased.tolist():
        character = chr(code)
        folded = character.casefold()
        if len(folded) != 1:
            folded = character.lower()
        table[code] = ord(folded[0])  # only the dotted capital I of Turkish has a longer lower case: i and a dot
    for sign, others in SAME_SIGNS.items():
        table[codes_of(others)] = ord(sign)
    return table


def undotted(points: CodePoints, dotless: np.ndarray) -> np.ndarray:
    """uint32[n]: the code points, with a dotless i for each I in the texts where `dotless` (bool[rows])."""
    if not dotless.any():
        return points.codes
    at = np.flatnonzero(points.codes == ord("I"))
    at = at[dotless[np.searchsorted(points.offsets, at, side="right") - 1]]
    codes = points.codes.copy()
    codes[at] = ord("ı")
    return codes


def fold(points: CodePoints, dotless: bool | np.ndarray) -> np.ndarray:
    """uint32[n]: the code points folded; dotless: of each text (bool[rows]) or all, whether I is ı in capitals."""
    return folds().take(undotted(points, np.broadcast_to(dotless, len(points))))


@functools.cache
def has_capital() -> np.ndarray:
    """bool[0x110000]: small letters of which a word can begin with the capital.

    Georgian has capitals in Unicode since 2018, but no sentence or name begins with one.
    """
    table = properties.matches(r"\p{Ll}").copy()
    table[0x10D0:0x1100] = False
    return table


@functools.cache
def folded_values() -> np.ndarray:
    """uint64[0x110000]: the hash value of each code point's folding, so that one look-up folds and mixes."""
    values: np.ndarray = code_values()[folds()]
    return values
