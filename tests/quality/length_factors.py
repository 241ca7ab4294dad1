"""Makes the shipped table of length factors from NTREX and Tatoeba: `python -m tests.quality.length_factors`."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from pathlib import Path

from tests.house.source import ROOT
from tests.rows import records
from xlcorpus.text.labels import normalize_label

DATA = ROOT.parent / "shared" / "data"
TABLE = ROOT / "xlcorpus" / "quality" / "length_factors.tsv"
LEAST_PAIRS = 100  # of Tatoeba, whose sentences are short: below, one sentence weighs too much
_VARIANTS = ("eng-IN", "fra-CA", "por-BR", "spa-MX")  # of one label; English is 1 by definition


def _lines(path: Path) -> Iterator[str]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        yield from file


def _labels(folder: Path) -> dict[str, str]:
    rows = csv.DictReader(_lines(folder / "languages.tsv.gz"), delimiter="\t")
    return {row["code"]: normalize_label(row["lang"]) for row in rows}


def _characters(path: Path) -> int:
    return sum(len(record["text"]) for record in records(path))


def factors() -> dict[str, tuple[float, str]]:
    """Characters of the English text over those of its translation, and which text that is, by label."""
    found: dict[str, tuple[float, str]] = {}
    tatoeba, ntrex = DATA / "tatoeba", DATA / "ntrex"
    for code, label in _labels(tatoeba).items():
        rows = csv.DictReader(_lines(tatoeba / f"{code}-eng.tsv.gz"), delimiter="\t", quoting=csv.QUOTE_NONE)
        pairs = [(len(row["eng"]), len(row["text"])) for row in rows]
        if len(pairs) >= LEAST_PAIRS:
            found[label] = sum(one for one, _ in pairs) / sum(other for _, other in pairs), "tatoeba"
    english = _characters(ntrex / "eng.jsonl.gz")
    for code, label in _labels(ntrex).items():
        if code not in _VARIANTS or label not in found:
            found[label] = english / _characters(ntrex / f"{code}.jsonl.gz"), "ntrex"
    return dict(sorted(found.items()))


def table() -> str:
    """The file's content."""
    lines = (f"{label}\t{factor:.3f}\t{source}\n" for label, (factor, source) in factors().items())
    return "".join(["label\tfactor\tsource\n", *lines])


if __name__ == "__main__":
    TABLE.write_text(table(), encoding="utf-8")
