"""Rehydration in a mixture: a document is used as often as its cluster's weight and the epochs say, spread out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.mix.mix_helpers import Mixed, mix
from tests.rows import documents
from xlcorpus.errors import UserError
from xlcorpus.mix.draw import draw_cell, order_keys
from xlcorpus.mix.rehydration import FINEWEB2
from xlcorpus.mix.spec import MixSpec, parse_mix

SIZES = [1, 2, 3, 4, 5, 50, 100, 999, 1000, 5000]
WEIGHTS = [1, 2, 3, 3, 5, 5, 8, 8, 1, 1]


def rehydrate(unit: str = "docs", **more: Any) -> MixSpec:
    return parse_mix({"unit": unit, "mix": {"rule": "rehydrate", **more}})


def corpus(sizes: Sequence[int | None], lang: str = "swh_Latn") -> pa.RecordBatch:
    """A document of one to five words for each size of a duplicate cluster."""
    texts = ["neno " * (1 + row % 5) for row in range(len(sizes))]
    names = [f"{lang} {row}" for row in range(len(sizes))]
    return documents(texts, [lang] * len(sizes), names=names, dup_size=pa.array(sizes, pa.int32()))


def uses_of(found: Mixed) -> dict[str, list[int]]:
    """mix_epoch of every use of each document, in the order of the mixture."""
    uses: dict[str, list[int]] = {}
    for row in found.rows:
        uses.setdefault(row["origin"]["file"], []).append(row["mix_epoch"])
    return uses


@pytest.mark.parametrize("unit", ["docs", "tokens", "bytes"])
@pytest.mark.parametrize("epochs", [1, 3])
def test_uses_are_weight_times_epochs(tmp_path: Path, unit: str, epochs: int) -> None:
    found = mix(tmp_path, [corpus(SIZES)], rehydrate(unit), max_epochs=epochs, targets=4)
    uses = uses_of(found)
    assert {name: len(times) for name, times in uses.items()} == {
        f"swh_Latn {row}": epochs * weight for row, weight in enumerate(WEIGHTS)
    }
    assert all(times == list(range(len(times))) for times in uses.values())
    (item,) = found.taken
    assert item.documents == sum(WEIGHTS)
    assert item.epochs == epochs
    assert item.budget == sum(row["mix_units"] for row in found.rows)
    (cell,) = found.notes["cells"]
    assert (cell["rehydrated"], cell["docs"], cell["units"]) == (True, epochs * sum(WEIGHTS), item.budget)
    assert found.accounts == [(10, 10, epochs * sum(WEIGHTS))]
    assert FINEWEB2[100] == WEIGHTS[6]


@settings(max_examples=25)
@given(st.lists(st.sampled_from(SIZES), min_size=1, max_size=20), st.integers(1, 3), st.integers(1, 400))
def test_parts_of_an_epoch_use_no_document_more_often_than_its_weight(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], epochs: int, part: int
) -> None:
    weights = [WEIGHTS[SIZES.index(size)] for size in sizes]
    budget = min(part, epochs * sum(weights))
    found = mix(tmp_path_factory.mktemp("mix"), [corpus(sizes)], rehydrate(), budget=budget, max_epochs=epochs)
    uses = uses_of(found)
    whole = budget // sum(weights)
    assert len(found.rows) == budget
    assert all(times == list(range(len(times))) for times in uses.values())
    for row, weight in enumerate(weights):
        times = len(uses.get(f"swh_Latn {row}", []))
        assert whole * weight <= times <= (whole + (budget % sum(weights) > 0)) * weight
    decided = {row["file"] for row in found.decisions["origin"].to_pylist()}
    assert decided == {f"swh_Latn {row}" for row in range(len(sizes))} - set(uses)
    assert set(found.decisions["reason"].to_pylist()) <= {"over_budget"}


REPEATS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 4)), max_size=20)


@given(REPEATS, st.integers(0, 300), st.data())
@example([(5, 2), (0, 3), (3, 0)], 20, None)
@example([(0, 2), (0, 1)], 5, None)
@example([(4, 0)], 9, None)
def test_repeated_documents_are_drawn_like_so_many_documents(
    drawn: list[tuple[int, int]], budget: int, data: st.DataObject | None
) -> None:
    """Whole epochs hold every copy; the sum is near the budget; the order of the input does not matter."""
    units = np.array([size for size, _ in drawn], dtype=np.int64)
    repeats = np.array([times for _, times in drawn], dtype=np.int64)
    ids = np.random.default_rng(len(drawn)).integers(0, 2**64, (len(drawn), 2), dtype=np.uint64)
    found = draw_cell(ids, units, budget, 4, repeats, nearest=True)
    uses = Counter(found.index.tolist())
    total = int((units * repeats).sum())
    whole = budget // total if total else 0
    for row, times in enumerate(repeats.tolist()):
        assert whole * times <= uses[row] <= (whole + 1) * times
    left_out = [int(units[row]) for row, times in enumerate(repeats.tolist()) if uses[row] < (whole + 1) * times]
    if total and budget % total and left_out:
        assert abs(budget - int(units[found.index].sum())) <= min(left_out) / 2
    for row in uses:
        assert found.epoch[found.index == row].tolist() == list(range(uses[row]))
    if budget and not total:
        assert uses == Counter(dict(enumerate(repeats.tolist()))) - Counter()  # once through, for they weigh nothing
    if data is not None:
        order = np.array(data.draw(st.permutations(range(len(drawn)))), dtype=np.int64)
        again = draw_cell(ids[order], units[order], budget, 4, repeats[order], nearest=True)
        assert ids[order][again.index].tolist() == ids[found.index].tolist()
        assert again.place.tolist() == found.place.tolist()


def test_one_time_each_is_no_rehydration() -> None:
    ids = np.random.default_rng(0).integers(0, 2**64, (40, 2), dtype=np.uint64)
    units = np.arange(1, 41)
    plain, ones = draw_cell(ids, units, 2000, 7), draw_cell(ids, units, 2000, 7, np.ones(40, dtype=np.int64))
    for name in ("index", "epoch", "place"):
        assert getattr(plain, name).tolist() == getattr(ones, name).tolist()
    assert len({tuple(order_keys(ids, 7, epoch, copy).tolist()) for epoch in range(3) for copy in range(9)}) == 27


def test_copies_do_not_lie_side_by_side(tmp_path: Path) -> None:
    """Eight copies of each of 100 documents are shuffled through an epoch: few are neighbours, and all parts have some.

    In a fair shuffle of 800 uses a neighbour is a copy with probability 7/799, 7 of them expected; one copy after the
    other would give 700.
    """
    found = mix(tmp_path, [corpus([100] * 100)], rehydrate())
    assert len(found.names) == 800
    assert sum(one == other for one, other in pairwise(found.names)) <= 7 + 5 * 7**0.5
    quarters = [set(found.names[at : at + 200]) for at in range(0, 800, 200)]
    # A document misses a quarter with probability 0.75 ** 8, a tenth.
    assert all(75 <= len(names) <= 100 for names in quarters)
    assert [row["mix_epoch"] for row in found.rows[:40]].count(0) > 20  # the first use of a document comes first


def test_weights_of_zero_leave_documents_out(tmp_path: Path) -> None:
    found = mix(tmp_path, [corpus([1, 1000, 7, None])], rehydrate(weights={1: 1, 5: 2, 1000: 0}))
    assert Counter(found.names) == {"swh_Latn 0": 1, "swh_Latn 2": 2, "swh_Latn 3": 1}
    assert [(row["origin"]["file"], row["reason"]) for row in found.decisions.to_pylist()] == [
        ("swh_Latn 1", "over_budget")
    ]


def test_languages_have_weights_of_their_own(tmp_path: Path) -> None:
    weights = {"swh_Latn": {1: 1, 2: 4}, "default": {1: 2}}
    shards = [corpus([1, 2]), corpus([1, 2], "yor_Latn")]
    found = mix(tmp_path, shards, rehydrate(weights=weights))
    assert Counter(found.names) == {"swh_Latn 0": 1, "swh_Latn 1": 4, "yor_Latn 0": 2, "yor_Latn 1": 2}


def test_rules_within_see_the_rehydrated_sizes(tmp_path: Path) -> None:
    """Yoruba has as many documents as Swahili, but each of them was found five times."""
    shards = [corpus([1] * 30), corpus([5] * 30, "yor_Latn")]
    within = {"by": "lang", "rule": "proportional"}
    found = mix(tmp_path, shards, rehydrate(within=within), budget=60)
    assert Counter(row["lang"] for row in found.rows) == {"swh_Latn": 10, "yor_Latn": 50}


@pytest.mark.parametrize("cut", [0, 3, 10])
def test_the_result_does_not_depend_on_the_cut_or_the_order(tmp_path: Path, cut: int) -> None:
    batch = corpus(SIZES)
    once = mix(tmp_path / "once", [batch], rehydrate("tokens"), budget=80)
    mixed = batch.take(pa.array([7, 2, 9, 0, 4, 1, 8, 3, 6, 5]))
    again = mix(
        tmp_path / "again", [mixed.slice(cut), mixed.slice(0, cut)], rehydrate("tokens"), budget=80, shuffle=cut
    )
    assert again.rows == once.rows


def test_documents_that_no_dedup_saw_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"documents of web/mono/x/none have no dup_size.*\n.*xlcorpus dedup"):
        mix(tmp_path, [documents(["a"], ["x"])], rehydrate())
