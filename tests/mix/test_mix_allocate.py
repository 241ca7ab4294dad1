"""Plans over cells: exact totals, caps, independence of order, composition, and refusals with their numbers."""

from __future__ import annotations

import csv
import gzip
import math
import re
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.mix.mix_helpers import totals_by
from xlcorpus.errors import UserError
from xlcorpus.mix.allocate import CellPlan, MixPlan, plan_mix
from xlcorpus.mix.cells import Cell
from xlcorpus.mix.spec import MixSpec, parse_mix

LANGUAGES = ["eng_Latn", "swh_Latn", "yor_Latn", "hin_Deva", "amh_Ethi", "khm_Khmr"]
KINDS = ["mono", "bi", "code"]


def mix(node: Any, **more: Any) -> MixSpec:
    """A spec of one tree."""
    return parse_mix({"mix": node, **more})


def allocate(cells: Sequence[Cell], spec: MixSpec, budget: Any = None, max_epochs: Any = None) -> list[CellPlan]:
    """What the mix takes of each cell."""
    return list(plan_mix(cells, spec, budget, max_epochs).cells)


def languages(sizes: Sequence[int]) -> list[Cell]:
    """A cell a language, l0 to ln, of these sizes."""
    return [Cell("web", "mono", f"l{n:02d}_Latn", "", size, 1 + size // 10) for n, size in enumerate(sizes)]


def refusal(cells: Sequence[Cell], spec: MixSpec, budget: Any = None, max_epochs: Any = None) -> str:
    """The message with which a plan is refused."""
    with pytest.raises(UserError) as caught:
        allocate(cells, spec, budget, max_epochs)
    return str(caught.value)


def largest_of(cells: Sequence[Cell], spec: MixSpec, max_epochs: Any) -> int:
    """The largest budget; 0 where not one unit can be had."""
    try:
        return plan_mix(cells, spec, "largest", max_epochs).largest
    except UserError:
        return 0


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
    sizes = {cell.lang: cell.units for cell in cells}
    assert len(cells) > 1800
    budget = 10**12
    expected = unimax(sizes, budget, Fraction(4))
    plans = allocate(cells, mix({"by": "lang", "rule": "unimax", "epochs": 4}, unit="bytes"), budget)
    assert sum(item.budget for item in plans) == budget
    assert max(abs(item.budget - expected[item.cell.lang]) for item in plans) < 1
    damped = plan_mix(cells, mix({"by": "lang", "rule": "exponent", "alpha": 0.3}, unit="bytes"), budget, 10**5)
    whole = math.fsum(size**0.3 for size in sizes.values())
    for item in damped.cells:
        assert item.budget == pytest.approx(budget * item.available**0.3 / whole, rel=1e-9, abs=1)


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


CORPUS = [
    Cell("web", "mono", "eng_Latn", "", 100_000, 100),
    Cell("web", "mono", "swh_Latn", "", 3_000, 10),
    Cell("web", "mono", "yor_Latn", "", 200, 5),
    Cell("wiki", "mono", "yor_Latn", "", 50, 5),
    Cell("opus", "bi", "eng_Latn-swh_Latn", "", 4_000, 50),
    Cell("tatoeba", "bi", "swh_Latn-eng_Latn", "", 1_000, 50),
    Cell("stack", "code", "", "python", 70_000, 50),
    Cell("made", "cs", "swh_Latn", "", 4_000, 4),
]
COMPOSED = {
    "parts": [
        {"where": {"kind": "mono"}, "share": 0.6, "within": {"by": "lang", "rule": "unimax", "epochs": 4}},
        {"where": {"kind": "bi"}, "share": 0.2},
        {"where": {"kind": "code"}, "share": 0.1},
        {"where": {"kind": "cs"}, "share": 0.1},
    ]
}


def test_rules_compose() -> None:
    plan = plan_mix(CORPUS, mix(COMPOSED), 20_000)
    assert totals_by(plan, "kind") == {"bi": 4_000, "code": 2_000, "cs": 2_000, "mono": 12_000}
    # Yoruba at four epochs of its 250; the rest in halves. Within Yoruba in proportion to the sources.
    assert {item.name: item.budget for item in plan.cells} == {
        "made/cs/swh_Latn/none": 2_000,
        "opus/bi/eng_Latn-swh_Latn/none": 3_200,
        "stack/code/none/python": 2_000,
        "tatoeba/bi/swh_Latn-eng_Latn/none": 800,
        "web/mono/eng_Latn/none": 5_500,
        "web/mono/swh_Latn/none": 5_500,
        "web/mono/yor_Latn/none": 800,
        "wiki/mono/yor_Latn/none": 200,
    }
    yoruba = next(item for item in plan.cells if item.name == "wiki/mono/yor_Latn/none")
    assert yoruba.epochs == 4
    assert yoruba.path == ("parts: part 1 (kind mono) 60 %", "unimax by lang: yor_Latn 8.333 %")
    assert yoruba.to_json() == {
        "name": "wiki/mono/yor_Latn/none",
        "source": "wiki",
        "kind": "mono",
        "lang": "yor_Latn",
        "script": "Latn",
        "domain": "",
        "ratio": 0.01,
        "budget": 200,
        "available": 50,
        "documents": 5,
        "epochs": 4.0,
        "path": list(yoruba.path),
        "rehydrated": False,
    }
    # Bilingual text is there once only: it bounds the whole.
    assert plan.largest == 25_000


def test_a_refusal_names_groups_with_asked_available_and_epochs() -> None:
    message = refusal(CORPUS, mix(COMPOSED), 60_000)
    assert "part 2 (kind bi): 12,000 tokens asked, 5,000 there: 2.40 epochs; the cap allows 5,000" in message
    assert "part 4 (kind cs): 6,000 tokens asked, 4,000 there: 1.50 epochs; the cap allows 4,000" in message
    assert "part 1" not in message
    assert "part 3" not in message
    assert message.endswith("remedy: --max-epochs 2.4, or --budget 25000 with these rules")
    nested = refusal(CORPUS, mix({"by": "kind", "within": {"by": "lang", "rule": "uniform"}}), 18_225)
    assert "mono / yor_Latn:" in nested
    assert "mono / eng_Latn:" not in nested


def test_a_cap_passes_on_only_where_it_is_told_to() -> None:
    cells = languages([10, 1000, 1000])
    uniform = {"by": "lang", "rule": "uniform"}
    assert "l00_Latn: 100 tokens asked, 10 there: 10.00 epochs" in refusal(cells, mix(uniform), 300)
    told = allocate(cells, mix({**uniform, "on_cap": "redistribute"}), 300)
    assert [item.budget for item in told] == [10, 145, 145]
    assert "all together: 2,011 tokens asked, 2,010 there: 1.01 epochs" in refusal(
        cells, mix({**uniform, "on_cap": "redistribute"}), 2011
    )


def test_the_cap_from_outside_is_above_those_of_nodes() -> None:
    cells = languages([100, 100])
    node = {"by": "lang", "rule": "unimax", "epochs": 4}
    assert plan_mix(cells, mix(node), "largest").budget == 800
    assert plan_mix(cells, mix(node), "largest", 2).budget == 400
    assert plan_mix(cells, mix(node, max_epochs=3), "largest").budget == 600
    assert plan_mix(cells, mix(node, max_epochs=3), "largest", 5).budget == 800
    assert plan_mix(cells, mix({"by": "lang", "rule": "uniform"}), "largest").budget == 200
    # `--max-epochs 9` would not help against the node's own cap, and is not offered.
    message = refusal(cells, mix(node), 1800)
    assert "--max-epochs" not in message
    assert "--budget 800" in message


def test_fractions_of_an_epoch_lose_no_more_than_a_unit_a_cell() -> None:
    cells = languages([1, 1001])
    plan = plan_mix(cells, mix({}), "largest", 1.5)
    assert plan.budget == 1502  # 1.5 and 1501.5
    assert [item.budget for item in plan.cells] == [1, 1501]


def test_english_takes_its_share_and_the_rest_is_uniform() -> None:
    cells = [*languages([500, 500, 500]), Cell("web", "mono", "eng_Latn", "", 9000, 9)]
    plan = plan_mix(cells, mix({"rule": "english", "share": 0.5}), 600)
    assert totals_by(plan, "lang") == {"eng_Latn": 300, "l00_Latn": 100, "l01_Latn": 100, "l02_Latn": 100}
    plan = plan_mix(cells, mix({"rule": "english", "share": 1}), 600)
    assert totals_by(plan, "lang") == {"eng_Latn": 600}
    rest = {"rule": "anchor", "name": "l00_Latn", "share": 0.25, "rest": {"rule": "proportional"}}
    assert totals_by(plan_mix(cells, mix(rest), 1000), "lang") == {
        "eng_Latn": 675, "l00_Latn": 250, "l01_Latn": 38, "l02_Latn": 37,
    }  # fmt: skip


def test_replay_is_a_share_for_the_languages_of_the_base_model() -> None:
    cells = [
        *languages([400, 100]),
        Cell("web", "mono", "eng_Latn", "", 900, 9),
        Cell("web", "mono", "fra_Latn", "", 300, 3),
    ]
    node = {"rule": "replay", "names": ["eng_Latn", "fra_Latn"], "share": 0.2, "rest": {"rule": "unimax"}}
    assert totals_by(plan_mix(cells, mix(node), 500), "lang") == {
        "eng_Latn": 75, "fra_Latn": 25, "l00_Latn": 300, "l01_Latn": 100,
    }  # fmt: skip
    node["among"] = {"rule": "uniform"}
    assert totals_by(plan_mix(cells, mix(node), 500), "lang")["fra_Latn"] == 50
    assert "a share of 0.2 is for eng_Latn, fra_Latn, of which there is nothing" in refusal(
        languages([400]), mix(node, missing="skip"), 10
    )
    assert "is for the rest" in refusal(cells[2:], mix(node), 10)


def test_floor_draws_the_amounts_of_glot500() -> None:
    cells = [*languages([16, 81, 10_000]), Cell("web", "mono", "eng_Latn", "", 10**6, 9)]
    node = {"rule": "floor", "alpha": 0.25, "scale": 30, "names": ["eng_Latn"]}
    plan = plan_mix(cells, mix(node, max_epochs=30))
    assert totals_by(plan, "lang") == {"eng_Latn": 480, "l00_Latn": 480, "l01_Latn": 720, "l02_Latn": 2400}
    assert max(item.epochs for item in plan.cells) == 30
    assert "l00_Latn: 480 tokens asked, 16 there: 30.00 epochs" in refusal(cells, mix(node))
    halved = plan_mix(cells, mix(node), 2040, 30)
    assert totals_by(halved, "lang") == {"eng_Latn": 240, "l00_Latn": 240, "l01_Latn": 360, "l02_Latn": 1200}


def test_match_gives_each_language_what_the_other_mix_gave_it() -> None:
    cells = [Cell(source, "mono", lang, "", 1000, 9) for source in ("web", "wiki") for lang in LANGUAGES]
    totals = {"eng_Latn": 1234, "swh_Latn": 17, "yor_Latn": 999}
    plan = plan_mix(cells, mix({"rule": "match", "totals": totals}))
    assert totals_by(plan, "lang") == totals
    assert totals_by(plan_mix(cells, mix({"rule": "match", "totals": totals}), 225), "lang") == {
        "eng_Latn": 123, "swh_Latn": 2, "yor_Latn": 100,
    }  # fmt: skip
    assert "eng_Latn: 2,001 tokens asked, 2,000 there" in refusal(
        cells, mix({"rule": "match", "totals": {"eng_Latn": 2001}})
    )
    assert "not known yet" in refusal(cells, mix({"rule": "match", "to": "out/bilingual"}), 10)


def test_rehydrated_cells_are_as_large_as_their_documents_repeated() -> None:
    plain = Cell("web", "mono", "eng_Latn", "", 100, 10, by_dup_size=((1, 100, 10),))
    copied = Cell("web", "mono", "swh_Latn", "", 100, 10, by_dup_size=((1, 50, 5), (7, 50, 5)))
    boiler = Cell("web", "mono", "yor_Latn", "", 100, 1, by_dup_size=((5000, 100, 1),))
    plan = plan_mix([plain, copied, boiler], mix({"rule": "rehydrate"}))
    assert plan.budget == 100 + 50 + 5 * 50 + 100
    assert [(item.available, item.documents, item.budget) for item in plan.cells] == [
        (100, 10, 100),
        (300, 30, 300),
        (100, 1, 100),
    ]
    assert all(item.rehydration is not None for item in plan.cells)
    table = {"rule": "rehydrate", "weights": {1: 1, 1000: 0}, "within": {"by": "lang", "rule": "uniform"}}
    plan = plan_mix([plain, copied, boiler], mix(table), 100)
    assert totals_by(plan, "lang") == {"eng_Latn": 50, "swh_Latn": 50}
    assert "have no dup_size" in refusal(languages([5]), mix({"rule": "rehydrate"}))


def test_parts_take_what_those_above_leave() -> None:
    parts = [{"where": {"source": "wiki"}, "share": 0.5}, {"share": 0.5, "within": {"by": "lang", "rule": "unimax"}}]
    plan = plan_mix([cell for cell in CORPUS if cell.kind == "mono"], mix({"parts": parts}), 100)
    assert totals_by(plan, "source") == {"web": 50, "wiki": 50}
    shadowed = [{"where": {"kind": "mono"}, "share": 0.5}, {"where": {"lang": "yor_Latn"}, "share": 0.5}]
    assert "mix.parts[1]: nothing is left that is lang yor_Latn: the parts above take all" in refusal(
        CORPUS, mix({"parts": shadowed}), 10
    )


def test_a_pair_is_asked_for_in_either_direction() -> None:
    for name in ("eng_Latn-swh_Latn", "swh_Latn-eng_Latn"):
        plan = plan_mix(CORPUS, mix({"by": "lang", "rule": "ratios", "ratios": {name: 1}}), 500)
        assert totals_by(plan, "lang") == {"eng_Latn-swh_Latn": 500}
        assert sum(item.budget > 0 for item in plan.cells) == 2


def test_what_the_mix_leaves_out_is_in_the_plan_with_nothing() -> None:
    plans = allocate(CORPUS, mix({}, where={"kind": "mono"}), 1000)
    assert len(plans) == len(CORPUS)
    assert {item.cell.kind for item in plans if item.path} == {"mono"}
    assert all(item.budget == 0 for item in plans if not item.path)


@pytest.mark.parametrize(
    ("node", "words"),
    [
        (
            {"by": "lang", "rule": "ratios", "ratios": {"swa_Latn": 1}},
            "no document has the lang 'swa_Latn'; did you mean",
        ),
        ({"by": "source", "rule": "ratios", "ratios": {"wikki": 1}}, "the source 'wikki'; did you mean 'wiki'?"),
        (
            {"by": "lang", "rule": "ratios", "ratios": {"ibo_Latn": 1}},
            "the documents of the lang 'ibo_Latn' hold no tokens",
        ),
        (
            {"parts": [{"where": {"kind": "monno"}, "share": 1}]},
            "mix.parts[0].where.kind: no document has the kind 'monno'",
        ),
        ({"parts": [{"where": {"source": "empty"}, "share": 1}]}, "the source 'empty' hold no tokens"),
        (
            {"parts": [{"where": {"kind": "mono", "domain": "python"}, "share": 1}]},
            "nothing is left that is kind mono and domain python: there is none",
        ),
        (
            {
                "parts": [
                    {
                        "where": {"kind": "mono"},
                        "share": 1,
                        "within": {"by": "domain", "rule": "ratios", "ratios": {"python": 1}},
                    }
                ]
            },
            "no document has the domain 'python' in this part of the mix",
        ),
        ({"rule": "anchor", "name": "wol_Latn", "share": 0.5}, "no document has the lang 'wol_Latn'"),
        ({"rule": "match", "totals": {"wol_Latn": 5}}, "mix.totals: no document has the lang 'wol_Latn'"),
        ({"rule": "floor", "alpha": 0.3, "names": ["wol_Latn"]}, "mix.names: no document has the lang 'wol_Latn'"),
        ({"rule": "floor", "alpha": 0.3, "least": 10**9}, "leaves nothing to mix"),
    ],
)
def test_names_that_do_not_occur(node: Any, words: str) -> None:
    cells = [*CORPUS, Cell("empty", "mono", "ibo_Latn", "", 0, 3)]
    assert words in refusal(cells, mix(node), 10)


def test_absent_names_are_left_out_where_the_mix_says_so() -> None:
    node = {"by": "lang", "rule": "ratios", "ratios": {"eng_Latn": 0.5, "swh_Latn": 0.25, "wol_Latn": 0.25}}
    plan = plan_mix(CORPUS, mix(node, missing="skip", where={"kind": ["mono", "mined"]}), 900)
    assert totals_by(plan, "lang") == {"eng_Latn": 600, "swh_Latn": 300}
    assert plan.missing == ("kind mined", "lang wol_Latn")


def test_faults_of_the_whole() -> None:
    empty = [Cell("web", "mono", "eng_Latn", "", 0, 3)]
    assert "the inputs hold no tokens" in refusal(empty, mix({}))
    assert "where: no document is source opus and kind mono" in refusal(
        CORPUS, mix({}, where={"kind": "mono", "source": "opus"})
    )
    assert "a budget of 0 tokens" in refusal(CORPUS, mix({}), 0)
    assert "--max-epochs 0 is not above 0" in refusal(CORPUS, mix({}), 10, 0)
    assert "not a finite number" in refusal(CORPUS, mix({}), 10, math.nan)
    # Too little for a single unit: refused with the numbers as well.
    assert "1 tokens asked, 1 there: 1.00 epochs; the cap allows 0" in refusal(languages([1]), mix({}), None, 0.5)


def test_related_languages_that_are_trained_on_all_the_same_are_named() -> None:
    plan = plan_mix(CORPUS, mix({}, related=["yor_Latn", "ibo_Latn", "swh_Latn"], where={"kind": "bi"}), 100)
    assert plan.related_trained == ("swh_Latn",)


def test_a_long_refusal_is_cut() -> None:
    message = refusal(languages([1] * 40), mix({"by": "lang", "rule": "uniform"}), 80)
    assert message.count("asked") == 12
    assert "and 28 more" in message


def test_plans_are_values() -> None:
    plan = plan_mix(CORPUS, mix(COMPOSED), 100)
    assert isinstance(plan, MixPlan)
    assert plan == plan_mix(list(reversed(CORPUS)), mix(COMPOSED), 100)
    assert hash(plan.cells[0]) == hash(allocate(CORPUS, mix(COMPOSED), 100)[0])
