"""The letters in which byte-level BPE writes the 256 bytes, so that a vocabulary is printable text.

Source: Radford et al. (2019), GPT-2: printable Latin-1 characters stand for themselves, the other bytes, in their
order, for the characters from U+0100 on.
"""

from __future__ import annotations

import functools

_PRINTABLE = (*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100))


@functools.cache
def letter_of_byte() -> dict[int, str]:
    """The letter of each byte."""
    others = [value for value in range(256) if value not in _PRINTABLE]
    return {value: chr(value) for value in _PRINTABLE} | {value: chr(0x100 + at) for at, value in enumerate(others)}


@functools.cache
def byte_of_letter() -> dict[str, int]:
    """The byte of each letter."""
    return {letter: value for value, letter in letter_of_byte().items()}


def to_letters(text: str) -> str:
    """UTF-8 of a text in the letters of byte-level BPE (` a` is `Ġa`)."""
    letters = letter_of_byte()
    return "".join(letters[value] for value in text.encode())


def from_letters(piece: str) -> str | None:
    """The text of a byte-level piece; None where its bytes are no whole characters, or it has other letters."""
    table = byte_of_letter()
    try:
        return bytes(table[letter] for letter in piece).decode("utf-8")
    except (KeyError, UnicodeDecodeError):
        return None
