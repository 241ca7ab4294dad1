"""FILTER: a text and its translation read as one in some layers, against reading each alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xlcorpus
from tests.effects.experiment import Claim, Experiment
from tests.effects.material import Rows, documents, ntrex, pairs, recipe_of, tokenizer
from tests.effects.taught import PARTS, measured, once, predicted, pud, texts_with

TARGETS = {"de": "deu", "es": "spa-MX", "pl": "pol"}
LENGTH, PIECES, BASE_STEPS, STEPS, TESTED = 64, 3000, 200, 100, "test"
SHAPE = {"shape": "xlm-roberta", "layers": 4, "width": 64, "heads": 4}
SOURCE = {"folder": "source-train", "objective": "classification"}
BOTH = {"folder": "both-train", "objective": "classification"}
FUSED = {"folder": "pairs-train", "objective": "filter", "apart": 1, "together": 2}
ARMS: Mapping[str, Any] = {
    "source only": SOURCE,
    "translate-train": BOTH,
    "FILTER": FUSED,
    "FILTER, self-taught": {**FUSED, "folder": "taught", "alpha": 0.5},
}


def prepare(shared: Path, folder: Path) -> None:
    """PUD's sentences with their genre, by document, in English and three languages, and as pairs; packs of all."""
    split = {code: pud(shared, code) for code in ("en", *TARGETS)}
    unlabelled = [row for code in ("eng", *TARGETS.values()) for part in ntrex(shared, code) for row in part]
    unlabelled += [row for parts in split.values() for row in parts["train"]]
    texts = documents(folder, "texts", unlabelled)
    settings = {"tokenizer": tokenizer(folder, [texts], PIECES), "length": LENGTH}
    xlcorpus.pack(texts, objective="mlm", output=folder / "packed", **settings)
    one = {"strategy": "one", "objective": "mlm", "long": "truncate", "keep": "label", **settings}
    for part in PARTS:
        source = _labelled(split["en"][part])
        translated = [row for code in TARGETS for row in _labelled(split[code][part])]
        for name, rows in (("source", source), ("targets", translated), ("both", source + translated)):
            xlcorpus.pack(texts_with(folder, f"{name}-{part}-texts", rows), output=folder / f"{name}-{part}", **one)
        rows = [
            {"src": a["text"], "tgt": b["text"], "src_lang": a["lang"], "tgt_lang": b["lang"], "label": a["label"]}
            for code in TARGETS
            for a, b in zip(source, _labelled(split[code][part]), strict=True)
        ]
        made = pairs(folder, f"pairs-{part}-texts", rows)
        xlcorpus.pack(made, view="bitext", keep="label", output=folder / f"pairs-{part}", **settings)


def _labelled(rows: Rows) -> Rows:
    return [{"text": row["text"], "lang": row["lang"], "label": row["genre"]} for row in rows]


def run(folder: Path, arm: str, seed: int) -> dict[str, float]:
    """The share of genres that are right of translations in three languages; of models of single texts of English
    too."""
    base = once(
        folder, "base", seed, recipe_of(folder, [{"folder": "packed", "objective": "mlm"}], BASE_STEPS, start=SHAPE)
    )
    data = ARMS[arm]
    if data["folder"] == "taught":
        first = once(folder, "FILTER", seed, _recipe(folder, base, FUSED))
        data = {**data, "folder": str(_taught(folder, first, seed))}
    model = once(folder, arm, seed, _recipe(folder, base, data))
    pairs_read = data["objective"] == "filter"
    rows = f"{'pairs' if pairs_read else 'targets'}-{TESTED}"
    found = {"translations": measured(model, "labels", folder / rows)["all"]["accuracy"]}
    if not pairs_read:
        found["English"] = measured(model, "labels", folder / f"source-{TESTED}")["all"]["accuracy"]
    return found


def _recipe(folder: Path, base: Path, data: Mapping[str, Any]) -> Any:
    rows = 32 if data["objective"] == "filter" or data is SOURCE else 64
    return recipe_of(
        folder,
        [data],
        STEPS,
        start={"model": str(base)},
        rows=rows,
        batch=f"{rows} rows",
        optimizer={"lr": 1e-3, "weight_decay": 0.01, "betas": [0.9, 0.999]},
    )


def _taught(folder: Path, model: Path, seed: int) -> Path:
    made = folder / f"taught-{seed}"
    return made if made.is_dir() else predicted(model, folder / "pairs-train", made)


EXPERIMENTS = (
    Experiment(
        "filter",
        "Fang et al. 2021 (FILTER): by its abstract a text read together with its translation is better than reading "
        "each alone, and soft labels of the first round add to that; its figures are not in what could be read here",
        f"news or wiki, of sentences of PUD by document: 516 in English to train on, their translations in "
        f"{', '.join(TARGETS)}, and 328 of these to test; an encoder of 4 layers (1 apart, 2 together, 1 apart) after "
        f"{BASE_STEPS} steps of MLM on NTREX and PUD, {STEPS} steps of 32 pairs (or as many texts); FILTER reads the "
        "original beside each translation in the test too, as published",
        (
            Claim("translations", "source only", "translate-train", "better, no figure"),
            Claim("translations", "translate-train", "FILTER", "better, no figure"),
            Claim("translations", "FILTER", "FILTER, self-taught", "better, no figure"),
        ),
        ARMS,
        prepare,
        run,
        {"translations": 0.5, "English": 0.5},
    ),
)
