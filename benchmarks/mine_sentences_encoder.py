"""An encoder for `benchmarks.mine_sentences` that has seen none of its sentences: translations that must find another.

By `xlcorpus pretrain`, from nothing, with the objective translico (masked modelling, and each sentence must find its
other view among those of the batch: means of the layer, cosines); the other view is not a romanisation here but a
translation. The contrasts with a queue (xlco, contriever) begin with a trained encoder: from nothing they came to
nothing here. Two of three documents of NTREX, the sentences of Tatoeba and entries of Wiktionary's dictionaries,
English with German, Hindi, Turkish and (NTREX and Tatoeba alone) Swahili. PUD and every third document of NTREX are not
in it.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

import xlcorpus
from xlcorpus.dataset.columns import fixed_binary
from xlcorpus.dataset.decisions import repeat
from xlcorpus.dataset.layout import DATA
from xlcorpus.dataset.manifest import Manifest
from xlcorpus.dataset.schema import load_schema
from xlcorpus.dataset.shards import ShardWriter
from xlcorpus.dataset.storage import locate
from xlcorpus.dataset.tally import Tally
from xlcorpus.text.hashes import digests

SHARED = Path("../shared/data")
ENGLISH = "eng_Latn"
# By label: the file of NTREX, of Tatoeba and of Wiktionary.
LANGUAGES = {
    "deu_Latn": ("deu", "deu", "de"),
    "hin_Deva": ("hin", "hin", "hi"),
    "tur_Latn": ("tur", "tur", "tr"),
    "swh_Latn": ("swa", "swh", ""),
}
PIECES, LENGTH, WIDTH = 8000, 64, 192
ENTRIES, IN_A_ROW = 12_000, 8


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
        found += _joined(table(SHARED / "dict" / "wiktionary" / f"en-{of_dictionary}.tsv.gz"))
        for src, tgt in found:
            yield {"src": src, "tgt": tgt, "src_lang": ENGLISH, "tgt_lang": label}


def _joined(entries: list[list[str]]) -> list[tuple[str, str]]:
    """Entries of a dictionary, at most ENTRIES, evenly from all, some in a row as long as a sentence, drawn twice."""
    some = [entries[at] for at in np.linspace(0, len(entries) - 1, min(len(entries), ENTRIES), dtype=int)]
    random, rows = np.random.default_rng(0), list[tuple[str, str]]()
    for _ in range(2):
        order = random.permutation(len(some))
        for at in range(0, len(some), IN_A_ROW):
            taken = [some[place] for place in order[at : at + IN_A_ROW]]
            rows.append((" ".join(one[0] for one in taken), " ".join(one[1] for one in taken)))
    return rows


def write_views(folder: Path) -> None:
    """The pairs as a dataset of schema translico, whose second view is the translation."""
    rows = list(pairs())
    ids = fixed_binary(
        np.frombuffer(digests(pa.array([str(row) for row in enumerate(rows)])), np.uint64).reshape(-1, 2)
    )
    langs = [row["tgt_lang"] for row in rows]
    by_hand = repeat("translation", len(rows))
    columns = [
        ids,
        pa.array([row["src"] for row in rows]),
        pa.array([row["tgt"] for row in rows]),
        pa.array(langs),
        pa.array([lang[-4:] for lang in langs]),
        ids,
        pa.array(np.zeros(len(rows), np.int32)),
        by_hand,
        by_hand,
        by_hand,
    ]
    schema = load_schema("translico").arrow
    batch, tally = pa.RecordBatch.from_arrays(columns, schema=schema), Tally("benchmark")
    with ShardWriter(locate(folder), DATA, "part-00000", schema) as writer:
        writer.write(batch)
        shards = tuple(writer.close())
    tally.rows_in = tally.rows_out = len(rows)
    tally.count_languages(batch)
    Manifest(
        schema="translico-1",
        arrow_schema=schema,
        steps=(),
        inputs={},
        fingerprint=f"benchmarks.mine_sentences {len(rows)}",
        code_version="benchmarks.mine_sentences",
        seed=0,
        shards=shards,
        decisions=(),
        rejects=(),
        tallies=(tally,),
    ).save(locate(folder))


def train_encoder(folder: Path, steps: int = 500, rows: int = 64) -> Path:
    """The model's folder, made in `folder`."""
    from xlcorpus.pretrain.recipe import load_recipe
    from xlcorpus.pretrain.train import Settings, pretrain
    from xlcorpus.tokenizer.train import TrainOptions, train
    from xlcorpus.tokenizer.write import write_trained

    folder.mkdir(parents=True, exist_ok=True)
    write_views(folder / "views")
    texts = [{"text": row[side], "lang": row[f"{side}_lang"]} for row in pairs() for side in ("src", "tgt")]
    (folder / "texts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in texts), "utf-8")
    documents = xlcorpus.ingest(folder / "texts.jsonl", lang_column="lang", output=folder / "texts", overwrite=True)
    tokenizer = folder / "tokenizer"
    write_trained(train([documents], TrainOptions(vocab_size=PIECES)), locate(tokenizer))
    settings = {"tokenizer": str(tokenizer), "length": LENGTH}
    xlcorpus.pack(folder / "views", view="translico", output=folder / "packed", overwrite=True, **settings)
    contrast = {"layer": 1, "similarity": "cosine", "temperature": 0.05, "tcm_weight": 4.0, "probability": 0.05}
    recipe = {
        "name": "near",
        "seed": 0,
        "tokenizer": str(tokenizer),
        "start": {"shape": "xlm-roberta", "layers": 1, "width": WIDTH, "heads": 4},
        "data": [{"folder": str(folder / "packed"), "objective": "translico", **contrast}],
        "rows": rows,
        "batch": f"{rows} rows",
        "steps": steps,
        "optimizer": {"lr": 3e-3, "weight_decay": 0.01, "betas": [0.9, 0.99]},
        "schedule": {"name": "linear", "warmup": 0.1, "min_lr": 0.0},
        "checkpoints": {"every": 10_000, "keep": 1},
        "log_every": 50,
    }
    (folder / "recipe.yaml").write_text(json.dumps(recipe), "utf-8")
    output = folder / "encoder"
    if pretrain(load_recipe(str(folder / "recipe.yaml")), locate(output), Settings(overwrite=True)):
        raise SystemExit("the encoder was not trained")
    return output
