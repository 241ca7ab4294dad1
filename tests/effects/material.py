"""What the experiments share: NTREX by documents, tokenizers, and models trained by recipes of `xlcorpus pretrain`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

import xlcorpus
from tests.rows import records
from xlcorpus.dataset.storage import locate
from xlcorpus.evaluate.held_out import HeldOut
from xlcorpus.evaluate.measures.retrieval.nearest import retrieval
from xlcorpus.evaluate.models import TrainedModel
from xlcorpus.evaluate.vectors import encode, vectors
from xlcorpus.pretrain.recipe import load_recipe
from xlcorpus.pretrain.train import Settings, pretrain
from xlcorpus.tokenizer.train import TrainOptions, train
from xlcorpus.tokenizer.write import write_trained

Rows = list[dict[str, Any]]


def ntrex(shared: Path, code: str) -> tuple[Rows, Rows]:
    """Sentences to train on and to test: of three documents the third, the same in all languages."""
    rows = records(shared / "ntrex" / f"{code}.jsonl.gz")
    tested = {*list(dict.fromkeys(row["doc"] for row in rows))[2::3]}
    return [row for row in rows if row["doc"] not in tested], [row for row in rows if row["doc"] in tested]


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    """A JSONL file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


def documents(folder: Path, name: str, rows: Iterable[Mapping[str, Any]]) -> Any:
    """A dataset of texts with their labels (text, lang)."""
    given = write_rows(folder / f"{name}.jsonl", ({key: row[key] for key in ("text", "lang")} for row in rows))
    return xlcorpus.ingest(given, lang_column="lang", output=folder / name)


def pairs(folder: Path, name: str, rows: Iterable[Mapping[str, str]]) -> Any:
    """A dataset of pairs (src, tgt, src_lang, tgt_lang)."""
    return xlcorpus.ingest(write_rows(folder / f"{name}.jsonl", rows), kind="pairs", output=folder / name)


def pairs_of(one: Rows, other: Rows) -> Rows:
    """Lines that belong together."""
    return [
        {"src": a["text"], "tgt": b["text"], "src_lang": a["lang"], "tgt_lang": b["lang"]}
        for a, b in zip(one, other, strict=True)
    ]


def tokenizer(folder: Path, datasets: Sequence[Any], pieces: int, **options: Any) -> str:
    """A unigram tokenizer of texts, with a mask; its path."""
    path = folder / "tokenizer"
    write_trained(train([*datasets], TrainOptions(vocab_size=pieces, **options)), locate(path))
    return str(path)


def pretrained(folder: Path, name: str, seed: int, recipe: Mapping[str, Any]) -> Path:
    """The folder of a model that a recipe trained from what lies in the folder; paths in it are relative to that."""
    path, output = folder / f"{name}.yaml", folder / f"{name}-{seed}"
    path.write_text(json.dumps({"name": name.replace(" ", "-"), "seed": seed, "log_every": 100, **recipe}), "utf-8")
    said: list[str] = []
    loaded = load_recipe(str(path))
    evaluation = HeldOut(loaded.tokenizer_path)
    status = pretrain(loaded, locate(output), Settings(overwrite=True, say=said.append), evaluation)
    if status:
        raise SystemExit(status)
    return output


def evaluations(output: Path) -> list[Mapping[str, Any]]:
    """What a run said of its held-out rows, in order: before the first step, ..., after the last; of each source."""
    lines = (output / "metrics.jsonl").read_text("utf-8").splitlines()
    return [one["evaluation"] for one in map(json.loads, lines) if "evaluation" in one]


def bits(evaluation: Mapping[str, Any], source: str) -> dict[str, float]:
    """Bits per byte of the languages of a source's held-out packs."""
    found = evaluation[source]
    measure = next(name for name in found if name.endswith("bits_per_byte"))
    return {lang: one[measure] for lang, one in found[measure].items() if lang != "all"}


def data_of(folder: Path, data: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The data of a recipe, whose folders are named as they lie in `folder`."""
    return [
        {key: str(folder / value) if key in ("folder", "holdout") else value for key, value in one.items()}
        for one in data
    ]


def recipe_of(folder: Path, data: Sequence[Mapping[str, Any]], steps: int, **changes: Any) -> dict[str, Any]:
    """An encoder of 2 layers from nothing; data: with folders by their names in `folder`."""
    return {
        "tokenizer": str(folder / "tokenizer"),
        "start": {"shape": "xlm-roberta", "layers": 2, "width": 96, "heads": 4},
        "data": data_of(folder, data),
        "rows": 32,
        "batch": "32 rows",
        "steps": steps,
        "optimizer": {"lr": 2e-3, "weight_decay": 0.01, "betas": [0.9, 0.999]},
        "schedule": {"name": "linear", "warmup": 0.1, "min_lr": 0.0},
        "checkpoints": {"every": 10_000, "keep": 1},
        **changes,
    }


def found(
    model: TrainedModel,
    one: Sequence[str],
    other: Sequence[str],
    *,
    layer: int,
    pooling: str = "mean",
    length: int = 48,
) -> float:
    """Top-1 retrieval of sentences that stand in the same places, the mean of both ways."""
    made = [vectors(model, encode(model, pa.array(texts), length), [layer], pooling)[layer] for texts in (one, other)]
    return retrieval(*made)["top_1"]
