"""Scores of sentence pairs: columns `pair_...`, of both sides together; names and definitions are OpusFilter's.

Aulamo et al. 2020 (OpusFilter, ACL demonstrations) and its documentation, version 3; Bicleaner-hardrules 2.10. A score
is not a decision: filter compares them with thresholds.
"""

from __future__ import annotations

import functools
import unicodedata
from difflib import SequenceMatcher

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import cpdist

from xlcorpus.dataset.columns import put_columns, text_or_empty
from xlcorpus.dataset.schema import load_schema
from xlcorpus.pairs.sides import SIDES, of_side
from xlcorpus.quality.length_factors import factors_of
from xlcorpus.quality.pair_marks import (
    count_markup,
    ends_of_sentences,
    punctuation,
    punctuation_similarity,
    script_share,
)
from xlcorpus.quality.pair_runs import common_run
from xlcorpus.quality.pair_words import SideWords, overlap
from xlcorpus.text import properties
from xlcorpus.text.codepoints import CODE_SPACE, CodePoints, code_points
from xlcorpus.text.normalize import as_seen, collapse_whitespace
from xlcorpus.text.ragged import offsets_of

# Of longer sides (documents) the beginnings are compared: 0.6 ms a pair, and a Levenshtein distance costs the square.
_COMPARED = 4_000
_NO_DIGIT = 10


def pair_fields() -> list[pa.Field]:
    """Arrow fields of the scores, in order, as `schemas/pair-1.yaml` has them."""
    return load_schema("pair").columns_of("score")


def score_pairs(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The pairs with the columns `pair_...` of step score in schema pair-1; those already there are replaced.

    batch: src, tgt, src_lang, tgt_lang and, of both sides, q_n_chars and q_n_words (`score_batch`). Ratios and
    similarities float32, finite; pair_length_factor_ratio null where a language has no factor, pair_script_share where
    a label names no script.
    """
    texts = [text_or_empty(batch, side) for side in SIDES]
    points = [code_points(text) for text in texts]
    folded = [_folded(text) for text in texts]
    chars, words = (
        [np.maximum(np.asarray(batch.column(of_side(side, name))), 1).astype(np.float64) for side in SIDES]
        for name in ("q_n_chars", "q_n_words")
    )
    labels = [text_or_empty(batch, of_side(side, "lang")) for side in SIDES]
    split = [SideWords.of(side) for side in folded]
    factors = [factors_of(side) for side in labels]
    scaled = [np.maximum(size * factor, 1) for size, factor in zip(chars, factors, strict=True)]
    columns = {
        "pair_length_ratio": _larger_by_smaller(*chars),
        "pair_word_ratio": _larger_by_smaller(*words),
        "pair_length_factor_ratio": _larger_by_smaller(*scaled),
        "pair_similarity": _similarity(*folded),
        "pair_copy": pc.equal(*(_letters(side) for side in folded)),
        "pair_numerals": _numeral_similarity(*(_nonzero_digits(side) for side in points)),
        "pair_terminal_punctuation": _punctuation(*(_terminals(side) for side in points)),
        "pair_punctuation": punctuation_similarity(*(punctuation(side) for side in points)),
        "pair_overlap": overlap(*split),
        "pair_common_run": common_run(*split),
        "pair_repetition": np.maximum(*(side.repetition() for side in split)),
        "pair_longest_word": np.maximum(*(side.longest() for side in split)),
        "pair_markup": np.add(*(count_markup(side) for side in texts)),
        "pair_script_share": np.minimum(*(script_share(*side) for side in zip(points, labels, strict=True))),
    }
    made = {field.name: pa.array(columns[field.name], from_pandas=True).cast(field.type) for field in pair_fields()}
    return put_columns(batch, made)


def _larger_by_smaller(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """float64[rows], at least 1 (LengthRatioFilter; a side of no length counts as 1, where it has infinity)."""
    ratio: np.ndarray = np.maximum(one, other) / np.minimum(one, other)
    return ratio


def _similarity(one: pa.Array, other: pa.Array) -> np.ndarray:
    """float32[rows], 0 to 1: 1 - Levenshtein distance / length of the longer (SimilarityFilter, unit char)."""
    cut = [pc.utf8_slice_codeunits(side, 0, _COMPARED).to_pylist() for side in (one, other)]
    if not cut[0]:
        return np.zeros(0, dtype=np.float32)
    similarity: np.ndarray = cpdist(*cut, scorer=Levenshtein.normalized_similarity, dtype=np.float32)
    return similarity


def _folded(texts: pa.Array) -> pa.Array:
    """NFKC in lower case, with single spaces."""
    return pc.utf8_lower(collapse_whitespace(as_seen(texts)))


def _letters(folded: pa.Array) -> pa.Array:
    """Letters alone, with their marks, as Bicleaner-hardrules' no_identical compares; of a text without, all of it."""
    letters = pc.replace_substring_regex(folded, pattern=r"[^\p{L}\p{M}]+", replacement="")
    return pc.if_else(pc.equal(letters, ""), folded, letters)


@functools.cache
def _digit_values() -> np.ndarray:
    """uint8[0x110000]: what a decimal digit of any script stands for; 10 for all others."""
    values = np.full(CODE_SPACE, _NO_DIGIT, dtype=np.uint8)
    digits = np.flatnonzero(properties.digits())
    values[digits] = [unicodedata.decimal(chr(code), _NO_DIGIT) for code in digits.tolist()]
    return values


def _nonzero_digits(points: CodePoints) -> pa.Array:
    """binary[rows]: the digits of each text in their order, without zeros."""
    values = _digit_values()[points.codes]
    kept = (values > 0) & (values < _NO_DIGIT)
    offsets = offsets_of(points.sum_per_text(kept).astype(np.int64)).astype(np.int32)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(values[kept])]
    return pa.BinaryArray.from_buffers(pa.binary(), len(points), buffers)


def _numeral_similarity(one: pa.Array, other: pa.Array) -> np.ndarray:
    """float64[rows], 0 to 1: `difflib`'s ratio of the digits (NonZeroNumeralsFilter); 1 where neither has any."""
    ratio = np.asarray(pc.equal(one, other)).astype(np.float64)
    both = pc.and_(pc.greater(pc.binary_length(one), 0), pc.greater(pc.binary_length(other), 0))
    rows = np.flatnonzero(np.asarray(both) & (ratio == 0))  # 3 in 100 pairs of NTREX
    chosen = pa.array(rows)
    digits = zip(one.take(chosen).to_pylist(), other.take(chosen).to_pylist(), strict=True)
    ratio[rows] = [SequenceMatcher(None, a, b).ratio() for a, b in digits]
    return ratio


def _terminals(points: CodePoints) -> np.ndarray:
    """float64[rows]: terminal punctuation of any script, and ellipses (OpusFilter's are . ? ! …)."""
    counts: np.ndarray = points.sum_per_text(ends_of_sentences()[points.codes]).astype(np.float64)
    return counts


def _punctuation(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """float64[rows], at most 0: the penalty of TerminalPunctuationFilter (Vázquez et al. 2019, WMT)."""
    penalty = np.abs(one - other) + np.maximum(one - 1, 0) + np.maximum(other - 1, 0)
    return np.zeros_like(penalty) - np.log1p(penalty)


def letters_of(texts: pa.Array) -> pa.Array:
    """Letters alone in NFKC and lower case, as `pair_copy` compares them; of a text without any, all of it."""
    return _letters(_folded(texts))
