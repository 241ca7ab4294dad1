"""Code-switching on one core: MB/s of dict-word in CPU seconds, coverage and achieved ratio, by language.

`python -m benchmarks.codeswitch [--data ../shared/data] [--megabytes 8] [--repeats 5]` prints Markdown. Documents are
20 sentences each, of PUD and NTREX; dictionaries are those of Wiktionary, for other sources than English inverted.
The best of the repeats counts: other work on the machine only ever adds to the seconds of one.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.machine import describe_machine
from xlcorpus.codeswitch.build import build_index
from xlcorpus.codeswitch.index import LexiconIndex
from xlcorpus.codeswitch.switch import Settings, switch_batch

GOAL = 20.0
_SENTENCES = 20
_BATCH = 2048  # documents in an element of a pipeline, about 5 MB
_OTHERS = {"de": "deu_Latn", "ru": "rus_Cyrl", "hi": "hin_Deva", "ar": "arb_Arab", "zh": "zho_Hant", "ja": "jpn_Jpan"}


@dataclass(frozen=True)
class Figures:
    """Of one direction: the direction, words of the dictionary, MB/s, coverage and achieved ratio."""

    direction: str
    words: int
    speed: float
    coverage: float
    ratio: float


def _texts(path: Path) -> list[str]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line)["text"] for line in lines]


def _batches(texts: Sequence[str], label: str, size: int) -> Iterator[pa.RecordBatch]:
    """Documents of 20 sentences, until there are `size` bytes."""
    joined = [" ".join(texts[start : start + _SENTENCES]) for start in range(0, len(texts), _SENTENCES)]
    count = max(1, size * len(joined) // sum(len(text.encode()) for text in joined))
    for start in range(0, count, _BATCH):
        numbers = range(start, min(start + _BATCH, count))
        origin = pa.StructArray.from_arrays(
            [pa.array(["bench"] * len(numbers)), pa.array(list(numbers), pa.int64())], names=["file", "offset"]
        )
        yield pa.RecordBatch.from_pydict(
            {
                "doc_id": pa.array([number.to_bytes(16, "little") for number in numbers], pa.binary(16)),
                "text": pa.array([joined[number % len(joined)] for number in numbers]),
                "lang": pa.array([label] * len(numbers)),
                "origin": origin,
            }
        )


def _dictionary(folder: Path, code: str, label: str, *, inverse: bool) -> LexiconIndex:
    with gzip.open(folder / "dict" / "wiktionary" / f"en-{code}.tsv.gz", "rt", encoding="utf-8") as lines:
        rows = [line.rstrip("\n").split("\t") for line in lines][1:]
    english, other = pa.array([row[0] for row in rows]), pa.array([row[1] for row in rows])
    sides = [(english, "eng_Latn"), (other, label)]
    (src, src_lang), (tgt, tgt_lang) = reversed(sides) if inverse else sides
    return build_index(src, tgt, pa.array([src_lang] * len(rows)), pa.array([tgt_lang] * len(rows)))


def measure(direction: str, batches: Sequence[pa.RecordBatch], index: LexiconIndex, repeats: int) -> Figures:
    """The best of the repeats. MB are bytes of text in UTF-8."""
    size = sum(pc.sum(pc.binary_length(batch["text"])).as_py() for batch in batches)
    settings, best, words, known, replaced = Settings(), float("inf"), 0.0, 0.0, 0.0
    for repeat in range(repeats):
        start = time.process_time()
        made = [switch_batch(batch, index, settings)[0] for batch in batches]
        best = min(best, time.process_time() - start)
        if repeat == 0:
            counts = np.concatenate([batch["cs_words"].to_numpy() for batch in made])
            words = float(counts.sum())
            known, replaced = (
                float(counts @ np.concatenate([batch[name].to_numpy() for batch in made]))
                for name in ("cs_coverage", "cs_ratio")
            )
    return Figures(direction, len(index.keys), size / best / 1e6, known / words, replaced / words)


def run(data: Path, megabytes: int, repeats: int) -> Iterator[Figures]:
    """Figures of each direction, English first."""
    size = megabytes * 1_000_000
    english = list(
        _batches([*_texts(data / "pud/en.jsonl.gz"), *_texts(data / "ntrex/eng.jsonl.gz")], "eng_Latn", size)
    )
    for code, label in _OTHERS.items():
        yield measure(f"eng_Latn > {label}", english, _dictionary(data, code, label, inverse=False), repeats)
    for code, label in _OTHERS.items():
        batches = list(_batches(_texts(data / f"pud/{code}.jsonl.gz"), label, size))
        yield measure(f"{label} > eng_Latn", batches, _dictionary(data, code, label, inverse=True), repeats)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; the exit code is never because of a figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    parser.add_argument("--megabytes", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args(arguments)
    print(f"{describe_machine('numpy', 'pyarrow')}; best of {options.repeats}; goal {GOAL:.0f} MB/s\n")
    print("| direction | keys | MB/s a core | coverage | achieved ratio |\n| --- | ---: | ---: | ---: | ---: |")
    for figures in run(options.data, options.megabytes, options.repeats):
        print(
            f"| {figures.direction} | {figures.words:,} | {figures.speed:.1f} | {figures.coverage:.3f} "
            f"| {figures.ratio:.3f} |",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
