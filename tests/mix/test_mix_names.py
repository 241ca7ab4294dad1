"""Names that no document bears, budgets that cannot be: what is said, and what is left out where it may be."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.mix.mix_helpers import totals_by
from tests.mix.plans import COMPOSED, CORPUS, languages, mix, refusal
from xlcorpus.mix.achieved import near_lines
from xlcorpus.mix.allocate import plan_mix
from xlcorpus.mix.cells import Cell


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


@pytest.mark.parametrize(
    ("node", "words"),
    [
        (
            {"by": "lang", "rule": "ratios", "ratios": {"swx_Latn": 1}},
            "no document has the lang 'swx_Latn'; did you mean",
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
        ({"rule": "floor", "alpha": 0.3, "least": 10**9}, "`least: 1000000000` leaves no new language"),
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


@pytest.mark.parametrize("key", ["lang", "direction"])
def test_a_missing_language_that_is_there_in_another_script_is_noted(key: str) -> None:
    langs = ("eng_Latn-srp_Latn", "deu_Latn-eng_Latn", "uzb_Cyrl", "kor_Hang-eng_Latn")
    cells = [Cell("web", "bi", lang, "", 10, 1000) for lang in langs]
    ratios = {"eng_Latn-srp_Cyrl": 0.5, "deu_Latn-eng_Latn": 0.25, "fra_Latn-eng_Latn": 0.25}
    plan = plan_mix(cells, mix({"by": key, "rule": "ratios", "ratios": ratios}, missing="skip"), 10)
    (line,) = near_lines(plan)
    assert line == "NOTE: eng_Latn-srp_Cyrl is missing, and eng_Latn-srp_Latn is there and not in the mix"


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


def test_a_long_refusal_is_cut() -> None:
    message = refusal(languages([1] * 40), mix({"by": "lang", "rule": "uniform"}), 80)
    assert message.count("asked") == 12
    assert "and 28 more" in message
