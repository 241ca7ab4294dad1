"""Margins beside slow code that follows the paper's formula; blocks, order and other libraries change nothing."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from tests.pairs.test_cosines import drawn
from xlcorpus.errors import UserError
from xlcorpus.pairs.cosines import unit
from xlcorpus.pairs.margin import RETRIEVALS, align, best_margins, in_blocks, nearest, nearest_by_faiss

Pair = tuple[int, int, float]


def slowly(one: np.ndarray, other: np.ndarray, k: int, retrieval: str, threshold: float) -> list[Pair]:
    """Equations 2 and 3 of the paper and its four ways to retrieve, sentence by sentence."""
    cosine = [[float(np.dot(a.astype(float), b.astype(float))) for b in other] for a in one]

    def near(row: Sequence[float]) -> list[int]:
        return sorted(range(len(row)), key=lambda place: (-round(row[place], 6), place))[:k]

    columns = [[row[place] for row in cosine] for place in range(len(other))]
    there, back = [near(row) for row in cosine], [near(column) for column in columns]

    def margin(a: int, b: int) -> float:
        mean = sum(cosine[a][place] for place in there[a]) / (2 * len(there[a]))
        mean += sum(columns[b][place] for place in back[b]) / (2 * len(back[b]))
        return cosine[a][b] / mean if mean > 0 else 0.0

    forward = [max(((a, b, margin(a, b)) for b in there[a]), key=lambda one: round(one[2], 6)) for a in range(len(one))]
    backward = [
        max(((a, b, margin(a, b)) for a in back[b]), key=lambda one: round(one[2], 6)) for b in range(len(other))
    ]
    both = {pair[:2] for pair in backward}
    if retrieval != "max":
        found = {"forward": forward, "backward": backward, "intersect": [one for one in forward if one[:2] in both]}
        return sorted(one for one in found[retrieval] if one[2] >= threshold)
    pairs: list[Pair] = []
    for a, b, value in sorted([*forward, *backward], key=lambda one: (-round(one[2], 6), one)):
        if value >= threshold and not any(a == pair[0] or b == pair[1] for pair in pairs):
            pairs.append((a, b, value))
    return sorted(pairs)


def ours(one: Any, other: Any, k: int, retrieval: str, threshold: float, block: int = 1000) -> list[Pair]:
    sides = nearest(one, in_blocks(other, block), k), nearest(other, in_blocks(one, block), k)
    found = align(*best_margins(*sides), retrieval, threshold)
    assert (np.diff(found.margin) <= 0).all()
    return sorted(zip(found.src.tolist(), found.tgt.tolist(), found.margin.tolist(), strict=True))


@pytest.mark.parametrize("retrieval", RETRIEVALS)
@given(seed=st.integers(0, 10_000), k=st.integers(1, 5), sizes=st.tuples(st.integers(1, 12), st.integers(1, 12)))
@settings(max_examples=25, deadline=None)
def test_equal_to_the_formula(retrieval: str, seed: int, k: int, sizes: tuple[int, int]) -> None:
    one, other = drawn(seed, sizes[0], 8), drawn(seed + 1, sizes[1], 8)
    expected, found = slowly(one, other, k, retrieval, 0.9), ours(one, other, k, retrieval, 0.9)
    assert [pair[:2] for pair in found] == [pair[:2] for pair in expected]
    # Cosines around both near 0 make a margin of hundreds, of which float32 knows fewer digits.
    most = max((pair[2] for pair in expected), default=1.0)
    np.testing.assert_allclose([p[2] for p in found], [p[2] for p in expected], rtol=1e-6 * max(most, 10))
    assert ours(sparse.csr_matrix(one), sparse.csr_matrix(other), k, retrieval, 0.9) == found


@given(seed=st.integers(0, 1000), blocks=st.tuples(st.integers(1, 60), st.integers(1, 60)), near=st.booleans())
@settings(max_examples=30, deadline=None)
def test_blocks_change_no_bit(seed: int, blocks: tuple[int, int], near: bool) -> None:
    """Also among many that are equal or nearly so, and where each block has nearer ones than the one before."""
    generator = np.random.default_rng(seed)
    keys = drawn(seed, 50, 16, 0.2)[generator.integers(0, 20, 50)]
    if near:
        keys = unit(keys[:1] + 1e-6 * generator.normal(size=(50, 16)))
        keys = keys[np.argsort(keys @ keys[0])]
    queries = np.concatenate([drawn(seed + 1, 9, 16, 0.2), keys[:4], np.zeros((1, 16), np.float32)])
    whole = nearest(queries, [keys], 4)
    parts = [nearest(part, in_blocks(keys, blocks[0]), 4) for part in in_blocks(queries, blocks[1])]
    assert (np.concatenate([part.places for part in parts]) == whole.places).all()
    assert (np.concatenate([part.cosines for part in parts]) == whole.cosines).all()
    assert whole.places[-1].tolist() == [0, 1, 2, 3]  # all are as near to nothing: the first ones
    equal = whole.cosines[:, 1:] == whole.cosines[:, :-1]
    assert (whole.places[:, 1:] > whole.places[:, :-1])[equal].all()
    scaled = np.rint(queries.astype(float) * 2**24) @ np.rint(keys.astype(float) * 2**24).T
    order = np.argsort(-scaled, axis=1, kind="stable")[:, :4]
    assert (whole.places == order).all()


def test_the_order_of_sentences_changes_their_numbers_alone() -> None:
    one, other = drawn(1, 80, 12), drawn(2, 70, 12)
    turned = np.random.default_rng(3).permutation(80), np.random.default_rng(4).permutation(70)
    plain = ours(one, other, 4, "max", 1.0)
    shuffled = ours(one[turned[0]], other[turned[1]], 4, "max", 1.0, 7)
    assert len(plain) > 10
    assert sorted((int(turned[0][a]), int(turned[1][b]), value) for a, b, value in shuffled) == plain


def test_faiss_finds_the_same() -> None:
    pytest.importorskip("faiss")
    one, other = drawn(1, 300, 32, 0), np.concatenate([drawn(2, 200, 32, 0)] * 2)[:390]
    for sides in ((one, other), (other, one)):
        exact, found = nearest(sides[0], [sides[1]], 4), nearest_by_faiss(*sides, 4)
        assert (exact.cosines == found.cosines).all()
        assert (exact.places == found.places).mean() > 0.99
    lists = nearest_by_faiss(one, other, 4, "IVF8,Flat")
    assert 0.2 < (lists.places == nearest(one, [other], 4).places).mean() < 1
    few = nearest_by_faiss(one, drawn(5, 3, 32, 0), 4)
    assert few.places.shape == (300, 3)
    with pytest.raises(UserError, match=r"cannot make the index 'IVF999,Flat' of 390 vectors"):
        nearest_by_faiss(one, other, 4, "IVF999,Flat")


def test_faiss_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = builtins.__import__

    def without(name: str, *given: Any, **named: Any) -> Any:
        if name == "faiss":
            raise ImportError(name)
        return plain(name, *given, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UserError, match=r"pip install 'xlcorpus\[mine\]'"):
        nearest_by_faiss(drawn(1, 3, 4), drawn(2, 3, 4), 1)


def test_nothing_on_a_side() -> None:
    some, none = drawn(1, 3, 4), drawn(1, 0, 4)
    for sides in ((some, none), (none, some), (none, none)):
        for retrieval in RETRIEVALS:
            assert ours(*sides, 4, retrieval, 0.0) == []
