"""Drawing documents: near the budget, whole epochs first, by hash alone."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from xlcorpus.mix.draw import Drawn, beginning, draw_cell, draw_near, fit, late, order_keys

UNITS = st.lists(st.integers(1, 60), max_size=25)
BUDGETS = st.integers(0, 600)


def ids_of(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2**64, (count, 2), dtype=np.uint64)


def greedy(units: list[int], budget: int) -> list[int]:
    """Each document that still fits, in order."""
    taken = []
    for place, size in enumerate(units):
        if size <= budget:
            taken.append(place)
            budget -= size
    return taken


def nearly(units: list[int], budget: int) -> list[int]:
    """The same, then one more if that comes closer to the budget: the first of those nearest in size."""
    taken = greedy(units, budget)
    left = budget - sum(units[place] for place in taken)
    rest = [place for place in range(len(units)) if place not in taken]
    if rest:
        nearest = min(rest, key=lambda place: abs(units[place] - left))
        if abs(units[nearest] - left) < left:
            taken = sorted([*taken, nearest])
    return taken


@given(st.lists(st.integers(0, 40), max_size=40), st.integers(0, 500))
@example([5, 0, 7, 0], 0)
@example([3, 9, 3, 9, 3, 1], 10)
@example([2**40, 2**41, 1], 2**40)
def test_fit_is_the_greedy_loop(units: list[int], budget: int) -> None:
    assert fit(np.array(units, dtype=np.int64), budget).tolist() == greedy(units, budget)


@given(st.lists(st.integers(0, 40), max_size=40), st.integers(0, 500))
@example([3, 9, 3, 9], 11)
@example([10], 5)  # half a document more or less: less
@example([9], 5)
@example([], 5)
def test_draw_comes_as_near_as_one_document_more_allows(units: list[int], budget: int) -> None:
    found = draw_near(np.array(units, dtype=np.int64), budget).tolist()
    assert found == nearly(units, budget)
    fitting = greedy(units, budget)
    rest = [units[place] for place in range(len(units)) if place not in fitting]
    if rest:
        assert abs(sum(units[place] for place in found) - budget) <= min(rest) / 2


def drawn(units: list[int], budget: int, seed: int = 1, *, nearest: bool = False) -> Drawn:
    return draw_cell(ids_of(len(units)), np.array(units, dtype=np.int64), budget, seed, nearest=nearest)


@given(st.lists(st.integers(0, 40), max_size=40), st.integers(0, 500))
@example([10], 5)  # half a document more or less: less
@example([9], 5)
@example([0, 0, 3], 0)
@example([], 5)
def test_the_beginning_is_the_nearest_of_all_beginnings(units: list[int], budget: int) -> None:
    sums = [sum(units[:count]) for count in range(len(units) + 1)]
    found = beginning(np.array(units, dtype=np.int64), budget).tolist()
    assert found == list(range(min(range(len(sums)), key=lambda count: abs(sums[count] - budget))))


@given(st.lists(st.integers(0, 2000), max_size=40), st.lists(BUDGETS, min_size=2, max_size=5), st.integers(0, 5))
def test_a_smaller_budget_draws_the_beginning_of_a_larger_one(units: list[int], budgets: list[int], seed: int) -> None:
    """Each use, epochs among them, in the same order: rungs of one ladder nest whatever the sizes."""
    rungs = [drawn(units, budget, seed) for budget in sorted(budgets)]
    for small, large in itertools.pairwise(rungs):
        size = len(small.index)
        assert large.index[:size].tolist() == small.index.tolist()
        assert large.epoch[:size].tolist() == small.epoch.tolist()


def test_a_very_long_document_does_not_close_a_small_budget() -> None:
    """100 documents of 90 to 110 tokens and two of 100,000: no budget up to 8,000 is missed by more than half of a
    usual one; both long ones come in the end."""
    sizes = [*range(90, 110)] * 5 + [100_000] * 2
    for seed in range(20):
        for budget in (500, 3_000, 8_000):
            found = drawn(sizes, budget, seed)
            assert abs(sum(sizes[place] for place in found.index.tolist()) - budget) <= 55
        assert len(drawn(sizes, sum(sizes) - 1, seed).index) == len(sizes)


def test_documents_of_usual_lengths_keep_the_order_of_their_hashes() -> None:
    keys = order_keys(ids_of(500), 3, 0)
    units = np.random.default_rng(5).integers(50, 400, 500)
    assert np.argsort(late(keys, units)).tolist() == np.argsort(keys).tolist()


@given(UNITS, BUDGETS)
@example([4, 4], 8)
@example([4, 4], 20)
@example([1], 599)
def test_whole_epochs_come_first(units: list[int], budget: int) -> None:
    found = drawn(units, budget)
    whole = budget // sum(units) if units else 0
    size = len(units)
    for epoch in range(whole):
        part = slice(epoch * size, (epoch + 1) * size)
        assert sorted(found.index[part].tolist()) == list(range(size))
        assert found.epoch[part].tolist() == [epoch] * size
    rest = found.index[whole * size :].tolist()
    assert len(set(rest)) == len(rest)  # nothing twice in one epoch
    assert found.epoch[whole * size :].tolist() == [whole] * len(rest)
    assert found.epoch.dtype == np.int32


@given(UNITS, BUDGETS)
def test_the_nearest_sum_is_within_half_a_document_of_the_budget(units: list[int], budget: int) -> None:
    found = drawn(units, budget, nearest=True)
    total = sum(units[place] for place in found.index.tolist())
    if not units or not budget:
        assert total == 0
        return
    left = budget % sum(units)
    last = [units[place] for place in found.index[found.epoch == budget // sum(units)].tolist()]
    # Drawn document by document in the order of the hashes, and never further off than by taking none at all.
    keys = order_keys(ids_of(len(units)), 1, budget // sum(units))
    order = np.argsort(keys).tolist()
    assert last == ([units[order[place]] for place in nearly([units[place] for place in order], left)] if left else [])
    assert abs(total - budget) <= left


@given(UNITS.filter(bool), st.integers(1, 600))
def test_places_are_the_middles_of_their_parts(units: list[int], budget: int) -> None:
    found = drawn(units, budget)
    sizes = [units[place] for place in found.index.tolist()]
    gone, due = 0.0, []
    for size in sizes:
        due.append((gone + size / 2) / sum(sizes))
        gone += size
    assert found.place.tolist() == pytest.approx(due)
    assert ((found.place > 0) & (found.place < 1)).all()
    assert (np.diff(found.place) > 0).all()


@given(UNITS, BUDGETS, st.data())
def test_the_choice_does_not_depend_on_the_order_of_the_input(
    units: list[int], budget: int, data: st.DataObject
) -> None:
    ids, sizes = ids_of(len(units)), np.array(units, dtype=np.int64)
    order = np.array(data.draw(st.permutations(range(len(units)))), dtype=np.int64)

    def uses(found: Drawn, names: np.ndarray) -> list[tuple[list[int], int, float]]:
        columns = (names[found.index].tolist(), found.epoch.tolist(), found.place.tolist())
        return list(zip(*columns, strict=True))

    first = draw_cell(ids, sizes, budget, 3)
    assert uses(draw_cell(ids[order], sizes[order], budget, 3), ids[order]) == uses(first, ids)


def test_seed_and_epoch_change_the_order() -> None:
    units = [1] * 50
    ids = ids_of(50)
    one = drawn(units, 100)
    assert one.index[:50].tolist() != one.index[50:].tolist()
    assert drawn(units, 100, seed=1).index.tolist() == one.index.tolist()
    assert drawn(units, 100, seed=2).index.tolist() != one.index.tolist()
    assert len({tuple(order_keys(ids, seed, epoch).tolist()) for seed in range(3) for epoch in range(3)}) == 9


@pytest.mark.parametrize("kind", ["hashes", "numbers in the first half", "numbers in the second half"])
def test_the_order_is_a_fair_shuffle(kind: str) -> None:
    """Each of 40 documents is in the first half of about half of 400 seeds: within five deviations of 200."""
    numbers, zeros = np.arange(40, dtype=np.uint64), np.zeros(40, dtype=np.uint64)
    columns = [numbers, zeros] if "first" in kind else [zeros, numbers]
    ids = ids_of(40) if kind == "hashes" else np.column_stack(columns)
    first = np.zeros(40)
    for seed in range(400):
        first[np.argsort(order_keys(ids, seed, 0))[:20]] += 1
    assert np.abs(first - 200).max() <= 5 * np.sqrt(400 / 4)


def test_documents_without_units_are_used_once() -> None:
    found = drawn([0, 0, 0], 10)
    assert sorted(found.index.tolist()) == [0, 1, 2]
    assert found.epoch.tolist() == [0, 0, 0]
    mixed = drawn([0, 5, 0], 5)
    assert sorted(mixed.index.tolist()) == [0, 1, 2]
    assert drawn([], 10).index.tolist() == []
    assert drawn([5], 0).index.tolist() == []
