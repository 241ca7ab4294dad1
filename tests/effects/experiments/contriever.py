"""Contriever: crops of documents that must find one another; do halves of unseen documents find one another then?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

import xlcorpus
from tests.effects.experiment import Claim, Experiment
from tests.effects.material import Rows, documents, ntrex, pretrained, recipe_of, tokenizer
from xlcorpus.evaluate.measures.retrieval.nearest import retrieval
from xlcorpus.evaluate.models import open_model
from xlcorpus.evaluate.vectors import encode, vectors

CODES = ("eng", "deu", "nld", "hrv", "bul", "hin", "swa", "tur")
LENGTH, LAYER, PIECES, STEPS, SENTENCES = 128, 2, 4000, 200, 8
CROPS = {"folder": "crops", "objective": "contriever", "queue": 1024, "momentum": 0.99}
PACKS = {"folder": "packed", "objective": "mlm"}
ARMS: Mapping[str, Any] = {"untrained": ([CROPS], 0), "MLM": ([PACKS], STEPS), "crops": ([CROPS], STEPS)}


def prepare(shared: Path, folder: Path) -> None:
    """Documents of eight languages, crops and packs of them, and passages of unseen documents, cut in two."""
    split = {code: ntrex(shared, code) for code in CODES}
    texts = documents(folder, "train", [one for train, _ in split.values() for one in _whole(train)])
    settings = {"tokenizer": tokenizer(folder, [texts], PIECES), "length": LENGTH}
    xlcorpus.pack(texts, view="crops", chunk=LENGTH, least_ratio=0.1, output=folder / "crops", **settings)
    xlcorpus.pack(texts, objective="mlm", output=folder / "packed", **settings)
    for code, (_, test) in split.items():
        for name, rows in zip(("first", "second"), _halves(test), strict=True):
            documents(folder, f"{name}-{code}", rows)


def _whole(rows: Rows) -> Rows:
    """Documents out of sentences."""
    made: dict[str, Any] = {}
    for row in rows:
        made.setdefault(row["doc"], {"text": "", "lang": row["lang"]})["text"] += row["text"] + "\n"
    return [*made.values()]


def _halves(rows: Rows) -> tuple[Rows, Rows]:
    """Of each passage of some sentences of a document, the sentences in odd and in even places."""
    first: Rows = []
    second: Rows = []
    by_document: dict[str, Rows] = {}
    for row in rows:
        by_document.setdefault(row["doc"], []).append(row)
    for sentences in by_document.values():
        for start in range(0, len(sentences) - SENTENCES + 1, SENTENCES):
            passage = sentences[start : start + SENTENCES]
            for half, place in ((first, 0), (second, 1)):
                half.append({"text": " ".join(row["text"] for row in passage[place::2]), "lang": passage[0]["lang"]})
    return first, second


def run(folder: Path, arm: str, seed: int) -> dict[str, float]:
    """How often a half is nearest to its other, or among the nearest five, of its language's; the mean of all."""
    data, steps = ARMS[arm]
    output = pretrained(folder, arm, seed, recipe_of(folder, data, steps, optimizer={"lr": 1e-3, "weight_decay": 0.01}))
    model = open_model(str(output))
    found = []
    for code in CODES:
        sides = [
            xlcorpus.open_dataset(folder / f"{name}-{code}").to_arrow(["text"]).column("text").combine_chunks()
            for name in ("first", "second")
        ]
        made = [vectors(model, encode(model, pa.array(side.to_pylist()), LENGTH), [LAYER])[LAYER] for side in sides]
        found.append(retrieval(*made))
    return {name: float(np.mean([one[name] for one in found])) for name in ("top_1", "top_5")}


EXPERIMENTS = (
    Experiment(
        "contriever",
        "Izacard et al. 2022 (Contriever): by its abstract crops alone, without labels, beat BM25 at recall@100 on 11 "
        "of 15 sets of BEIR",
        f"documents of NTREX in {', '.join(CODES)}, an encoder of 2 layers from nothing, {STEPS} steps of 32 chunks, "
        f"queue 1,024; halves (every other sentence) of passages of {SENTENCES} sentences of unseen documents, among "
        "those of their language",
        (
            Claim("top_1", "untrained", "crops", ""),
            Claim("top_5", "untrained", "crops", ""),
            Claim("top_5", "MLM", "crops", ""),
        ),
        ARMS,
        prepare,
        run,
    ),
)
