"""Decisions of datatrove's own filters, as FineWeb-2 sets them, against those of `filter`, on the same documents.

`python -m benchmarks.filter_datatrove SHARED CONFIGS PYTHON [--segmenters]`: SHARED is the folder `data` of the shared
data (its crawl and NTREX are read), CONFIGS the unpacked folder of FineWeb-2, PYTHON the interpreter where datatrove is
installed. The language is the gold one and its score 1 on both sides. --segmenters: use those of PYTHON's packages.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from xlcorpus.quality.datatrove.breakers import choose
from xlcorpus.quality.datatrove.signals import score_as_datatrove
from xlcorpus.quality.filter import filter_batch
from xlcorpus.quality.thresholds import Thresholds, load_thresholds

_PEER = Path(__file__).with_name("filter_datatrove_peer.py")


def documents(shared: Path) -> Iterator[tuple[str, str]]:
    """Language and text: pages of the crawl, whole news documents of NTREX."""
    with gzip.open(shared / "crawl" / "docs.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if row["lang"]:
                yield row["lang"], row["text"]
    with gzip.open(shared / "ntrex" / "languages.tsv.gz", "rt", encoding="utf-8", newline="") as stream:
        codes = [(row[0], row[1]) for row in csv.reader(stream, delimiter="\t")][1:]
    for code, lang in codes:
        texts: dict[str, list[str]] = defaultdict(list)
        with gzip.open(shared / "ntrex" / f"{code}.jsonl.gz", "rt", encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                texts[row["doc"]].append(row["text"])
        yield from ((lang, "\n".join(sentences)) for sentences in texts.values())


def peer_decisions(rows: list[dict[str, Any]], configs: Path, python: Path) -> tuple[dict[int, Any], float]:
    """What datatrove says of each row by number, and the seconds it took."""
    with tempfile.TemporaryDirectory() as name:
        source, target = Path(name) / "documents.jsonl", Path(name) / "decisions.jsonl"
        source.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        began = time.perf_counter()
        subprocess.run([python, "-W", "ignore", _PEER, source, configs, target], check=True, stderr=subprocess.DEVNULL)
        seconds = time.perf_counter() - began
        return {row["id"]: row for row in map(json.loads, target.read_text(encoding="utf-8").splitlines())}, seconds


def own_batch(rows: list[dict[str, Any]]) -> pa.RecordBatch:
    """The documents as a batch of ours."""
    return pa.RecordBatch.from_pydict(
        {
            "doc_id": pa.array([row["id"].to_bytes(16, "big") for row in rows], pa.binary(16)),
            "text": [row["text"] for row in rows],
            "lang": [row["lang"] for row in rows],
            "lang_score": pa.array([1.0] * len(rows), pa.float32()),
            "origin": pa.nulls(len(rows), pa.struct([("file", pa.string()), ("offset", pa.int64())])),
        }
    )


def removed(batch: pa.RecordBatch, thresholds: Thresholds) -> dict[int, str]:
    """Number and reason of each document that goes."""
    decisions = filter_batch(batch, thresholds).decisions
    assert decisions is not None
    numbers = [int.from_bytes(name, "big") for name in decisions.column("doc_id").to_pylist()]
    return dict(zip(numbers, decisions.column("reason").to_pylist(), strict=True))


def compare(shared: Path, configs: Path, python: Path) -> None:
    """Print a table of the languages with a difference, and the sums."""
    thresholds = load_thresholds(configs)
    rows: list[dict[str, Any]] = []
    for lang, text in documents(shared):
        label = thresholds.section_of(lang)
        if label is not None:
            rows.append({"id": len(rows), "text": text, "lang": lang, "label": label})
    theirs, seconds = peer_decisions(rows, configs, python)
    decided = [row for row in rows if "reason" in theirs.get(row["id"], {})]
    errors = {row["label"]: theirs[row["id"]]["error"] for row in rows if "error" in theirs.get(row["id"], {})}
    began = time.process_time()
    batch = score_as_datatrove(own_batch(decided)).rows
    scoring = time.process_time() - began
    ours, exact = removed(batch, thresholds.judging("ours")), removed(batch, thresholds.judging("datatrove"))
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for row in decided:
        goes, count = theirs[row["id"]]["reason"] is not None, counts[row["label"]]
        count["all"] += 1
        count["ours"] += goes == (row["id"] in ours)
        count["exact"] += goes == (row["id"] in exact)
    print(
        "| file | documents | equal, our signals | equal, datatrove's | words by |\n| --- | ---: | ---: | ---: | --- |"
    )
    total: Counter[str] = Counter()
    for label, count in sorted(counts.items(), key=lambda item: (item[1]["exact"] / item[1]["all"], item[0])):
        total += count
        if count["ours"] != count["all"] or count["exact"] != count["all"]:
            choice = choose(label)
            found = f"{choice.breaker} ({choice.why})" if choice.why else choice.breaker
            print(f"| {label} | {count['all']} | {count['ours']} | {count['exact']} | {found} |")
    kept = sum(theirs[row["id"]]["reason"] is None for row in decided)
    print(f"| all {len(counts)} | {total['all']} | {total['ours']} | {total['exact']} | |")
    print(
        f"\n{total['ours'] / total['all']:.2%} equal with our signals, {total['exact'] / total['all']:.2%} with its own"
    )
    print(f"datatrove keeps {kept:,} and took {seconds:.0f} s, our scores of both kinds {scoring:.0f} CPU s")
    print("\nwhere datatrove itself found no words:")
    for label, error in sorted(errors.items()):
        print(f"- {label}: {error.splitlines()[0][:100]}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path)
    parser.add_argument("configs", type=Path)
    parser.add_argument("python", type=Path)
    parser.add_argument("--segmenters", action="store_true")
    given = parser.parse_args()
    if given.segmenters:
        where = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
        sys.path.append(
            subprocess.run([given.python, "-c", where], capture_output=True, text=True, check=True).stdout.strip()
        )
    compare(given.shared, given.configs, given.python)
