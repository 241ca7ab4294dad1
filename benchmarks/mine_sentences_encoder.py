"""An encoder for `benchmarks.mine_sentences` that has seen none of its sentences: translations that must find another.

Rows of the view tlm with the objective xlco (means of the one layer, cosines), by `xlcorpus pretrain`, from nothing:
two of three documents of NTREX, the sentences of Tatoeba and the entries of Wiktionary's dictionaries, English with
German, Hindi, Turkish and (NTREX and Tatoeba alone) Swahili. PUD and every third document of NTREX are not in it.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import xlcorpus
from xlcorpus.dataset.storage import locate
from xlcorpus.pretrain.recipe import load_recipe
from xlcorpus.pretrain.train import Settings, pretrain
from xlcorpus.tokenizer.train import TrainOptions, train
from xlcorpus.tokenizer.write import write_trained

SHARED = Path("../shared/data")
ENGLISH = "eng_Latn"
# By label: the file of NTREX, of Tatoeba and of Wiktionary.
LANGUAGES = {
    "deu_Latn": ("deu", "deu", "de"),
    "hin_Deva": ("hin", "hin", "hi"),
    "tur_Latn": ("tur", "tur", "tr"),
    "swh_Latn": ("swa", "swh", ""),
}
PIECES, LENGTH, WIDTH = 8000, 96, 192
ENTRIES, REPEATS = 12_000, 3  # of a dictionary at most, evenly from all; times that a sentence is there


def lines_of(path: Path) -> list[dict[str, Any]]:
    """Rows of a JSON Lines file."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def is_tested(place: int) -> bool:
    """Whether a document of NTREX, by its place, is kept for the test."""
    return place % 3 == 2


def ntrex(code: str, *, tested: bool) -> list[dict[str, Any]]:
    """The lines of the documents that are tested, or of the others; the same in every language."""
    rows = lines_of(SHARED / "ntrex" / f"{code}.jsonl.gz")
    places = {doc: place for place, doc in enumerate(dict.fromkeys(row["doc"] for row in rows))}
    return [row for row in rows if is_tested(places[row["doc"]]) is tested]


def table(path: Path) -> list[list[str]]:
    """Cells of a TSV file below its header; none where there is no file."""
    if not path.exists():
        return []
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [line.rstrip("\n").split("\t") for line in lines][1:]


def pairs() -> Iterator[dict[str, str]]:
    """What is trained on."""
    english = ntrex("eng", tested=False)
    for label, (of_ntrex, of_tatoeba, of_dictionary) in LANGUAGES.items():
        found = [(a["text"], b["text"]) for a, b in zip(english, ntrex(of_ntrex, tested=False), strict=True)]
        found += [(row[2], row[1]) for row in table(SHARED / "tatoeba" / f"{of_tatoeba}-eng.tsv.gz")]
        words = table(SHARED / "dict" / "wiktionary" / f"en-{of_dictionary}.tsv.gz")
        words = [words[at * len(words) // ENTRIES] for at in range(ENTRIES)] if len(words) > ENTRIES else words
        for src, tgt in [*found * REPEATS, *((row[0], row[1]) for row in words)]:
            yield {"src": src, "tgt": tgt, "src_lang": ENGLISH, "tgt_lang": label}


def train_encoder(folder: Path, steps: int, rows: int = 128) -> Path:
    """The model's folder, made in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in pairs()), "utf-8")
    dataset = xlcorpus.ingest(folder / "pairs.jsonl", kind="pairs", output=folder / "pairs", overwrite=True)
    texts = [{"text": row[side], "lang": row[f"{side}_lang"]} for row in pairs() for side in ("src", "tgt")]
    (folder / "texts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in texts), "utf-8")
    documents = xlcorpus.ingest(folder / "texts.jsonl", lang_column="lang", output=folder / "texts", overwrite=True)
    tokenizer = folder / "tokenizer"
    write_trained(train([documents], TrainOptions(vocab_size=PIECES)), locate(tokenizer))
    settings = {"tokenizer": str(tokenizer), "length": LENGTH}
    xlcorpus.pack(dataset, view="tlm", output=folder / "packed", overwrite=True, **settings)
    contrast = {"layer": 1, "pooling": "mean", "similarity": "cosine", "temperature": 0.05, "queue": 1024}
    recipe = {
        "name": "near",
        "seed": 0,
        "tokenizer": str(tokenizer),
        "start": {"shape": "xlm-roberta", "layers": 1, "width": WIDTH, "heads": 4},
        "data": [
            {"folder": str(folder / "packed"), "objective": "xlco", "momentum": 0.9, "mixup": False,
             "masked": False, **contrast}
        ],
        "rows": rows,
        "batch": f"{rows} rows",
        "steps": steps,
        "optimizer": {"lr": 1.5e-3, "weight_decay": 0.01, "betas": [0.9, 0.99]},
        "schedule": {"name": "linear", "warmup": 0.1, "min_lr": 0.0},
        "checkpoints": {"every": 10_000, "keep": 1},
        "log_every": 50,
    }  # fmt: skip
    (folder / "recipe.yaml").write_text(json.dumps(recipe), "utf-8")
    output = folder / "encoder"
    if pretrain(load_recipe(str(folder / "recipe.yaml")), locate(output), Settings(overwrite=True)):
        raise SystemExit("the encoder was not trained")
    return output
