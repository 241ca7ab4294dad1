"""Retrieval of parallel sentences: whether a vector's nearest one on the other side is its partner."""

from __future__ import annotations

import numpy as np

_BLOCK = 1024  # rows whose similarities are in memory at once


def retrieval(a: np.ndarray, b: np.ndarray) -> dict[str, float]:
    """Share of rows whose partner is nearest by cosine: `a_to_b`, `b_to_a`, and `top_1`, the mean of both.

    a, b: float32[n, d], row i of one is the partner of row i of the other; n > 0. Among equally near ones a row counts
    for one part of their number, so that vectors that are all alike are worth chance.
    """
    a, b = (_unit(one) for one in (a, b))
    there, back = _found(a, b), _found(b, a)
    return {"a_to_b": there, "b_to_a": back, "top_1": (there + back) / 2}


def _found(queries: np.ndarray, answers: np.ndarray) -> float:
    found = 0.0
    for start in range(0, len(queries), _BLOCK):
        near = queries[start : start + _BLOCK] @ answers.T
        best = near.max(axis=1, keepdims=True)
        partner = np.take_along_axis(near, np.arange(start, start + len(near))[:, None], axis=1)
        found += float(((partner >= best)[:, 0] / (near >= best).sum(axis=1)).sum())
    return found / len(queries)


def _unit(vectors: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: np.ndarray = vectors / np.maximum(norms, np.finfo(np.float32).tiny)
    return unit
