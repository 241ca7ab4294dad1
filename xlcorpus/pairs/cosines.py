"""Cosines of vectors of texts, dense or sparse, to the last bit the same in whatever order, block or worker.

Values are rounded to multiples of 2^-24 first, so that every product and every partial sum of two rows of length 1 is a
whole number of 2^-48, which float64 holds exactly.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from scipy import sparse

Vectors: TypeAlias = Any  # float32[n, d]: np.ndarray or sparse.csr_matrix, rows of length 1, or of zeros

_GRID = 2.0**24
_AT_ONCE = 1 << 22  # values of dense rows that are copied at once, 32 MB


def unit(vectors: Vectors) -> Vectors:
    """Rows of length 1 as float32, of zeros zeros: of an array, or of a sparse matrix."""
    if sparse.issparse(vectors):
        rows = sparse.csr_matrix(vectors)
        lengths = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1), dtype=np.float64)).ravel()
        scale = np.repeat(1 / np.where(lengths > 0, lengths, 1), np.diff(rows.indptr))
        return sparse.csr_matrix(((rows.data * scale).astype(np.float32), rows.indices, rows.indptr), shape=rows.shape)
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    return (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)


def cosines(one: Vectors, other: Vectors) -> np.ndarray:
    """float64[n]: of each row of one and the same row of the other. one, other: [n, d], rows of length 1."""
    if sparse.issparse(one):
        products = _whole(one).multiply(_whole(other)).sum(axis=1)
        return np.asarray(products, dtype=np.float64).ravel() / _GRID**2
    step = max(_AT_ONCE // max(one.shape[1], 1), 1)
    parts = [
        np.einsum("ij,ij->i", _rounded(one[start : start + step]), _rounded(other[start : start + step]))
        for start in range(0, len(one), step)
    ]
    return np.concatenate([np.zeros(0), *parts]) / _GRID**2


def similarities(one: Vectors, other: Vectors) -> np.ndarray:
    """float32[n, m]: cosines of all rows of both, to about `blur` of them: sums in whatever order comes."""
    found = one @ other.T
    return found.toarray() if sparse.issparse(found) else found


def blur(one: Vectors) -> float:
    """How far a value of `similarities` may be from that of `cosines`: d rounded products of float32."""
    longest = int(np.diff(one.indptr).max(initial=0)) if sparse.issparse(one) else one.shape[1]
    return (longest + 8) * float(np.finfo(np.float32).eps)


def _rounded(values: np.ndarray) -> np.ndarray:
    return np.rint(values.astype(np.float64) * _GRID)


def _whole(rows: Vectors) -> sparse.csr_matrix:
    return sparse.csr_matrix((_rounded(rows.data), rows.indices, rows.indptr), shape=rows.shape)
