"""From band hashes to components."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.dedup.dedup_helpers import union_find
from xlcorpus.dedup import candidates
from xlcorpus.dedup.candidates import Components, star_edges

EDGES = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)))


@given(st.lists(EDGES, max_size=4), st.sampled_from([0, 3, 1 << 20]))
@example([[(0, 1)] * 256], 0)  # a count in one byte would come back to nothing
@example([[(1, 0)] * 512 + [(2, 1)], []], 0)
def test_components_are_those_of_union_find(given_edges: list[list[tuple[int, int]]], least: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(candidates, "_LEAST_EDGES", least)
        found = Components(13)
        for edges in given_edges:
            found.add(*(np.array([edge[side] for edge in edges], dtype=np.int32) for side in (0, 1)))
        labels = found.labels().tolist()
    due = union_find(13, [edge for edges in given_edges for edge in edges])
    assert [[one == two for two in labels] for one in labels] == [[one == two for two in due] for one in due]


@given(st.lists(st.integers(0, 3), max_size=12))
@example([1] * 12)
def test_members_of_a_bucket_are_a_star_around_the_first(values: list[int]) -> None:
    hashes = np.array(values, dtype=np.uint64) * np.uint64(0x9E37_79B9_7F4A_7C15)
    left, right = star_edges(hashes)
    due = [(values.index(value), place) for place, value in enumerate(values) if values.index(value) != place]
    assert sorted(zip(left.tolist(), right.tolist(), strict=True)) == sorted(due)
