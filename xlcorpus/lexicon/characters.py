"""What code-switching needs to know of each character: one table of classes, one of case folding."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from xlcorpus.text import properties
from xlcorpus.text.codepoints import CODE_SPACE, CodePoints
from xlcorpus.text.hashes import code_values

WORD = np.uint8(1)  # letters, marks and numbers of scripts with spaces
UNSPACED = np.uint8(2)  # the same of scripts without
ATTACHED = np.uint8(4)  # no word by itself, and may not begin a key: marks, joiners, vowels written after a consonant
UPPER = np.uint8(8)
NUMBER = np.uint8(16)
BREAK = np.uint8(32)  # ends a chunk such as a URL: white space, unspaced scripts, punctuation beyond ASCII
TECHNICAL = np.uint8(64)  # of URLs, addresses, code and markup, or may be (`protect`)
APOSTROPHE = np.uint8(128)

APOSTROPHES = "'\u2019"
# Thai and Lao vowels that Unicode calls letters, though they stand after the consonant they belong to.
_FOLLOWING_VOWELS = "\u0e30\u0e32\u0e33\u0e45\u0eb0\u0eb2\u0eb3"
# Of no script of their own, but written in Japanese and Chinese words only: prolonged sound, closing mark.
_SHARED_UNSPACED = "\u30fc\uff70\u3006"
ALWAYS_TECHNICAL = "@\\_{}<>#`^|="
SOMETIMES_TECHNICAL = "./:&$("
_WORDS = WORD | UNSPACED
_RARE = UPPER | NUMBER | TECHNICAL | APOSTROPHE


@dataclass
class Classes:
    """The classes of the code points of some texts.

    flags: uint8[n], which `tokens.find_words` changes; rare: int64[r], where UPPER, NUMBER, TECHNICAL or APOSTROPHE is
    set: 1 character in 20, so that each of them is sought among few; rare_flags: uint8[r].
    """

    flags: np.ndarray
    rare: np.ndarray
    rare_flags: np.ndarray

    @classmethod
    def of(cls, codes: np.ndarray) -> Classes:
        """Look up uint32[n] code points."""
        flags = classes().take(codes)
        rare = np.flatnonzero((flags & _RARE) != 0)
        return cls(flags, rare, flags.take(rare))

    def where(self, rare_class: np.uint8) -> np.ndarray:
        """int64[k]: the characters of one of the rare classes, ascending."""
        return self.rare[(self.rare_flags & rare_class) != 0]


@functools.cache
def classes() -> np.ndarray:
    """uint8[0x110000]: the classes of each code point, as the bits above."""
    table = np.zeros(CODE_SPACE, dtype=np.uint8)
    unspaced = properties.unspaced().copy()
    unspaced[[ord(character) for character in _SHARED_UNSPACED]] = True
    table[properties.word_characters() & ~unspaced] |= WORD
    table[unspaced] |= UNSPACED
    table[properties.matches(r"[\p{M}\u200c\u200d]")] |= ATTACHED
    table[[ord(character) for character in _FOLLOWING_VOWELS]] |= ATTACHED
    table[properties.matches(r"[\p{Lu}\p{Lt}]")] |= UPPER
    table[properties.matches(r"\p{N}")] |= NUMBER
    other_punctuation = properties.matches(r"\p{P}").copy()
    other_punctuation[:0x80] = False
    table[properties.whitespace() | unspaced | other_punctuation] |= BREAK
    table[[ord(character) for character in ALWAYS_TECHNICAL + SOMETIMES_TECHNICAL]] |= TECHNICAL
    table[[ord(character) for character in APOSTROPHES]] |= APOSTROPHE
    return table


@functools.cache
def folds() -> np.ndarray:
    """uint32[0x110000]: each code point's simple case folding, one to one; apostrophes of all kinds become one.

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
    table[[0x2019, 0x02BC]] = 0x27
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


def utf8_lengths(codes: np.ndarray) -> np.ndarray:
    """uint8[n]: bytes of each code point in UTF-8."""
    lengths = (codes >= 0x80).view(np.uint8) + np.uint8(1)
    lengths += (codes >= 0x800).view(np.uint8)
    lengths += (codes >= 0x10000).view(np.uint8)
    return lengths


def is_word(flags: np.ndarray) -> np.ndarray:
    """bool[n]: letters, marks and numbers of any script."""
    words: np.ndarray = (flags & _WORDS) != 0
    return words
