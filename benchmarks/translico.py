"""What TransliCo's contrastive term is worth: `python -m benchmarks.translico [--seeds 0,1,2] [--steps 1000]`.

A model of 2 layers and 128 wide from nothing, on Serbian in Cyrillic and Croatian in Latin script (NTREX): 2 of 3
documents to train on, each third one to test. Both languages have the same documents, but no run is told which
sentences belong together. Three runs a seed, all of the same steps, rows and shapes: MLM on the originals (each twice,
masked otherwise), MLM on originals and romanisations, and the same with the contrastive term.

Retrieval, top 1 of the test sentences, mean of both directions: `translated`, Serbian (Cyrillic) and Croatian (Latin);
`romanised`, Serbian (Cyrillic) and its own romanisation. The steps are our own: ingest, romanize --view translico,
tokenizer train on the originals, pack --view translico.
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
from xlcorpus.evaluate.retrieval import retrieval
from xlcorpus.pretrain.data.joined import around_text, filled, join, width_of
from xlcorpus.pretrain.objective import Vocabulary
from xlcorpus.pretrain.objectives.translico import Translico, TranslicoOptions, pool
from xlcorpus.text.draws import stream
from xlcorpus.tokenizer.open import open_tokenizer
from xlcorpus.tokenizer.tokenizer import Tokenizer
from xlcorpus.tokenizer.train import TrainOptions, train

SHARED = Path("../shared/data")
LANGUAGES = ("srp-Cyrl", "hrv")
ARMS = ("MLM, originals", "MLM, both views", "MLM and TCM")
LENGTH, LAYER, PIECES, WIDTH = 48, 2, 2000, 96


@dataclass(frozen=True)
class Material:
    """Token rows of each arm; tokenizer; sentences to test by name, in the order of their lines."""

    rows: dict[str, pa.RecordBatch]
    tokenizer: Tokenizer
    vocabulary: Vocabulary
    tests: dict[str, list[str]]


def lines_of(shared: Path, code: str) -> list[dict[str, Any]]:
    """Lines of NTREX in one language."""
    with gzip.open(shared / "ntrex" / f"{code}.jsonl.gz", "rt", encoding="utf-8") as stream_of_lines:
        return [json.loads(line) for line in stream_of_lines]


def prepare(shared: Path, folder: Path) -> Material:
    """Make the shards with our own steps."""
    lines = {code: lines_of(shared, code) for code in LANGUAGES}
    documents = list(dict.fromkeys(row["doc"] for row in lines[LANGUAGES[0]]))
    tested = set(documents[2::3])
    train_file, test_file = folder / "train.jsonl", folder / "test.jsonl"
    train_rows = [row for code in LANGUAGES for row in lines[code] if row["doc"] not in tested]
    test_rows = [row for row in lines[LANGUAGES[0]] if row["doc"] in tested]
    for file, rows in ((train_file, train_rows), (test_file, test_rows)):
        file.write_text("".join(json.dumps({"text": row["text"], "lang": row["lang"]}) + "\n" for row in rows), "utf-8")
    lines_read = xlcorpus.ingest(train_file, lang_column="lang", output=folder / "train")
    originals = xlcorpus.identify(lines_read, output=folder / "originals")
    model = train([originals], TrainOptions(vocab_size=PIECES)).model
    (folder / "t.model").write_bytes(model)
    pairs = xlcorpus.romanize(originals, view="translico", share=1.0, output=folder / "pairs")
    packed = xlcorpus.pack(
        pairs, tokenizer=str(folder / "t.model"), view="translico", length=LENGTH, output=folder / "packed"
    )
    test_lines = xlcorpus.ingest(test_file, lang_column="lang", output=folder / "test")
    romanised = xlcorpus.romanize(test_lines, output=folder / "romanised")
    tests = {code: [row["text"] for row in lines[code] if row["doc"] in tested] for code in LANGUAGES}
    latin = dict(zip(*(romanised.to_arrow().column(name).to_pylist() for name in ("text", "text_latn")), strict=True))
    tests["romanised"] = [latin[text] for text in tests[LANGUAGES[0]]]
    (both,) = packed.to_arrow(["text_ids", "text_latn_ids"]).combine_chunks().to_batches()
    twice = pa.RecordBatch.from_arrays([both.column("text_ids")] * 2, names=both.schema.names)
    tokenizer = open_tokenizer(folder / "t.model")
    ids = {role: number for role, number in tokenizer.special_ids().items() if number is not None}
    vocabulary = Vocabulary(tokenizer.fingerprint, tokenizer.vocab_size, ids, frozenset(ids.values()) - {ids["unk"]})
    return Material({ARMS[0]: twice, ARMS[1]: both, ARMS[2]: both}, tokenizer, vocabulary, tests)


def vectors_of(model: Any, material: Material, texts: Sequence[str]) -> np.ndarray:
    """float32[texts, width]: mean of the tokens of text at LAYER, of whole (not masked) texts."""
    values, offsets = material.tokenizer.encode_batch(pa.array(texts))
    lists = pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), pa.array(values))
    lists = pa.array([one[: LENGTH - 2] for one in lists.to_pylist()], pa.list_(pa.int32()))
    before, after = around_text(material.vocabulary)
    ids, starts = join([before, lists, after])
    width = width_of([ids], LENGTH)
    place = np.arange(width)
    inputs = torch.from_numpy(filled(ids, width, material.vocabulary.id_of("pad")))
    here, text = (
        torch.from_numpy(one) for one in (place < starts[:, -1:], (starts[:, 1:2] <= place) & (place < starts[:, 2:3]))
    )
    with torch.no_grad():
        states = model(input_ids=inputs, attention_mask=here.long(), output_hidden_states=True).hidden_states[LAYER]
        return pool(states, text, "mean").numpy()


def trained(material: Material, arm: str, seed: int, steps: int, rows: int, rate: float, **options: Any) -> Any:
    """A model after this many steps of AdamW, 10 % of them warming up, then linearly to 0."""
    from transformers import XLMRobertaConfig, XLMRobertaForMaskedLM

    torch.manual_seed(seed)
    pad = material.vocabulary.id_of("pad")
    config = XLMRobertaConfig(
        vocab_size=material.vocabulary.size,
        hidden_size=WIDTH,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=4 * WIDTH,
        max_position_embeddings=LENGTH + pad + 1,
        pad_token_id=pad,
        bos_token_id=material.vocabulary.id_of("bos"),
        eos_token_id=material.vocabulary.id_of("eos"),
        type_vocab_size=1,
    )
    model = XLMRobertaForMaskedLM(config).train()
    weight = options.pop("weight", 0.5) if arm == ARMS[2] else 0.0
    objective = Translico(TranslicoOptions(layer=LAYER, weight=weight, **options), material.vocabulary, LENGTH)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate)
    warm = max(steps // 10, 1)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warm, (steps - step) / (steps - warm))
    )
    batch = material.rows[arm]
    order = np.random.default_rng(seed)
    places = np.concatenate([order.permutation(batch.num_rows) for _ in range(1 + steps * rows // batch.num_rows)])
    keys = stream(np.uint64(seed), len(places))
    for step in range(steps):
        here = slice(step * rows, (step + 1) * rows)
        losses = objective.losses(model, objective.collate(batch.take(pa.array(places[here])), keys[here]))
        losses.total.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        if step % 200 == 0 or step == steps - 1:
            print(
                f"  step {step}: {', '.join(f'{name} {part.item():.3f}' for name, part in losses.parts.items())}",
                flush=True,
            )
    return model.eval()


def measured(model: Any, material: Material) -> dict[str, float]:
    """Top-1 retrieval, of translations and of romanisations."""
    vectors = {name: vectors_of(model, material, texts) for name, texts in material.tests.items()}
    cyrillic = vectors[LANGUAGES[0]]
    return {
        "translated": retrieval(cyrillic, vectors[LANGUAGES[1]])["top_1"],
        "romanised": retrieval(cyrillic, vectors["romanised"])["top_1"],
    }


def main() -> None:
    """Print a line a run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--shared", type=Path, default=SHARED)
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--rows", type=int, default=32)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--arms", default="0,1,2")
    parser.add_argument("--options", default="{}")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(describe_machine("torch", "transformers"))
    with tempfile.TemporaryDirectory() as folder:
        material = prepare(options.shared, Path(folder))
        print(
            {arm: rows.num_rows for arm, rows in material.rows.items()}, {k: len(v) for k, v in material.tests.items()}
        )
        for seed in map(int, options.seeds.split(",")):
            for arm in [ARMS[int(place)] for place in options.arms.split(",")]:
                begun = time.process_time()
                model = trained(
                    material, arm, seed, options.steps, options.rows, options.rate, **json.loads(options.options)
                )
                found = measured(model, material)
                print(f"seed {seed} {arm:16s} {found} {time.process_time() - begun:.0f} CPU s", flush=True)


if __name__ == "__main__":
    main()
