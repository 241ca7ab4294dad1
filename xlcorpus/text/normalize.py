"""Unicode normalisation of whole string arrays."""

from __future__ import annotations

import functools
import unicodedata
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.text import properties

# White space of any script, as `properties.whitespace()`: RE2's \s alone is that of ASCII.
_WHITESPACE = r"[\s\p{Z}\x{0B}\x{85}]+"
_BRAILLE_BLANK = "\u2800"  # a cell without dots: the space of Braille


def normalize(texts: pa.Array, form: Literal["NFC", "NFKC"]) -> pa.Array:
    """A form of UAX 15, by Python: `pc.utf8_normalize` gives NFD for all, up to pyarrow 25 (apache/arrow#51225)."""
    other = pc.fill_null(pc.invert(pc.string_is_ascii(texts)), False)
    if not pc.any(other).as_py():
        return texts
    normal = [unicodedata.normalize(form, text) for text in texts.filter(other).to_pylist()]
    return pc.replace_with_mask(texts, other, pa.array(normal, texts.type))


def before_normalizing(text: str, form: Literal["NFC", "NFKC"], edges: np.ndarray) -> np.ndarray:
    """Where stretches of the normalised text, int64[n, 2] in code points, are in the text as it is written.

    What the form writes together or apart (a letter with its marks, a ligature) has one place as a whole.
    """
    sizes: list[int] = []
    written: list[int] = []  # of each cluster in the form, and where it begins in the text
    cluster = ""
    for at, character in enumerate(text):
        alone = unicodedata.normalize(form, cluster) + unicodedata.normalize(form, character)
        joined = unicodedata.normalize(form, cluster + character)
        if cluster and (joined != alone or unicodedata.combining(character)):
            cluster += character
            sizes[-1] = len(joined)
        else:
            cluster = character
            sizes.append(len(unicodedata.normalize(form, character)))
            written.append(at)
    ends = np.cumsum(np.array([*sizes, 1], dtype=np.int64))
    starts = ends - np.array([*sizes, 1])
    place = np.array([*written, len(text)], dtype=np.int64)
    begin = place[np.searchsorted(ends, edges[:, 0], side="right")]
    stop = place[np.searchsorted(starts, edges[:, 1], side="left")]
    return np.stack([begin, np.maximum(stop, begin)], axis=1)


def compose(texts: pa.Array) -> pa.Array:
    """NFC."""
    return normalize(texts, "NFC")


def class_of(codes: np.ndarray) -> str:
    """What stands between the brackets of a pattern of RE2 for some code points (int64[n], ascending)."""
    cuts = np.flatnonzero(np.diff(codes) != 1) + 1
    return "".join(rf"\x{{{part[0]:X}}}-\x{{{part[-1]:X}}}" for part in np.split(codes, cuts))


def _one_of(codes: np.ndarray) -> str:
    """A pattern of RE2 for runs of some code points (int64[n], ascending)."""
    return f"[{class_of(codes)}]+"


@functools.cache
def _unseen() -> str:
    """What shows nothing: RE2's own property tables have no Default_Ignorable_Code_Point."""
    return _one_of(np.flatnonzero(properties.unseen()))


@functools.cache
def _other_shapes() -> dict[int, str]:
    """Letters in another shape, and the plain ones: of full and half width, of mathematical alphabets, Arabic ones for
    a place in the word, ligatures. Not every compatibility letter: many are how a language is written (Thai ำ, և)."""
    codes = np.flatnonzero(properties.other_shapes()).tolist()
    return {code: unicodedata.normalize("NFKC", chr(code)) for code in codes}


@functools.cache
def _shaped() -> str:
    return _one_of(np.flatnonzero(properties.other_shapes()))


def plain_letters(texts: pa.Array) -> pa.Array:
    """Letters in another shape (full width, presentation forms, mathematical alphabets) as the plain ones."""
    shaped = pc.match_substring_regex(texts, _shaped())
    if not pc.any(shaped).as_py():
        return texts
    plain = [text.translate(_other_shapes()) for text in texts.filter(shaped).to_pylist()]
    return pc.replace_with_mask(texts, shaped, pa.array(plain, texts.type))


def as_seen(texts: pa.Array) -> pa.Array:
    """What a reader sees of each text: no characters that show nothing, then NFKC (UAX 15), which writes compatibility
    forms (full width, ligatures, presentation forms, circled and raised digits) as the characters they stand for.

    In this order, since what is not seen stands between a letter and its mark. A text as NFKC_Casefold has it but for
    the case; white space stays, and the blank of Braille is a space.
    """
    seen = pc.replace_substring_regex(texts, pattern=_unseen(), replacement="")
    return normalize(pc.replace_substring(seen, pattern=_BRAILLE_BLANK, replacement=" "), "NFKC")


def normalize_for_matching(texts: pa.Array) -> pa.Array:
    """NFC, then lower case: the form in which words are looked up. Combining marks stay."""
    return pc.utf8_lower(compose(texts))


def collapse_whitespace(texts: pa.Array) -> pa.Array:
    """Runs of white space become one space, none at the ends."""
    return pc.utf8_trim(pc.replace_substring_regex(texts, pattern=_WHITESPACE, replacement=" "), characters=" ")
