"""The page of effects says what the results hold, and the arithmetic of its intervals is right."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from tests.effects.experiment import (
    RESULTS,
    Claim,
    Experiment,
    Run,
    code_of,
    compared,
    experiments,
    run_missing,
    runs_of,
)
from tests.effects.findings import FINDINGS
from tests.effects.page import PAGE, PLOTS, page, plots


def test_the_page_is_made_from_the_results() -> None:
    assert PAGE.read_text("utf-8") == page()
    assert {one.name: one.read_text("utf-8") for one in PLOTS.glob("*.svg")} == plots()


def test_each_result_is_of_an_experiment_that_there_is() -> None:
    known = experiments()
    for line in RESULTS.read_text("utf-8").splitlines():
        run = Run(**json.loads(line))
        assert run.arm in known[run.experiment].arms
    assert {*FINDINGS} <= {*known}
    for experiment in known.values():
        assert all(claim.worse in experiment.arms and claim.better in experiment.arms for claim in experiment.claims)
        keys = [(one.arm, one.seed) for one in runs_of(experiment)]
        assert len(keys) == len({*keys})


def runs_with(**values: list[float]) -> list[Run]:
    return [
        Run("x", arm, seed, {"m": value}, "", 0.0, "")
        for arm, given in values.items()
        for seed, value in enumerate(given)
    ]


@pytest.mark.parametrize(
    ("worse", "better", "lower", "verdict"),
    [
        ([1.0, 2.0, 3.0], [2.0, 3.1, 3.9], False, "agrees"),
        ([1.0, 2.0, 3.0], [2.0, 3.1, 3.9], True, "disagrees"),
        ([1.0, 2.0, 3.0], [2.0, 1.0, 4.0], False, "not shown"),
        ([1.0], [2.0], False, "not shown"),
    ],
)
def test_verdicts(worse: list[float], better: list[float], lower: bool, verdict: str) -> None:
    found = compared(Claim("m", "a", "b", "", lower), runs_with(a=worse, b=better))
    assert found is not None
    assert found.verdict == verdict
    gains = [b - a for a, b in zip(worse, better, strict=True)]
    mean = sum(gains) / len(gains)
    assert found.difference == pytest.approx(mean)
    if len(gains) == 3:
        error = math.sqrt(sum((one - mean) ** 2 for one in gains) / 2 / 3)
        assert found.interval == pytest.approx(4.30 * error)


def test_what_was_run_is_not_run_again(tmp_path: Path) -> None:
    ran: list[tuple[str, int]] = []

    def run(folder: Path, arm: str, seed: int) -> dict[str, float]:
        if (arm, seed) == ("b", 1) and ran.count(("a", 1)) == 1 and ("stop", 0) not in ran:
            ran.append(("stop", 0))
            raise KeyboardInterrupt
        ran.append((arm, seed))
        return {"m": float(seed)}

    experiment = Experiment("x", "", "", (), {"a": 1, "b": 2}, lambda shared, folder: None, run)
    path = tmp_path / "results.jsonl"
    with pytest.raises(KeyboardInterrupt):
        run_missing(experiment, tmp_path, (0, 1), path=path)
    assert len(run_missing(experiment, tmp_path, (0, 1), path=path)) == 4
    assert ran == [("a", 0), ("b", 0), ("a", 1), ("stop", 0), ("b", 1)]
    changed = Experiment("x", "", "", (), {"a": 9, "b": 2}, lambda shared, folder: None, run)
    assert runs_of(changed, path) == []


def test_rooms_that_move_leave_results_as_they_are() -> None:
    """Imports and comments are not what was measured; a number is."""
    one = code_of("from a import b\n\nSTEPS = 3  # few\n")
    assert code_of("from c.d import b\nimport e\n\nSTEPS = 3\n") == one
    assert code_of("from a import b\n\nSTEPS = 4\n") != one
