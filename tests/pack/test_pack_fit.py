"""Best-fit-decreasing: equal to the item-by-item algorithm, and never below what is possible."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from benchmarks.pack import least_bins
from xlcorpus.pack.fit import best_fit

LENGTH = 24
SIZES = st.lists(st.integers(1, LENGTH), max_size=60)


def item_by_item(sizes: list[int], length: int) -> list[int]:
    """The bin of each item: largest first, the bin with the least room; of equal ones the longest in it."""
    rooms: list[tuple[int, int]] = []  # of each bin its room, and when it got it
    bins = [0] * len(sizes)
    for clock, item in enumerate(sorted(range(len(sizes)), key=lambda item: -sizes[item])):
        fitting = [(room, since, number) for number, (room, since) in enumerate(rooms) if room >= sizes[item]]
        room, _, number = min(fitting, default=(length, 0, len(rooms)))
        if number == len(rooms):
            rooms.append((length, clock))
        rooms[number] = (room - sizes[item], clock)
        bins[item] = number
    return bins


def fewest(sizes: list[int], length: int) -> int:
    """The least number of bins, by trying all."""
    best = len(sizes)

    def place(left: list[int], rooms: list[int]) -> None:
        nonlocal best
        if len(rooms) >= best:
            return
        if not left:
            best = len(rooms)
            return
        for number in range(len(rooms)):
            if rooms[number] >= left[0] and rooms[number] not in rooms[:number]:
                place(left[1:], [*rooms[:number], rooms[number] - left[0], *rooms[number + 1 :]])
        place(left[1:], [*rooms, length - left[0]])

    place(sorted(sizes, reverse=True), [])
    return best


@given(SIZES)
@example([])
@example([LENGTH] * 3)
@example([7] * 10)
@example([5, 5, 5, 7, 7, 12, 12, 1, 1, 1])
def test_is_the_item_by_item_algorithm(sizes: list[int]) -> None:
    bins, count = best_fit(np.array(sizes, dtype=np.int64), LENGTH)
    assert bins.tolist() == item_by_item(sizes, LENGTH)
    assert count == len(set(bins.tolist()))


def test_is_the_item_by_item_algorithm_at_2048() -> None:
    sizes = np.random.default_rng(5).integers(1, 2049, 1500)
    assert best_fit(sizes, 2048)[0].tolist() == item_by_item(sizes.tolist(), 2048)


@given(st.lists(st.integers(1, LENGTH), max_size=9))
@example([13, 13, 11, 11, 8, 8, 8])
def test_bounds(sizes: list[int]) -> None:
    optimum = fewest(sizes, LENGTH)
    count = best_fit(np.array(sizes, dtype=np.int64), LENGTH)[1]
    least = least_bins(np.array(sizes, dtype=np.int64), LENGTH)
    assert math.ceil(sum(sizes) / LENGTH) <= least <= optimum <= count


def test_the_bound_counts_what_cannot_share() -> None:
    assert least_bins(np.full(10, 13), LENGTH) == 10
    assert least_bins(np.array([12] * 4), LENGTH) == 2


@pytest.mark.parametrize("size", [0, LENGTH + 1])
def test_sizes_out_of_bounds(size: int) -> None:
    with pytest.raises(ValueError, match="within 1 and 24"):
        best_fit(np.array([3, size]), LENGTH)
