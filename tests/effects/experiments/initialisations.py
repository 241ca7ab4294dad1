"""Rows of new pieces: what a model with an extended vocabulary begins with, and what is left of that after training."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xlcorpus
from tests.effects.experiment import Claim, Experiment
from tests.effects.material import bits, documents, evaluations, ntrex, pretrained, recipe_of, tokenizer

OLD, NEW = "eng", "swa"
LENGTH, PIECES, ADDED, BASE_STEPS, STEPS = 128, 1200, 800, 300, 100
ARMS: Mapping[str, Any] = {name: name for name in ("random", "normal", "mean", "mean-of-pieces")}
LANGUAGES = {"eng_Latn": "English", "swa_Latn": "Swahili", "swh_Latn": "Swahili"}


def prepare(shared: Path, folder: Path) -> None:
    """A model of English with an English tokenizer; the tokenizer with pieces of Swahili; packs of both."""
    for code in (OLD, NEW):
        documents(folder, code, ntrex(shared, code)[0])
    base = tokenizer(folder, [xlcorpus.open_dataset(folder / OLD)], PIECES)
    extended = str(folder / "extended")
    command = ["tokenizer", "extend", base, str(folder / NEW), "--pieces", str(ADDED), "--output", extended]
    subprocess.run([sys.executable, "-m", "xlcorpus", *command], check=True, capture_output=True)
    xlcorpus.pack(folder / OLD, tokenizer=base, length=LENGTH, bos=True, output=folder / "packed-base")
    xlcorpus.pack(folder / NEW, tokenizer=extended, length=LENGTH, bos=True, output=folder / "packed")
    tests = documents(folder, "test", [row for code in (OLD, NEW) for row in ntrex(shared, code)[1]])
    xlcorpus.pack(tests, tokenizer=extended, length=LENGTH, bos=True, output=folder / "held-out")
    data = [{"folder": "packed-base", "objective": "clm"}]
    pretrained(folder, "base", 0, recipe_of(folder, data, BASE_STEPS, start=SHAPE))


SHAPE = {"shape": "llama", "layers": 2, "width": 96, "heads": 4, "tied": True}


def run(folder: Path, arm: str, seed: int) -> dict[str, float]:
    """Bits per byte of held-out text of both languages, before and after training on the new one."""
    data = [{"folder": "packed", "objective": "clm", "holdout": "held-out"}]
    recipe = recipe_of(
        folder,
        data,
        STEPS,
        tokenizer=str(folder / "extended"),
        start={"model": str(folder / "base-0"), "new_rows": ARMS[arm]},
        optimizer={"lr": 1e-3, "weight_decay": 0.01, "betas": [0.9, 0.95]},
        evaluation={"rows": 512},
    )
    told = evaluations(pretrained(folder, arm, seed, recipe))
    return {
        f"{LANGUAGES[lang]}, {when}": value
        for when, one in (("before", told[0]), ("after", told[-1]))
        for lang, value in bits(one, "clm").items()
    }


CLAIMS = (
    *(
        Claim(f"Swahili, {when}", "random", better, "", lower=True)
        for when in ("before", "after")
        for better in ("mean", "normal", "mean-of-pieces")
    ),
    Claim("Swahili, after", "mean", "mean-of-pieces", "", lower=True),
)
EXPERIMENTS = (
    Experiment(
        "initialisations",
        "Mundra et al. 2024 (CW2V, An Empirical Comparison of Vocabulary Expansion and Initialization Approaches): "
        "rows in the convex hull of the old ones are a good beginning, and by its abstract the multivariate normal is "
        "on par with advanced ones",
        f"a decoder of 2 layers, {BASE_STEPS} steps of English (NTREX), {ADDED} pieces of Swahili, {STEPS} steps of 32 "
        "packs of Swahili; bits per byte",
        CLAIMS,
        ARMS,
        prepare,
        run,
    ),
)
