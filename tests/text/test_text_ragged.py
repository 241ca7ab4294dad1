"""Lists laid end to end and sums of what stands before, against plain loops."""

from __future__ import annotations

from random import Random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlcorpus.dataset.columns import sum_by
from xlcorpus.text.ragged import copy_spans, offsets_of, ranges, sums_before_alike


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 1 << 40)), max_size=30))
def test_sums_before_of_the_same_code(pairs: list[tuple[int, int]]) -> None:
    codes, values = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    expected = [sum(size for code, size in pairs[:at] if code == pairs[at][0]) for at in range(len(pairs))]
    assert sums_before_alike(codes, values).tolist() == expected


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
def test_sums_by_label(kind: pa.DataType) -> None:
    labels = pa.array(["a", None, "b", "a", ""], kind)
    assert sum_by(labels, np.array([1, 2, 4, 8, 16], dtype=np.int64)) == {"a": 9, "": 18, "b": 4}
    assert sum_by(labels[:0], np.zeros(0, dtype=np.int64)) == {}


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 5)), max_size=6))
def test_positions_of_ranges(spans: list[tuple[int, int]]) -> None:
    starts, lengths = np.array(spans, dtype=np.int64).reshape(-1, 2).T
    assert ranges(starts, lengths).tolist() == [start + at for start, length in spans for at in range(length)]


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), max_size=8),
    st.randoms(use_true_random=False),
    st.sampled_from(["int32", "uint8", "float64"]),
)
def test_copies_of_spans(gaps_and_sizes: list[tuple[int, int]], random: Random, dtype: str) -> None:
    gaps, lengths = np.array(gaps_and_sizes, dtype=np.int64).reshape(-1, 2).T
    spans = list(zip((offsets_of(gaps + lengths)[1:] - lengths).tolist(), lengths.tolist(), strict=True))
    random.shuffle(spans)
    values = np.arange(sum(gaps) + sum(lengths)).astype(dtype)
    starts, sizes = np.array(spans, dtype=np.int64).reshape(-1, 2).T
    copied = copy_spans(values, starts, sizes)
    assert copied.dtype == dtype
    assert copied.tolist() == values[ranges(starts, sizes)].tolist()


@pytest.mark.parametrize(("starts", "sizes"), [([0, 2], [3, 1]), ([4], [2]), ([-1], [1])])
def test_spans_that_cannot_be_copied(starts: list[int], sizes: list[int]) -> None:
    with pytest.raises(ValueError, match="overlap, or are not within"):
        copy_spans(np.arange(5), np.array(starts), np.array(sizes))
