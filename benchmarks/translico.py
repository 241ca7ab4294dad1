"""What TransliCo's contrastive term is worth: `python -m benchmarks.translico [--seeds 0,1,2] [--steps 400]`.

A model of 2 layers, 96 wide, from nothing, on Serbian in Cyrillic and Croatian in Latin script (NTREX): of three
documents two to train on and the third to test. Both languages have the same documents, but no run is told which
sentences belong together. Three runs a seed, of as many steps and rows: MLM on the originals (each twice, masked
otherwise), MLM on originals and romanisations, and the same with TCM as published (dot, T = 1, weight 0.5).

Retrieval, top 1 of the test sentences, each direction: Serbian (Cyrillic) and its translation, Croatian (Latin);
Serbian (Cyrillic) and its own romanisation. The data are made by our own steps: ingest, identify, tokenizer train on
the originals, romanize --view translico, pack --view translico.
"""

from __future__ import annotations

import argparse
import gzip
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch

import xlcorpus
from benchmarks.machine import describe_machine
from xlcorpus.dataset.storage import locate
from xlcorpus.evaluate.retrieval import retrieval
from xlcorpus.pretrain.data.joined import around_text, filled, join, width_of
from xlcorpus.pretrain.data.rows import TokenRows
from xlcorpus.pretrain.objectives.translico import pool
from xlcorpus.pretrain.recipe import load_recipe
from xlcorpus.pretrain.train import Settings, pretrain
from xlcorpus.tokenizer.open import open_tokenizer
from xlcorpus.tokenizer.tokenizer import Tokenizer
from xlcorpus.tokenizer.train import TrainOptions, train
from xlcorpus.tokenizer.write import write_trained

SHARED = Path("../shared/data")
LANGUAGES = ("srp-Cyrl", "hrv")
ORIGINALS, BOTH, CONTRASTED = ARMS = ("MLM, originals", "MLM, both views", "MLM, both, and TCM")
LENGTH, LAYER, PIECES, WIDTH, ROWS = 48, 2, 2000, 96, 32


@dataclass(frozen=True)
class Material:
    """The folder of what was made, the rows of pairs, their tokenizer, and sentences to test by name, line by line."""

    folder: Path
    rows: TokenRows
    tokenizer: Tokenizer
    tests: dict[str, list[str]]


def lines_of(shared: Path, code: str) -> list[dict[str, Any]]:
    """Lines of NTREX in one language."""
    with gzip.open(shared / "ntrex" / f"{code}.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def prepare(shared: Path, folder: Path) -> Material:
    """Make the shards with our own steps."""
    lines = {code: lines_of(shared, code) for code in LANGUAGES}
    tested = set(list(dict.fromkeys(row["doc"] for row in lines[LANGUAGES[0]]))[2::3])
    files = {"train": [row for code in LANGUAGES for row in lines[code] if row["doc"] not in tested]}
    files["test"] = [row for row in lines[LANGUAGES[0]] if row["doc"] in tested]
    read = {}
    for name, rows in files.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
        read[name] = xlcorpus.ingest(folder / f"{name}.jsonl", lang_column="lang", output=folder / name)
    originals = xlcorpus.identify(read["train"], output=folder / "originals")  # which gives the script
    tokenizer = folder / "tokenizer"
    write_trained(train([originals], TrainOptions(vocab_size=PIECES)), locate(tokenizer))
    settings = {"tokenizer": str(tokenizer), "length": LENGTH}
    xlcorpus.pack(originals, objective="mlm", strategy="one", output=folder / "mlm", **settings)
    pairs = xlcorpus.romanize(originals, view="translico", share=1.0, output=folder / "pairs")
    xlcorpus.pack(pairs, view="translico", output=folder / "packed", **settings)
    romanised = xlcorpus.romanize(read["test"], output=folder / "romanised").to_arrow(["text", "text_latn"])
    latin = {row["text"]: row["text_latn"] for row in romanised.to_pylist()}
    tests = {code: [row["text"] for row in lines[code] if row["doc"] in tested] for code in LANGUAGES}
    tests["romanised"] = [latin[text] for text in tests[LANGUAGES[0]]]
    return Material(folder, TokenRows.open(locate(folder / "packed")), open_tokenizer(tokenizer), tests)


def vectors_of(model: Any, material: Material, texts: Sequence[str]) -> np.ndarray:
    """float32[texts, width]: mean of the tokens of text at LAYER, of whole (not masked) texts."""
    values, offsets = material.tokenizer.encode_batch(pa.array(texts))
    sizes = np.minimum(np.diff(offsets), LENGTH - 2)
    kept = [values[start : start + size] for start, size in zip(offsets, sizes, strict=False)]
    before, after = around_text(material.rows.vocabulary)
    ids, starts = join([before, pa.array(kept, pa.list_(pa.int32())), after])
    width = width_of([ids], LENGTH)
    place = np.arange(width)
    inputs = torch.from_numpy(filled(ids, width, material.rows.vocabulary.id_of("pad")))
    here = torch.from_numpy(place < starts[:, -1:])
    text = torch.from_numpy((starts[:, 1:2] <= place) & (place < starts[:, 2:3]))
    with torch.no_grad():
        states = model(input_ids=inputs, attention_mask=here.long(), output_hidden_states=True).hidden_states[LAYER]
        return pool(states, text, "mean").numpy()


def pretrained(material: Material, arm: str, seed: int, steps: int, **options: Any) -> tuple[Any, list[str]]:
    """A model by `xlcorpus pretrain`, and what that said. options: of TransliCo."""
    from transformers import AutoModelForMaskedLM

    data: dict[str, Any] = {"folder": str(material.folder / "mlm"), "objective": "mlm"}
    if arm != ORIGINALS:
        data = {"folder": str(material.folder / "packed"), "objective": "translico", "layer": LAYER}
        data |= {"weight": 0.5 if arm == CONTRASTED else 0.0, **options}
    rows = ROWS * 2 if arm == ORIGINALS else ROWS  # a pair is two
    recipe = {
        "seed": seed,
        "tokenizer": str(material.folder / "tokenizer"),
        "start": {"shape": "xlm-roberta", "layers": LAYER, "width": WIDTH, "heads": 4},
        "data": [data],
        "rows": rows,
        "batch": rows * LENGTH,
        "steps": steps,
        "optimizer": {"lr": 2e-3, "weight_decay": 0.01, "betas": [0.9, 0.999]},
        "schedule": {"name": "linear", "warmup": 0.1, "min_lr": 0.0},
    }
    path = material.folder / "recipe.yaml"
    path.write_text(json.dumps(recipe), "utf-8")  # JSON is YAML
    output, said = material.folder / f"model {seed} {ARMS.index(arm)}", []
    pretrain(load_recipe(str(path)), locate(output), Settings(say=said.append))
    return AutoModelForMaskedLM.from_pretrained(output).eval(), said


def measured(model: Any, material: Material) -> dict[str, float]:
    """Top-1 retrieval: of translations and of romanisations, there, back and the mean."""
    vectors = {name: vectors_of(model, material, texts) for name, texts in material.tests.items()}
    pairs = {"translated": LANGUAGES[1], "romanised": "romanised"}
    found = {name: retrieval(vectors[LANGUAGES[0]], vectors[other]) for name, other in pairs.items()}
    return {f"{name} {key}": share for name, one in found.items() for key, share in one.items()}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--shared", type=Path, default=SHARED)
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--arms", default=";".join(ARMS), help="with ; between them")
    parser.add_argument("--set", default="{}", help="options of TransliCo, as JSON")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(describe_machine("torch", "transformers"))
    with tempfile.TemporaryDirectory() as folder:
        material = prepare(options.shared, Path(folder))
        tested = len(material.tests[LANGUAGES[0]])
        print(f"{material.rows.count:,} pairs to train on, {tested} sentences to test: chance {100 / tested:.1f} %")
        print("| seed | run | hrv: there, back | romanised: there, back | CPU s |\n|---:|---|---:|---:|---:|")
        for seed in map(int, options.seeds.split(",")):
            for arm in options.arms.split(";"):
                begun = time.process_time()
                model, _ = pretrained(material, arm, seed, options.steps, **json.loads(options.set))
                spent, found = time.process_time() - begun, measured(model, material)
                cells = (
                    ", ".join(f"{100 * found[f'{name} {way}']:.1f}" for way in ("a_to_b", "b_to_a"))
                    for name in ("translated", "romanised")
                )
                print(f"| {seed} | {arm} | {' | '.join(cells)} | {spent:.0f} |", flush=True)


if __name__ == "__main__":
    main()
