"""The classes of characters that words are made of, as bits of one table, so that a batch is looked up once.

Two bits are free (OWN): a room that asks for more classes in the same look-up adds them to a copy of the table.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from xlcorpus.text import properties
from xlcorpus.text.codepoints import CODE_SPACE

WORD = np.uint8(1)  # word characters (`properties.word_characters`) of scripts with spaces
UNSPACED = np.uint8(2)  # the same of scripts without
ATTACHED = np.uint8(4)  # no word by itself, and begins none: marks, joiners, vowels written after a consonant
UPPER = np.uint8(8)
NUMBER = np.uint8(16)
APOSTROPHE = np.uint8(32)
OWN = (np.uint8(64), np.uint8(128))
RARE = UPPER | NUMBER | APOSTROPHE

# Thai and Lao vowels that Unicode calls letters, though they stand after the consonant they belong to.
_FOLLOWING_VOWELS = "\u0e30\u0e32\u0e33\u0e45\u0eb0\u0eb2\u0eb3"
# Of no script of their own, but written in Japanese and Chinese words only: prolonged sound, closing mark.
_SHARED_UNSPACED = "\u30fc\uff70\u3006"
# Written for one and the same: a typed quotation mark, and the letter that Unicode has for it.
LIKE_APOSTROPHE = "\u2019\u02bc"
_WORDS = WORD | UNSPACED


def codes_of(characters: str) -> np.ndarray:
    """int64[n]: the code points of some characters, to index tables with."""
    return np.array([ord(character) for character in characters], dtype=np.int64)


@functools.cache
def classes() -> np.ndarray:
    """uint8[0x110000]: the classes of each code point, as the bits above."""
    table = np.zeros(CODE_SPACE, dtype=np.uint8)
    unspaced = properties.unspaced().copy()
    unspaced[codes_of(_SHARED_UNSPACED)] = True
    table[properties.word_characters() & ~unspaced] |= WORD
    table[unspaced] |= UNSPACED
    table[properties.marks() | properties.joiners()] |= ATTACHED
    table[codes_of(_FOLLOWING_VOWELS)] |= ATTACHED
    table[properties.capitals()] |= UPPER
    table[properties.numbers()] |= NUMBER
    table[properties.apostrophes()] |= APOSTROPHE
    return table


@dataclass
class Classes:
    """The classes of the code points of some texts.

    flags: uint8[n], which `words.spaced_words` changes; rare: int64[r], where a class is set that 1 character in 20
    has (`RARE` and what a room adds), so that each of them is sought among few; rare_flags: uint8[r].
    """

    flags: np.ndarray
    rare: np.ndarray
    rare_flags: np.ndarray

    @classmethod
    def of(cls, codes: np.ndarray, table: np.ndarray | None = None, rare: np.uint8 = RARE) -> Classes:
        """Look up uint32[n] code points; table: uint8[0x110000], `classes` with a room's own bits beside."""
        flags = (classes() if table is None else table).take(codes)
        where = np.flatnonzero((flags & rare) != 0)
        return cls(flags, where, flags.take(where))

    def where(self, rare_class: np.uint8) -> np.ndarray:
        """int64[k]: the characters of one of the rare classes, ascending."""
        return self.rare[(self.rare_flags & rare_class) != 0]


def is_word(flags: np.ndarray) -> np.ndarray:
    """bool[n]: letters, marks, numbers and joiners of any script."""
    words: np.ndarray = (flags & _WORDS) != 0
    return words


def is_han_or_kana(codes: np.ndarray) -> np.ndarray:
    """bool[n]: Chinese characters, kana, bopomofo and Yi, whose words have one to three of them."""
    east = (codes >= 0x2E80) & (codes < 0xA4D0)
    wide: np.ndarray = east | ((codes >= 0xF900) & (codes < 0xFB00)) | (codes >= 0x1B000)
    return wide
