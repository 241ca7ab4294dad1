"""Weights that an objective has of its own: trained with the model, gone on with to the bit, and never a part of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from tests.objectives.drifting import KIND
from tests.packed import packs
from tests.pretrain.runs import STILL, TINY, metrics, recipe_file, run_processes, train, weights
from tests.pretrain.test_resume import Killed, kill, train_until
from xlcorpus.errors import UserError
from xlcorpus.objectives.objective import OBJECTIVES


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OBJECTIVES.all, KIND.name, KIND)


def data() -> list[dict[str, Any]]:
    return [{"folder": str(packs()), "objective": KIND.name}]


def own(folder: Path, stage: str = ".") -> dict[str, np.ndarray]:
    return dict(load_file(folder / "out" / stage / "objectives" / "drifting.safetensors"))


def test_they_are_trained_and_saved_beside_the_model(tmp_path: Path) -> None:
    assert train(tmp_path / "with", data=data()) == 0
    assert train(tmp_path / "plain") == 0
    assert {*own(tmp_path / "with")} == {"projection.weight", "projection.bias"}
    assert {*weights(tmp_path / "with")} == {*weights(tmp_path / "plain")}
    checkpoint = {*load_file(tmp_path / "with" / "out" / "checkpoints" / "train" / "step-6" / "model.safetensors")}
    assert {name.rpartition(".drifting.")[2] for name in checkpoint if "drifting" in name} == {
        "projection.weight", "projection.bias", "momentum.weight", "momentum.bias", "steps"
    }  # fmt: skip
    assert train(tmp_path / "none", data=data(), steps=0) == 0
    assert not np.array_equal(own(tmp_path / "none")["projection.weight"], own(tmp_path / "with")["projection.weight"])


def test_a_run_that_ended_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    assert train(tmp_path / "whole", data=data()) == 0
    for number, step in enumerate((3, 6)):
        with pytest.raises(Killed):
            train_until(step, kill, tmp_path / "ended", resume=number > 0, data=data())
    assert train(tmp_path / "ended", resume=True, data=data()) == 0
    assert weights(tmp_path / "ended") == weights(tmp_path / "whole")
    assert metrics(tmp_path / "ended") == metrics(tmp_path / "whole")
    for name, values in own(tmp_path / "whole").items():
        assert np.array_equal(values, own(tmp_path / "ended")[name])


def test_another_stage_goes_on_with_them(tmp_path: Path) -> None:
    """Also where a stage between them has another objective."""
    between = {"name": "between", "steps": 1, "data": [{"folder": str(packs()), "objective": "clm"}]}
    stages = [{"name": "first", "steps": 3}, between, {"name": "second", "steps": 0}]
    assert train(tmp_path, data=data(), steps=None, stages=stages) == 0
    first, second = own(tmp_path, "stages/first"), own(tmp_path)
    assert all(np.array_equal(first[name], second[name]) for name in first)

    wider = {**TINY["start"], "width": 32}
    assert train(tmp_path / "wide", data=data(), start=wider, steps=0) == 0
    moved = tmp_path / "wide" / "out" / "objectives" / "drifting.safetensors"
    moved.write_bytes((tmp_path / "out" / "objectives" / "drifting.safetensors").read_bytes())
    with pytest.raises(UserError, match=r"drifting.safetensors holds projection.*\[1, 16\].*has.*\[1, 32\]"):
        train(tmp_path / "on", data=data(), start={"model": str(tmp_path / "wide" / "out")}, steps=0)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_two_processes_are_as_one(tmp_path: Path) -> None:
    """DDP, at the same rows a step; a step of one rank's has no micro-batch of the second source."""
    changes: dict[str, Any] = {**STILL, "data": data(), "batch": "16 rows", "log_every": 1}
    assert train(tmp_path / "one", rows=8, **changes) == 0
    recipe_file(tmp_path / "two", rows=4, **changes)
    run_processes(tmp_path / "two", ranks=2, program=("-m", "tests.objectives.drifting"))
    ones, twos = own(tmp_path / "one"), own(tmp_path / "two")
    assert max(float(abs(ones[name] - twos[name]).max()) for name in ones) < 1e-5
