"""Cosines are exact, so nothing changes them; a dense and a sparse matrix of the same values agree."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from xlcorpus.pairs.cosines import blur, cosines, similarities, unit


def drawn(seed: int, rows: int, width: int, empty: float = 0.5) -> np.ndarray:
    generator = np.random.default_rng(seed)
    values = generator.normal(size=(rows, width))
    values[generator.random(values.shape) < empty] = 0
    return unit(values)


@given(st.integers(0, 9), st.integers(1, 6), st.integers(1, 40))
def test_equal_to_fractions(seed: int, rows: int, width: int) -> None:
    """Of the values rounded to 2^-24; another order of the columns, or sparse rows, change no bit."""
    one, other = drawn(seed, rows, width), drawn(seed + 1, rows, width)
    found = cosines(one, other)
    for row in range(rows):
        sides = ([round(Fraction(float(value)) * 2**24) for value in side[row]] for side in (one, other))
        exact = sum(Fraction(a * b, 2**48) for a, b in zip(*sides, strict=True))
        assert Fraction(float(found[row])) == exact
    order = np.random.default_rng(seed).permutation(width)
    assert (cosines(one[:, order], other[:, order]) == found).all()
    assert (cosines(sparse.csr_matrix(one), sparse.csr_matrix(other)) == found).all()
    near = similarities(one, other)
    assert np.abs(near.diagonal() - found).max(initial=0) <= blur(one)
    assert np.abs(near - similarities(sparse.csr_matrix(one), sparse.csr_matrix(other))).max() <= 2 * blur(one)


def test_rows_have_length_one_or_none() -> None:
    values = np.array([[3.0, 4.0], [0.0, 0.0], [1e-30, 0.0]])
    for rows in (values, sparse.csr_matrix(values)):
        made = unit(rows)
        found = made.toarray() if sparse.issparse(made) else made
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, [[0.6, 0.8], [0, 0], [1, 0]], rtol=1e-6)
    assert cosines(unit(values), unit(values)).round(6).tolist() == [1, 0, 1]
    assert len(cosines(unit(values[:0]), unit(values[:0]))) == 0
