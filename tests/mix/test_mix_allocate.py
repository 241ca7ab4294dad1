"""Plans over random cells and trees: exact totals, caps, independence of order and scale, real sizes."""

from __future__ import annotations

import csv
import gzip
import math
import re
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.mix.plans import LANGUAGES, allocate, languages, largest_of, mix, refusal
from xlcorpus.errors import UserError
from xlcorpus.mix.allocate import plan_mix
from xlcorpus.mix.cells import Cell
from xlcorpus.mix.spec import MixSpec, parse_mix

KINDS = ["mono", "bi", "code"]


@st.composite
def cell_sets(draw: st.DrawFn) -> list[Cell]:
    """Up to nine cells, several to a language or kind."""
    keys = draw(
        st.lists(
            st.tuples(
                st.sampled_from(["web", "wiki", "books"]), st.sampled_from(KINDS), st.sampled_from(LANGUAGES),
                st.sampled_from(["", "law"]),
            ),
            min_size=1, max_size=9, unique=True,
        )
    )  # fmt: skip
    sizes = st.integers(1, 10**6) | st.integers(1, 30)
    return [Cell(*key, draw(sizes), 5) for key in keys]


def node_of(draw: st.DrawFn, cells: Sequence[Cell], depth: int) -> dict[str, Any]:
    """A random tree of rules that fits the cells."""
    by = draw(st.sampled_from(["source", "kind", "lang", "script", "domain", "cell"]))
    rule = draw(st.sampled_from(["proportional", "uniform", "unimax", "exponent", "temperature", "ratios", "english"]))
    node: dict[str, Any] = {"rule": rule, "by": by}
    if rule == "exponent":
        node["alpha"] = draw(st.sampled_from([0, 0.3, 0.7, 1]))
    if rule == "temperature":
        node["temperature"] = draw(st.sampled_from([1.5, 3, 100]))
    if rule in ("ratios", "english"):
        node["by"] = by = "lang"
        here = sorted({cell.lang for cell in cells})
        if rule == "english" and len(here) == 1:
            return {"by": "lang", "rule": "uniform"}
        if rule == "english":
            return {"rule": "anchor", "name": here[0], "share": "2/7", "rest": {"rule": "unimax"}}
        weights = {lang: draw(st.integers(1, 9)) for lang in here}
        node["ratios"] = {lang: f"{weight}/{sum(weights.values())}" for lang, weight in weights.items()}
    if rule != "unimax" and draw(st.booleans()):
        node["on_cap"] = "redistribute"
    if draw(st.integers(0, 3)) == 0:
        node["epochs"] = draw(st.sampled_from([0.5, 1, 1.5, 4]))
    if depth and by != "cell":
        node["within"] = {"by": "cell", "rule": draw(st.sampled_from(["proportional", "unimax", "uniform"]))}
    return node


@st.composite
def mixes(draw: st.DrawFn) -> tuple[list[Cell], MixSpec, float]:
    """Cells, a tree over them of up to three levels, and a cap."""
    cells = draw(cell_sets())
    kinds = sorted({cell.kind for cell in cells})
    if len(kinds) > 1 and draw(st.booleans()):
        parts = [
            {
                "where": {"kind": kind},
                "share": f"1/{len(kinds)}",
                "within": node_of(draw, [cell for cell in cells if cell.kind == kind], 1),
            }
            for kind in kinds
        ]
        tree: dict[str, Any] = {"parts": parts}
    else:
        tree = node_of(draw, cells, 1)
    return cells, mix(tree), draw(st.sampled_from([0.3, 1, 1, 2.5, 10]))


@given(mixes(), st.data())
def test_any_tree_plans_exactly_within_its_caps_up_to_the_largest(
    drawn: tuple[list[Cell], MixSpec, float], data: st.DataObject
) -> None:
    cells, spec, max_epochs = drawn
    largest = largest_of(cells, spec, max_epochs)
    assume(largest)
    budget = data.draw(st.integers(1, largest))
    plans = allocate(cells, spec, budget, max_epochs)
    assert [item.cell for item in plans] == sorted(cells, key=lambda cell: cell.key)
    assert sum(item.budget for item in plans) == budget
    assert math.fsum(item.ratio for item in plans) == pytest.approx(1)
    for item in plans:
        assert 0 <= item.budget <= Fraction(str(max_epochs)) * item.available
    mixed = data.draw(st.permutations(cells))
    assert allocate(mixed, spec, budget, max_epochs) == plans
    assert "needs more than there is" in refusal(cells, spec, largest + 1, max_epochs)


@given(mixes(), st.integers(1, 50))
def test_remedies_of_a_refusal_work(drawn: tuple[list[Cell], MixSpec, float], times: int) -> None:
    cells, spec, max_epochs = drawn
    budget = times * sum(cell.units for cell in cells)
    try:
        plan_mix(cells, spec, budget, max_epochs)
    except UserError as error:
        remedy = error.remedy or ""
    else:
        return
    if offered := re.search(r"--max-epochs ([0-9.]+)", remedy):
        assert plan_mix(cells, spec, budget, offered[1]).budget == budget
    if offered := re.search(r"--budget ([0-9]+)", remedy):
        assert plan_mix(cells, spec, int(offered[1]), max_epochs).budget == int(offered[1])


def unimax(sizes: dict[str, int], budget: int, epochs: Fraction) -> dict[str, Fraction]:
    """UniMax as its paper has it: smallest first, an equal share of the rest, at most so many epochs."""
    left, shares = Fraction(budget), {}
    for place, name in enumerate(sorted(sizes, key=lambda name: (sizes[name], name))):
        shares[name] = min(left / (len(sizes) - place), epochs * sizes[name])
        left -= shares[name]
    assert not left
    return shares


@given(st.lists(st.integers(1, 10**7), min_size=1, max_size=12), st.sampled_from([1, 2, 4, 5]), st.data())
def test_unimax_is_that_of_the_paper(sizes: list[int], epochs: int, data: st.DataObject) -> None:
    cells = languages(sizes)
    budget = data.draw(st.integers(1, epochs * sum(sizes)))
    plans = allocate(cells, mix({"by": "lang", "rule": "unimax", "epochs": epochs}), budget)
    expected = unimax({cell.lang: cell.units for cell in cells}, budget, Fraction(epochs))
    for item in plans:
        due = expected[item.cell.lang]
        assert abs(item.budget - due) < 1
        if due == epochs * item.available:
            assert item.budget == due
    assert sum(item.budget for item in plans) == budget


def fineweb2(shared_data: Path) -> list[Cell]:
    """A cell a language of FineWeb-2, by bytes."""
    with gzip.open(shared_data / "mix" / "fineweb2-language-distribution.csv.gz", "rt", encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["split"] == "train"]
    return [
        Cell("fw2", "mono", row["subset"], "", int(row["utf8_bytes"]), int(row["documents"]))
        for row in rows
        if int(row["utf8_bytes"])
    ]


def test_real_sizes_of_fineweb2(shared_data: Path) -> None:
    cells = fineweb2(shared_data)
    sizes = Counter[str]()  # by the label of the house: FineWeb-2's kzj and dtp, say, are one
    for cell in cells:
        sizes[cell.value("lang")] += cell.units
    assert len(cells) > len(sizes) > 1800
    budget = 10**12
    expected = unimax(sizes, budget, Fraction(4))
    plans = allocate(cells, mix({"by": "lang", "rule": "unimax", "epochs": 4}, unit="bytes"), budget)
    assert sum(item.budget for item in plans) == budget
    given = Counter[str]()
    for item in plans:
        given[item.cell.value("lang")] += item.budget
    assert max(abs(given[lang] - expected[lang]) for lang in sizes) < 1
    damped = plan_mix(cells, mix({"by": "lang", "rule": "exponent", "alpha": 0.3}, unit="bytes"), budget, 10**5)
    whole = math.fsum(size**0.3 for size in sizes.values())
    given = Counter()
    for item in damped.cells:
        given[item.cell.value("lang")] += item.budget
    for lang, size in sizes.items():
        assert given[lang] == pytest.approx(budget * size**0.3 / whole, rel=1e-9, abs=1)


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=8), st.data())
def test_exponents_one_and_zero_are_proportional_and_uniform(sizes: list[int], data: st.DataObject) -> None:
    cells = languages(sizes)
    budget = data.draw(st.integers(1, sum(sizes)))

    def budgets(node: dict[str, Any], cap: int) -> list[int]:
        return [item.budget for item in allocate(cells, mix({"by": "lang", **node}), budget, cap)]

    assert budgets({"rule": "exponent", "alpha": 1}, 1) == budgets({"rule": "proportional"}, 1)
    many = sum(sizes)
    assert budgets({"rule": "exponent", "alpha": 0}, many) == budgets({"rule": "uniform"}, many)
    assert budgets({"rule": "exponent", "alpha": 0.4}, many) == budgets(
        {"rule": "temperature", "temperature": 2.5}, many
    )


@given(mixes(), st.integers(2, 1000))
def test_more_of_everything_changes_no_plan(drawn: tuple[list[Cell], MixSpec, float], times: int) -> None:
    cells, spec, _ = drawn
    budget = largest_of(cells, spec, 1)
    assume(budget)
    spec_free = parse_mix(_without_epochs(spec.to_json()))
    more = [Cell(*cell.key, cell.units * times, cell.documents) for cell in cells]
    many = 10**7
    before, after = (allocate(some, spec_free, budget, many) for some in (cells, more))
    caps_bind = any(item.budget == many * item.available for item in before)
    if not caps_bind:
        assert [item.budget for item in after] == [item.budget for item in before]


def _without_epochs(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _without_epochs(value) for key, value in content.items() if key != "epochs"}
    return [_without_epochs(item) for item in content] if isinstance(content, list) else content
