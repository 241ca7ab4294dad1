"""The shipped pretraining recipes of published methods are read, planned and, in the slow tier, trained."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.initialize.starts import MASKED, begin
from tests.packed import SAMPLE, packs, view
from tests.pretrain.runs import metrics
from xlcorpus.initialize.start import copy_tokenizer
from xlcorpus.pretrain.recipe import load_recipe
from xlcorpus.pretrain.train import Settings, pretrain
from xlcorpus.tokenizer.open import open_tokenizer

METHODS = ("infoxlm", "csr4mbart", "langsamp", "contriever", "monobyte", "sixt")
_HELD: list[tempfile.TemporaryDirectory[str]] = []


@functools.cache
def model(shape: str) -> str:
    """A folder of a tiny model with random weights."""
    _HELD.append(tempfile.TemporaryDirectory())
    folder, tokenizer = Path(_HELD[-1].name), Path(SAMPLE)
    architecture = "AutoModelForSeq2SeqLM" if shape == "mbart" else MASKED
    begin(tokenizer, architecture, shape=shape, width=16, heads=2, layers=2, length=64).model.save_pretrained(folder)
    copy_tokenizer(open_tokenizer(tokenizer), tokenizer, folder)
    return str(folder)


def variables(name: str) -> dict[str, Any]:
    """Where the data is, and what must be smaller for it."""
    small = {"tokenizer": SAMPLE, "batch": "12 rows", "rows": 4}
    if name == "infoxlm":
        return small | {"model": model("xlm-roberta"), "blocks": packs(), "pairs": view("tlm"), "queue": 16, "layer": 1}
    if name == "csr4mbart":
        return small | {"model": model("mbart"), "restore": view("restore"), "pairs": view("bitext"), "warmup": 2}
    if name == "langsamp":
        return small | {"model": model("xlm-roberta"), "packs": packs(pure=True)}
    if name == "contriever":
        return small | {"model": model("bert"), "crops": view("crops"), "queue": 16}
    if name == "monobyte":
        return {"packs": packs(tokenizer="bytes"), "batch": "12 rows", "rows": 4}
    return small | {"model": model("xlm-roberta"), "pairs": view("bitext"), "heads": 2, "residual": 0}


def recipe(name: str, *more: str) -> Any:
    """The shipped one on the small data."""
    given = [f"variables.{key}={value}" for key, value in variables(name).items()]
    return load_recipe(f"pretrain/{name}", [*given, *more])


@pytest.mark.parametrize("name", METHODS)
def test_planned(name: str, tmp_path: Path) -> None:
    said: list[str] = []
    assert pretrain(recipe(name), tmp_path / "out", Settings(plan_only=True, say=said.append)) == 0
    stages = [line for line in said if line.startswith("stage ") and " steps of " in line]
    assert len(stages) == (2 if name in ("csr4mbart", "sixt") else 1)
    assert any("parameters" in line for line in said)


@pytest.mark.slow
@pytest.mark.parametrize("name", METHODS)
def test_trained(name: str, tmp_path: Path) -> None:
    short = {"csr4mbart": ("restoring", "translating"), "sixt": ("first", "second")}.get(name, ("steps",))
    fewer = [f"variables.{key}=4" for key in short]
    assert pretrain(recipe(name, *fewer), tmp_path / "out", Settings(say=lambda _: None)) == 0
    assert all(line["loss"] >= 0 for line in metrics(tmp_path) if "loss" in line)
