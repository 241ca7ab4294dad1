"""What recipes of published systems are given by `benchmarks.systems`: raw texts, pairs and words of ../shared/data."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path
from typing import Any

import xxhash

from benchmarks.smollm2 import DATA, rows_of

KNOWN = ("eng", "deu", "nld", "cat", "spa-MX", "fin", "hin", "bul", "hrv", "srp-Cyrl")  # what tokenizer and models know
PUD = {"deu": "de", "eng": "en", "spa-MX": "es", "fin": "fi", "hin": "hi", "rus": "ru", "zho": "zh"}
ML50 = ("deu", "nld", "spa", "fra", "ita", "por", "fin", "hin")  # of Tatoeba, as all pairs that are translated
SIXT = ("deu", "spa", "fin", "hin", "rus", "cmn")  # the original's six
CROPPED = ("eng", "deu", "nld", "fin", "bul", "ell", "kor", "tur", "arb", "tha", "swa")
NEW = "yor"  # of the pieces that the extended tokenizer has more
XGLM = ("eng", "deu", "spa-MX", "ell", "kor", "fin", "tur", "arb", "tha", "bul", "cat", "hin", "est", "swa", "tel")


def lines_of(code: str, *, test: bool = False) -> list[dict[str, Any]]:
    """Lines of NTREX that are trained on, or for tests: of three documents the third, the same in all languages."""
    path = DATA / "ntrex" / f"{code}.jsonl.gz"
    lines = list(rows_of(path)) if path.is_file() else []
    tested = {*list(dict.fromkeys(line["doc"] for line in lines))[2::3]}
    return [line for line in lines if (line["doc"] in tested) == test]


def sentences_of(code: str) -> list[dict[str, Any]]:
    """PUD's, all of them to train on."""
    return list(rows_of(DATA / "pud" / f"{PUD[code]}.jsonl.gz")) if code in PUD else []


def documents(codes: Iterable[str]) -> Iterator[dict[str, str]]:
    """Whole documents, a sentence a line; nothing says their language."""
    for code in codes:
        for lines in (lines_of(code), sentences_of(code)):
            for _, together in groupby(lines, key=lambda line: line["doc"]):
                yield {"text": "\n".join(line["text"] for line in together)}


def news(codes: Iterable[str]) -> Iterator[dict[str, str]]:
    """Whole documents of NTREX alone, whose languages are told apart without a mistake in those of `CROPPED`."""
    return (
        {"text": "\n".join(line["text"] for line in together)}
        for code in codes
        for _, together in groupby(lines_of(code), key=lambda line: line["doc"])
    )


def lines_in_fours(labels: Iterable[str], most: int) -> Iterator[dict[str, str]]:
    """Documents of four lines each, of languages that NTREX lacks."""
    for label in labels:
        with gzip.open(DATA / "lid_train" / f"{label}.txt.gz", "rt", encoding="utf-8") as stream:
            lines = [line.strip() for line in islice(stream, most)]
        yield from ({"text": "\n".join(lines[at : at + 4])} for at in range(0, len(lines), 4))


def pairs(codes: Iterable[str], into: str = "eng", *, test: bool = False) -> Iterator[dict[str, str]]:
    """Lines of each language with the same of another."""
    for code in codes:
        for read in (lambda one: lines_of(one, test=test), (lambda _: []) if test else sentences_of):
            others = {line["id"]: line for line in read(into)}
            for one in read(code):
                other = others[one["id"]]
                yield {"src": one["text"], "tgt": other["text"], "src_lang": one["lang"], "tgt_lang": other["lang"]}


def turned(rows: Iterable[Mapping[str, str]]) -> Iterator[dict[str, str]]:
    """Pairs the other way round."""
    for row in rows:
        yield {"src": row["tgt"], "tgt": row["src"], "src_lang": row["tgt_lang"], "tgt_lang": row["src_lang"]}


def words() -> Iterator[dict[str, str]]:
    """Wiktionary's English and German words."""
    with gzip.open(DATA / "dict" / "wiktionary" / "en-de.tsv.gz", "rt", encoding="utf-8") as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            yield {"src": row["en"], "tgt": row["de"], "src_lang": "eng_Latn", "tgt_lang": "deu_Latn"}


def sentences(codes: Iterable[str], *, test: bool = False) -> Iterator[dict[str, str]]:
    """Tatoeba's short sentences and their English, a tenth of which is for tests alone, in all languages."""
    with gzip.open(DATA / "tatoeba" / "languages.tsv.gz", "rt", encoding="utf-8") as lines:
        labels = {row["code"]: row["lang"] for row in csv.DictReader(lines, delimiter="\t")}
    for code in codes:
        with gzip.open(DATA / "tatoeba" / f"{code}-eng.tsv.gz", "rt", encoding="utf-8") as lines:
            for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
                if (xxhash.xxh3_64_intdigest(row["eng"].encode()) % 10 == 0) == test:
                    yield {"src": row["text"], "tgt": row["eng"], "src_lang": labels[code], "tgt_lang": "eng_Latn"}


def short(rows: Iterable[Mapping[str, str]]) -> Iterator[Mapping[str, str]]:
    """Pairs of at most 80 characters a side."""
    return (row for row in rows if max(len(row["src"]), len(row["tgt"])) <= 80)


def both_ways(rows: Iterable[Mapping[str, str]]) -> Iterator[Mapping[str, str]]:
    """Each pair, and the other way round."""
    for row in rows:
        yield from (row, *turned([row]))


Rows = Iterable[Mapping[str, Any]]


@dataclass(frozen=True)
class Asked:
    """What a recipe needs: raw rows by variable, what `prepare` makes by variable, and plain values."""

    raw: Mapping[str, Callable[[], Rows]]
    made: Mapping[str, str]
    values: Mapping[str, str | int]


def asked(*, made: Mapping[str, str] | None = None, values: Mapping[str, str | int] | None = None, **raw: Any) -> Asked:
    return Asked(raw, {"tokenizer": "tokenizer"} if made is None else made, values or {})


# Glot500's rule; its own mix wants 30,000 sentences of a new language, and repeats small ones 30 times.
_GLOT500: dict[str, Any] = {
    "name": "glot500-small",
    "unit": "docs",
    "max_epochs": 3,
    "mix": {"rule": "floor", "alpha": 0.3, "scale": 3, "least": 1, "names": ["eng_Latn", "deu_Latn", "fin_Latn"]},
}
_MBART = {"tokenizer": "mbart"}
_WITH_MODEL = {"tokenizer": "tokenizer", "model": "encoder"}
SYSTEMS = {
    "translico": asked(
        documents=lambda: documents(["srp-Cyrl", "hrv"]), test=lambda: pairs(["srp-Cyrl"], "hrv", test=True)
    ),
    "csr4mbart": asked(
        made=_MBART,
        pairs=lambda: [*sentences(["deu"]), *short(pairs(["deu"]))],
        dictionary=lambda: both_ways(words()),
        test=lambda: sentences(["deu"], test=True),
    ),
    "infoxlm": asked(
        documents=lambda: documents(["eng", "deu", "nld"]),
        pairs=lambda: pairs(["deu", "nld"]),
        test=lambda: pairs(["deu", "nld"], test=True),
    ),
    "langsamp": asked(
        documents=lambda: documents(["eng", "deu", "nld", "hrv", "srp-Cyrl", "bul", "hin", "spa-MX"]),
        test=lambda: pairs(["deu", "bul", "hin"], test=True),
        values={"budget": "100k"},
    ),
    "ofa": asked(
        documents=lambda: documents(["eng", "deu", "fin", NEW]),
        test=lambda: pairs([NEW], test=True),
        mix=lambda: [_GLOT500],
        made={"tokenizer": "extended", "model": "encoder"},
        values={"known": "eng_Latn", "new": "yor_Latn"},
    ),
    "xglm": asked(documents=lambda: documents(XGLM), values={"budget": "200k"}),
    "mbart50": asked(
        made=_MBART,
        pairs=lambda: sentences(ML50), test=lambda: both_ways(sentences(ML50, test=True))
    ),
    "sixt-plus": asked(
        pairs=lambda: sentences(SIXT), test=lambda: sentences(["nld", "cat", "bul"], test=True), made=_WITH_MODEL
    ),
    "monobyte": asked(documents=lambda: documents(["deu"]), made={}, values={"bytes": "150k"}),
    "contriever": asked(
        documents=lambda: news(CROPPED),
        test=lambda: pairs(["deu", "bul", "hin"], test=True),
    ),
    "mixcpt-cleaning": asked(
        documents=lambda: [*documents(["eng", "deu", "kir", "nya"]), *lines_in_fours(["bel_Cyrl", "mri_Latn"], 3000)],
        made={"tokenizer": "tokenizer", "model": "decoder"},
        values={"mix": "L3-Mono-Sel", "budget": "100k"},
    ),
}  # fmt: skip


def write_rows(path: Path, rows: Rows) -> None:
    """A file of JSON lines, or a table with TABs where the name says so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as stream:
        if path.suffix == ".tsv":
            given = [*rows]
            stream.writelines("\t".join(row) + "\n" for row in ([*given[0]], *([*row.values()] for row in given)))
        else:
            stream.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
