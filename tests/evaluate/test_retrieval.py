"""Retrieval beside a loop over all pairs, and what it says of vectors that are all alike."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlcorpus.evaluate.retrieval import retrieval


def nearest(queries: np.ndarray, answers: np.ndarray) -> list[int]:
    found = []
    for query in queries:
        angles = [query @ answer / np.linalg.norm(query) / np.linalg.norm(answer) for answer in answers]
        found.append(angles.index(max(angles)))
    return found


@given(st.integers(0, 2**32), st.integers(1, 12), st.sampled_from([0.1, 1.0, 4.0]))
def test_equal_to_a_loop(seed: int, rows: int, noise: float) -> None:
    random = np.random.default_rng(seed)
    a = random.normal(size=(rows, 5))
    b = a * random.uniform(0.1, 9, (rows, 1)) + noise * random.normal(size=(rows, 5))
    there, back = (np.mean([place == row for row, place in enumerate(nearest(*one))]) for one in ((a, b), (b, a)))
    assert retrieval(a, b) == pytest.approx({"a_to_b": there, "b_to_a": back, "top_1": (there + back) / 2})


def test_all_alike_is_chance() -> None:
    same = np.ones((8, 3), dtype=np.float32)
    assert retrieval(same, same)["top_1"] == pytest.approx(1 / 8)
    assert retrieval(same * 0, same)["top_1"] == pytest.approx(1 / 8)


def test_more_rows_than_a_block() -> None:
    a = np.random.default_rng(0).normal(size=(2500, 8)).astype(np.float32)
    assert retrieval(a, a) == {"a_to_b": 1.0, "b_to_a": 1.0, "top_1": 1.0}
    assert retrieval(a, np.roll(a, 1, axis=0))["top_1"] == 0.0
