"""Classes of characters as datatrove's filters have them (version 0.10.1, `utils/text.py`), and Python's own."""

from __future__ import annotations

import functools

import numpy as np

from xlcorpus.text import properties
from xlcorpus.text.characters import codes_of
from xlcorpus.text.codepoints import CODE_SPACE

# Code points in hexadecimal. Unicode's Sentence_Terminal of another version, with three signs of Khmer.
_TERMINAL = (
    "21 2E 3F 589 61D-61F 6D4 700-702 7F9 837 839 83D-83E 964-965 104A-104B 1362 1367-1368 166E 1735-1736 17D4-17D6 "
    "17D9-17DA 1803 1809 1944-1945 1AA8-1AAB 1B5A-1B5B 1B5E-1B5F 1B7D-1B7E 1C3B-1C3C 1C7E-1C7F 203C-203D 2047-2049 "
    "2E2E 2E3C 2E53-2E54 3002 A4FF A60E-A60F A6F3 A6F7 A876-A877 A8CE-A8CF A92F A9C8-A9C9 AA5D-AA5F AAF0-AAF1 ABEB "
    "FE52 FE56-FE57 FF01 FF0E FF1F FF61 10A56-10A57 10F55-10F59 10F86-10F89 11047-11048 110BE-110C1 11141-11143 "
    "111C5-111C6 111CD 111DE-111DF 11238-11239 1123B-1123C 112A9 1144B-1144C 115C2-115C3 115C9-115D7 11641-11642 "
    "1173C-1173E 11944 11946 11A42-11A43 11A9B-11A9C 11C41-11C42 11EF7-11EF8 11F43-11F44 16A6E-16A6F 16AF5 16B37-16B38 "
    "16B44 16E98 1BC9F 1DA88"
)
# The other signs of which a word that counts is not made alone; the controls and a full-width 1 are among them.
_OTHER_PUNCTUATION = (
    "0-8 B-1F 22-2D 2F 3A-3E 40 5B-60 7B-9F AB B4 BB 2013-2014 2019 201C-201E 2026 2236 2501 25BA 3001 3008-300D "
    "3010-3011 FF05 FF08-FF09 FF0C FF11 FF1A-FF1B FF5E"
)
_LINE_ENDS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"  # of str.splitlines


def _table(ranges: str) -> np.ndarray:
    table = np.zeros(CODE_SPACE, dtype=bool)
    for part in ranges.split():
        first, _, last = part.partition("-")
        table[int(first, 16) : int(last or first, 16) + 1] = True
    return table


@functools.cache
def terminal() -> np.ndarray:
    """bool[0x110000]: a line that ends with it ends a sentence; quotation marks do not."""
    return _table(_TERMINAL)


@functools.cache
def word_making() -> np.ndarray:
    """bool[0x110000]: what a word must hold to count as one: anything but punctuation."""
    table: np.ndarray = ~(_table(_TERMINAL) | _table(_OTHER_PUNCTUATION))
    return table


@functools.cache
def is_space() -> np.ndarray:
    r"""bool[0x110000]: str.isspace: `\s`, and the separators U+001C to U+001F."""
    table = properties.whitespace().copy()
    table[0x1C:0x20] = True
    return table


@functools.cache
def ends_line() -> np.ndarray:
    """bool[0x110000]: where str.splitlines cuts."""
    table = np.zeros(CODE_SPACE, dtype=bool)
    table[codes_of(_LINE_ENDS)] = True
    return table
