"""Rows out of those of near pieces in a space of word vectors, as WECHSEL (Minixhofer et al. 2022) and OFA (Liu et al.
2024) make them: vectors of pieces, the ten nearest old ones, softmax of their cosines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
from scipy import sparse

from xlcorpus.lexicon.vecmap import top_k, unit
from xlcorpus.text.ragged import rows_of
from xlcorpus.tokenizer.tokenizer import CONTROL, Tokenizer

_DIGITS = 9  # of cosines: pieces of the same words have equal vectors, and sums differ from one machine to another
_BLOCK = 256  # wanted rows whose cosines with all old ones are held at once


def piece_vectors(
    tokenizer: Tokenizer, words: Sequence[str], vectors: np.ndarray, weights: np.ndarray | None = None
) -> np.ndarray:
    """float64[ids, dimensions]: of each piece the mean of the vectors (float[words, dimensions]) of all words that it
    is cut out of, as they are or capitalised, with a space before them or none; 0 where there is no such word.

    weights: of the words (their counts); None: all alike.
    """
    capital = [word[:1].upper() + word[1:] for word in words]
    forms = [*words, *(f" {word}" for word in words), *capital, *(f" {word}" for word in capital)]
    ids, offsets = tokenizer.encode_batch(pa.array(forms, pa.string()))
    shape = (tokenizer.vocab_size, len(words))
    holds = sparse.csr_matrix((np.ones(len(ids)), (ids, rows_of(offsets) % max(len(words), 1))), shape)
    holds.data[:] = 1  # once, in however many forms a word has the piece
    if weights is not None:
        holds = holds @ sparse.diags(weights.astype(np.float64))
    totals = np.asarray(holds.sum(axis=1)).ravel()
    sums = np.asarray(holds @ vectors.astype(np.float64))
    sums[tokenizer.piece_kinds == CONTROL] = 0
    return sums / np.where(totals > 0, totals, 1)[:, None]


def nearest_rows(
    wanted: np.ndarray, old: np.ndarray, neighbours: int, temperature: float
) -> tuple[np.ndarray, Iterator[tuple[np.ndarray, sparse.csr_matrix]]]:
    """Old ids and blocks as `mixed_rows` takes them: weights of the nearest old pieces by cosine, their softmax at a
    temperature.

    wanted, old: float64[rows, dimensions], vectors of pieces; rows of zeros have none, and are left out on both sides.
    Of equally near ones the lowest id comes first.
    """
    known = np.flatnonzero(old.any(axis=1))
    return known, _blocks(wanted, unit(old[known]), neighbours, temperature)


def _blocks(
    wanted: np.ndarray, other: np.ndarray, neighbours: int, temperature: float
) -> Iterator[tuple[np.ndarray, sparse.csr_matrix]]:
    have = np.flatnonzero(wanted.any(axis=1))
    one = unit(wanted[have])
    for start in range(0, len(have) if len(other) else 0, _BLOCK):
        part = slice(start, start + _BLOCK)
        cosines = (one[part] @ other.T).round(_DIGITS)
        columns = top_k(cosines, neighbours)
        near = np.take_along_axis(cosines, columns, axis=1) / temperature
        weights = np.exp(near - near.max(axis=1, keepdims=True))
        weights /= weights.sum(axis=1, keepdims=True)
        rows = np.repeat(np.arange(len(columns)), columns.shape[1])
        yield have[part], sparse.csr_matrix((weights.ravel(), (rows, columns.ravel())), cosines.shape)
