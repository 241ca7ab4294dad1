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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch

import xlcorpus
from benchmarks.machine import describe_machine
from xlcorpus.dataset.storage import locate
from xlcorpus.evaluate.measures.retrieval.nearest import retrieval
from xlcorpus.evaluate.models import TrainedModel
from xlcorpus.evaluate.vectors import encode, vectors
from xlcorpus.initialize.architecture import MASKED
from xlcorpus.loader.rows import TokenRows
from xlcorpus.loader.source import Source
from xlcorpus.loader.stream import TokenStream
from xlcorpus.objectives.kinds.translico import Translico, TranslicoOptions
from xlcorpus.objectives.objective import Batch
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


class Twice(Translico):
    """MLM on the originals alone, with as many rows: the second view is the first one, masked otherwise."""

    def collate(self, rows: pa.RecordBatch, keys: np.ndarray) -> Batch:
        same = [rows.column("text_ids")] * 2
        return super().collate(pa.RecordBatch.from_arrays(same, ["text_ids", "text_latn_ids"]), keys)


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
    pairs = xlcorpus.romanize(originals, view="translico", share=1.0, output=folder / "pairs")
    xlcorpus.pack(pairs, view="translico", output=folder / "packed", **settings)
    romanised = xlcorpus.romanize(read["test"], output=folder / "romanised").to_arrow(["text", "text_latn"])
    latin = {row["text"]: row["text_latn"] for row in romanised.to_pylist()}
    tests = {code: [row["text"] for row in lines[code] if row["doc"] in tested] for code in LANGUAGES}
    tests["romanised"] = [latin[text] for text in tests[LANGUAGES[0]]]
    return Material(folder, TokenRows.open(locate(folder / "packed")), open_tokenizer(tokenizer), tests)


def trained(material: Material, arm: str, seed: int, steps: int, rate: float = 2e-3, **options: Any) -> Any:
    """A model after this many steps of AdamW: a tenth of them to warm up, then linearly to 0."""
    from transformers import XLMRobertaConfig, XLMRobertaForMaskedLM

    torch.manual_seed(seed)
    vocabulary = material.rows.vocabulary
    pad = vocabulary.id_of("pad")
    config = XLMRobertaConfig(
        vocab_size=vocabulary.size,
        hidden_size=WIDTH,
        num_hidden_layers=LAYER,
        num_attention_heads=4,
        intermediate_size=4 * WIDTH,
        max_position_embeddings=LENGTH + pad + 1,
        pad_token_id=pad,
        type_vocab_size=1,
    )
    model = XLMRobertaForMaskedLM(config).train()
    settings = TranslicoOptions(layer=LAYER, **{"tcm_weight": 0.5 if arm == CONTRASTED else 0.0, **options})
    objective = (Twice if arm == ORIGINALS else Translico)(settings, vocabulary, LENGTH)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate)
    warm = max(steps // 10, 1)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warm, (steps - step) / (steps - warm))
    )
    for batch in TokenStream([Source(material.rows, objective)], rows=ROWS, seed=seed, samples=steps * ROWS):
        objective.losses(model, batch).total.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    return model.eval()


def measured(model: Any, material: Material) -> dict[str, float]:
    """Top-1 retrieval: of translations and of romanisations, there, back and the mean. A vector is the mean of the
    tokens of text at LAYER, of a whole (not masked) text."""
    vocabulary, path = material.rows.vocabulary, str(material.folder / "tokenizer")
    opened = TrainedModel(str(material.folder), model, MASKED, material.tokenizer, path, vocabulary)
    made = {
        name: vectors(opened, encode(opened, pa.array(texts), LENGTH), [LAYER])[LAYER]
        for name, texts in material.tests.items()
    }
    pairs = {"translated": LANGUAGES[1], "romanised": "romanised"}
    found = {name: retrieval(made[LANGUAGES[0]], made[other]) for name, other in pairs.items()}
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
                model = trained(material, arm, seed, options.steps, **json.loads(options.set))
                spent, found = time.process_time() - begun, measured(model, material)
                cells = (
                    ", ".join(f"{100 * found[f'{name} {way}']:.1f}" for way in ("a_to_b", "b_to_a"))
                    for name in ("translated", "romanised")
                )
                print(f"| {seed} | {arm} | {' | '.join(cells)} | {spent:.0f} |", flush=True)


if __name__ == "__main__":
    main()
