"""Parallel text of the shared data: PUD first, then what else is there of the same two languages."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

PAIRS = ("deu", "hin", "zho")  # with English
_PUD = {"deu": "de", "hin": "hi", "zho": "zh"}
_TATOEBA = {"zho": "cmn"}


def read_texts(path: Path) -> list[str]:
    """Texts of a `.jsonl.gz` file, in its order."""
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        return [json.loads(line)["text"] for line in stream]


def read_rows(path: Path) -> list[list[str]]:
    """Rows of a `.tsv.gz` file without its header."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))[1:]


def parallel_text(shared: Path, language: str) -> tuple[list[str], list[str], int]:
    """English texts, texts of the other language, and how many of them (the first ones) are PUD."""
    english = read_texts(shared / "pud" / "en.jsonl.gz")
    other = read_texts(shared / "pud" / f"{_PUD[language]}.jsonl.gz")
    measured = len(english)
    ntrex = shared / "ntrex" / f"{language}.jsonl.gz"
    if ntrex.exists():
        english += read_texts(shared / "ntrex" / "eng.jsonl.gz")
        other += read_texts(ntrex)
    for _, text, translation in read_rows(shared / "tatoeba" / f"{_TATOEBA.get(language, language)}-eng.tsv.gz"):
        english.append(translation)
        other.append(text)
    return english, other, measured
