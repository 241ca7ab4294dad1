"""Lists laid end to end and sums of what stands before, against plain loops."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlcorpus.dataset.columns import sum_by
from xlcorpus.text.ragged import ranges, sums_before_alike


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
