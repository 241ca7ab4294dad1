"""FineWeb-2's thresholds (`configs/xxx_Yyyy.yml` of huggingface/fineweb-2), read as they are published.

Penedo et al. 2025, "FineWeb2: One Pipeline to Scale Them All", section 4. A published file names the parameters of
datatrove's filters; what the pipeline sets for every language (`fineweb-2-pipeline.py`, step 5) stands in `_FIXED`.

They were made for signals that datatrove counts (`score --signals datatrove`, columns `dt_...`); a dataset without
these is judged by our own, which are near them.
"""

from __future__ import annotations

import re
from typing import Any

from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError, nearest
from xlcorpus.quality.rules import Bounds, Section, StopWords, is_number
from xlcorpus.text.labels import script_of
from xlcorpus.text.properties import writes_spaces

FILE_NAME = re.compile(r"[a-z]{3}_[A-Z][a-z]{3}\.ya?ml")
MIN_STOP_WORDS = 2

# parameter: (signal, without its prefix, which bound, whether 0 switches it off in datatrove)
_BOUNDS: dict[str, tuple[str, str, bool]] = {
    "language_score": ("lang_score", "min", False),
    "dup_line_frac": ("dup_line_ratio", "max", True),
    "dup_para_frac": ("dup_para_ratio", "max", True),
    "dup_line_char_frac": ("dup_line_char_ratio", "max", True),
    "dup_para_char_frac": ("dup_para_char_ratio", "max", True),
    "line_punct_thr": ("line_punct_ratio", "min", False),
    "short_line_thr": ("short_line_ratio", "max", False),
    "char_duplicates_ratio": ("char_dup_ratio", "max", False),
    "new_line_ratio": ("newline_word_ratio", "max", False),
    "min_doc_words": ("n_words", "min", True),
    "max_doc_words": ("n_words", "max", True),
    "min_avg_word_length": ("mean_word_length", "min", True),
    "max_avg_word_length": ("mean_word_length", "max", True),
    "max_symbol_word_ratio": ("symbol_word_ratio", "max", True),
    "max_bullet_lines_ratio": ("bullet_line_ratio", "max", True),
    "max_ellipsis_lines_ratio": ("ellipsis_line_ratio", "max", True),
    "max_non_alpha_words_ratio": ("alpha_word_ratio", "min", True),  # a least share, whatever its name says
}
_NGRAMS = {
    "top_n_grams": ("top_{}_gram_char_ratio", range(2, 5)),
    "dup_n_grams": ("dup_{}_gram_char_ratio", range(5, 11)),
}
_OF_EVERY_FILE = (
    "language_score", "dup_line_frac", "top_n_grams", "dup_n_grams", "line_punct_thr", "new_line_ratio",
    "min_avg_word_length", "max_avg_word_length", "max_non_alpha_words_ratio", "stopwords",
)  # fmt: skip
_OTHER = ("stopwords", "min_stop_words", "short_line_length", "line_punct_exclude_zero", "language")
_FIXED: dict[str, float] = {
    "char_duplicates_ratio": 0.1,
    "min_doc_words": 50,
    "max_doc_words": 100_000,
    "max_symbol_word_ratio": 0.1,
    "max_bullet_lines_ratio": 0.9,
    "max_ellipsis_lines_ratio": 0.3,
}


def section(content: Any, file: Location, *, exact: bool) -> tuple[Section, list[str]]:
    """The rules of one file, and a sentence for each thing in it that cannot be done as datatrove does it.

    file: named by the language. exact: for the signals that datatrove counts, else for our own.
    Raises UserError naming file and key for unknown keys and values of the wrong type.
    """
    where = str(file)
    if not isinstance(content, dict):
        raise UserError(f"{where}: expected a mapping of FineWeb-2's parameters", remedy="take the file as published")
    known = [*_BOUNDS, *_NGRAMS, *_OTHER]
    for key in content:
        if key not in known:
            raise UserError(
                f"{where}: unknown key {key!r}; {nearest(str(key), known)}", remedy="take the file as published"
            )
    values: dict[str, Any] = {**_FIXED, **content}
    notes = [f"{key} is missing: no such rule" for key in _OF_EVERY_FILE if values.get(key) is None]
    prefix = "dt_" if exact else "q_"
    sides: dict[str, dict[str, float]] = {}
    for key, (column, side, zero_is_off) in _BOUNDS.items():
        value = values.get(key)
        if value is None:
            continue
        number = _number(value, f"{where}: {key}")
        # Off as in datatrove: 0 where it says so, -1 for a least share, 999 for a greatest one.
        if not (zero_is_off and number == 0) and not (side == "min" and number <= 0):
            sides.setdefault(prefix + column if column != "lang_score" else column, {})[side] = number
    for key, (column, sizes) in _NGRAMS.items():
        for size, number in _pairs(values.get(key), f"{where}: {key}"):
            if size in sizes:
                sides[prefix + column.format(size)] = {"max": number}
            else:
                notes.append(f"{key} of {size} words is not measured: rule left out")
    notes += _notes(values, script_of(file.stem), exact)
    bounds = {
        column: Bounds(min=side.get("min"), max=side.get("max"), sets_min=True, sets_max=True)
        for column, side in sides.items()
    }
    words, least = values.get("stopwords"), values.get("min_stop_words", MIN_STOP_WORDS)
    if words is not None and (not isinstance(words, list) or not all(isinstance(word, str) for word in words)):
        raise UserError(
            f"{where}: stopwords: expected a list of strings", remedy="put true, null and numbers in quotes"
        )
    wanted = int(_number(least, f"{where}: min_stop_words")) if least else 0
    if exact:
        stop_words = (
            StopWords(tuple(dict.fromkeys(words or ())), wanted, exact=True) if wanted and words is not None else None
        )
        if stop_words and len(stop_words.words) < wanted:
            notes.append("stopwords has fewer words than must be found: as in datatrove, every document goes")
    else:
        stop_words = StopWords.of(words or (), wanted)
        if words is not None and stop_words is None and wanted:
            notes.append("stopwords is empty: rule left out, where datatrove would remove every document")
        elif stop_words is not None and stop_words.min < wanted:
            notes.append("stopwords has fewer words than must be found: all of them must be")
    return Section(bounds=bounds, stop_words=stop_words, has_stop_words=True, alone=True), notes


def _notes(values: dict[str, Any], script: str, exact: bool) -> list[str]:
    notes = []
    if values.get("short_line_length", 30) != 30 and values.get("short_line_thr") is not None:
        notes.append("short_line_length is not 30: lines count as short up to 30 characters")
    if values.get("line_punct_exclude_zero"):
        notes.append("line_punct_exclude_zero is not done: documents without final punctuation follow line_punct_thr")
    if not exact and not writes_spaces(script):
        notes.append(
            "words of scripts without spaces are estimated from the number of letters: n-gram and word-length "
            "thresholds apply to estimates, where datatrove segments"
        )
    return notes


def _number(value: Any, where: str) -> float:
    if not is_number(value):
        raise UserError(f"{where}: expected a number, found {value!r}", remedy="take the file as published")
    return float(value)


def _pairs(value: Any, where: str) -> list[tuple[int, float]]:
    """`[[2, 0.2], [3, 0.18]]` as pairs."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(
        isinstance(pair, list) and len(pair) == 2 and type(pair[0]) is int for pair in value
    ):
        raise UserError(f"{where}: expected pairs of a size and a number", remedy="write [[2, 0.2], [3, 0.18]]")
    return [(size, _number(number, where)) for size, number in value]
