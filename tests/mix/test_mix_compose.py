"""Plans worked out by hand: rules within rules, caps at every level, rehydration, matching, floors."""

from __future__ import annotations

from tests.mix.mix_helpers import totals_by
from tests.mix.plans import COMPOSED, CORPUS, LANGUAGES, allocate, languages, mix, refusal
from xlcorpus.mix.allocate import MixPlan, plan_mix
from xlcorpus.mix.cells import Cell


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


def test_related_languages_that_are_trained_on_all_the_same_are_named() -> None:
    plan = plan_mix(CORPUS, mix({}, related=["yor_Latn", "ibo_Latn", "swh_Latn"], where={"kind": "bi"}), 100)
    assert plan.related_trained == ("swh_Latn",)


def test_plans_are_values() -> None:
    plan = plan_mix(CORPUS, mix(COMPOSED), 100)
    assert isinstance(plan, MixPlan)
    assert plan == plan_mix(list(reversed(CORPUS)), mix(COMPOSED), 100)
    assert hash(plan.cells[0]) == hash(allocate(CORPUS, mix(COMPOSED), 100)[0])
