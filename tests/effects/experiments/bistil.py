"""BiStil: half the layers of a multilingual teacher, which learn on two languages to attend and to be as it does."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xlcorpus
from tests.effects.experiment import Claim, Experiment
from tests.effects.material import Rows, documents, ntrex, recipe_of, tokenizer
from tests.effects.taught import measured, once

SOURCE, TARGET = "eng", "swa"
CODES = (SOURCE, TARGET, "deu", "nya")
LENGTH, PIECES, TEACHER_STEPS, STEPS, TESTED = 64, 750, 300, 60, "test"
NAMES = {"eng_Latn": "English", "swa_Latn": "Swahili", "swh_Latn": "Swahili"}
SHAPE = {"shape": "xlm-roberta", "layers": 2, "width": 64, "heads": 4}
MLM = {"folder": "two", "objective": "mlm"}
ARMS: Mapping[str, Any] = {
    "from scratch": (SHAPE, MLM, STEPS),
    "cut": ("teacher", MLM, 0),
    "cut, MLM": ("teacher", MLM, STEPS),
    "BiStil": ("teacher", {"folder": "two", "objective": "bistil"}, STEPS),
    "BiStil with soft labels": ("teacher", {"folder": "two", "objective": "bistil", "soft_labels": 1}, STEPS),
}


def prepare(shared: Path, folder: Path) -> None:
    """Packs of four languages for the teacher, of two for the students, and unseen documents of these two."""
    split = {code: _parts(shared, code) for code in CODES}
    texts = documents(folder, "all-texts", [row for parts in split.values() for row in parts["train"]])
    settings = {"tokenizer": tokenizer(folder, [texts], PIECES), "length": LENGTH, "objective": "mlm"}
    xlcorpus.pack(texts, output=folder / "all", **settings)
    for name, part in (("two", "train"), ("dev", "dev"), ("test", "test")):
        rows = [row for code in (SOURCE, TARGET) for row in split[code][part]]
        xlcorpus.pack(documents(folder, f"{name}-texts", rows), output=folder / name, **settings)


def _parts(shared: Path, code: str) -> Mapping[str, Rows]:
    train, test = ntrex(shared, code)
    held = {*list(dict.fromkeys(row["doc"] for row in train))[::5]}
    sides = {name: [row for row in train if (row["doc"] in held) == (name == "dev")] for name in ("train", "dev")}
    return {**sides, "test": test}


def run(folder: Path, arm: str, seed: int) -> dict[str, float]:
    """Pseudo bits per byte of unseen text in both languages, beyond those of the teacher."""
    taught = {"start": {**SHAPE, "layers": 4}, "attention": "eager"}
    teacher = once(folder, "teacher", seed, recipe_of(folder, [{**MLM, "folder": "all"}], TEACHER_STEPS, **taught))
    start, data, steps = ARMS[arm]
    if start == "teacher":
        start = {"model": str(teacher), "every": 2}
    if data["objective"] == "bistil":
        data = {**data, "teacher": str(teacher)}
    optimizer = {"lr": 1e-3, "weight_decay": 0.01, "betas": [0.9, 0.999]}
    recipe = recipe_of(folder, [data], steps, start=start, attention="eager", optimizer=optimizer)
    model = once(folder, arm, seed, recipe)
    ours, theirs = (measured(one, "bits", folder / TESTED)["languages"] for one in (model, teacher))
    return {NAMES[lang]: ours[lang]["pseudo_bits_per_byte"] - theirs[lang]["pseudo_bits_per_byte"] for lang in ours}


EXPERIMENTS = (
    Experiment(
        "bistil",
        "Ansell et al. 2023 (BiStil): half the layers of a multilingual model, distilled on two languages; by its "
        "abstract with minimal degradation, and far better than a bilingual model from scratch (both in zero-shot "
        "transfer, which is not measured here)",
        f"a teacher of 4 layers after {TEACHER_STEPS} steps on {', '.join(CODES)} of NTREX, students of 2 layers after "
        f"{STEPS} steps of 32 packs of {SOURCE} and {TARGET}; pseudo bits per byte of unseen documents, beyond the "
        "teacher's",
        tuple(
            Claim(name, worse, "BiStil", figure, lower=True)
            for name in ("English", "Swahili")
            for worse, figure in (("from scratch", "greatly better, no figure"), ("cut", ""), ("cut, MLM", ""))
        ),
        ARMS,
        prepare,
        run,
    ),
)
