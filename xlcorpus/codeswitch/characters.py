"""Classes of characters of code-switching: those of words, and what ends or gives away a URL, code or markup."""

from __future__ import annotations

import functools

import numpy as np

from xlcorpus.text import characters, properties
from xlcorpus.text.characters import OWN, RARE, UNSPACED, Classes, codes_of

BREAK, TECHNICAL = OWN
# BREAK ends a chunk such as a URL: white space, unspaced scripts, punctuation beyond ASCII.
# TECHNICAL is of URLs, addresses, code and markup, or may be (`protect`).
ALWAYS_TECHNICAL = "@\\_{}<>#`^|="
SOMETIMES_TECHNICAL = "./:&$("


@functools.cache
def classes() -> np.ndarray:
    """uint8[0x110000]: the classes of `text.characters` with these two."""
    table = characters.classes().copy()
    other_punctuation = properties.matches(r"\p{P}").copy()
    other_punctuation[:0x80] = False
    table[properties.whitespace() | (table & UNSPACED != 0) | other_punctuation] |= BREAK
    table[codes_of(ALWAYS_TECHNICAL + SOMETIMES_TECHNICAL)] |= TECHNICAL
    return table


def classify(codes: np.ndarray) -> Classes:
    """The classes of uint32[n] code points; TECHNICAL is one of the rare ones."""
    return Classes.of(codes, classes(), RARE | TECHNICAL)
