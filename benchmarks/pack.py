"""Packing on one core: padding, documents/s, MB/s of ids and peak memory, each case in a process of its own.

`python -m benchmarks.pack [--documents 200000] [--length 2048]` prints Markdown: this package's strategies, packs of
first-fit-decreasing in the same windows, a number of packs that nothing can go below, and a plain Python loop that
closes a pack when the next document does not fit. Lengths are drawn; ids are random. `--datatrove PYTHON` adds the
tokeniser step of datatrove, from an environment of its own (pip install "datatrove[io,processing]" tokenizers), and
the same tokenizer with packing here, on the documents of `--data`. CPU seconds; making the documents is not counted.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.machine import describe_machine
from benchmarks.meter import Measured, Meter
from xlcorpus.pack.language_ids import LanguageIds
from xlcorpus.pack.options import PackOptions
from xlcorpus.pack.packer import WINDOW_DOCUMENTS, Packer
from xlcorpus.pack.token_documents import TokenDocuments
from xlcorpus.text.ragged import offsets_of, ranges

_BATCH = 4096
_LABELS = [f"{first}{second}a_Latn" for first in "abcde" for second in "abcdefgh"]  # 40
_SHARES = 1 / np.arange(1, 41)  # Zipf: the smallest of 40 languages has 0.6 % of the documents
LENGTHS: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "uniform 50-3,000": lambda rng, count: rng.integers(50, 3001, count),
    "log-normal, median 490": lambda rng, count: np.clip(np.exp(rng.normal(6.2, 0.9, count)), 50, 3000).astype(int),
    "mostly short": lambda rng, count: np.clip(50 * (rng.pareto(1.1, count) + 1), 50, 3000).astype(int),
}
CASES = ("concatenate", "best-fit", "best-fit, 40 languages pure", "one", "Python loop")


def batches(kind: str, documents: int) -> Iterator[TokenDocuments]:
    """Documents with lengths of this kind; the same in every process."""
    rng = np.random.default_rng(17)
    for start in range(0, documents, _BATCH):
        count = min(_BATCH, documents - start)
        sizes = LENGTHS[kind](rng, count).astype(np.int64)
        ids = rng.integers(3, 30_000, int(sizes.sum()), dtype=np.int32)
        names = rng.integers(0, 256, 16 * count, dtype=np.uint8)
        doc_ids = pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), count, [None, pa.py_buffer(names)])
        langs = pa.array(_LABELS).take(pa.array(rng.choice(40, count, p=_SHARES / _SHARES.sum())))
        nulls = pa.nulls(count, pa.string())
        epochs, text_bytes = pa.array(np.zeros(count, dtype=np.int32)), pa.array(4 * sizes)
        yield TokenDocuments(ids, offsets_of(sizes), doc_ids, langs, nulls, nulls, nulls, epochs, text_bytes)


@dataclass(frozen=True)
class Figures:
    """Packs and their padding (0 to 1), CPU seconds, tokens, peak bytes in memory of the process."""

    packs: int
    padding: float
    seconds: float
    tokens: int
    memory: int


class PythonLoop:
    """A plain loop: a document goes into the open pack, or closes it; what is longer than a pack is split."""

    def __init__(self, length: int) -> None:
        self.packs = self.tokens = 0
        self._length = length
        self._ids: list[int] = []
        self._starts: list[int] = []
        self._docs: list[bytes] = []
        self._rows: list[dict[str, Any]] = []

    def add(self, documents: TokenDocuments) -> Iterator[pa.RecordBatch]:
        """As `Packer.add`, with fewer columns."""
        names = documents.doc_ids.to_pylist()
        for row, name in enumerate(names):
            document = documents.ids[documents.offsets[row] : documents.offsets[row + 1]].tolist()
            for start in range(0, len(document), self._length):
                part = document[start : start + self._length]
                if len(self._ids) + len(part) > self._length:
                    self._close()
                self._starts.append(len(self._ids))
                self._ids.extend(part)
                self._docs.append(name)
            if len(self._rows) >= 1000:
                yield from self._flush()

    def finish(self) -> Iterator[pa.RecordBatch]:
        """What is left."""
        if self._ids:
            self._close()
        yield from self._flush()

    def _close(self) -> None:
        self.packs, self.tokens = self.packs + 1, self.tokens + len(self._ids)
        self._rows.append({"input_ids": self._ids, "doc_starts": self._starts, "doc_ids": self._docs})
        self._ids, self._starts, self._docs = [], [], []

    def _flush(self) -> Iterator[pa.RecordBatch]:
        schema = {"input_ids": pa.list_(pa.int32()), "doc_starts": pa.list_(pa.int32())}
        fields = [*schema.items(), ("doc_ids", pa.list_(pa.binary(16)))]
        yield pa.RecordBatch.from_pylist(self._rows, schema=pa.schema(fields))
        self._rows = []


def _options(length: int, strategy: Any) -> PackOptions:
    return PackOptions(tokenizer="bytes", length=length, strategy=strategy)


def measure(case: str, kind: str, documents: int, length: int, output: Path) -> Figures:
    """One case, in this process; output: a file for the meter."""
    loop = PythonLoop(length)
    strategy, _, pure = case.partition(", ")
    languages = LanguageIds.build(_LABELS) if pure else None
    pieces = np.full(30_000, 4, dtype=np.int32)
    packer = loop if case == "Python loop" else Packer(_options(length, strategy), 0, languages, pieces)
    meter, tokens = Meter(), 0
    for batch in batches(kind, documents):
        tokens += len(batch.ids)
        with meter.phase("pack"):
            deque(packer.add(batch), maxlen=0)
    with meter.phase("pack"):
        deque(packer.finish(), maxlen=0)
    meter.save(output)
    measured = Measured.load(output)
    packs = packer.packs if isinstance(packer, PythonLoop) else packer.counts.packs
    return Figures(packs, 1 - tokens / (packs * length), measured.phases["pack"], tokens, measured.memory)


def least_bins(sizes: np.ndarray, length: int) -> int:
    """A number of bins that no packing can go below: the bound L2 of Martello and Toth (1990).

    sizes: integers[n], 1 to length. For each threshold t up to half of the length: items above length - t are alone,
    those above half of the length are in bins of their own, and items from t on fill what room these leave. At t = 0
    it is at least the sum of the sizes over the length, rounded up.
    """
    if not len(sizes):
        return 0
    ordered = np.sort(sizes.astype(np.int64))
    sums = offsets_of(ordered)
    thresholds = np.unique(np.concatenate([[0], ordered[ordered <= length // 2]]))
    low = np.searchsorted(ordered, thresholds, side="left")  # the first item that counts
    half = np.searchsorted(ordered, length // 2, side="right")  # the first above half of the length
    alone = np.maximum(np.searchsorted(ordered, length - thresholds, side="right"), half)
    room = (alone - half) * length - (sums[alone] - sums[half])
    small = sums[half] - sums[np.minimum(low, half)]
    bounds = len(ordered) - half + np.maximum(0, -(-(small - room) // length))
    return int(bounds.max())


def first_fit(sizes: np.ndarray, length: int) -> int:
    """Packs of first-fit-decreasing: a tree over the packs' room finds the first with enough."""
    leaves = 1 << max(len(sizes) - 1, 0).bit_length()
    room = [length] * (2 * leaves)
    opened = 0
    for size in np.sort(sizes)[::-1].tolist():
        node = 1
        while node < leaves:
            node *= 2
            node += room[node] < size
        opened = max(opened, node - leaves + 1)
        room[node] -= size
        while node > 1:
            node //= 2
            room[node] = max(room[2 * node], room[2 * node + 1])
    return opened


def items_of(kind: str, documents: int, length: int) -> np.ndarray:
    """Sizes of whole documents, and of the parts of long ones."""
    sizes = np.concatenate([batch.lengths for batch in batches(kind, documents)])
    parts = -(-sizes // length)
    starts = ranges(np.zeros_like(parts), parts) * length
    return np.minimum(np.repeat(sizes, parts) - starts, length)


def in_a_process(case: str, kind: str, documents: int, length: int, repeats: int) -> Figures:
    """The least seconds of the repeats; other work on the machine only ever adds to them."""
    command = [sys.executable, "-m", "benchmarks.pack", "--case", case, "--kind", kind]
    command += ["--documents", str(documents), "--length", str(length)]
    with tempfile.TemporaryDirectory() as folder:
        command += ["--output", f"{folder}/meter.json"]
        outputs = [subprocess.run(command, check=True, capture_output=True, text=True).stdout for _ in range(repeats)]
    runs = [Figures(**json.loads(output)) for output in outputs]
    return min(runs, key=lambda run: run.seconds)


def report(documents: int, length: int, repeats: int) -> None:
    """Print a table for each kind of lengths."""
    for kind in LENGTHS:
        items = items_of(kind, documents, length)
        tokens, least = int(items.sum()), least_bins(items, length)
        windows = np.array_split(items, -(-documents // WINDOW_DOCUMENTS))
        ffd = sum(first_fit(window, length) for window in windows)
        print(f"\n{kind}: {documents:,} documents, {tokens / 1e6:.0f} M tokens\n")
        print("| | packs | padding | documents/s | M tokens/s | MB/s of ids | peak MB |")
        print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
        for name, packs in (("no packing of whole documents has fewer", least), ("first-fit-decreasing", ffd)):
            print(f"| {name} | {packs:,} | {1 - tokens / (packs * length):.3%} | | | | |")
        for case in CASES:
            made = in_a_process(case, kind, documents, length, repeats)
            speed = made.tokens / made.seconds / 1e6
            print(
                f"| {case} | {made.packs:,} | {made.padding:.3%} | {documents / made.seconds:,.0f} | {speed:.0f} | "
                f"{4 * speed:.0f} | {made.memory / 1e6:.0f} |",
                flush=True,
            )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables; the exit code is never because of a figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=200_000)
    parser.add_argument("--length", type=int, default=2048)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--datatrove", type=Path, metavar="PYTHON")
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    parser.add_argument("--megabytes", type=int, default=50, help="of text for datatrove")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    parser.add_argument("--kind", help=argparse.SUPPRESS)
    parser.add_argument("--output", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.case:
        made = measure(options.case, options.kind, options.documents, options.length, options.output)
        print(json.dumps(asdict(made)))
        return 0
    print(f"{describe_machine('numpy', 'pyarrow')}; length {options.length}, best of {options.repeats}")
    report(options.documents, options.length, options.repeats)
    if options.datatrove:
        from benchmarks.pack_datatrove import compare

        compare(options.datatrove, options.data, options.megabytes, options.length, options.repeats)
    return 0


if __name__ == "__main__":
    sys.exit(main())
