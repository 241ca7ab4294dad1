"""Romanise one text exactly as uroman does: all passes over its lattice."""

from __future__ import annotations

from functools import partial

from xlcorpus.romanize.braille import mark_capitals, read_numbers
from xlcorpus.romanize.edges import Edge
from xlcorpus.romanize.language import Language
from xlcorpus.romanize.lattice import Lattice
from xlcorpus.romanize.numbers import Numbers
from xlcorpus.romanize.tibetan import choose_vowels


def romanize_exactly(text: str, language: Language) -> str:
    """The result of uroman's `romanize_string(text, lcode=language.code)`; for any text, slowly.

    Where uroman fails, only what it fails on is read in our own way: see `numbers`.
    """
    return "".join([edge.text for edge in exact_path(text, language)])


def exact_path(text: str, language: Language) -> list[Edge]:
    """The edges whose texts are the result."""
    highest, braille = max(text, default=""), False
    lattice = Lattice(text, language, partial(romanize_exactly, language=language))
    if highest >= "\u0f00":
        braille = any("\u2800" <= char <= "\u28ff" for char in text)
        if any("\u0f00" <= char <= "\u0fff" for char in text):
            choose_vowels(lattice)
    if braille:
        mark_capitals(lattice)
    lattice.read_rules()
    Numbers(lattice).read()
    if braille:
        read_numbers(lattice)
    return lattice.path()
