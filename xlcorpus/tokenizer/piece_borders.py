"""Where a piece of a tokenizer that is trained must end, whatever the counts say: between scripts, and at every digit.

SentencePiece has such rules of its own, with a table of scripts that gives a word's apostrophes and many marks to no
script, so that no piece holds ʻ beside another letter (one in 8 words of Uzbek), and with the digits of ASCII alone
(sentencepiece#999, #686). Here:

- A piece has characters of one script. Kana go with Han. What is of no script, as punctuation, is apart from all.
- Marks, joiners and variation selectors belong to what they follow.
- Letters of no script (ʻ ʼ ˈ ー, tatweel) and apostrophes between two letters belong to the script before them; where
  there is none before them in the word, to that behind.
- Every decimal digit of any script (Nd) is a piece by itself.
"""

from __future__ import annotations

import functools

import numpy as np

from xlcorpus.text import properties
from xlcorpus.text.characters import is_apostrophe
from xlcorpus.text.codepoints import CODE_SPACE

_LINE_END = "\n"

# What a character is, other than one of a script; those are numbered from _SCRIPT on.
_SPACE, _OTHER, _DIGIT, _LETTER, _MARK, _SCRIPT = range(6)
_AS_HAN = ("Hira", "Kana", "Bopo")


@functools.cache
def _classes() -> np.ndarray:
    """uint8[0x110000]: of each character, one of the numbers above, or _SCRIPT + the number of its script."""
    names = properties.script_names()
    table = properties.scripts() + np.uint8(_SCRIPT)
    for name in _AS_HAN:
        table[table == names.index(name) + _SCRIPT] = names.index("Hani") + _SCRIPT
    shared = shared_by_scripts()
    table[shared] = _OTHER
    table[shared & properties.letters()] = _LETTER
    table[properties.matches(r"[\p{Script=Inherited}\p{Cf}]") | (shared & properties.marks())] = _MARK
    table[properties.digits()] = _DIGIT
    table[[ord(" "), ord(_LINE_END)]] = _SPACE
    return table


@functools.cache
def shared_by_scripts() -> np.ndarray:
    """bool[0x110000]: characters of no script."""
    names = properties.script_names()
    table: np.ndarray = np.isin(properties.scripts(), [names.index(name) for name in ("Zyyy", "Zinh", "Zzzz")])
    return table


@functools.cache
def of_words() -> np.ndarray:
    """bool[0x110000]: letters, marks and digits of no script, and apostrophes: what words of any script are made of."""
    table: np.ndarray = properties.letters() | properties.marks() | properties.digits()
    return (table & shared_by_scripts()) | is_apostrophe(np.arange(CODE_SPACE))


def cut_at_borders(text: str) -> list[str]:
    """Lines cut wherever a piece must end and no space ends it anyway. text: lines with U+000A between."""
    codes = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
    return str(np.insert(codes, borders(codes), ord(_LINE_END)).tobytes(), "utf-32-le").split(_LINE_END)


def borders(codes: np.ndarray) -> np.ndarray:
    """int64[k]: before which characters a piece must end. codes: uint32[n], lines with U+000A between."""
    kinds = _classes().take(codes)
    _join_apostrophes(codes, kinds)
    digit = kinds == _DIGIT
    kinds = _filled(kinds)
    apart = kinds[1:] != kinds[:-1]
    apart |= digit[:-1]
    apart &= (kinds[1:] != _SPACE) & (kinds[:-1] != _SPACE)
    return np.flatnonzero(np.append(False, apart) | digit)


def _join_apostrophes(codes: np.ndarray, kinds: np.ndarray) -> None:
    """Make letters of the apostrophes between two letters or marks."""
    at = np.flatnonzero(is_apostrophe(codes[1:-1])) + 1
    kinds[at[(kinds[at - 1] >= _LETTER) & (kinds[at + 1] >= _LETTER)]] = _LETTER


def _filled(kinds: np.ndarray) -> np.ndarray:
    """The kinds with marks and letters of no script as what they belong to."""
    places = np.arange(len(kinds))
    last = np.maximum.accumulate(np.where(kinds != _MARK, places, 0))
    kinds = kinds[last]
    loose = kinds == _LETTER
    if loose.any():
        last = np.maximum.accumulate(np.where(loose, 0, places))
        following = np.minimum.accumulate(np.where(loose, len(kinds) - 1, places)[::-1])[::-1]
        before, behind = kinds[last], kinds[following]
        kinds = np.where(loose, np.where(before >= _SCRIPT, before, np.where(behind >= _SCRIPT, behind, kinds)), kinds)
    return kinds
