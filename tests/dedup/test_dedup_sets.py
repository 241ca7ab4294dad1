"""Sets of shingles against Python's sets."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.dedup import dedup_helpers
from xlcorpus.dedup import sets
from xlcorpus.dedup.sets import Sets, as_column, from_column, jaccard, joined_sets, sets_of
from xlcorpus.text.shingle import Shingles

# Few shingles, so that sets meet; one far up, because hashes are all over uint64.
SHINGLES = st.sampled_from([number << 12 for number in (3, 5, 7, 11, 13, 2**52 - 1)])
TEXTS = st.lists(st.lists(SHINGLES, max_size=7), max_size=9)


def shingles_of(texts: list[list[int]]) -> Shingles:
    offsets = np.concatenate([[0], np.cumsum([len(text) for text in texts])]).astype(np.int64)
    return Shingles(np.array([value for text in texts for value in text], dtype=np.uint64), offsets)


def as_python(found: Sets) -> list[list[int]]:
    return [found.hashes[a:b].tolist() for a, b in zip(found.offsets, found.offsets[1:], strict=False)]


@given(TEXTS)
@example([[], [], [3 << 12], [3 << 12] * 2])
def test_sets_are_those_of_python(texts: list[list[int]]) -> None:
    found = sets_of(shingles_of(texts))
    assert as_python(found) == [sorted({value >> 12 for value in text}) for text in texts]
    assert as_python(from_column(as_column(found))) == as_python(found)
    assert as_python(joined_sets([found, found])) == as_python(found) * 2


def test_a_slice_of_a_column_is_its_sets() -> None:
    column = as_column(sets_of(shingles_of([[1 << 12], [2 << 12, 3 << 12], [], [5 << 12]])))
    assert as_python(from_column(column.slice(1, 2))) == [[2, 3], []]
    assert as_python(from_column(column.take(pa.array([3, 1])))) == [[5], [2, 3]]


@given(TEXTS, st.data(), st.integers(1, 9))
def test_similarities_are_those_of_python(texts: list[list[int]], data: st.DataObject, at_once: int) -> None:
    found, python = sets_of(shingles_of(texts)), [set(text) for text in texts]
    places = st.integers(0, len(texts) - 1)
    pairs = data.draw(st.lists(st.tuples(places, places), max_size=12)) if texts else []
    left, right = (np.array([pair[side] for pair in pairs], dtype=np.int64) for side in (0, 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sets, "_AT_ONCE", at_once)
        similarity = jaccard(found, left, found, right)
    assert similarity.tolist() == [dedup_helpers.jaccard(python[one], python[two]) for one, two in pairs]


def test_large_sets_are_counted_exactly() -> None:
    pool = np.unique(np.random.default_rng(3).integers(0, 2**64, 90_000, dtype=np.uint64) >> np.uint64(12))
    large = Sets(np.concatenate([pool[:70_000], pool[20_000:90_000]]), np.array([0, 70_000, 140_000]))
    assert jaccard(large, np.array([0]), large, np.array([1])).tolist() == [50_000 / 90_000]
