"""Datasets of own text, `pack` run on them in this process, and packs compared with texts tokenised directly."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tests.pack.pack_helpers import TEXTS, parts_of
from tests.rows import documents as rows_of_texts
from tests.rows import write_dataset
from tests.running import run_nodes
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.recipe.graph import Node
from xlcorpus.recipe.options import make_options
from xlcorpus.recipe.registry import find_step
from xlcorpus.sample import sample_folder
from xlcorpus.tokenizer.tokenizer import Tokenizer

LENGTH = 128
AS_REFERENCE: dict[str, Any] = {"length": LENGTH, "pure": True}  # options of the packs in conftest.py
SAMPLE = str(sample_folder() / "tokenizer.model")
# The script that `identify` finds in the letters, which is not always that of the label.
LETTERS = {"zho_Hans": "Hani"}


def document_rows(texts: Sequence[str], langs: Sequence[str | None], first: int = 0, **columns: Any) -> pa.RecordBatch:
    """Identified documents, named by their number."""
    numbers = range(first, first + len(texts))
    scripts = [None if lang is None or "-" in lang else LETTERS.get(lang, lang.partition("_")[2]) for lang in langs]
    names = [str(number) for number in numbers]
    rows = rows_of_texts(texts, langs, names=names, source="own", **columns)
    return rows.append_column("script", pa.array(scripts, pa.string()))


def corpus_rows(count: int) -> pa.RecordBatch:
    """Documents of 0 to 12 sentences in eight scripts, every eleventh without a language."""
    names = list(TEXTS)
    langs = [None if row % 11 == 10 else names[row % len(names)] for row in range(count)]
    texts = [
        " ".join(f"{TEXTS[names[row % len(names)]]} {row}." for _ in range(row * 5 % 13)) if row % 7 else ""
        for row in range(count)
    ]
    return document_rows(texts, langs)


def save(folder: Path, shards: Iterable[pa.RecordBatch], schema: str = "document") -> Path:
    """A finished dataset of these shards."""
    return write_dataset(folder, shards, schema).folder


def packing(given: Path, name: str = "pack", **options: Any) -> Node:
    """The step with its options as a recipe has them."""
    step = find_step("pack")
    return Node(name, step, make_options(step, {"tokenizer": SAMPLE, **options}, "test"), (given,))


def run_pack(
    given: Path, output: Path, *, runner: str = "local", workers: int = 1, settings: Any = None, **options: Any
) -> Dataset:
    """`xlcorpus pack GIVEN --output OUTPUT`, and the dataset as a reader opens it, every file verified."""
    node = packing(given, output.name, **options)
    run_nodes([node], output.parent, runner=runner, workers=workers, **(settings or {}))
    return Dataset.open(output, verify=True)


def killed_at(moment: str, given: Path, output: Path, *flags: str) -> None:
    """`xlcorpus pack` kills itself where a file of this name, or in a folder of this name, is about to get its name."""
    killing = f"""
import os, signal
import xlcorpus.dataset.storage as files
genuine = files.os.replace
def replace(temporary, path):
    if path.as_posix().endswith("/{moment}") or path.parent.as_posix().endswith("/{moment}"):
        os.kill(os.getpid(), signal.SIGKILL)
    genuine(temporary, path)
files.os.replace = replace
from xlcorpus.cli.main import main
main()
"""
    asked = ["pack", given, "--output", output, "--tokenizer", SAMPLE, "--length", LENGTH, "--seed", 5, *flags]
    arguments = [sys.executable, "-c", killing, *map(str, asked)]
    cut = subprocess.run(arguments, stdin=subprocess.DEVNULL, capture_output=True, timeout=250)
    assert cut.returncode == -signal.SIGKILL, cut.stderr


def decisions_of(dataset: Dataset) -> list[dict[str, Any]]:
    return [row for batch in dataset.decisions() for row in batch.to_pylist()]


def ids_of(tokenizer: Tokenizer, text: str, objective: str = "clm") -> list[int]:
    """A text tokenised by itself, with what the objective puts around it."""
    ids = tokenizer.encode_batch(pa.array([text], pa.string()))[0].tolist()
    before = {"mlm": [tokenizer.bos_id]}.get(objective, [])
    after = [] if objective == "plain" else [tokenizer.eos_id]
    return [*before, *ids, *after]


def rebuilt_copies(packs: pa.Table) -> Counter[tuple[bytes, tuple[int, ...]]]:
    """How often each document is in the packs, whole: its id and tokens. Fails where a copy has a gap or too much.

    Where one part of a copy ends another begins, so any of those that begin there goes on with it.
    """
    by_offset: defaultdict[bytes, defaultdict[int, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for part in parts_of(packs):
        assert part["ids"], "an empty part"
        by_offset[part["doc_id"]][part["offset"]].append(part)
    found: Counter[tuple[bytes, tuple[int, ...]]] = Counter()
    for name, parts in by_offset.items():
        while parts[0]:
            ids: list[int] = []
            total = parts[0][0]["total"]
            while len(ids) < total:
                assert parts[len(ids)], f"a gap at {len(ids)} of {total}"
                ids += parts[len(ids)].pop()["ids"]
            assert len(ids) == total
            found[name, tuple(ids)] += 1
        assert not any(parts.values()), "a part that is there twice"
    return found


def due_copies(
    documents: Iterable[dict[str, Any]], tokenizer: Tokenizer, objective: str = "clm"
) -> Counter[tuple[bytes, tuple[int, ...]]]:
    """The same from the texts themselves; documents without text are not packed."""
    return Counter(
        (row["doc_id"], tuple(ids_of(tokenizer, row["text"], objective))) for row in documents if row["text"]
    )


def token_counts(packs: pa.Table) -> np.ndarray:
    """int64[vocabulary]: how often each id is in the packs."""
    ids = packs["input_ids"].combine_chunks().flatten().to_numpy()
    return np.bincount(ids)
