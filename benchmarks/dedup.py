"""What dedup costs on templates, chains and boilerplate, and what it finds in each script, next to an earlier version.

`python -m benchmarks.dedup [--base XLCORPUS] [--sizes 12500,25000,50000] [--data FOLDER]` prints Markdown for
docs/performance.md. CPU seconds and peak memory are those of `xlcorpus dedup` in a process of its own. base:
the command of another version, which gets the sizes of --base-sizes.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import resource
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import regex
from scipy import sparse

from benchmarks.machine import describe_machine
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dedup.signature import shingle_texts

THRESHOLD = 0.8
KINDS = ("template", "chain", "boilerplate", "mixed boilerplate")
_PER_LANGUAGE = 40


def texts_of(kind: str, count: int) -> Iterator[str]:
    """Pages of 121 words but one (template), windows of 60 words over one text (chain), pages of which half is the same
    (boilerplate), pages with 95 words in common and 5 to 40 of their own, on both sides of the threshold."""
    drawn = random.Random(1)

    def own(size: int) -> list[str]:
        return [f"w{drawn.randrange(10**6)}" for _ in range(size)]

    common = [f"word{number}" for number in range(95)]
    words = own(2 * count + 60) if kind == "chain" else []
    for number in range(count):
        page = {
            "template": lambda: [*common[:60], f"id{number}", *common[:60]],  # noqa: B023
            "chain": lambda: words[2 * number : 2 * number + 60],  # noqa: B023
            "boilerplate": lambda: common[:60] + own(60),
            "mixed boilerplate": lambda: common + own(drawn.randrange(5, 41)),
        }[kind]()
        yield " ".join(page)


@dataclass(frozen=True)
class Used:
    """CPU seconds and peak memory in MB of a command, and whether it ended well."""

    cpu: float
    memory: float
    well: bool


_MEASURE = """
import json, resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, code == 0]))
"""


def measured(command: Sequence[str]) -> Used:
    """Run a command in a process of its own, with at most 12 GB."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (12 << 30, 12 << 30))

    made = subprocess.run(
        [sys.executable, "-c", _MEASURE, *command], capture_output=True, text=True, check=True, preexec_fn=limit
    )
    return Used(*json.loads(made.stdout))


def ingested(xlcorpus: str, texts: Iterator[str], folder: Path) -> Path:
    """A dataset of these texts."""
    folder.mkdir()
    with (folder / "texts.jsonl").open("w", encoding="utf-8") as stream:
        stream.writelines(json.dumps({"text": text}) + "\n" for text in texts)
    command = [xlcorpus, "ingest", str(folder / "texts.jsonl"), "--output", str(folder / "in"), "--quiet"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return folder / "in"


def sizes_table(sides: dict[str, tuple[str, list[int]]], work: Path) -> None:
    """CPU and memory by kind and size."""
    print("| pages | number | side | CPU s | peak memory, MB |\n|---|---:|---|---:|---:|")
    for kind in KINDS:
        for count in sorted({size for _, sizes in sides.values() for size in sizes}):
            for side, (xlcorpus, sizes) in sides.items():
                if count in sizes:
                    folder = work / f"{kind} {count} {side}"
                    source = ingested(xlcorpus, texts_of(kind, count), folder)
                    used = measured([xlcorpus, "dedup", str(source), "--output", str(folder / "out"), "--quiet"])
                    failed = "" if used.well else " (failed)"
                    print(f"| {kind} | {count:,} | {side} | {used.cpu:.1f}{failed} | {used.memory:,.0f} |", flush=True)
                    shutil.rmtree(folder)


def planted(data: Path) -> Iterator[tuple[str, str]]:
    """Language and text: news and copies of it with some units changed."""
    drawn = random.Random(3)
    for file in sorted((data / "ntrex").glob("*.jsonl.gz")):
        by_document: dict[str, list[str]] = defaultdict(list)
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            for record in map(json.loads, lines):
                by_document[record["doc"]].append(record["text"])
                lang = record["lang"]
        for parts in list(by_document.values())[:_PER_LANGUAGE]:
            text = "\n".join(parts)
            units = regex.findall(r"\S+\s*" if text.count(" ") > len(text) / 15 else r"\X", text)
            yield lang, text
            for share in (0.003, 0.01, 0.02, 0.03, 0.04):
                yield lang, "".join(drawn.choice(units) if drawn.random() < share else unit for unit in units)


def similar_pairs(texts: Sequence[str]) -> set[tuple[int, int]]:
    """All pairs of texts with Jaccard similarity >= the threshold, by one product of matrices."""
    values = shingle_texts(pa.array(texts))
    _, columns = np.unique(values.hashes, return_inverse=True)
    matrix = sparse.csr_array((np.ones(len(columns)), columns, values.offsets))
    matrix.sum_duplicates()
    matrix.data[:] = 1
    common = (matrix @ matrix.T).tocoo()
    sizes, (one, two) = matrix.sum(axis=1), common.coords
    high = (one < two) & (common.data >= THRESHOLD * (sizes[one] + sizes[two] - common.data))
    return set(zip(one[high].tolist(), two[high].tolist(), strict=True))


def recall_table(sides: dict[str, str], data: Path, work: Path) -> None:
    """By script: of the pairs at or above the threshold, the share of which not both stay."""
    langs, texts = zip(*planted(data), strict=True)
    by_lang: dict[str, list[int]] = defaultdict(list)
    for row, lang in enumerate(langs):
        by_lang[lang].append(row)
    pairs: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for lang, rows in by_lang.items():
        for one, two in similar_pairs([texts[row] for row in rows]):
            pairs[lang.partition("_")[2]].append((rows[one], rows[two]))
    stay: dict[str, set[str]] = {}
    for side, xlcorpus in sides.items():
        folder = work / f"recall {side}"
        source = ingested(xlcorpus, iter(texts), folder)
        output = folder / "out"
        subprocess.run([xlcorpus, "dedup", str(source), "--output", str(output), "--quiet"], check=True)
        batches = Dataset.open(output).batches(["text"])
        stay[side] = {text for batch in batches for text in batch.column("text").to_pylist()}
    print("\n| script | pairs >= 0.8 | " + " | ".join(f"{side}: found, %" for side in sides) + " |")
    print("|---|---:|" + "---:|" * len(sides))
    for script, found in sorted(pairs.items(), key=lambda item: -len(item[1])):
        different = [(one, two) for one, two in found if texts[one] != texts[two]]
        shares = []
        for kept in stay.values():
            missed = sum(texts[one] in kept and texts[two] in kept for one, two in different)
            shares.append(f"{100 - 100 * missed / max(len(different), 1):.2f}")
        print(f"| {script} | {len(different):,} | " + " | ".join(shares) + " |")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dedup", description=__doc__.split("\n")[0])
    parser.add_argument("--base", help="the xlcorpus command of another version")
    parser.add_argument("--sizes", default="12500,25000,50000", help="documents of each kind")
    parser.add_argument("--base-sizes", default="5000,10000", help="documents of each kind for the other version")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with ntrex")
    given = parser.parse_args()
    ours = str(Path(sys.executable).parent / "xlcorpus")
    sides = {"now": (ours, [int(size) for size in given.sizes.split(",")])}
    if given.base:
        sides["before"] = (given.base, [int(size) for size in given.base_sizes.split(",")])
    print(f"{describe_machine('apache-beam', 'pyarrow', 'numpy')}\n")
    with tempfile.TemporaryDirectory(prefix="xlcorpus-dedup-") as work:
        sizes_table(sides, Path(work))
        recall_table({side: xlcorpus for side, (xlcorpus, _) in sides.items()}, given.data, Path(work))


if __name__ == "__main__":
    main()
