"""What TransliCo is for, on real text by `xlcorpus pretrain`: sentences find their partner in the other script."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.translico import LAYER, ROWS, WIDTH, Material, measured, prepare
from xlcorpus.dataset.storage import locate
from xlcorpus.pretrain.recipe import load_recipe
from xlcorpus.pretrain.train import Settings, pretrain


def pretrained(material: Material, tcm_weight: float) -> Any:
    """A model of the benchmark's shape, trained by a recipe."""
    from transformers import AutoModelForMaskedLM

    recipe = {
        "seed": 0,
        "tokenizer": str(material.folder / "tokenizer"),
        "start": {"shape": "xlm-roberta", "layers": LAYER, "width": WIDTH, "heads": 4},
        "data": [{"folder": str(material.folder / "packed"), "objective": "translico", "layer": LAYER}],
        "rows": ROWS,
        "batch": f"{ROWS} rows",
        "steps": 400,
        "optimizer": {"lr": 2e-3, "weight_decay": 0.01, "betas": [0.9, 0.999]},
        "schedule": {"name": "linear", "warmup": 0.1, "min_lr": 0.0},
    }
    recipe["data"][0]["tcm_weight"] = tcm_weight
    path, output = material.folder / "recipe.yaml", material.folder / f"model {tcm_weight}"
    path.write_text(json.dumps(recipe), "utf-8")  # JSON is YAML
    said: list[str] = []
    assert pretrain(load_recipe(str(path)), locate(output), Settings(say=said.append)) == 0
    assert f"400 steps of {ROWS} rows ({ROWS} x 1)" in said[0]
    return AutoModelForMaskedLM.from_pretrained(output).eval()


@pytest.mark.slow
@pytest.mark.timeout(1800)  # two small models, 60 CPU s each
def test_the_contrastive_term_aligns_scripts_and_mlm_on_both_views_does_not(shared_data: Path, tmp_path: Path) -> None:
    material = prepare(shared_data, tmp_path)
    contrasted, alone = (measured(pretrained(material, weight), material) for weight in (0.5, 0.0))
    for task, least in (("translated", 0.08), ("romanised", 0.25)):  # measured: 0.118 and 0.403, chance 0.003
        assert contrasted[f"{task} top_1"] > least
        assert contrasted[f"{task} top_1"] >= 5 * alone[f"{task} top_1"]
        assert alone[f"{task} top_1"] < 0.03
