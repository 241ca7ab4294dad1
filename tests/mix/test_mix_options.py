"""What a user asks for, as a spec: one of ratios, a rule, a file and a match; and the errors of each."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.mix.mix_helpers import totals_by
from xlcorpus.dataset.manifest import Manifest
from xlcorpus.errors import IntegrityError, UserError
from xlcorpus.mix.achieved import achieved_totals, notes_of
from xlcorpus.mix.allocate import plan_mix
from xlcorpus.mix.cells import Cell
from xlcorpus.mix.exact import exact
from xlcorpus.mix.inputs import check_names, spec_of
from xlcorpus.mix.options import Options, simple_rules
from xlcorpus.mix.rules.exponent import Exponent
from xlcorpus.mix.rules.match import Match
from xlcorpus.mix.spec import MixSpec, needs, parse_mix

CELLS = (
    Cell("web", "mono", "swh_Latn", "", 4000, 40),
    Cell("web", "mono", "eng_Latn", "", 8000, 80),
    Cell("stack", "code", "", "", 500, 5),
    Cell("opus", "bi", "swh_Latn-eng_Latn", "", 600, 60),
    Cell("opus", "bi", "eng_Latn-swh_Latn", "", 400, 40),
)


def node_of(options: Options) -> dict[str, Any]:
    fixed = options.fixed()
    assert fixed is not None
    content: dict[str, Any] = fixed.to_json()["mix"]
    return content


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "nothing says what the mixture is\n.*give one of --ratios, --rule, --mix, --match-tokens-to"),
        ({"ratios": {"a": 1.0}, "rule": "unimax"}, "--ratios and --rule says? what the mixture is"),
        ({"rule": "unimax", "mix": "xglm"}, "--rule and --mix"),
        ({"mix": "xglm", "match_tokens_to": "out/bi"}, "--mix and --match-tokens-to"),
        (
            {"ratios": {"a": 1.0}, "rule": "uniform", "mix": "xglm", "match_tokens_to": "x"},
            "--ratios and --rule and --mix and",
        ),
        ({"ratios": {"a": 1.0}, "by": "kind"}, "--by goes with --rule"),
        ({"mix": "xglm", "on_cap": "fail"}, "--on-cap goes with --rule"),
    ],
)
def test_exactly_one_thing_is_asked_for(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        Options(**given)


@pytest.mark.parametrize(
    ("rule", "node"),
    [
        ("proportional", {"by": "lang"}),
        ("uniform", {"rule": "uniform", "by": "lang"}),
        ("unimax", {"rule": "unimax", "by": "lang"}),
        ("unimax=4", {"rule": "unimax", "by": "lang", "epochs": 4}),
        ("temperature=2", {"rule": "temperature", "by": "lang", "temperature": 2}),
        ("temperature=1.5", {"rule": "temperature", "by": "lang", "temperature": 1.5}),
        ("exponent=0.3", {"rule": "exponent", "by": "lang", "alpha": 0.3}),
        ("exponent=1/3", {"rule": "exponent", "by": "lang", "alpha": "1/3"}),
        ("english=0.5", {"rule": "english", "by": "lang", "share": 0.5}),
        ("floor=0.3", {"rule": "floor", "by": "lang", "alpha": 0.3}),
        ("rehydrate", {"rule": "rehydrate"}),
    ],
)
def test_rules_of_one_value(rule: str, node: dict[str, Any]) -> None:
    assert node_of(Options(rule=rule)) == node


def test_numbers_of_rules_are_exact() -> None:
    fixed = Options(rule="exponent=0.3").fixed()
    assert fixed is not None
    assert fixed.mix.rule == Exponent(alpha=Fraction(3, 10))


def test_a_rule_has_a_key_and_says_what_happens_at_the_cap() -> None:
    options = Options(rule="temperature=2", by="source", on_cap="redistribute", unit="bytes")
    assert node_of(options) == {
        "rule": "temperature", "temperature": 2, "by": "source", "on_cap": "redistribute",
    }  # fmt: skip
    fixed = options.fixed()
    assert fixed is not None
    assert (fixed.unit, fixed.name) == ("bytes", "--rule temperature=2")


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"rule": "unimx"}, r"no rule 'unimx' that one value describes; did you mean 'unimax'\?\n.*--mix"),
        ({"rule": ""}, "no rule '' that one value describes; known: "),
        ({"rule": "match"}, "no rule 'match' that one value describes"),
        ({"rule": "ratios"}, "no rule 'ratios'"),
        ({"rule": "replay=0.2"}, "no rule 'replay'"),
        ({"rule": "anchor=0.2"}, "no rule 'anchor'"),
        ({"rule": "uniform=2"}, "--rule uniform takes no value\n.*write --rule uniform"),
        ({"rule": "proportional="}, "--rule proportional takes no value"),
        ({"rule": "temperature"}, r"--rule temperature needs its temperature\n.*write --rule temperature=1\.5"),
        ({"rule": "exponent"}, r"--rule exponent needs its alpha\n.*write --rule exponent=0\.3"),
        ({"rule": "english"}, "--rule english needs its share"),
        ({"rule": "floor"}, "--rule floor needs its alpha"),
        ({"rule": "temperature=hot"}, r"--rule temperature=hot: mix\.temperature: 'hot' is not a number"),
        ({"rule": "temperature="}, r"--rule temperature=: mix\.temperature: '' is not a number"),
        ({"rule": "temperature=0"}, r"mix\.temperature: 0 is not above 0"),
        ({"rule": "exponent=-1"}, r"mix\.alpha: -1 is below 0"),
        ({"rule": "exponent=nan"}, r"mix\.alpha: .*not a (finite )?number"),
        ({"rule": "english=1.5"}, r"mix\.share: 1\.5 is no share"),
        ({"rule": "unimax=0"}, r"mix\.epochs: 0 is not above 0"),
        ({"rule": "unimax", "on_cap": "fail"}, "UniMax passes on"),
        ({"rule": "rehydrate", "by": "lang"}, "--by: the rule 'rehydrate' shares out among nothing"),
        ({"mix": "xglmm"}, r"no shipped mix of that name; did you mean 'xglm'\?"),
    ],
)
def test_rules_that_make_no_sense(request_: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        Options(**request_).fixed()


def test_every_rule_is_simple_or_refused() -> None:
    values = {"exponent": "0.3", "temperature": "2", "english": "0.5", "floor": "0.3"}
    for name in simple_rules():
        fixed = Options(rule=f"{name}={values[name]}" if name in values else name).fixed()
        assert fixed is not None
        assert fixed.mix.rule.name == name


def test_a_file_or_a_shipped_mix_in_another_unit(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("unit: chars\nbudget: 2k\nmix: {by: lang, rule: uniform}\n", encoding="utf-8")
    same, other = Options(mix=str(file)).fixed(), Options(mix=str(file), unit="docs").fixed()
    assert same is not None
    assert other is not None
    assert (same.name, same.unit, same.budget) == ("mine", "chars", 2000)
    assert other == same.at(unit="docs")
    shipped = Options(mix="xglm", unit="bytes").fixed()
    assert shipped is not None
    assert shipped.unit == "bytes"


def test_ratios_wait_for_the_data() -> None:
    options = Options(ratios={"code": 0.1, "eng_Latn": 0.5, "web": 0.4}, unit="bytes")
    assert options.fixed() is None
    spec = spec_of(options, CELLS, {})
    assert spec.unit == "bytes"
    assert spec.mix.parts is not None
    assert [(part.where.conditions(), part.share) for part in spec.mix.parts] == [
        ({"source": ("web",)}, exact(0.4)),
        ({"kind": ("code",)}, exact(0.1)),
        ({"lang": ("eng_Latn",)}, exact(0.5)),
    ]


@pytest.mark.parametrize("name", ["swh_Latn-eng_Latn", "eng_Latn-swh_Latn"])
def test_a_pair_of_languages_has_a_name_in_either_direction(name: str) -> None:
    options = Options(ratios={name: 0.5, "code": 0.5})
    check_names({name: 0.5, "code": 0.5}, {"eng_Latn-swh_Latn": 9, "eng_Latn": 1, "": 5}, {"opus": 9})
    plan = plan_mix(CELLS, spec_of(options, CELLS, {}), 1000)
    assert totals_by(plan, "lang") == {"eng_Latn-swh_Latn": 500, "none": 500}
    assert sum(item.budget > 0 for item in plan.cells) == 3


def test_documents_without_a_language_are_called_none() -> None:
    ratios = {"none": 0.5, "mono": 0.5}
    options = Options(ratios=ratios)
    check_names(ratios, {"": 9, "eng_Latn": 1}, {"web": 9})
    assert totals_by(plan_mix(CELLS, spec_of(options, CELLS, {}), 100), "lang") == {
        "eng_Latn": 33, "none": 50, "swh_Latn": 17,
    }  # fmt: skip
    with pytest.raises(UserError, match="'none'"):
        check_names(ratios, {"eng_Latn": 1}, {"web": 9})


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("swa", r"no document has the language, kind or source 'swa'; did you mean 'swh_Latn'\?"),
        ("cod", r"'cod'; did you mean 'code'\?"),
        ("webb", r"'webb'; did you mean 'web'\?"),
        ("gone", "'gone'"),
        ("poems", "'poems'"),
        ("", "''"),
    ],
)
def test_names_are_checked_before_anything_is_counted(name: str, message: str) -> None:
    languages, sources = {"swh_Latn": 5, "eng_Latn": 2}, {"web": 7, "gone": 0}
    with pytest.raises(UserError, match=message):
        check_names({"web": 0.5, name: 0.5}, languages, sources)
    check_names({"web": 0.5, "poems": 0.5}, languages, sources, ["poems"])


def test_a_kind_that_no_document_has_is_named_after_the_count() -> None:
    options = Options(ratios={"translit": 1.0})
    check_names({"translit": 1.0}, {}, {})
    with pytest.raises(UserError, match="no document has the language, kind or source 'translit'; known: "):
        spec_of(options, CELLS, {})


@pytest.mark.parametrize(
    ("content", "domain", "dup_size"),
    [
        ({"mix": {}}, False, False),
        ({"mix": {"by": "domain", "rule": "uniform"}}, True, False),
        ({"mix": {"by": "kind", "within": {"by": "domain"}}}, True, False),
        ({"mix": {}, "where": {"domain": "law"}}, True, False),
        ({"mix": {"parts": [{"where": {"domain": "law"}, "share": 1}]}}, True, False),
        ({"mix": {"rule": "rehydrate"}}, False, True),
        ({"mix": {"parts": [{"share": 1, "within": {"rule": "rehydrate", "within": {"by": "domain"}}}]}}, True, True),
        ({"mix": {"rule": "english", "share": 0.5, "rest": {"rule": "uniform"}}}, False, False),
    ],
)
def test_only_what_the_spec_asks_for_is_counted(content: dict[str, Any], domain: bool, dup_size: bool) -> None:
    assert needs(parse_mix(content)) == (domain, dup_size)
    assert needs(None) == (False, False)


def finished(folder: Path, notes: dict[str, Any]) -> str:
    """A finished dataset of no rows with these notes."""
    folder.mkdir(parents=True)
    schema = pa.schema([("text", pa.string())])
    Manifest("document-1", schema, (), {}, "x", "x", 0, (), (), (), (), notes).save(folder)
    return str(folder)


def bilingual(folder: Path, sides: dict[str, tuple[int, int]], unit: str = "bytes") -> str:
    """A mix of all of CELLS, whose manifest notes these units of the sides of pairs."""
    plan = plan_mix(CELLS, parse_mix({"unit": unit, "mix": {}}))
    achieved = {
        item.name: (item.budget, item.documents, *sides.get(item.cell.lang, (0, 0))) for item in plan.cells if item.path
    }
    return finished(folder, notes_of(plan, parse_mix({"unit": unit, "mix": {}}), achieved, unit))


def test_totals_of_a_mix_by_single_language(tmp_path: Path) -> None:
    """Pairs are divided by their two sides, in either direction; code has no language."""
    sides = {"swh_Latn-eng_Latn": (100, 200), "eng_Latn-swh_Latn": (150, 50)}
    mix = bilingual(tmp_path / "bi", sides)
    spec = Options(match_tokens_to=mix, unit="bytes").fixed()
    assert spec is not None
    totals = achieved_totals(spec, "bytes")
    # 1000 bytes of pairs: 350 of 500 parts are English.
    assert totals == {(mix, "lang"): {"eng_Latn": 8000 + 700, "swh_Latn": 4000 + 300}}
    resolved = spec_of(Options(match_tokens_to=mix, unit="bytes"), CELLS, totals)
    assert resolved.mix.rule == Match(totals={"eng_Latn": 8700, "swh_Latn": 4300}, nearest=True)


def test_sides_that_were_not_counted_are_halves(tmp_path: Path) -> None:
    mix = bilingual(tmp_path / "bi", {"swh_Latn-eng_Latn": (0, 0), "eng_Latn-swh_Latn": (0, 0)})
    spec = Options(match_tokens_to=mix, unit="bytes").fixed()
    assert achieved_totals(spec, "bytes")[mix, "lang"] == {"eng_Latn": 8500, "swh_Latn": 4500}


def test_totals_by_other_keys(tmp_path: Path) -> None:
    mix = bilingual(tmp_path / "bi", {})
    for key, totals in (
        ("kind", {"bi": 1000, "code": 500, "mono": 12_000}),
        ("source", {"opus": 1000, "stack": 500, "web": 12_000}),
        ("domain", {"none": 13_500}),
        ("script", {"Latn": 13_000, "none": 500}),
    ):
        spec = parse_mix({"unit": "bytes", "mix": {"rule": "match", "to": mix, "by": key}})
        assert achieved_totals(spec, "bytes") == {(mix, key): totals}
        assert totals_by(plan_mix(CELLS, spec_of_spec(spec, mix, totals)), key) == totals
    assert achieved_totals(None, "bytes") == {}
    assert achieved_totals(parse_mix({"mix": {}}), "bytes") == {}


def spec_of_spec(spec: MixSpec, mix: str, totals: dict[str, int]) -> MixSpec:
    """The spec with its totals, as the step resolves it."""
    folder = Path(mix).with_suffix(".yaml")
    folder.write_text(str(spec.to_json()), encoding="utf-8")  # JSON-like YAML
    return spec_of(Options(mix=str(folder)), CELLS, {(mix, spec.mix.key): totals})


def test_what_cannot_be_matched(tmp_path: Path) -> None:
    folder = finished(tmp_path / "plain", {"table": []})
    mix = bilingual(tmp_path / "bi", {})
    for name, unit, message in (
        (folder, "bytes", "plain is no mix: there is nothing to match\n.*name the output of `xlcorpus mix`"),
        (mix, "docs", "bi was counted in bytes, this mix in docs\n.*use the same --unit, --tokenizer and --objective"),
    ):
        with pytest.raises(UserError, match=message):
            achieved_totals(Options(match_tokens_to=name, unit=unit).fixed(), unit)
    with pytest.raises(IntegrityError, match="nowhere is not a dataset"):
        achieved_totals(Options(match_tokens_to=str(tmp_path / "nowhere")).fixed(), "tokens")
    empty = finished(tmp_path / "empty", {"cells": [], "languages": {}, "unit_means": "docs"})
    options = Options(match_tokens_to=empty, unit="docs")
    with pytest.raises(UserError, match="that is to be matched holds nothing"):
        spec_of(options, CELLS, achieved_totals(options.fixed(), "docs"))


@given(st.dictionaries(st.sampled_from(["web", "code", "eng_Latn", "mono", "bi"]), st.integers(1, 9), min_size=1))
def test_ratios_become_parts_that_sum_to_one(weights: dict[str, int]) -> None:
    whole = sum(weights.values())
    spec = spec_of(Options(ratios={name: weight / whole for name, weight in weights.items()}), CELLS, {})
    assert spec.mix.parts is not None
    assert Counter(name for part in spec.mix.parts for names in part.where.conditions().values() for name in names) == (
        Counter(weights.keys())
    )
    assert float(sum(part.share for part in spec.mix.parts)) == pytest.approx(1)


def test_a_tokenizer_for_another_unit_is_refused() -> None:
    from xlcorpus.pipelines.mix import STEP
    from xlcorpus.recipe.options import make_options

    values = {"rule": "uniform", "unit": "bytes", "tokenizer": "bytes"}
    with pytest.raises(UserError, match="--tokenizer counts tokens, and this mix counts bytes"):
        make_options(STEP, values, "here")
    assert make_options(STEP, values | {"unit": "tokens"}, "here").tokenizer == "bytes"  # type: ignore[attr-defined]
