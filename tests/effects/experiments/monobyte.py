"""MonoByte's controls: what of pretraining on bytes is language, and what is there after text without meaning too."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xlcorpus
from tests.effects.experiment import Claim, Experiment
from tests.effects.material import Rows, data_of, documents, evaluations, ntrex, pretrained, recipe_of
from xlcorpus.sample.control import Control
from xlcorpus.sample.control import documents as control

TARGET = "deu"
LENGTH, STEPS, TAUGHT = 256, 200, 100
SPANS = {"objective": "spans", "mean_span": 8.0, "first_sentinel": 258}  # bytes 255, 254, ...: in no text
TARGETS = {"folder": "target", "holdout": "target-test", **SPANS}
ARMS: Mapping[str, Any] = {
    "from scratch": [],
    **{name: [({"folder": name, **SPANS}, STEPS)] for name in ("English", "Dutch", "Zipf", "brackets")},
}


def prepare(shared: Path, folder: Path) -> None:
    """The same number of bytes of each: two languages, words by Zipf's law, nested brackets; and the target's."""
    texts = {name: ntrex(shared, code)[0] for name, code in (("English", "eng"), ("Dutch", "nld"))}
    budget = min(sum(len(row["text"].encode()) for row in rows) for rows in texts.values())
    made: dict[str, Rows] = {
        "Zipf": _control(Control("zipf", vocabulary=5000, words=64), budget),
        "brackets": _control(Control("nested", vocabulary=4, words=256, brackets=True), budget),
    }
    train, test = ntrex(shared, TARGET)
    for name, rows in {**texts, **made, "target": train, "target-test": test}.items():
        given = documents(folder, f"{name}-texts", rows)
        settings = {} if name.startswith("target") else {"byte_budget": str(budget)}
        xlcorpus.pack(given, tokenizer="bytes", objective="span", length=LENGTH, output=folder / name, **settings)


def _control(asked: Control, budget: int) -> Rows:
    return [{"text": text, "lang": "zxx"} for some in control(asked, budget, 0) for text in some]


def run(folder: Path, arm: str, seed: int) -> dict[str, float]:
    """The loss of spans of the target's held-out text, after training on it."""
    stages = [
        {"name": f"stage-{number}", "data": data_of(folder, [data]), "steps": steps}
        for number, (data, steps) in enumerate([*ARMS[arm], (TARGETS, TAUGHT)])
    ]
    recipe = recipe_of(
        folder,
        [],
        0,
        tokenizer="bytes",
        start={"shape": "bart", "layers": 2, "width": 96, "heads": 4},
        optimizer={"lr": 1e-3, "weight_decay": 0.01, "betas": [0.9, 0.98]},
        evaluation={"rows": 256},
        rows=16,
    )
    given = {key: value for key, value in recipe.items() if key not in ("data", "steps")}
    told = evaluations(pretrained(folder, arm, seed, {**given, "stages": stages}))
    return {"spans, before": told[-2]["spans"]["loss"], "spans, after": told[-1]["spans"]["loss"]}


EXPERIMENTS = (
    Experiment(
        "monobyte",
        "Abonizio et al. 2022 (MonoByte): models of one language each, and of corpora without meaning as controls",
        f"bytes, an encoder-decoder of 2 + 2 layers, {STEPS} steps of 32 rows of {LENGTH} bytes of the source, then "
        f"{TAUGHT} of German (NTREX); spans of 8 bytes",
        tuple(
            Claim("spans, after", worse, better, "", lower=True)
            for worse, better in (
                ("from scratch", "English"),
                ("from scratch", "Zipf"),
                ("from scratch", "brackets"),
                ("Zipf", "English"),
                ("brackets", "English"),
                ("English", "Dutch"),
            )
        ),
        ARMS,
        prepare,
        run,
    ),
)
