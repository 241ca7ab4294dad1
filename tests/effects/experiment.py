"""What an experiment is, and its results: a line of `results.jsonl` for each arm and seed, never run twice."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import math
import pkgutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from benchmarks.machine import describe_machine
from xlcorpus.dataset.storage import fingerprint

RESULTS = Path(__file__).with_name("results.jsonl")
SEEDS = (0, 1, 2)
# Two-sided 95 % of Student's t, by degrees of freedom: of 3 seeds 2.
_STUDENT = {1: 12.71, 2: 4.30, 3: 3.18, 4: 2.78, 5: 2.57, 6: 2.45, 7: 2.36, 8: 2.31, 9: 2.26}


@dataclass(frozen=True)
class Claim:
    """What a publication says: of a measure, `better` is above (or, lower, below) `worse`. figure: its own numbers."""

    measure: str
    worse: str
    better: str
    figure: str
    lower: bool = False


@dataclass(frozen=True)
class Experiment:
    """arms: what differs, by name; prepare: from the shared data makes what all arms read, in a folder; run: the
    measures of an arm at a seed, in the folder that prepare filled.

    publication: whose claims; ours: what is trained here, in the place of what; chance: of the measures, where known.
    """

    name: str
    publication: str
    ours: str
    claims: tuple[Claim, ...]
    arms: Mapping[str, Any]
    prepare: Callable[[Path, Path], None]
    run: Callable[[Path, Any, int], Mapping[str, float]]
    chance: Mapping[str, float] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """Of the experiment's own code and the material's: results of another are not counted. What was found out about
        it is not in these (`findings.py`), so it can be written when the results are there."""
        names = {getattr(one, "func", one).__module__ for one in (self.prepare, self.run)}
        names.add("tests.effects.material")
        codes = [code_of(inspect.getsource(importlib.import_module(name))) for name in sorted(names)]
        return fingerprint([self.name, {name: repr(one) for name, one in self.arms.items()}, codes])


def code_of(source: str) -> str:
    """A module as Python reads it, without imports, whose rooms may move, and without comments."""
    tree = ast.parse(source)
    tree.body = [one for one in tree.body if not isinstance(one, ast.Import | ast.ImportFrom)]
    return ast.unparse(tree)


@dataclass(frozen=True)
class Run:
    """An arm at a seed."""

    experiment: str
    arm: str
    seed: int
    measures: Mapping[str, float]
    fingerprint: str
    cpu_s: float
    machine: str


def experiments() -> dict[str, Experiment]:
    """All of them, by name."""
    package = importlib.import_module("tests.effects.experiments")
    found: dict[str, Experiment] = {}
    for module in sorted(pkgutil.iter_modules(package.__path__), key=lambda one: one.name):
        content = importlib.import_module(f"{package.__name__}.{module.name}")
        found |= {one.name: one for one in content.EXPERIMENTS}
    return found


def runs_of(experiment: Experiment, path: Path = RESULTS) -> list[Run]:
    """Those of the experiment as it is now."""
    lines = path.read_text("utf-8").splitlines() if path.is_file() else []
    runs = [Run(**json.loads(line)) for line in lines]
    return [one for one in runs if (one.experiment, one.fingerprint) == (experiment.name, experiment.fingerprint)]


def run_missing(
    experiment: Experiment, shared: Path, seeds: Iterable[int] = SEEDS, arms: Iterable[str] = (), path: Path = RESULTS
) -> list[Run]:
    """Run what has no result yet, arm by arm, and write each result as it comes; all runs there are then."""
    asked = experiment.fingerprint  # now: the files may change while it runs
    done = {(one.arm, one.seed) for one in runs_of(experiment, path)}
    missing = [(arm, seed) for seed in seeds for arm in (arms or experiment.arms) if (arm, seed) not in done]
    torch.set_num_threads(1)
    if missing:
        with tempfile.TemporaryDirectory(prefix=f"effect-{experiment.name}-") as name:
            folder = Path(name)
            experiment.prepare(shared, folder)
            for arm, seed in missing:
                begun = time.process_time()
                measures = {key: float(value) for key, value in experiment.run(folder, arm, seed).items()}
                one = Run(
                    experiment.name,
                    arm,
                    seed,
                    measures,
                    asked,
                    round(time.process_time() - begun, 1),
                    describe_machine("torch", "transformers"),
                )
                with path.open("a", encoding="utf-8") as stream:
                    stream.write(json.dumps(one.__dict__, ensure_ascii=False) + "\n")
                print(f"{experiment.name} {arm} seed {seed}: {measures}, {one.cpu_s} CPU s", flush=True)
    return runs_of(experiment, path)


@dataclass(frozen=True)
class Compared:
    """A claim and what was measured: mean difference better - worse over seeds, with its 95 % interval (half of it)."""

    claim: Claim
    worse: float
    better: float
    difference: float
    interval: float
    seeds: int

    @property
    def verdict(self) -> str:
        """agrees, disagrees, or not shown: the interval holds 0."""
        gain = -self.difference if self.claim.lower else self.difference
        if self.seeds < 2 or abs(gain) <= self.interval:
            return "not shown"
        return "agrees" if gain > 0 else "disagrees"


def compared(claim: Claim, runs: Iterable[Run]) -> Compared | None:
    """By seeds that both arms have; None where there are none."""
    of = {(one.arm, one.seed): one.measures[claim.measure] for one in runs if claim.measure in one.measures}
    seeds = sorted({seed for arm, seed in of if arm == claim.better} & {seed for arm, seed in of if arm == claim.worse})
    if not seeds:
        return None
    worse, better = ([of[arm, seed] for seed in seeds] for arm in (claim.worse, claim.better))
    gains = [b - w for w, b in zip(worse, better, strict=True)]
    spread = statistics.stdev(gains) / math.sqrt(len(gains)) if len(gains) > 1 else math.inf
    half = _STUDENT.get(len(gains) - 1, 2.0) * spread
    return Compared(claim, statistics.mean(worse), statistics.mean(better), statistics.mean(gains), half, len(seeds))
