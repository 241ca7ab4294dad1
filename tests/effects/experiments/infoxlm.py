"""InfoXLM: masked modelling, with translations read together, with translations that must find one another."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

import xlcorpus
from tests.effects.experiment import Claim, Experiment
from tests.effects.material import documents, found, ntrex, pairs, pairs_of, pretrained, recipe_of, tokenizer
from xlcorpus.evaluate.models import open_model

CODES = ("eng", "deu", "nld")
LENGTH, LAYER, PIECES, STEPS = 96, 1, 2500, 120
MLM = {"folder": "packed", "objective": "mlm"}
TLM = {"folder": "pairs-packed", "objective": "tlm"}
XLCO = {"folder": "pairs-packed", "objective": "xlco", "layer": LAYER, "queue": 512, "momentum": 0.99}
ARMS: Mapping[str, Any] = {"untrained": [], "MLM": [MLM], "MLM + TLM": [MLM, TLM], "MLM + TLM + XLCO": [MLM, TLM, XLCO]}


def prepare(shared: Path, folder: Path) -> None:
    """Packs of the texts and rows of the pairs of all two languages."""
    split = {code: ntrex(shared, code)[0] for code in CODES}
    texts = documents(folder, "train", [row for rows in split.values() for row in rows])
    settings = {"tokenizer": tokenizer(folder, [texts], PIECES), "length": LENGTH}
    xlcorpus.pack(texts, objective="mlm", output=folder / "packed", **settings)
    rows = [row for one, other in combinations(CODES, 2) for row in pairs_of(split[one], split[other])]
    xlcorpus.pack(pairs(folder, "pairs", rows), view="tlm", output=folder / "pairs-packed", **settings)
    for code in CODES:
        documents(folder, f"test-{code}", ntrex(shared, code)[1])


def run(folder: Path, arm: str, seed: int) -> dict[str, float]:
    """Top-1 retrieval, the mean over all two languages, by the mean of tokens and by the first token's vector."""
    data = ARMS[arm]
    output = pretrained(folder, arm, seed, recipe_of(folder, data or [MLM], STEPS * len(data)))
    model = open_model(str(output))
    texts = {
        code: xlcorpus.open_dataset(folder / f"test-{code}").to_arrow(["text"]).column("text").to_pylist()
        for code in CODES
    }
    two = [*combinations(CODES, 2)]
    return {
        f"retrieval, {pooling}": sum(
            found(model, texts[one], texts[other], layer=LAYER, pooling=pooling, length=LENGTH) for one, other in two
        )
        / len(two)
        for pooling in ("mean", "cls")
    }


EXPERIMENTS = (
    Experiment(
        "infoxlm",
        "Chi et al. 2021 (InfoXLM): by its abstract considerably better with XLCO beside MLM and TLM; its figures are "
        "not in what could be read here",
        f"{', '.join(CODES)} of NTREX, an encoder of 2 layers from nothing, {STEPS} steps of 32 rows of each objective",
        tuple(
            Claim(f"retrieval, {pooling}", worse, better, figure)
            for pooling in ("mean", "cls")
            for worse, better, figure in (
                ("MLM", "MLM + TLM", "better, no figure"),
                ("MLM + TLM", "MLM + TLM + XLCO", "better, no figure"),
                ("MLM", "MLM + TLM + XLCO", "better, no figure"),
            )
        ),
        ARMS,
        prepare,
        run,
    ),
)
