"""Punctuation and markup of sentence pairs, and the script of their letters."""

from __future__ import annotations

import functools
import unicodedata

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.text import properties
from xlcorpus.text.codepoints import CODE_SPACE, CodePoints
from xlcorpus.text.labels import script_of, unicode_scripts
from xlcorpus.text.script import letters_per_script

# A tag as a browser reads one, or a comment, or a character reference: `a < b` is none.
_ATTRIBUTE = r"""\s+[A-Za-z_:][-A-Za-z0-9_:.]*(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'<>=`]+))?"""
MARKUP = (
    rf"</?[A-Za-z][A-Za-z0-9]*(?:{_ATTRIBUTE})*\s*/?>|<!--|&(?:[A-Za-z]{{2,8}}|#[0-9]{{1,7}}|#[xX][0-9A-Fa-f]{{1,6}});"
)
_NAMED = (("QUESTION MARK", 1), ("EXCLAMATION MARK", 2), ("COMMA", 3), ("COLON", 4))  # SEMICOLON is one too
_KINDS = 9
_NO_KIND = 0
_APOSTROPHES = (0x27, 0x2019)


@functools.cache
def ends_of_sentences() -> np.ndarray:
    """bool[0x110000]: terminal punctuation of any script, and the ellipsis."""
    table = properties.sentence_terminals().copy()
    table[ord("…")] = True
    return table


@functools.cache
def _kinds() -> np.ndarray:
    """uint8[0x110000]: 1 question mark, 2 exclamation mark, 3 comma, 4 colon or semicolon, 5 what else ends a sentence,
    6 quotation mark, 7 bracket, 8 dash; 0 for all else. Marks that open a Spanish question count for nothing."""
    kinds = np.zeros(CODE_SPACE, dtype=np.uint8)
    kinds[properties.matches(r"\p{Pd}")] = 8
    kinds[properties.matches(r"[\p{Ps}\p{Pe}]")] = 7
    kinds[properties.matches(r"\p{Quotation_Mark}")] = 6
    kinds[list(_APOSTROPHES)] = _NO_KIND
    kinds[ends_of_sentences()] = 5
    for code in np.flatnonzero(properties.matches(r"\p{P}")).tolist():
        name = unicodedata.name(chr(code), "")
        kind = next((kind for part, kind in _NAMED if part in name), None)
        if kind is not None:
            kinds[code] = _NO_KIND if "INVERTED" in name else kind
    return kinds


def punctuation(points: CodePoints) -> np.ndarray:
    """int64[rows, 9]: marks of each kind, those of no kind left out (0)."""
    found = _kinds().take(points.codes)
    at = np.flatnonzero(found)
    counts = np.bincount(points.rows[at] * _KINDS + found[at], minlength=len(points) * _KINDS)
    return counts.reshape(-1, _KINDS)


def punctuation_similarity(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """float64[rows], 0 to 1: marks of the same kind on both sides, twice, among all marks; 1 where there are none."""
    shared, total = 2 * np.minimum(one, other).sum(axis=1), (one + other).sum(axis=1)
    found: np.ndarray = np.where(total > 0, shared / np.maximum(total, 1), 1.0)
    return found


def count_markup(texts: pa.Array) -> np.ndarray:
    """int64[rows]: tags, comments and character references."""
    return np.asarray(pc.count_substring_regex(texts, MARKUP), dtype=np.int64)


def script_share(points: CodePoints, labels: pa.Array) -> np.ndarray:
    """float64[rows]: letters of the script that the language's label names, among all letters; 1 without letters, nan
    where a label names none."""
    counts, names = letters_per_script(points)
    totals = counts.sum(axis=1)
    found = np.full(len(points), np.nan)
    encoded = pc.fill_null(labels, "").dictionary_encode()
    codes = encoded.indices.to_numpy()
    for number, label in enumerate(encoded.dictionary.to_pylist()):
        script = script_of(label)
        if not script:
            continue
        columns = [names.index(name) for name in unicode_scripts([script]) if name in names]
        rows = np.flatnonzero(codes == number)
        found[rows] = np.where(
            totals[rows] > 0, counts[rows][:, columns].sum(axis=1) / np.maximum(totals[rows], 1), 1.0
        )
    return found
