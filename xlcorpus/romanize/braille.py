"""Braille: capitalised passages and numbers."""

from __future__ import annotations

from xlcorpus.romanize.edges import Edge, Rank
from xlcorpus.romanize.language import BRAILLE_CAPITAL
from xlcorpus.romanize.lattice import Lattice

_NUMBER_SIGN = "\u283c"
_DIGITS = dict(zip("\u281a\u2801\u2803\u2809\u2819\u2811\u280b\u281b\u2813\u280a", "0123456789", strict=True))
_POINTS = {"\u2832": ".", "\u2802": ","}
_SPACE = "\u2800"


def mark_capitals(lattice: Lattice) -> None:
    """After two capital signs everything is upper case up to the next Braille space."""
    inside = False
    for position, char in enumerate(lattice.text):
        if char == BRAILLE_CAPITAL and lattice.text[position - 1 : position] == BRAILLE_CAPITAL:
            inside = True
        elif inside and char == _SPACE:
            inside = False
        elif inside:
            lattice.upper.add(position)


def read_numbers(lattice: Lattice) -> None:
    """A number sign and the letters a to j as digits, with points and commas."""
    begin, written = None, ""
    for position, char in enumerate([*lattice.text, ""]):
        if char == _NUMBER_SIGN:
            begin = position if begin is None else begin
        elif begin is not None and (sign := _DIGITS.get(char) or _POINTS.get(char)):
            written += sign
        elif begin is not None and written:
            lattice.add(Edge(begin, position, written, Rank.RULE))
            begin, written = None, ""
