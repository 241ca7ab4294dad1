"""What a batch costs to load: CPU seconds per 1e9 tokens, beside tuned Hugging Face streaming, mosaicml and litdata.

`python -m benchmarks.loader DATA [--work FOLDER] [--peers VENV] [--million 40]`: DATA is the folder `data` of the
shared data (its NTREX is packed at 1,024 and 8,192, whole documents, as often as it takes for so many tokens). Each
reader has a process of its own and three epochs, of which the better of the last two counts. `--peers`: a virtual
environment with mosaicml-streaming and litdata, made where it is not there (beside the packages of this one).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from benchmarks.loader_peers import measure
from benchmarks.machine import describe_machine
from benchmarks.pack_datatrove import _TRAIN, write_corpus
from xlcorpus.loader.rows import TokenRows
from xlcorpus.loader.source import Source
from xlcorpus.loader.stream import TokenStream
from xlcorpus.objectives.objective import OBJECTIVES, Batch, Losses, Objective
from xlcorpus.pack.segments import fill_up

LENGTHS = {1024: 8, 8192: 1}  # rows of a batch
PEERS = ("mosaicml-streaming==0.13.0", "litdata==0.2.76")
_BYTES_A_TOKEN = 3.3  # of NTREX, by the tokenizer trained on it


class Ids(Objective):
    """input_ids alone, as the peers have them."""

    columns = ("input_ids",)

    def __init__(self, length: int) -> None:
        self.length = length

    def collate(self, rows: pa.RecordBatch, keys: np.ndarray) -> Batch:
        """int64[rows, length]"""
        return {"input_ids": torch.from_numpy(fill_up(rows.column("input_ids"), self.length, 0))}

    def losses(self, model: Any, batch: Batch) -> Losses:
        """There are none."""
        raise NotImplementedError


def objective_of(rows: TokenRows, labels: bool) -> Objective:
    """Causal language modelling with labels and positions, or ids alone."""
    if not labels:
        return Ids(rows.length)
    kind = OBJECTIVES.find("clm")
    return kind.make(kind.options(), rows.vocabulary, rows.length)


def own(folder: Path, batch: int, *, labels: bool) -> Callable[[], Iterator[Any]]:
    """Batches of this package: an epoch each time, shuffled."""
    rows = TokenRows.open(folder)
    stream = TokenStream([Source(rows, objective_of(rows, labels))], rows=batch, samples=rows.count)
    return lambda: iter(stream)


def hugging_face(folder: Path, batch: int, *, labels: bool, shuffle: bool) -> Callable[[], Iterator[Any]]:
    """Batches of `datasets`, streaming and in Arrow, 256 K tokens taken at once and cut into batches.

    Labels and positions are those of this package's collator; shuffled: with a buffer of 1,000 rows.
    """
    from datasets import load_dataset

    rows = TokenRows.open(folder)
    objective = objective_of(rows, labels)
    files = sorted(map(str, (folder / "data").glob("*.parquet")))
    dataset = load_dataset("parquet", data_files=files, split="train", streaming=True)
    dataset = dataset.select_columns(list(objective.columns or ())).with_format("arrow")
    if shuffle:
        dataset = dataset.shuffle(seed=0, buffer_size=1000)

    def batches() -> Iterator[Any]:
        for table in dataset.iter(batch_size=32 * batch):
            (whole,) = table.combine_chunks().to_batches()
            for start in range(0, whole.num_rows, batch):
                yield objective.collate(whole.slice(start, batch), np.zeros(0, dtype=np.uint64))

    return batches


READERS: dict[str, Callable[[Path, int], Callable[[], Iterator[Any]]]] = {
    "this package, shuffled": lambda folder, batch: own(folder, batch, labels=False),
    "this package, shuffled, labels and positions": lambda folder, batch: own(folder, batch, labels=True),
    "datasets, in order": lambda folder, batch: hugging_face(folder, batch, labels=False, shuffle=False),
    "datasets, in order, labels and positions": lambda folder, batch: hugging_face(
        folder, batch, labels=True, shuffle=False
    ),
    "datasets, shuffled": lambda folder, batch: hugging_face(folder, batch, labels=False, shuffle=True),
    "datasets, shuffled, labels and positions": lambda folder, batch: hugging_face(
        folder, batch, labels=True, shuffle=True
    ),
}


def make_corpus(data: Path, work: Path, million: int) -> dict[int, Path]:
    """The packs by length; what is there stays."""
    packed = {length: work / f"packed-{length}" for length in LENGTHS}
    source, tokenizer, documents = work / "corpus.jsonl", work / "tokenizer.json", work / "documents"
    if not tokenizer.exists():
        work.mkdir(parents=True, exist_ok=True)
        write_corpus(data, source, 60)
        subprocess.run([sys.executable, "-c", _TRAIN, source, tokenizer, "16000"], check=True)
        write_corpus(data, source, int(million * _BYTES_A_TOKEN))
    _xlcorpus(documents, "ingest", str(source), "--source", "ntrex", "--lang-column", "lang")
    for length, folder in packed.items():
        _xlcorpus(folder, "pack", str(documents), "--tokenizer", str(tokenizer), "--length", str(length))
    return packed


def _xlcorpus(output: Path, *arguments: str) -> None:
    if not (output / "manifest.json").exists():
        command = [sys.executable, "-m", "xlcorpus", *arguments, "--output", str(output), "--overwrite"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def make_peers(folder: Path) -> Path:
    """Its interpreter; torch and pyarrow are those of this one."""
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
        (packages / "shared.pth").write_text("\n".join(path for path in sys.path if "site-packages" in path))
        subprocess.run([python, "-m", "pip", "install", "-q", *PEERS], check=True)
    return python


def run(command: list[Any]) -> dict[str, Any]:
    """The figures that a reader prints, of a process with one thread for BLAS."""
    done = subprocess.run(
        list(map(str, command)),
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
    )
    if done.returncode:
        raise RuntimeError(f"{command}: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def row(name: str, found: dict[str, Any]) -> str:
    """Of the table: CPU and wall seconds per 1e9 tokens, peak memory."""
    best = min(found["epochs"][1:], key=lambda epoch: epoch["cpu"] / epoch["cells"])
    per = 1e9 / best["cells"]
    return f"| {name} | {best['cpu'] * per:.1f} | {best['wall'] * per:.1f} | {found['memory'] / 1e6:,.0f} |"


def compare(data: Path, work: Path, peers: Path | None, million: int) -> None:
    """Print a table for each length."""
    packed = make_corpus(data, work, million)
    python = make_peers(peers) if peers else None
    print(describe_machine("pyarrow", "torch", "datasets", "numpy"))
    for length, folder in packed.items():
        count, batch = TokenRows.open(folder).count, LENGTHS[length]
        print(f"\n{count:,} rows of {length:,}, batches of {batch}; load {os.getloadavg()[0]:.1f}\n")
        print("| | CPU s per 1e9 tokens | wall s | peak MB |\n| --- | ---: | ---: | ---: |", flush=True)
        for name in READERS:
            print(row(name, run([sys.executable, "-m", "benchmarks.loader", "--read", name, folder])), flush=True)
        if python:
            from benchmarks import loader_peers

            for name in loader_peers.READERS:
                kind = name.split()[0]
                target = work / f"{kind}-{length}"
                if not target.exists():
                    subprocess.run(
                        [python, loader_peers.__file__, "write", kind, folder / "data", target, str(length), "1"],
                        check=True,
                        stdout=subprocess.DEVNULL,
                    )
                command = [python, loader_peers.__file__, "read", name, folder / "data", target, length, batch]
                print(row(name, run(command)), flush=True)


def main() -> None:
    """Compare, or be one reader."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--work", type=Path, default=Path("out/benchmark-loader"))
    parser.add_argument("--peers", type=Path)
    parser.add_argument("--million", type=int, default=40)
    parser.add_argument("--read")
    given = parser.parse_args()
    if not given.read:
        compare(given.data, given.work, given.peers, given.million)
        return
    torch.set_num_threads(1)
    length = TokenRows.open(given.data).length
    print(json.dumps(measure(READERS[given.read](given.data, LENGTHS[length]), lambda batch: batch["input_ids"])))


if __name__ == "__main__":
    main()
