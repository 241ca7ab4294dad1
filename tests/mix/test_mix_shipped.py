"""The mixes that ship: each plans on data of its languages, names its source and what that leaves open."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.mix.mix_helpers import totals_by
from xlcorpus.errors import UserError
from xlcorpus.lid.model import load_model
from xlcorpus.mix.allocate import plan_mix
from xlcorpus.mix.cells import Cell, canonical_lang, language_totals
from xlcorpus.mix.mixcpt import mixcpt_cells, published_tables
from xlcorpus.mix.shipped import load_mix, shipped_mixes
from xlcorpus.mix.spec import MixSpec
from xlcorpus.text.labels import normalize_label

CELLS = mixcpt_cells()
CATEGORIES, MODELS = published_tables()["categories"], published_tables()["models"]
FILES = sorted(name for name, path in shipped_mixes().items() if path)


def named(spec: MixSpec) -> list[str]:
    """Every language that the rules of a mix name."""
    names: list[str] = [*(spec.where.lang or ())]

    for node in spec.mix.nodes():
        if node.key == "lang":
            for parameter in ("ratios", "totals", "names"):
                names += getattr(node.rule, parameter, None) or ()
    return list(dict.fromkeys(names)) or ["eng_Latn", "swh_Latn", "mlt_Latn"]


def corpus(spec: MixSpec, units: int) -> list[Cell]:
    """Generated sizes for every language and domain of a mix, each other one smaller, and code."""
    kind = (spec.where.kind or ("mono",))[0]
    cells = []
    for number, lang in enumerate(named(spec)):
        kinds = "bi" if "-" in lang else kind
        for domain in spec.where.domain or ("",):
            cells.append(Cell("web", kinds, lang, domain, units >> (number % 5), 100))
    return [*cells, Cell("stack", "code", "", "", units, 100)]


def test_labels_that_no_step_gives_are_marked() -> None:
    """Every language that a mix names is one of the embedded model's, or is said to be of files that say it."""
    given = {normalize_label(label, han=han) for label in load_model("embedded").labels for han in ("Hans", "Hant")}
    for spec in map(load_mix, (*FILES, *CELLS)):
        wheres = [spec.where, *(part.where for node in spec.mix.nodes() for part in node.parts or ())]
        names = [*spec.only_given, *(name for where in wheres for name in where.lang or ())]
        for node in spec.mix.nodes():
            for parameter in ("ratios", "totals", "names"):
                names += getattr(node.rule, parameter, None) or () if node.key == "lang" else ()
        asked = {side for name in names for side in name.split("-")}
        assert sorted(asked - given) == sorted(spec.only_given), spec.name


def test_there_are_36_cells_of_three_models_four_kinds_of_data_and_three_categories() -> None:
    assert len(CELLS) == 36
    assert list(CELLS)[:4] == ["L3-Mono-Alt", "L3-Mono-Sel", "L3-Mono-Stag", "L3-Bi-Alt"]
    pattern = re.compile(r"(L3|L2|V7)-(Mono|Bi)(\+Code)?-(Alt|Sel|Stag)")
    assert all(pattern.fullmatch(name) and CELLS[name].name == name for name in CELLS)


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_plans_to_the_published_tokens(name: str) -> None:
    spec = CELLS[name]
    _, data, short = name.split("-")
    kind, _, code = data.partition("+")
    table = CATEGORIES[short]["mono"] if kind == "Mono" else CATEGORIES[short]["pairs"]
    plan = plan_mix(corpus(spec, 10**9), spec)
    by_kind = totals_by(plan, "kind")
    assert totals_by(plan, "lang") == {canonical_lang(lang): tokens for lang, tokens in table.items()} | (
        {"none": by_kind["code"]} if code else {}
    )
    assert plan.budget == spec.budget == sum(by_kind.values())
    assert set(by_kind) == {kind.lower()} | ({"code"} if code else set())
    if code:
        assert by_kind["code"] == pytest.approx(0.1 * plan.budget, abs=1)
    assert plan.related_trained == ()
    # At a hundredth of the size the proportions are the same, within a token.
    small = plan_mix(corpus(spec, 10**9), spec, plan.budget // 100)
    for lang, units in totals_by(small, "lang").items():
        assert units == pytest.approx(totals_by(plan, "lang")[lang] / 100, abs=1.1)


@pytest.mark.parametrize("name", [name for name in CELLS if name.startswith("L3")])
def test_the_models_differ_in_the_run_card_alone(name: str) -> None:
    for model in ("L2", "V7"):
        other = CELLS[name.replace("L3", model)]
        assert other.model == MODELS[model] != CELLS[name].model
        assert other.at(name=name, model=MODELS["L3"]) == CELLS[name]


@pytest.mark.parametrize("short", CATEGORIES)
def test_the_pairs_are_of_the_categorys_languages_and_english(short: str) -> None:
    languages = {side for pair in CATEGORIES[short]["pairs"] for side in pair.split("-")}
    assert languages == set(CATEGORIES[short]["mono"]) == {"eng_Latn", *CATEGORIES[short]["languages"]}


def test_matching_equals_the_bilingual_mix_that_was_made() -> None:
    bilingual = plan_mix(corpus(CELLS["L3-Bi-Sel"], 10**6), CELLS["L3-Bi-Sel"], 123_457)
    totals = language_totals((item.cell.lang, item.budget) for item in bilingual.cells)
    spec = CELLS["L3-Mono-Sel"].at(budget=None, mix={"rule": "match", "totals": totals})
    plan = plan_mix(corpus(CELLS["L3-Mono-Sel"], 10**6), spec)
    assert totals_by(plan, "lang") == totals
    assert plan.budget == 123_457


def test_the_share_of_code_is_a_parameter_and_said_to_be_ours() -> None:
    for name, spec in mixcpt_cells("1/3").items():
        assert any("share of code is not published" in line for line in spec.open) == ("Code" in name)
    plan = plan_mix(corpus(CELLS["V7-Mono+Code-Stag"], 10**9), mixcpt_cells(0.25)["V7-Mono+Code-Stag"])
    assert totals_by(plan, "kind")["code"] == pytest.approx(plan.budget / 4, abs=1)
    for share in (0, 1, -1, float("nan"), "much"):
        with pytest.raises(UserError, match="the share of code"):
            mixcpt_cells(share)


@pytest.mark.parametrize("name", shipped_mixes())
def test_each_names_its_sources_what_they_leave_open_and_related_languages(name: str) -> None:
    spec = load_mix(name)
    assert spec.name == name
    assert spec.about
    assert spec.sources
    assert spec.open
    assert all(
        re.search(r"arXiv:[0-9]{4}\.[0-9]{5}|https?://|[Mm]odel card|okenizer|Hugging Face", s) for s in spec.sources
    )
    assert spec.related or name == "glot500"  # which trains on everything it has
    trained = {side for lang in named(spec) for side in lang.split("-")}
    if name != "glot500":
        assert not trained & set(spec.related)
    for label in (*trained, *spec.related):
        assert normalize_label(label) == label


def test_the_published_numbers_of_languages() -> None:
    assert {name: len(named(load_mix(name))) for name in FILES} == {
        "centurio": 100,
        "glot500": 98,
        "maltese-domains": 1,
        "maltese-wikipedia": 1,
        "mbart50": 51,
        "umt5": 107,
        "xglm": 30,
        "xlm-r": 99,
    }


@pytest.mark.parametrize("name", FILES)
def test_each_file_plans_on_generated_sizes(name: str) -> None:
    spec = load_mix(name)
    cells = corpus(spec, 10**9)
    if name == "glot500":
        cells += [
            Cell("web", "mono", f"{code}_Latn", "", 40_000 * n, 100) for n, code in enumerate(("bci", "cak", "dyu"), 1)
        ]
        cells.append(Cell("web", "mono", "xav_Latn", "", 29_999, 100))
    plan = plan_mix(cells, spec, None if name == "glot500" else 10**6)
    totals = totals_by(plan, "lang")
    assert sum(totals.values()) == plan.budget
    assert totals_by(plan, "kind").get("code", 0) == 0 or name == "centurio"
    assert plan.related_trained == ()
    if name == "glot500":
        assert totals["eng_Latn"] == totals["bci_Latn"] == 30 * 40_000
        assert totals["cak_Latn"] == pytest.approx(30 * 40_000 * 2**0.3, abs=1)
        assert "xav_Latn" not in totals
    if name == "xglm":
        assert totals["kor_Hang"] / totals["eng_Latn"] == pytest.approx(0.0811 / 0.3259, rel=1e-3)
    if name == "centurio":
        assert totals["eng_Latn"] == 500_000
        assert max(totals.values()) - min(v for k, v in totals.items() if k != "eng_Latn") > 490_000
        assert {v for k, v in totals.items() if k != "eng_Latn"} <= {5050, 5051}
    if name == "umt5":
        assert set(totals.values()) <= {10**6 // 107, 10**6 // 107 + 1}


@pytest.mark.parametrize("name", [name for name in FILES if name != "glot500"])
def test_published_lists_do_for_data_that_has_a_part_of_them(name: str) -> None:
    spec = load_mix(name)
    cells = [cell for cell in corpus(spec, 10**6) if cell.lang in {*named(spec)[:3], "eng_Latn"}]
    plan = plan_mix(cells, spec, 1000)
    assert plan.budget == 1000
    assert len(plan.missing) >= len(named(spec)) - len(cells) or name.startswith("maltese")


def test_the_maltese_ladder() -> None:
    spec = load_mix("maltese-domains")
    cells = corpus(spec, 10**6)
    for budget in (200_000, 1_885_661):
        plan = plan_mix(cells, spec.at(budget=budget))
        assert plan.budget == budget
        assert len(totals_by(plan, "domain")) == 19
    assert totals_by(plan_mix(cells, load_mix("maltese-wikipedia")), "domain") == {"wiki": 10**6}


def test_the_files_lie_in_a_package() -> None:
    paths = [path for path in shipped_mixes().values() if path]
    assert paths
    for path in paths:
        assert isinstance(path, Path)
        assert (path.parent / "__init__.py").is_file()
