"""What near pieces and rows in a hull are, by slow code of another hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import torch
from scipy.optimize import nnls


def softmax_of_nearest(wanted: np.ndarray, old: np.ndarray, count: int, temperature: float) -> tuple[np.ndarray, Any]:
    """Weights [wanted, old], row by row; rows without a vector are zeros."""
    weights = np.zeros((len(wanted), len(old)))
    lengths = np.sqrt((old**2).sum(axis=1))
    for row, vector in enumerate(wanted):
        if vector.any():
            cosines = [vector @ other / length if length else -9.0 for other, length in zip(old, lengths, strict=True)]
            cosines = [round(cosine / np.sqrt(vector @ vector), 9) for cosine in cosines]
            near = sorted((place for place in range(len(old)) if lengths[place]), key=lambda at: (-cosines[at], at))
            powers = [np.exp(cosines[place] / temperature) for place in near[:count]]
            weights[row, near[:count]] = np.array(powers) / sum(powers)
    return weights, weights.any(axis=1)


def slow_piece_vectors(tokenizer: Any, words: list[str], vectors: np.ndarray, counts: Any = None) -> np.ndarray:
    """Word by word and form by form."""
    found, total = np.zeros((tokenizer.vocab_size, vectors.shape[1])), np.zeros(tokenizer.vocab_size)
    for at, word in enumerate(words):
        capital, ids = word[0].upper() + word[1:], set()
        for form in (word, " " + word, capital, " " + capital):
            ids |= set(tokenizer.encode_batch(pa.array([form]))[0].tolist())
        for number in ids:
            found[number] += (1.0 if counts is None else float(counts[at])) * vectors[at]
            total[number] += 1.0 if counts is None else float(counts[at])
    return found / np.maximum(total, 1e-300)[:, None]


def flat(matrix: torch.Tensor) -> np.ndarray:
    """float64[rows, dimensions]; a bias has one."""
    return matrix.detach().numpy().reshape(len(matrix), -1).astype(np.float64)


def old_rows(old: Any, width: int = 6) -> dict[str, torch.Tensor]:
    """Of an untied model with a bias."""
    draw = torch.Generator().manual_seed(5)
    return {
        "input tokens": torch.randn(old.vocab_size, width, generator=draw),
        "output tokens": torch.randn(old.vocab_size, width, generator=draw),
        "output bias": torch.randn(old.vocab_size, generator=draw),
    }


def assert_in_hull(wanted: np.ndarray, corners: np.ndarray, tolerance: float = 1e-6) -> None:
    """Weights that are no less than 0 and whose sum is 1 make each row out of the corners."""
    system = np.vstack([corners.T, np.ones(len(corners))])
    for row in wanted:
        _, off = nnls(system, np.append(row, 1.0))
        assert off < tolerance
