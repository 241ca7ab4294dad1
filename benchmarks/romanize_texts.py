"""The real texts on which the romanisation engine is compared with uroman, by folder of the shared data."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDERS = ("pud", "ntrex", "udhr", "stories", "bible", "xquad", "tatoeba")


def _lines(path: Path) -> Iterator[str]:
    with gzip.open(path, "rt", encoding="utf-8", newline="\n") as lines:
        for line in lines:
            yield line.rstrip("\n")


def _records(path: Path) -> Iterator[dict[str, Any]]:
    return map(json.loads, _lines(path))


def _bible(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.glob("*.gz")):
        lines = _lines(path)
        lang = next(lines).split("\t")[1]
        for line in filter(None, lines):
            yield lang, line.split("\t")[1]


def _tatoeba(folder: Path) -> Iterator[tuple[str, str]]:
    rows = csv.DictReader(_lines(folder / "languages.tsv.gz"), delimiter="\t", quoting=csv.QUOTE_NONE)
    langs = {row["code"]: row["lang"] for row in rows}
    for path in sorted(folder.glob("*-eng.tsv.gz")):
        pairs = _lines(path)
        next(pairs)
        for line in filter(None, pairs):
            _, other, english, *_ = line.split("\t")
            yield langs[path.name[:3]], other
            yield "eng_Latn", english


def read_folder(data: Path, name: str) -> Iterator[tuple[str, str]]:
    """Language label and text, for each text of one folder of the shared data."""
    folder = data / name
    if name in ("pud", "ntrex"):
        for path in sorted(folder.glob("*.jsonl.gz")):
            yield from ((row["lang"], row["text"]) for row in _records(path))
    elif name in ("udhr", "stories"):
        part = "paragraphs" if name == "udhr" else "pages"
        for row in _records(folder / f"{name}.jsonl.gz"):
            yield from ((row["lang"], text) for text in row[part])
    elif name == "xquad":
        yield from ((row["lang"], row["text"]) for row in _records(folder / "contexts.jsonl.gz"))
    else:
        yield from _bible(folder) if name == "bible" else _tatoeba(folder)


def distinct(texts: Iterator[tuple[str, str]], *, by_language: bool) -> dict[tuple[str | None, str], str]:
    """(code or None, text) -> the label that came with it first; by_language: a text counts once for each code."""
    found: dict[tuple[str | None, str], str] = {}
    for lang, text in texts:
        found.setdefault((lang[:3] if by_language else None, text), lang)
    return found
