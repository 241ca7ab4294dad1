"""Retrieval of parallel sentences: whether the nearest vector on the other side is the partner's, both ways."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from xlcorpus.lexicon.vecmap import neighbourhood

_BLOCK = 1024  # rows whose similarities are in memory at once


def retrieval(
    a: np.ndarray, b: np.ndarray, *, similarity: str = "cosine", csls: int = 0, tops: Sequence[int] = (1, 5)
) -> dict[str, float]:
    """Share of rows whose partner is among the nearest: `a_to_b`, `b_to_a` and `top_1`, the mean of both, with `error`,
    its standard error over rows (both ways of a row are one draw); of five `a_to_b_5`, `b_to_a_5` and `top_5`.

    a, b: float32[n, d], row i of one is the partner of row i of the other; n > 0; similarity: cosine or dot; csls: 0,
    or how many neighbours correct for vectors that are near to everything (Conneau et al. 2018: 10). Among equally near
    ones a row counts for its part of their number, so that vectors that are all alike are worth chance. Raises
    ValueError where a value is no number.
    """
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("a vector is not finite")
    if similarity == "cosine":
        a, b = (unit(one) for one in (a, b))
    found: dict[str, float] = {}
    there, back = _partners(a, b, csls), _partners(b, a, csls)
    for top in tops:
        name = "" if top == 1 else f"_{top}"
        both = np.stack([within(places, top) for places in (there, back)])
        ways = both.mean(axis=1).tolist()
        found |= {f"a_to_b{name}": ways[0], f"b_to_a{name}": ways[1], f"top_{top}": float(both.mean())}
        if top == 1:
            found["error"] = float(both.mean(axis=0).std(ddof=1) / math.sqrt(len(a))) if len(a) > 1 else math.nan
    return found


def _partners(queries: np.ndarray, answers: np.ndarray, csls: int) -> np.ndarray:
    """int64[n, 2]: of each query, how many answers are nearer than its partner, and how many as near (itself too)."""
    near_answers = neighbourhood(answers, queries, csls) if csls else None
    places = []
    for start in range(0, len(queries), _BLOCK):
        near = queries[start : start + _BLOCK] @ answers.T
        if near_answers is not None:  # what the query's own neighbourhood takes away is the same for all answers
            near = 2 * near - near_answers
        places.append(ranks(near, np.take_along_axis(near, np.arange(start, start + len(near))[:, None], axis=1)))
    return np.concatenate(places)


def ranks(near: np.ndarray, own: np.ndarray) -> np.ndarray:
    """int64[n, 2]: how many of a row (float[n, m]) are nearer than its own one (float[n, 1]), and how many as near."""
    return np.stack([(near > own).sum(axis=1), (near == own).sum(axis=1)], axis=1)


def within(places: np.ndarray, top: int) -> np.ndarray:
    """float64[n]: the share of all orders of equally near ones in which each is among the `top` nearest."""
    found: np.ndarray = np.clip((top - places[:, 0]) / places[:, 1], 0, 1)
    return found


def unit(vectors: np.ndarray) -> np.ndarray:
    """float32[n, d]: of length one each; zeros stay."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: np.ndarray = vectors / np.maximum(norms, np.finfo(np.float32).tiny)
    return unit
