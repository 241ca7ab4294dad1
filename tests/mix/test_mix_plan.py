"""From shares to units: exact sums; and the table of what was asked and what came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from xlcorpus.mix.achieved import mix_table
from xlcorpus.mix.allocate import CellPlan, plan_mix
from xlcorpus.mix.cells import Cell
from xlcorpus.mix.ratios_option import spec_of_ratios
from xlcorpus.mix.spec import parse_mix


def planned(sizes: Mapping[str, int], ratios: Mapping[str, float], budget: int) -> list[CellPlan]:
    """The plan of ratios by language."""
    cells = [Cell("web", "mono", lang, "", units, 10) for lang, units in sizes.items()]
    return list(plan_mix(cells, spec_of_ratios(ratios, dict.fromkeys(ratios, "lang")), budget).cells)


def test_the_table_sets_requested_against_achieved() -> None:
    plan = planned({"swh_Latn": 1000, "a": 3000}, {"swh_Latn": 0.25, "a": 0.75}, 2000)
    achieved = {"web/mono/swh_Latn/none": (480, 12, 0, 0), "web/mono/a/none": (1440, 30, 0, 0)}
    lines = mix_table(plan, achieved, "tokens")
    cells = [line.split() for line in lines]
    assert cells[0] == ["class", "ratio", "achieved", "tokens", "asked", "tokens", "got", "docs", "epochs"]
    assert cells[1] == ["web/mono/a", "0.7500", "0.7500", "1,500", "1,440", "30", "0.48"]
    assert cells[2] == ["web/mono/swh_Latn", "0.2500", "0.2500", "500", "480", "12", "0.48"]
    assert cells[3] == ["total", "1.0000", "0.9600", "2,000", "1,920", "42"]
    assert len({len(line) for line in lines[:3]}) == 1


def test_a_long_table_is_by_kind_and_language() -> None:
    cells = [Cell(f"source{n:02d}", "mono", lang, "", 100, 5) for n in range(30) for lang in ("a", "b")]
    plan = list(plan_mix(cells, parse_mix({"mix": {"by": "lang", "rule": "ratios", "ratios": {"a": 1}}}), 1500).cells)
    taken = [item for item in plan if item.path]
    short = mix_table(taken, {item.name: (50, 2, 0, 0) for item in taken}, "bytes")
    assert len(short) == 30 + 2
    plan = list(plan_mix(cells, parse_mix({"mix": {"by": "lang", "rule": "uniform"}}), 3000).cells)
    lines = [line.split() for line in mix_table(plan, {item.name: (40, 2, 0, 0) for item in plan}, "bytes")]
    assert lines[1:] == [
        ["mono/a", "0.5000", "0.5000", "1,500", "1,200", "60", "0.40"],
        ["mono/b", "0.5000", "0.5000", "1,500", "1,200", "60", "0.40"],
        ["total", "1.0000", "0.8000", "3,000", "2,400", "120"],
    ]


def test_the_table_of_nothing_taken_divides_by_nothing() -> None:
    plan = planned({"a": 1000}, {"a": 1.0}, 1)
    lines = mix_table(plan, {"web/mono/a/none": (0, 0, 0, 0)}, "tokens")
    assert lines[1].split() == ["web/mono/a", "1.0000", "0.0000", "1", "0", "0", "0.00"]
    assert lines[2].split() == ["total", "1.0000", "0.0000", "1", "0", "0"]


def test_what_is_not_all_or_nothing_does_not_read_so() -> None:
    sizes = {"large": 10**7, "small": 100}
    plan = planned(sizes, {"large": 0.9999999, "small": 0.0000001}, 10**7)
    lines = mix_table(plan, {"web/mono/large/none": (10**7 - 1, 9, 0, 0), "web/mono/small/none": (1, 1, 0, 0)}, "chars")
    assert [line.split()[1:3] for line in lines[1:]] == [
        [">0.9999", ">0.9999"], ["<0.0001", "<0.0001"], ["1.0000", "1.0000"],
    ]  # fmt: skip


@pytest.mark.parametrize("rule", ["unimax", "uniform", "temperature", "exponent"])
def test_a_rule_that_changes_nothing_is_said_to_be_proportional(rule: str) -> None:
    """Without a budget a rule that passes on takes everything, so what there is decides and not the rule."""
    cells = [Cell("web", "mono", lang, "", units, 10) for lang, units in (("amh_Ethi", 90), ("swh_Latn", 1000))]
    node = {"by": "lang", "rule": rule, **{"temperature": {"temperature": 5}, "exponent": {"alpha": 0.3}}.get(rule, {})}
    node |= {} if rule == "unimax" else {"on_cap": "redistribute"}
    parts = {"parts": [{"share": 1, "within": node}]}
    for content in (node, parts):
        for budget in (None, "largest", 1090):
            (line,) = plan_mix(cells, parse_mix({"mix": content}), budget).without_effect
            assert f"`{rule} by lang`" in line
            assert "PROPORTIONAL to what there is" in line
        assert plan_mix(cells, parse_mix({"mix": content}), 1000).without_effect == ()
    # Where the rule wants what there is, and where it holds because the smallest group bounds it.
    equal = [replace(cell, units=90) for cell in cells]
    assert (
        plan_mix(equal, parse_mix({"mix": {**node, "rule": "uniform"} if rule == "unimax" else node})).without_effect
        == ()
    )
    if rule != "unimax":
        assert plan_mix(cells, parse_mix({"mix": {**node, "on_cap": "fail"}}), None, 9).without_effect == ()
