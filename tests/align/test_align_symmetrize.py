"""Symmetrisation against a loop over points."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlcorpus.align.symmetrize import Links, symmetrize
from xlcorpus.errors import UserError

Points = set[tuple[int, int]]
SENTENCES = st.lists(
    st.integers(1, 6).flatmap(
        lambda source: st.integers(1, 6).flatmap(
            lambda target: st.tuples(
                st.just((source, target)),
                st.sets(st.tuples(st.integers(0, source - 1), st.integers(0, target - 1)), max_size=9),
                st.sets(st.tuples(st.integers(0, source - 1), st.integers(0, target - 1)), max_size=9),
            )
        )
    ),
    max_size=4,
)


def reference(one: Points, other: Points) -> Points:
    """grow-diag-final-and, a point at a time, always the first one that may be added."""
    found = one & other
    for touching in (True, False):
        while True:
            for source, target in sorted((one | other) - found):
                free = [source not in {point[0] for point in found}, target not in {point[1] for point in found}]
                near = any(max(abs(source - at[0]), abs(target - at[1])) == 1 for at in found)
                if (near and any(free)) if touching else all(free):
                    found = found | {(source, target)}
                    break
            else:
                break
    return found


def links(rows: list[Points]) -> Links:
    points = [(row, *point) for row, points in enumerate(rows) for point in sorted(points)]
    columns = np.array(points, dtype=np.int64).reshape(-1, 3).T
    return Links(*columns)


@given(SENTENCES)
def test_grow_diag_final_and_is_the_loop(sentences: list[tuple[tuple[int, int], Points, Points]]) -> None:
    sizes = np.array([size for size, _, _ in sentences], dtype=np.int64).reshape(-1, 2)
    one, other = [first for _, first, _ in sentences], [second for _, _, second in sentences]
    expected = {
        "grow-diag-final-and": list(map(reference, one, other)),
        "intersection": [left & right for left, right in zip(one, other, strict=True)],
        "union": [left | right for left, right in zip(one, other, strict=True)],
    }
    for method, rows in expected.items():
        found = symmetrize(links(one), links(other), sizes[:, 0], sizes[:, 1], method)
        wanted = links(rows)
        assert found.row.tolist() == wanted.row.tolist()
        assert found.source.tolist() == wanted.source.tolist()
        assert found.target.tolist() == wanted.target.tolist()


def test_by_hand() -> None:
    """(0, 2) and (1, 2) touch what is there and cover a new token; (3, 0) comes before its rival (3, 4): final-and."""
    one, other = {(0, 1), (1, 2), (3, 4)}, {(0, 1), (0, 2), (3, 0)}
    found = symmetrize(links([one]), links([other]), np.array([4]), np.array([5]))
    assert list(zip(found.source.tolist(), found.target.tolist(), strict=True)) == [(0, 1), (0, 2), (1, 2), (3, 0)]


def test_an_unknown_method_is_refused() -> None:
    nothing = links([])
    with pytest.raises(UserError, match="did you mean 'union'"):
        symmetrize(nothing, nothing, np.zeros(0, int), np.zeros(0, int), "unoin")
