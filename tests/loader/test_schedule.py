"""Sources take turns by weight: no prefix is off by a micro-batch."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlcorpus.errors import UserError
from xlcorpus.loader.schedule import Schedule

WEIGHTS = st.lists(st.one_of(st.integers(1, 50), st.floats(1e-3, 1e3)), min_size=1, max_size=8)


@given(WEIGHTS, st.integers(1, 400), st.integers(1, 64))
def test_every_prefix_holds_the_weights_within_one(weights: list[float], turns: int, size: int) -> None:
    schedule, total = Schedule(weights, [0] * len(weights)), sum(weights)
    for turn in range(1, turns + 1):
        schedule.take(size)
        assert sum(schedule.taken) == turn * size
        for taken, weight in zip(schedule.taken, weights, strict=True):
            assert abs(taken / size - turn * weight / total) < 1 + 1e-9


@given(WEIGHTS, st.integers(0, 60), st.integers(1, 9))
def test_it_goes_on_from_what_was_taken_alone(weights: list[float], turns: int, size: int) -> None:
    whole = Schedule(weights, [0] * len(weights))
    for _ in range(turns):
        whole.take(size)
    resumed = Schedule(weights, whole.taken)
    assert [whole.take(size) for _ in range(30)] == [resumed.take(size) for _ in range(30)]


@given(WEIGHTS, st.lists(st.sampled_from((4, 8, 32)), min_size=1, max_size=200))
def test_batches_of_other_sizes_on_the_way(weights: list[float], sizes: list[int]) -> None:
    """A checkpoint that goes on with another global batch: still no source is more than a batch off."""
    schedule, total = Schedule(weights, [0] * len(weights)), sum(weights)
    for size in sizes:
        schedule.take(size)
        for taken, weight in zip(schedule.taken, weights, strict=True):
            assert taken - sum(schedule.taken) * weight / total < 32 + 1e-6


@pytest.mark.parametrize("weight", [0, -1, float("inf"), float("nan")])
def test_weights_that_mean_nothing(weight: float) -> None:
    with pytest.raises(UserError, match="cannot have the weight"):
        Schedule([1, weight], [0, 0])
