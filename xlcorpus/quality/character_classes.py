"""Classes of characters as bits of one table, so that a batch is looked up once."""

from __future__ import annotations

import functools

import numpy as np

from xlcorpus.text import properties
from xlcorpus.text.characters import codes_of
from xlcorpus.text.codepoints import CODE_SPACE, CodePoints
from xlcorpus.text.sentences import bars_for_dandas

WORD = 1 << 0  # letter, mark, number or joiner: part of a token
LETTER = 1 << 1
SPACE = 1 << 2
DIGIT = 1 << 3
CONTROL = 1 << 4  # never wanted in text
TERMINAL = 1 << 5  # ends a sentence wherever it stands
SOFT_TERMINAL = 1 << 6  # ends a sentence before white space only: 3.14 and example.com have none
CLOSER = 1 << 7  # quotation mark or closing bracket
QUOTE = 1 << 8  # quotation mark
BULLET = 1 << 9
UNSPACED = 1 << 10  # letter or mark of a script without spaces
URL = 1 << 11  # may stand in an address
LINKISH = 1 << 12  # may start or announce an address: colon, w, closing square bracket
BRACKET = 1 << 13  # [ or )
CURLY = 1 << 14
SYMBOL = 1 << 15  # visible and no part of a word

# The Tibetan tsheg and the Ethiopic word space part words as spaces do; they are no symbols between words.
_WORD_SEPARATORS = (0x0F0B, 0x0F0C, 0x1361)
_SOFT_TERMINALS = ".!?…․‥⋯"
_BULLETS = "-*+•‣⁃∙◦●○■□▪▫◆◇►▶▸➢➤➔·・❖✓✔"
# RFC 3986, section 2, leaves out all but the brackets, which prose puts around addresses.
_NOT_IN_URL = '<>"{}|\\^`[]()'


@functools.cache
def class_table() -> np.ndarray:
    """uint16[0x110000]: the classes above of each code point."""
    flags = np.zeros(CODE_SPACE, dtype=np.uint16)
    word, space = properties.word_characters(), properties.whitespace()
    flags[word] |= WORD
    flags[properties.letters()] |= LETTER
    flags[space] |= SPACE
    flags[properties.digits()] |= DIGIT
    flags[properties.matches(r"\p{Cc}") & ~space] |= CONTROL
    flags[properties.matches(r"\p{Noncharacter_Code_Point}")] |= CONTROL
    flags[0xFFFD] |= CONTROL
    flags[properties.sentence_terminals()] |= TERMINAL
    soft = codes_of(_SOFT_TERMINALS)
    flags[soft] = (flags[soft] & ~np.uint16(TERMINAL)) | SOFT_TERMINAL
    quote = properties.matches(r"[\p{Pi}\p{Pf}\"'＂＇」』﹂﹄》〉]")
    flags[quote] |= QUOTE
    flags[quote | properties.matches(r"\p{Pe}")] |= CLOSER
    flags[codes_of(_BULLETS)] |= BULLET
    flags[properties.unspaced()] |= UNSPACED
    flags[0x21:0x7F] |= URL
    flags[codes_of(_NOT_IN_URL)] &= ~np.uint16(URL)
    flags[codes_of(":wW]")] |= LINKISH
    flags[codes_of("[)")] |= BRACKET
    flags[codes_of("{")] |= CURLY
    flags[~(word | space | properties.matches(r"\p{Default_Ignorable_Code_Point}"))] |= SYMBOL
    flags[list(_WORD_SEPARATORS)] &= ~np.uint16(SYMBOL)
    return flags


def classes_of(points: CodePoints) -> np.ndarray:
    """uint16[n]: the classes of each character; a bar that was typed for a danda is TERMINAL as that is."""
    flags = class_table().take(points.codes)  # half the time of an index
    flags[bars_for_dandas(points)] |= TERMINAL
    return flags


def where(flags: np.ndarray, bits: int) -> np.ndarray:
    """int64[hits]: positions whose classes include one of `bits`."""
    return np.flatnonzero((flags & np.uint16(bits)) != 0)  # of bools: 4 times as fast as of integers


def count_per_text(positions: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """int64[rows]: how many of the ascending `positions` fall into each text."""
    counts: np.ndarray = np.diff(np.searchsorted(positions, offsets))
    return counts


def sentence_ends(flags: np.ndarray, points: CodePoints) -> np.ndarray:
    """int64[hits]: last characters of the runs of terminal punctuation that end a sentence.

    What counts behind one is the next character that shows something.
    """
    marks = where(flags, TERMINAL | SOFT_TERMINAL)
    place = marks + 1
    if not len(marks):
        return marks
    odd = np.flatnonzero(properties.unseen()[points.codes.take(place, mode="clip")])
    if len(odd):
        seen = np.append(np.flatnonzero(~properties.unseen().take(points.codes)), len(points.codes))
        place[odd] = seen[np.searchsorted(seen, place[odd])]
    inside = place < points.offsets[np.searchsorted(points.offsets, marks, side="right")]
    after = np.full(len(marks), SPACE, dtype=np.uint16)
    after[inside] = flags[place[inside]]
    last = (after & (TERMINAL | SOFT_TERMINAL)) == 0
    free = ((flags[marks] & TERMINAL) != 0) | ((after & (SPACE | CLOSER)) != 0)
    ends: np.ndarray = marks[last & free]
    return ends


def symbol_runs(flags: np.ndarray, points: CodePoints) -> np.ndarray:
    """int64[hits]: first characters of the runs of visible characters that belong to no word.

    What shows nothing (U+200B, soft hyphen, marks of direction) neither is a symbol nor parts two.
    """
    symbols = where(flags, SYMBOL)
    first = np.ones(len(symbols), dtype=bool)
    place = symbols - np.searchsorted(np.flatnonzero(flags == 0), symbols)
    first[1:] = place[1:] != place[:-1] + 1
    starts_text = np.zeros(len(points.codes) + 1, dtype=bool)
    starts_text[points.offsets] = True
    starts: np.ndarray = symbols[first | starts_text[symbols]]
    return starts


def ellipses(points: CodePoints) -> np.ndarray:
    """int64[hits]: ascending starts of ellipses: … or ⋯, or three full stops (six are two)."""
    single = np.flatnonzero((points.codes == 0x2026) | (points.codes == 0x22EF))
    return np.sort(np.concatenate([single, dot_triples(points)]))


def dot_triples(points: CodePoints) -> np.ndarray:
    """int64[hits]: ascending ends of three full stops in a row; six are two."""
    dots = np.flatnonzero(points.codes == 0x2E)
    if len(dots) < 3:
        return np.zeros(0, dtype=np.int64)
    row = np.searchsorted(points.offsets, dots, side="right")
    fresh = np.ones(len(dots), dtype=bool)
    fresh[1:] = (dots[1:] != dots[:-1] + 1) | (row[1:] != row[:-1])
    starts = np.flatnonzero(fresh)
    place = np.arange(len(dots)) - np.repeat(starts, np.diff(np.append(starts, len(dots))))
    ends: np.ndarray = dots[place % 3 == 2]
    return ends


def character_counts(points: CodePoints, flags: np.ndarray) -> dict[str, np.ndarray]:
    """Counts by text, int64[rows] each, for the signals of single characters and their runs."""
    offsets = points.offsets
    return {
        "digits": count_per_text(where(flags, DIGIT), offsets),
        "controls": count_per_text(where(flags, CONTROL), offsets),
        "curly_brackets": count_per_text(where(flags, CURLY), offsets),
        "hashes": count_per_text(np.flatnonzero(points.codes == ord("#")), offsets),
        "ellipses": count_per_text(ellipses(points), offsets),
        "sentences": count_per_text(sentence_ends(flags, points), offsets),
        "symbol_runs": count_per_text(symbol_runs(flags, points), offsets),
    }
