"""LangSAMP: a head that is told language and script leaves the encoder's vectors more alike across languages."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

import xlcorpus
from tests.effects.experiment import Claim, Experiment
from tests.effects.material import documents, ntrex, pretrained, recipe_of, tokenizer
from xlcorpus.evaluate.measures.retrieval.nearest import retrieval
from xlcorpus.evaluate.models import open_model
from xlcorpus.evaluate.vectors import encode, vectors

CODES = ("eng", "deu", "nld", "hrv", "srp-Cyrl", "bul", "hin", "nep")
LENGTH, LAYER, PIECES, STEPS = 64, 2, 4000, 300
ARMS: Mapping[str, Any] = {
    "MLM": [{"folder": "packed", "objective": "mlm"}],
    "LangSAMP": [{"folder": "packed", "objective": "langsamp"}],
}


def prepare(shared: Path, folder: Path) -> None:
    """Pure packs of eight languages in three scripts."""
    texts = documents(folder, "train", [row for code in CODES for row in ntrex(shared, code)[0]])
    settings = {"tokenizer": tokenizer(folder, [texts], PIECES), "length": LENGTH}
    xlcorpus.pack(texts, objective="mlm", pure=True, output=folder / "packed", **settings)
    for code in CODES:
        documents(folder, f"test-{code}", ntrex(shared, code)[1])


def run(folder: Path, arm: str, seed: int) -> dict[str, float]:
    """Retrieval over all two languages; the accuracy of a nearest-centre probe of the language, centres of one half of
    the sentences, judged on the other; and the cosine of vectors of translations."""
    model = open_model(str(pretrained(folder, arm, seed, recipe_of(folder, ARMS[arm], STEPS))))
    texts = {
        code: xlcorpus.open_dataset(folder / f"test-{code}").to_arrow(["text"]).column("text").to_pylist()
        for code in CODES
    }
    made = {code: vectors(model, encode(model, pa.array(one), LENGTH), [LAYER])[LAYER] for code, one in texts.items()}
    two = [*combinations(CODES, 2)]
    unit = {code: one / np.linalg.norm(one, axis=1, keepdims=True) for code, one in made.items()}
    half = len(next(iter(unit.values()))) // 2
    centres = np.stack([one[:half].mean(axis=0) for one in unit.values()])
    right = [(one[half:] @ centres.T).argmax(axis=1) == place for place, one in enumerate(unit.values())]
    return {
        "retrieval": float(np.mean([retrieval(made[a], made[b])["top_1"] for a, b in two])),
        "language probe": float(np.mean(right)),
        "cosine of translations": float(np.mean([(unit[a] * unit[b]).sum(axis=1).mean() for a, b in two])),
    }


EXPERIMENTS = (
    Experiment(
        "langsamp",
        "Liu et al. 2025 (LangSAMP): by its abstract consistently better in zero-shot transfer than MLM alone, and "
        "vectors of languages more alike (pairwise cosine); its figures are not in what could be read here",
        f"{', '.join(CODES)} of NTREX, an encoder of 2 layers from nothing, {STEPS} steps of 32 pure packs",
        (
            Claim("retrieval", "MLM", "LangSAMP", "better, no figure"),
            Claim("language probe", "MLM", "LangSAMP", "", lower=True),
            Claim("cosine of translations", "MLM", "LangSAMP", "more alike, no figure"),
        ),
        ARMS,
        prepare,
        run,
        {"language probe": 1 / len(CODES)},
    ),
)
