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
INNER = np.uint8(32)  # may stand inside of words (`words.join_inner`); some are letters as well
OWN = (np.uint8(64), np.uint8(128))
RARE = UPPER | NUMBER | INNER

# Thai and Lao vowels that Unicode calls letters, though they stand after the consonant they belong to.
_FOLLOWING_VOWELS = "\u0e30\u0e32\u0e33\u0e45\u0eb0\u0eb2\u0eb3"
# Of no script of their own, but written in Japanese and Chinese words only: prolonged sound, closing mark.
_SHARED_UNSPACED = "\u30fc\uff70\u3006"
# What is typed for an apostrophe, which stands inside of words for a letter (Uzbek o', glottal stops, Breton c'h,
# Ukrainian, Hebrew geresh) or for what is left out (l'homme). Quotation marks, accents and primes are typed where a
# keyboard has no better. To Unicode those of the second string are letters, to UAX 29 the third too.
LIKE_APOSTROPHE = "\u2019\u2018\u201b\u2032`\u00b4\uff07" + "\u02bb\u02bc\u02b9\u02c8\ua78b\ua78c" + "\u055a\u05f3"
# Signs for one and the same, by the one that stands for all of them: apostrophes, Hebrew gershayim, the dot of Catalan
# l·l, the tsheg between Tibetan syllables.
SAME_SIGNS = {
    "'": LIKE_APOSTROPHE,
    '"': "\u05f4\u201c\u201d\u201f",
    "\u00b7": "\u0387\u2027\u2219\u22c5\u2022",
    "\u0f0b": "\u0f0c",
}
# Inside of words between any two letters: apostrophes, middle dots, the colon (Swedish EU:n), the Armenian abbreviation
# mark, ties (UAX 29: MidLetter, MidNumLet, Single_Quote, ExtendNumLet), and the maqaf. Not the full stop and the low
# line, which are of URLs and names of files.
_BETWEEN_LETTERS = "':\u055f\u05be\u203f\u2040\u2054\u00b7" + LIKE_APOSTROPHE + SAME_SIGNS["\u00b7"]
# Inside of words of one script: gershayim of Hebrew (UAX 29: Double_Quote), and what parts a Mongolian word from its
# suffix.
_HEBREW, _MONGOLIAN = '"' + SAME_SIGNS['"'], "\u202f"
TSHEGS = "\u0f0b" + SAME_SIGNS["\u0f0b"]
# Signs that are letters to UAX 29: tones, a colon for length, Armenian marks of stress, exclamation and question.
_LIKE_LETTERS = r"(?V1)[[\p{WB=ALetter}\p{Lm}]&&[\p{Sk}\p{P}]]"
# Show nothing, and part no word that they stand in: soft hyphen, word joiner, marks of direction (not U+200B).
_UNSEEN = r"\p{WB=Format}"
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
    table[properties.matches(_LIKE_LETTERS)] |= WORD | ATTACHED
    table[properties.marks() | properties.joiners()] |= ATTACHED
    table[codes_of(_FOLLOWING_VOWELS)] |= ATTACHED
    table[properties.capitals()] |= UPPER
    table[properties.numbers()] |= NUMBER
    table[codes_of(_BETWEEN_LETTERS + _HEBREW + _MONGOLIAN + TSHEGS)] |= INNER
    table[properties.matches(_UNSEEN)] |= INNER
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


@functools.cache
def parted_scripts() -> np.ndarray:
    """uint8[0x110000]: 1 for what stands inside of Hebrew words alone, 2 for Hebrew letters; 4 and 8 of Mongolian, 16
    and 32 of Tibetan. A sign joins where both of its neighbours have the bit above its own.
    """
    table = np.zeros(CODE_SPACE, dtype=np.uint8)
    for place, (signs, script) in enumerate(((_HEBREW, "Hebrew"), (_MONGOLIAN, "Mongolian"), (TSHEGS, "Tibetan"))):
        table[properties.matches(rf"(?V1)[\p{{Script={script}}}&&[\p{{L}}\p{{M}}]]")] = 2 << 2 * place
        table[codes_of(signs)] = 1 << 2 * place
    return table


def is_word(flags: np.ndarray) -> np.ndarray:
    """bool[n]: letters, marks, numbers and joiners of any script."""
    words: np.ndarray = (flags & _WORDS) != 0
    return words


@functools.cache
def _apostrophes() -> np.ndarray:
    table = np.zeros(CODE_SPACE, dtype=bool)
    table[codes_of("'" + LIKE_APOSTROPHE)] = True
    return table


def is_apostrophe(codes: np.ndarray) -> np.ndarray:
    """bool[n]: U+0027 and what is typed for it."""
    found: np.ndarray = _apostrophes().take(codes)
    return found


def is_tibetan(codes: np.ndarray) -> np.ndarray:
    """bool[n]: letters and signs of Tibetan, whose words are runs of syllables with a tsheg between two."""
    tibetan: np.ndarray = (codes >= 0x0F00) & (codes < 0x1000)
    return tibetan


def is_han_or_kana(codes: np.ndarray) -> np.ndarray:
    """bool[n]: Chinese characters, kana, bopomofo and Yi, whose words have one to three of them."""
    east = (codes >= 0x2E80) & (codes < 0xA4D0)
    wide: np.ndarray = east | ((codes >= 0xF900) & (codes < 0xFB00)) | (codes >= 0x1B000)
    return wide
