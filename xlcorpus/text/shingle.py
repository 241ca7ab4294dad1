"""Shingles (word or character n-grams) of a batch, as 64-bit hashes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xlcorpus.text.codepoints import CodePoints
from xlcorpus.text.hashes import hash_spans
from xlcorpus.text.ragged import offsets_of, ranges, rows_of
from xlcorpus.text.segment import Spans

_TOKENS_AT_ONCE = 1 << 18  # some 1.5 M characters


@dataclass(frozen=True)
class Shingles:
    """Hashes of a batch's shingles: hashes uint64[n]; offsets int64[rows + 1] as in `Spans`."""

    hashes: np.ndarray
    offsets: np.ndarray


def shingles(points: CodePoints, spans: Spans, size: int = 5) -> Shingles:
    """Shingles of `size` consecutive tokens; a text with fewer tokens is one shingle, one with none has none.

    spans: from `words.tokens`, which decides token by token, so a text in two scripts has shingles of both kinds.
    """
    token_hashes = _token_hashes(points, spans)
    per_text = np.where(spans.per_text > 0, np.maximum(spans.per_text - size + 1, 1), 0)
    offsets, starts = offsets_of(per_text), ranges(spans.offsets[:-1], per_text)
    row = rows_of(offsets)
    ends = np.minimum(starts + size, spans.offsets[row + 1])
    return Shingles(hashes=hash_spans(token_hashes, starts, ends), offsets=offsets)


def _token_hashes(points: CodePoints, spans: Spans) -> np.ndarray:
    """uint64[spans], some at a time: hashing takes 24 bytes a character."""
    hashes = np.empty(len(spans), dtype=np.uint64)
    for first in range(0, len(spans), _TOKENS_AT_ONCE):
        some = slice(first, min(first + _TOKENS_AT_ONCE, len(spans)))
        start, end = spans.starts[first], spans.ends[some.stop - 1]
        hashes[some] = hash_spans(points.codes[start:end], spans.starts[some] - start, spans.ends[some] - start)
    return hashes
