"""Which row each sample is: every row once an epoch, in an order that no number of ranks or workers changes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlcorpus.loader.order import Order

SIZES = st.lists(st.integers(0, 40), min_size=1, max_size=20).filter(sum)


def rows_of(order: Order, sizes: np.ndarray, samples: np.ndarray) -> np.ndarray:
    places = order.places(samples)
    return (np.cumsum(sizes) - sizes)[places.groups] + places.rows


@given(SIZES, st.integers(1, 80), st.integers(0, 3), st.integers(0, 5))
def test_every_row_once_an_epoch(sizes: list[int], lanes: int, epoch: int, seed: int) -> None:
    given_sizes = np.array(sizes)
    count = given_sizes.sum()
    order = Order(given_sizes, seed, lanes)
    rows = rows_of(order, given_sizes, epoch * count + np.arange(count))
    assert sorted(rows.tolist()) == list(range(count))


@given(SIZES, st.integers(1, 80), st.lists(st.integers(0, 4000), min_size=1, max_size=50))
def test_a_sample_is_the_same_row_however_it_is_asked_for(sizes: list[int], lanes: int, samples: list[int]) -> None:
    given_sizes, asked = np.array(sizes), np.array(samples)
    order = Order(given_sizes, 3, lanes)
    together, again = order.places(asked), order.places(asked[::-1])
    alone = [Order(given_sizes, 3, lanes).places(asked[place : place + 1]) for place in range(len(asked))]
    for name in ("epochs", "groups", "rows", "lanes"):
        assert getattr(together, name).tolist() == [getattr(one, name)[0] for one in alone]
        assert getattr(together, name).tolist() == getattr(again, name)[::-1].tolist()


def test_epochs_and_seeds_differ() -> None:
    sizes = np.full(50, 32)
    orders = [rows_of(Order(sizes, seed), sizes, np.arange(3200)) for seed in (0, 1)]
    epochs = [*np.split(orders[0], 2), np.split(orders[1], 2)[0]]
    for one in range(3):
        for other in range(one):
            assert (epochs[one] == epochs[other]).mean() < 0.01


@pytest.mark.parametrize(
    ("ranks", "workers", "rows"), [(1, 1, 8), (2, 1, 64), (4, 2, 4), (8, 4, 2), (2, 8, 4), (1, 1, 1)]
)
def test_a_group_is_decoded_by_one_worker(ranks: int, workers: int, rows: int) -> None:
    sizes = np.full(1000, 20)
    order = Order(sizes, 0, 64)
    samples = np.arange(sizes.sum())
    readers = samples % ranks + ranks * (samples // (ranks * rows) % workers)
    pairs = np.unique(np.stack([order.places(samples).groups, readers]), axis=1)
    assert pairs.shape[1] <= 1000 + 63


def test_keys_follow_from_seed_epoch_and_row() -> None:
    order, other = Order(np.array([5]), 1), Order(np.array([5]), 2)
    epochs, rows = np.repeat(np.arange(3), 5), np.tile(np.arange(5), 3)
    keys = order.keys(epochs, rows)
    assert keys.dtype == np.uint64
    assert len({*keys.tolist(), *other.keys(epochs, rows).tolist()}) == 30
    assert keys.tolist() == Order(np.array([2, 3]), 1, 7).keys(epochs, rows).tolist()


def test_golden() -> None:
    """The order of an old checkpoint: a change here is a change of format."""
    places = Order(np.array([3, 4, 0, 2]), 7, 2).places(np.arange(9, 18))
    assert (places.groups * 10 + places.rows).tolist() == [10, 1, 13, 2, 12, 31, 11, 30, 0]
