"""Retrieval beside a loop over all pairs, and what it says of vectors that are all alike."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlcorpus.evaluate.measures.retrieval.nearest import retrieval


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


def dot(one: np.ndarray, other: np.ndarray) -> float:
    return float(one @ other)


def places(scores: np.ndarray) -> np.ndarray:
    """Of each row, how many others are nearer than its own."""
    return np.array([sum(score > scores[row, row] for score in scores[row]) for row in range(len(scores))])


def corrected(scores: np.ndarray, neighbours: int) -> np.ndarray:
    """CSLS, as its paper has it: 2 cos - mean of the query's nearest - mean of the answer's nearest."""
    count = min(neighbours, len(scores))
    ours = [np.mean(sorted(row)[-count:]) for row in scores]
    theirs = [np.mean(sorted(column)[-count:]) for column in scores.T]
    return np.array([[2 * scores[i, j] - ours[i] - theirs[j] for j in range(len(scores))] for i in range(len(scores))])


@given(
    st.integers(0, 2**32),
    st.integers(1, 12),
    st.sampled_from([0.1, 1.0, 4.0]),
    st.sampled_from(["cosine", "dot"]),
    st.sampled_from([0, 1, 3]),
)
def test_equal_to_a_loop(seed: int, rows: int, noise: float, similarity: str, csls: int) -> None:
    random = np.random.default_rng(seed)
    a = random.normal(size=(rows, 5))
    b = a * random.uniform(0.1, 9, (rows, 1)) + noise * random.normal(size=(rows, 5))
    near = cosine if similarity == "cosine" else dot
    scores = np.array([[near(one, other) for other in b] for one in a])
    if csls:
        scores = corrected(scores, csls)
    there, back = places(scores), places(scores.T)
    expected = {"a_to_b": np.mean(there < 1), "b_to_a": np.mean(back < 1)}
    expected |= {"a_to_b_5": np.mean(there < 5), "b_to_a_5": np.mean(back < 5)}
    expected |= {"top_1": (expected["a_to_b"] + expected["b_to_a"]) / 2}
    expected |= {"top_5": (expected["a_to_b_5"] + expected["b_to_a_5"]) / 2}
    ways = ((there < 1).astype(float) + (back < 1)) / 2
    found = retrieval(a, b, similarity=similarity, csls=csls)
    error = found.pop("error")
    assert found == pytest.approx(expected)
    if rows > 1:
        assert error == pytest.approx(np.sqrt(ways.var() * rows / (rows - 1) / rows))


def test_all_alike_is_chance() -> None:
    same = np.ones((8, 3), dtype=np.float32)
    for vectors in (same, same * 0):
        assert retrieval(vectors, same)["top_1"] == pytest.approx(1 / 8)
        assert retrieval(vectors, same, csls=2)["top_5"] == pytest.approx(5 / 8)


def test_more_rows_than_a_block() -> None:
    a = np.random.default_rng(0).normal(size=(2500, 8)).astype(np.float32)
    assert {name: share for name, share in retrieval(a, a).items() if share != 1} == {"error": 0.0}
    assert retrieval(a, np.roll(a, 1, axis=0))["top_1"] == 0.0


def test_vectors_that_are_no_numbers() -> None:
    with pytest.raises(ValueError, match="not finite"):
        retrieval(np.full((2, 2), np.nan), np.ones((2, 2)))
