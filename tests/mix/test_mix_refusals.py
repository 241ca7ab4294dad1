"""Every refusal of the step, with its numbers and remedies, and that it leaves nothing behind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.mix.mix_helpers import finished
from tests.mix.mixing import mixed, refused, units_by
from tests.mix.plans import allocate, mix, refusal
from tests.rows import documents
from tests.running import run, write_recipe
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.errors import UserError
from xlcorpus.mix.cells import Cell
from xlcorpus.mix.units import TOKEN_ESTIMATE


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "mix: nothing says what the mixture is\n  remedy: give one of --ratios, --rule, --mix"),
        ({"ratios": {"web": 1.0}, "rule": "unimax"}, "mix: --ratios and --rule says what the mixture is"),
        ({"ratios": {"web": 1.0}, "mix": "xglm"}, "mix: --ratios and --mix says"),
        ({"rule": "unimax", "mix": "xglm"}, "mix: --rule and --mix says"),
        ({"ratios": {"web": 1.0}, "by": "lang"}, "--by goes with --rule"),
        ({"ratios": {"web": 0.5, "swh_Latn": 0.4}}, "--ratios sum to 0.9, not 1\n  remedy: in the same proportions:"),
        ({"ratios": "eng_Latn=0.5,swh_Latn=0.25,eng_Latn=0.25"}, "--ratios: 'eng_Latn' is given twice"),
        ({"ratios": {"web": 1.5, "swh_Latn": -0.5}}, "--ratios: the share of 'web' is 1.5"),
        ({"ratios": "swh_Latn=-0.5,web=1"}, "--ratios: the share of 'swh_Latn' is -0.5"),
        ({"ratios": "swh_Latn=nan,web=1"}, "--ratios: the share of 'swh_Latn' is nan"),
        ({"ratios": {"web": float("nan")}}, "--ratios: the share of 'web' is nan"),
        ({"ratios": "swh_Latn"}, "--ratios: 'swh_Latn' is not NAME=SHARE"),
        ({"ratios": {"swx_Latn": 1.0}}, "'swx_Latn'; did you mean 'swh_Latn'?"),
        ({"ratios": {"wob": 1.0}}, "'wob'; did you mean 'web'?"),
        ({"ratios": {"code": 1.0}}, "no document has the language, kind or source 'code'"),
        ({"rule": "unimx"}, "there is no rule 'unimx' that one value describes; did you mean 'unimax'?"),
        ({"rule": "temperature"}, "--rule temperature needs its temperature"),
        ({"rule": "uniform=3"}, "--rule uniform takes no value"),
        ({"rule": "exponent=soon"}, "--rule exponent=soon: mix.alpha: 'soon' is not a number"),
        ({"rule": "rehydrate", "by": "lang"}, "--by: the rule 'rehydrate' shares out among nothing"),
        ({"rule": "english=0.5", "by": "kind"}, "no document has the kind 'eng_Latn'"),
        ({"mix": "xglmm"}, "no shipped mix of that name; did you mean 'xglm'?"),
        ({"rule": "uniform", "template": "{texts}"}, "there is no column 'texts' in"),
        ({"rule": "uniform", "template": "no column"}, "--template 'no column' uses no column"),
        ({"rule": "uniform", "template": "chat"}, "--template chat is that of a tokenizer"),
        ({"rule": "uniform", "template": "{src} {tgt"}, "--template '{src} {tgt': expected '}'"),
        ({"rule": "uniform", "tokenizer": "nowhere.model"}, "there is no tokenizer nowhere.model"),
        ({"rule": "uniform", "budget": "lots"}, "--budget 'lots' is not a size"),
        ({"rule": "uniform", "max_epochs": 0}, "max_epochs: "),
        ({"rule": "uniform", "exchange": "post"}, "exchange: "),
        ({"match_tokens_to": "nowhere"}, "nowhere is not a dataset"),
    ],
)
def test_refusals(data: Path, tmp_path: Path, options: dict[str, Any], message: str) -> None:
    assert message in refused(data, tmp_path / "out", **options)


@pytest.mark.parametrize("rule", ["unimax", {"rule": "floor", "alpha": 0.3}, {"rule": "exponent", "alpha": 0.3}])
@pytest.mark.parametrize("by", ["lang", "script", "domain"])
def test_a_rule_over_what_no_text_has_is_refused(rule: Any, by: str) -> None:
    """It would share out among one group: the rule would do nothing, and nobody would know."""
    node = {**(rule if isinstance(rule, dict) else {"rule": rule}), "by": by}
    plain = [Cell("web", "mono", "", "", 500, 5), Cell("code", "code", "", "", 90, 3)]
    said = refusal(plain, mix(node), 60)
    assert f"shares out by {by}, and no text has one" in said
    assert ("identify" in said) == (by != "domain")
    named = {"rule": "ratios", "ratios": {"none": 1}, "by": by}
    assert sum(item.budget for item in allocate(plain, mix(named), 60)) == 60
    one_with = [*plain, Cell("web", "mono", "tha_Thai", "news", 500, 5)]
    assert sum(item.budget for item in allocate(one_with, mix(node), 60)) > 0
    assert sum(item.budget for item in allocate(plain, mix({"rule": "proportional", "by": by}), 60)) == 60


def test_what_an_option_cannot_mean_is_refused_when_the_recipe_is_read(tmp_path: Path) -> None:
    """Not after the steps before the mix have run."""
    for options, message in (({}, "nothing says"), ({"rule": "unimx"}, "no rule"), ({"rule": "floor"}, "needs its")):
        steps = [{"step": "ingest", "files": "nowhere.jsonl"}, {"step": "mix", **options}]
        with pytest.raises(UserError, match=message):
            run(write_recipe(tmp_path, json.dumps({"steps": steps})), tmp_path / "out")


def test_a_budget_beyond_the_data_is_refused_with_the_numbers(data: Path, tmp_path: Path) -> None:
    options: dict[str, Any] = {"ratios": {"tha_Thai": 0.5, "eng_Latn": 0.5}, "unit": "docs"}
    message = refused(data, tmp_path / "no", **options, budget=60, max_epochs=1)
    assert "a budget of 60 docs needs more than there is:" in message
    assert "part 1 (lang tha_Thai): 30 docs asked, 20 there: 1.50 epochs; the cap allows 20" in message
    assert "eng_Latn" not in message
    assert "remedy: --max-epochs 1.5, or --budget 40 with these rules" in message
    for budget, epochs in ((60, 1.5), (40, 1)):
        dataset = mixed(data, tmp_path / str(budget), **options, budget=budget, max_epochs=epochs)
        assert units_by(dataset, "lang") == dict.fromkeys(("tha_Thai", "eng_Latn"), budget // 2)


def test_a_source_without_documents_or_without_text(data: Path, tmp_path: Path) -> None:
    finished(tmp_path / "none", documents([], []))
    assert "the inputs hold no docs" in refused(tmp_path, tmp_path / "a", ("none",), rule="uniform", unit="docs")
    assert "no document has the language, kind or source 'web'" in refused(
        tmp_path, tmp_path / "b", ("none",), ratios={"web": 1.0}
    )
    blank = documents(["", None], ["wol_Latn"] * 2, names=["a", "b"])
    blank = blank.set_column(blank.schema.get_field_index("source"), "source", pa.array(["blank"] * 2))
    finished(tmp_path / "blank", blank)
    both = (str(data / "web"), str(tmp_path / "blank"))
    assert "the documents of the source 'blank' hold no tokens\n  remedy: leave 'blank' out" in refused(
        tmp_path, tmp_path / "c", both, ratios={"web": 0.5, "blank": 0.5}
    )
    # Beside others a dataset without rows does no harm.
    dataset = mixed(tmp_path, tmp_path / "d", (both[0], str(tmp_path / "none")), ratios={"web": 1.0}, unit="docs")
    assert dataset.manifest.rows == 700


def test_a_dataset_given_twice(data: Path, tmp_path: Path) -> None:
    assert "is given twice (or a copy of it)" in refused(data, tmp_path / "twice", ("web", "web"), rule="uniform")


def test_what_cannot_be_matched(data: Path, tmp_path: Path, through_files: Dataset) -> None:
    assert f"{data / 'web'} is no mix: there is nothing to match" in refused(
        data, tmp_path / "a", match_tokens_to=str(data / "web")
    )
    message = refused(data, tmp_path / "b", match_tokens_to=str(through_files.folder))
    assert f"was counted in chars, this mix in {TOKEN_ESTIMATE}" in message
    assert "remedy: use the same --unit, --tokenizer and --objective" in message
    message = refused(data, tmp_path / "c", ("switched",), match_tokens_to=str(through_files.folder), unit="chars")
    assert "no document has the lang 'ell_Grek'" in message


def test_directions_that_would_turn_nothing(data: Path, tmp_path: Path) -> None:
    message = refused(data, tmp_path / "a", ("web",), rule="proportional", directions="both")
    assert "--directions: no input holds sentence pairs" in message
    message = refused(data, tmp_path / "b", ("opus",), rule="proportional", directions="into=hin_Deva")
    assert "--directions into=hin_Deva: no pair has that language" in message
    several = mixed(data, tmp_path / "several", ("opus", "web"), rule="proportional", unit="docs")
    message = refused(data, tmp_path / "c", ("opus", str(several.folder)), rule="proportional", directions="swapped")
    assert f"{several.folder} is a mix of several kinds, whose pairs stay as they are" in message
