"""Mixes as they are written: every fault is named with its place; what is written reads back."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.mix.mix_helpers import totals_by
from xlcorpus.errors import UserError
from xlcorpus.mix.allocate import plan_mix
from xlcorpus.mix.cells import KEYS, Cell
from xlcorpus.mix.ratios_option import spec_of_ratios
from xlcorpus.mix.rule import RULES
from xlcorpus.mix.rules.match import references, resolve
from xlcorpus.mix.rules.ratios import Ratios
from xlcorpus.mix.shipped import load_mix
from xlcorpus.mix.spec import Node, parse_mix


def fault(content: Any) -> str:
    """The message for a mix that is wrong."""
    with pytest.raises(UserError) as caught:
        parse_mix(content, "mix.yaml")
    assert caught.value.message.startswith("mix.yaml: ")
    return caught.value.message.removeprefix("mix.yaml: ")


def ratios(**shares: Any) -> dict[str, Any]:
    return {"mix": {"by": "lang", "rule": "ratios", "ratios": shares}}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            ratios(eng_Latn=0.5, swh_Latn=0.6),
            "mix: the ratios sum to 1.1, not 1 (in proportion: 0.45454545, 0.54545455)",
        ),
        (ratios(eng_Latn=1.5, swh_Latn=-0.5), "mix.ratios.swh_Latn: -0.5 is not above 0"),
        (ratios(eng_Latn=1, swh_Latn=0), "mix.ratios.swh_Latn: 0 is not above 0"),
        (ratios(eng_Latn=float("nan")), "mix.ratios.eng_Latn: nan is not a finite number"),
        (ratios(eng_Latn="half"), "mix.ratios.eng_Latn: 'half' is not a number"),
        (ratios(**{"eng_Latn-zul_Latn": 0.5, "zul_Latn-eng_Latn": 0.5}), "mix: 'eng_Latn-zul_Latn' is given twice"),
        (ratios(), "mix.ratios: it names nothing"),
        ({"mix": {"parts": [{"share": 0.5}, {"share": 0.4}]}}, "the shares of the parts sum to 0.9, not 1"),
        ({"mix": {"parts": [{"share": 1.5}]}}, "mix.parts[0].share: 1.5 is no share"),
        (
            {"mix": {"parts": [{"where": {"lang": ["a", "a"]}, "share": 1}]}},
            "mix.parts[0].where.lang: 'a' is given twice",
        ),
        ({"mix": {"parts": [{"where": {"lang": []}, "share": 1}]}}, "mix.parts[0].where.lang"),
        (
            {"mix": {"parts": [{"where": {"land": "x"}, "share": 1}]}},
            "mix.parts[0].where: unknown key 'land'; did you mean 'lang'?",
        ),
        ({"mix": {"parts": [{"shares": 1}]}}, "mix.parts[0]: unknown key 'shares'; did you mean 'share'?"),
        (
            {"mix": {"parts": [{"share": 1, "within": {"rulle": "uniform"}}]}},
            "within: unknown key 'rulle'; did you mean 'rule'?",
        ),
        ({"mix": {"parts": [{"share": 1}], "by": "lang"}}, "`parts` stand alone, without by"),
        ({"mix": {"rule": "unimaks", "by": "lang"}}, "mix.rule: 'unimaks' is not known; did you mean 'unimax'?"),
        ({"mix": {"by": "langs"}}, "mix.by: 'langs' is not known; did you mean 'lang'?"),
        (
            {"mix": {"rule": "uniform"}},
            "mix: the rule 'uniform' needs `by`: one of source, kind, lang, direction, script, domain, cell",
        ),
        ({"mix": {"within": {"rule": "exponent", "alpha": 1}}}, "mix.within: the rule 'exponent' needs `by`"),
        ({"mix": {"rule": "exponent", "by": "lang"}}, "mix: the rule 'exponent' needs 'alpha'"),
        ({"mix": {"rule": "exponent", "by": "lang", "alpha": -1}}, "mix.alpha: -1 is below 0"),
        ({"mix": {"rule": "temperature", "by": "lang", "temperature": 0}}, "mix.temperature: 0 is not above 0"),
        (
            {"mix": {"rule": "uniform", "by": "lang", "alpha": 1}},
            "the rule 'uniform' has no 'alpha': it takes no parameter",
        ),
        ({"mix": {"rule": "unimax", "by": "lang", "on_cap": "fail"}}, "UniMax passes on"),
        (
            {"mix": {"rule": "unimax", "by": "lang", "on_cap": "drop"}},
            "mix.on_cap: 'drop' is not known; it is 'fail' or",
        ),
        ({"mix": {"rule": "unimax", "by": "lang", "epochs": 0}}, "mix.epochs: 0 is not above 0"),
        ({"mix": {"rule": "ratios", "by": "cell", "ratios": {"a": 1}}}, "the rule 'ratios' names groups"),
        ({"mix": {"rule": "match"}}, "needs either `totals` or `to`"),
        ({"mix": {"rule": "match", "totals": {"a": 1}, "to": "x"}}, "needs either `totals` or `to`"),
        ({"mix": {"rule": "match", "totals": {"a": 0}}}, "mix.totals: the total of 'a' is 0"),
        ({"mix": {"rule": "english", "share": 0.5, "rest": {"by": "kind"}}}, "`rest` shares out the same groups"),
        ({"mix": {"rule": "replay", "share": 0.5, "names": []}}, "mix.names"),
        (
            {"mix": {"rule": "rehydrate", "weights": {2: 1}}},
            "mix.weights: weights: the weights must begin with cluster size 1",
        ),
        ({"mix": {}, "budget": "2X"}, "budget: '2X' is not a size"),
        ({"mix": {}, "max_epochs": 0}, "max_epochs: 0 is not above 0"),
        ({"mix": {}, "unit": "words"}, "unit: 'words' is not known"),
        ({"mix": {}, "missing": "ignore"}, "missing: 'ignore' is not known; it is 'fail' or 'skip'"),
        ({"mix": {}, "seeds": 3}, "unknown key 'seeds'; "),
        ({}, "mix is missing"),
        ([1], "a mix is a mapping with the key `mix`; this is a list"),
    ],
)
def test_faults_are_named_with_their_place(content: Any, words: str) -> None:
    assert words in fault(content)


def test_a_file_names_itself_and_repeated_names_their_line(tmp_path: Path) -> None:
    file = tmp_path / "ours.yaml"
    file.write_text("mix:\n  by: lang\n  rule: ratios\n  ratios: {eng_Latn: 0.5, swh_Latn: 0.5}\n", encoding="utf-8")
    assert load_mix(file).name == "ours"
    file.write_text("mix:\n  by: lang\n  rule: ratios\n  ratios:\n    a: 0.5\n    a: 0.5\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"ours.yaml, line 6, .*'a' is here twice"):
        load_mix(str(file))
    file.write_text("mix: {by: lang, rule: ratios, ratios: {a: .nan}}\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"ours.yaml: mix.ratios.a: nan is not a finite number"):
        load_mix(file)
    with pytest.raises(UserError, match="no mix file 'umt6' and no shipped mix of that name; did you mean 'umt5'"):
        load_mix("umt6")


def test_no_parameter_of_a_rule_is_a_key_of_nodes() -> None:
    """They stand side by side in a spec."""
    for rule in RULES.all.values():
        assert not set(rule.parameters()) & set(Node.model_fields)


SIMPLE: list[dict[str, Any]] = [
    {"rule": "proportional", "by": "lang"},
    {"rule": "ratios", "by": "source", "ratios": {"web": "1/3", "wiki": "2/3"}},
    {"rule": "ratios", "by": "source", "ratios": {"web": 3, "wiki": 1}, "normalize": True},
    {"rule": "exponent", "by": "lang", "alpha": 0.3, "limit": 1000},
    {"rule": "temperature", "by": "lang", "temperature": 1.5},
    {"rule": "uniform", "by": "domain", "on_cap": "redistribute"},
    {"rule": "unimax", "by": "script", "epochs": 4},
    {"rule": "english", "share": 0.5, "rest": {"rule": "uniform"}},
    {"rule": "anchor", "by": "domain", "name": "law", "share": 0.5},
    {"rule": "replay", "names": ["eng_Latn"], "share": 0.2, "among": {"rule": "uniform"}, "rest": {"rule": "unimax"}},
    {"rule": "floor", "alpha": 0.3, "scale": 30, "least": 30000, "names": ["eng_Latn"]},
    {"rule": "match", "totals": {"eng_Latn": 5}},
    {"rule": "match", "to": "out/bilingual"},
    {"rule": "rehydrate", "weights": {1: 1, 2: 3}, "within": {"rule": "unimax", "by": "lang"}},
    {"rule": "rehydrate"},
]


@given(st.lists(st.sampled_from(SIMPLE), min_size=1, max_size=4), st.sampled_from([None, "2M", 5000]))
def test_what_is_written_reads_back(nodes: list[dict[str, Any]], budget: Any) -> None:
    parts = [{"where": {"kind": f"k{n}"}, "share": f"1/{len(nodes)}", "within": node} for n, node in enumerate(nodes)]
    spec = parse_mix({"name": "x", "budget": budget, "sources": ["y"], "mix": {"parts": parts}})
    assert parse_mix(json.loads(json.dumps(spec.to_json()))) == spec
    assert spec.budget == (2_000_000 if budget == "2M" else budget)
    assert spec.at(budget=7).budget == 7
    assert spec.at(budget=7).mix == spec.mix


def test_fractions_are_exact() -> None:
    thirds = parse_mix({"mix": {"parts": [{"share": "1/3"}, {"share": "2/3"}]}})
    assert thirds.mix.parts is not None
    assert [part.share for part in thirds.mix.parts] == [Fraction(1, 3), Fraction(2, 3)]
    tenths = parse_mix(ratios(a=0.1, b=0.2, c=0.7)).mix.rule
    assert isinstance(tenths, Ratios)
    assert sum(tenths.ratios.values()) == 1
    # Six digits are enough, as on the command line.
    near = parse_mix(ratios(a=0.333333, b=0.666667)).mix.rule
    assert isinstance(near, Ratios)
    assert near.ratios == {"a": Fraction(333333, 10**6), "b": Fraction(666667, 10**6)}
    parse_mix(ratios(a=0.333333, b=0.333333, c=0.333333))


def test_shares_that_sum_to_nearly_one_are_taken_as_proportions() -> None:
    spec = parse_mix({"mix": {"parts": [{"where": {"source": name}, "share": 0.333333} for name in "abc"]}})
    cells = [
        Cell(name, "mono", "yor_Latn", "", units, 1) for name, units in (("a", 333_333), ("b", 10**6), ("c", 10**6))
    ]
    assert totals_by(plan_mix(cells, spec, "largest"), "source") == {"a": 333_333, "b": 333_333, "c": 333_333}


def test_another_mix_is_named_first_and_its_numbers_follow() -> None:
    tree = {
        "parts": [
            {"where": {"kind": "mono"}, "share": 0.9, "within": {"rule": "match", "to": "out/bi"}},
            {"where": {"kind": "code"}, "share": 0.1, "within": {"rule": "match", "by": "domain", "to": "out/bi"}},
        ]
    }
    spec = parse_mix({"mix": tree})
    assert references(spec) == (("out/bi", "lang"), ("out/bi", "domain"))
    achieved = {"lang": {"eng_Latn": 30, "zul_Latn": 60, "khm_Khmr": 0}, "domain": {"python": 7}}
    resolved = resolve(spec, lambda mix, key: achieved[key])
    assert references(resolved) == ()
    cells = [Cell("web", "mono", lang, "", 100, 1) for lang in achieved["lang"]]
    plan = plan_mix([*cells, Cell("stack", "code", "", "python", 100, 1)], resolved, 100)
    assert totals_by(plan, "lang") == {"eng_Latn": 30, "none": 10, "zul_Latn": 60}
    with pytest.raises(UserError, match="'out/bi' that is to be matched holds nothing"):
        resolve(spec, lambda mix, key: {"eng_Latn": 0})


def test_ratios_of_the_command_line_are_parts_with_sources_first() -> None:
    cells = [
        Cell("web", "mono", "eng_Latn", "", 1000, 1),
        Cell("code", "code", "eng_Latn", "", 1000, 1),
        Cell("web", "mono", "swh_Latn", "", 1000, 1),
    ]
    spec = spec_of_ratios({"eng_Latn": 0.3, "code": 0.7}, {"eng_Latn": "lang", "code": "source"})
    plan = plan_mix(cells, spec, 1000)
    assert [(item.cell.source, item.cell.lang, item.budget) for item in plan.cells] == [
        ("code", "eng_Latn", 700),
        ("web", "eng_Latn", 300),
        ("web", "swh_Latn", 0),
    ]
    with pytest.raises(UserError, match=r"sum to 0\.5"):
        spec_of_ratios({"eng_Latn": 0.5}, {"eng_Latn": "lang"})


def test_keys_are_those_of_cells() -> None:
    assert {key: Cell("web", "mono", "yor_Latn", "law", 1, 1).value(key) for key in KEYS} == {
        "source": "web", "kind": "mono", "lang": "yor_Latn", "direction": "none", "script": "Latn",
        "domain": "law",
    }  # fmt: skip
