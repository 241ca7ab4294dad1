"""What a run measures of the rows held out, and what `xlcorpus evaluate` finds of the model that it leaves."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from click.testing import CliRunner

from tests.evaluate.models import tiny
from tests.packed import SAMPLE, packs, view
from xlcorpus.cli import main as entry
from xlcorpus.evaluate.held_out import HeldOut, losses
from xlcorpus.loader.source import Source, open_source
from xlcorpus.pretrain.recipe import EvaluationOptions


def test_packs_have_bits_and_views_losses() -> None:
    mlm, views = open_source(packs(28, 2, objective="mlm"), "mlm"), _translico()
    data = SimpleNamespace(sources=(mlm, views), names=("mlm", "translico"), holdouts=((0, mlm.rows), (1, views.rows)))
    stage = SimpleNamespace(evaluation=EvaluationOptions(rows=6, batch=4))
    model = tiny("XLMRobertaForMaskedLM").eval()
    found = HeldOut(SAMPLE)(model, data, stage)  # type: ignore[arg-type]
    measured = found["mlm"]["pseudo_bits_per_byte"]
    assert measured["all"]["pseudo_bits_per_byte"] > 1
    assert set(found["translico"]) == {"loss", "mlm_text", "mlm_text_latn", "tcm"}
    assert found["translico"] == losses(model, views.objective, views.rows, batch=4, limit=6)
    assert not model.training


def test_losses_are_means_over_rows() -> None:
    views, model = _translico(), tiny("XLMRobertaForMaskedLM").eval()
    by_two, by_four = (losses(model, views.objective, views.rows, batch=size, limit=8) for size in (2, 4))
    assert by_two["mlm_text"] == pytest.approx(by_four["mlm_text"], rel=0.05)  # a mean over labels, by batch
    assert by_two["tcm"] < by_four["tcm"]  # fewer to choose from
    assert losses(model, views.objective, views.rows, batch=2, limit=8) == by_two


def _translico() -> Source:
    return open_source(view("translico"), "translico", {"layer": 2})


@pytest.mark.slow
def test_a_trained_model_has_the_bits_that_its_run_told(tmp_path: Path) -> None:
    held = packs(60, 2)
    recipe = {
        "name": "small",
        "tokenizer": SAMPLE,
        "start": {"shape": "llama", "layers": 2, "width": 32, "heads": 2},
        "data": [{"folder": str(held), "objective": "clm", "holdout": str(held)}],
        "batch": 256,
        "rows": 4,
        "steps": 8,
        "evaluation": {"rows": 24, "batch": 8},
    }
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe), "utf-8")
    model, report = tmp_path / "model", tmp_path / "report"
    asked = ["--bits", str(held), "--rows", "24", "--output", str(report)]
    for arguments in (
        ["pretrain", str(tmp_path / "recipe.yaml"), "--output", str(model)],
        ["evaluate", str(model), *asked],
    ):
        result = CliRunner().invoke(entry.cli, arguments, catch_exceptions=False)
        assert result.exit_code == 0, result.output
    lines = [json.loads(line) for line in (model / "metrics.jsonl").read_text("utf-8").splitlines()]
    told = [line["evaluation"]["clm"] for line in lines if "evaluation" in line]
    found = json.loads((report / "evaluation.json").read_text("utf-8"))["bits"][str(held)]
    assert told[-1]["bits_per_byte"]["all"]["bits_per_byte"] < told[0]["bits_per_byte"]["all"]["bits_per_byte"]
    for lang, facts in [*found["languages"].items(), ("all", found["all"])]:
        expected = told[-1]["bits_per_byte"][lang]
        assert facts["bits_per_byte"] == pytest.approx(expected["bits_per_byte"], abs=1e-6)
        assert facts["error"] == pytest.approx(expected["error"], abs=1e-6)
