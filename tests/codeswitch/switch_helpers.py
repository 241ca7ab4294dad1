"""Batches, small dictionaries and checks for the tests of the operators."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from tests import rows
from tests.rows import records
from xlcorpus.dataset.result import Result
from xlcorpus.dataset.schema import load_schema
from xlcorpus.lexicon.build import build_index
from xlcorpus.lexicon.index import LexiconIndex

Entry = tuple[str, str, str, str]  # src, tgt, src_lang, tgt_lang


def documents(
    texts: Sequence[str | None], lang: str | Sequence[str | None] = "eng_Latn", **more: Any
) -> pa.RecordBatch:
    """A batch with doc_id, origin, text and lang; further columns as given."""
    return rows.documents(texts, lang, source=None, **more)


def parts_of(result: Result) -> tuple[pa.RecordBatch, pa.RecordBatch]:
    """The rows and the decisions of an operator."""
    assert result.decisions is not None
    return result.rows, result.decisions


def index_of(entries: Iterable[Entry], **options: Any) -> LexiconIndex:
    columns = list(zip(*entries, strict=True))
    return build_index(*(pa.array(column, pa.string()) for column in columns), **options)


def direction(src_lang: str, tgt_lang: str, **words: str | list[str]) -> list[Entry]:
    """Entries of one direction: source word -> a translation, or several."""
    return [
        (src, tgt, src_lang, tgt_lang)
        for src, targets in words.items()
        for tgt in ([targets] if isinstance(targets, str) else targets)
    ]


def check(batch: pa.RecordBatch, documents: pa.RecordBatch, decisions: pa.RecordBatch) -> list[dict[str, Any]]:
    """What holds for every result: no row lost, the target is the original, undoing the spans gives it back."""
    load_schema("decision").check(decisions.schema, "decisions")
    ids = documents["doc_id"].to_pylist() + decisions["doc_id"].to_pylist()
    assert sorted(ids) == sorted(batch["doc_id"].to_pylist())
    texts = dict(zip(batch["doc_id"].to_pylist(), batch["text"].to_pylist(), strict=True))
    assert documents["doc_id"].to_pylist() == [doc for doc in texts if doc in set(documents["doc_id"].to_pylist())]
    documents.validate(full=True)
    switched: list[dict[str, Any]] = documents.to_pylist()
    for row in switched:
        assert row["cs_target"] == texts[row["doc_id"]]
        assert undo(row) == row["cs_target"]
        assert row["cs_spans"]
        assert row["cs_langs"] == sorted({span["tgt_lang"] for span in row["cs_spans"]})
        for span in row["cs_spans"]:
            assert row["cs_source"][span["start"] : span["end"]].strip(" ") == span["new_token"]
    return switched


def undo(row: dict[str, Any]) -> str:
    """cs_source with src_token in the place of each span."""
    pieces, at = [], 0
    for span in row["cs_spans"]:
        pieces += [row["cs_source"][at : span["start"]], span["src_token"]]
        at = span["end"]
    return "".join([*pieces, row["cs_source"][at:]])


def sentences(path: Path) -> list[str]:
    """The texts of a .jsonl.gz file."""
    return [record["text"] for record in records(path)]


def wiktionary(folder: Path, code: str, src_lang: str, tgt_lang: str, *, inverse: bool = False) -> list[Entry]:
    """The entries of a Wiktionary dictionary of the shared data, from English or into it."""
    with gzip.open(folder / "dict" / "wiktionary" / f"en-{code}.tsv.gz", "rt", encoding="utf-8") as lines:
        rows = [line.rstrip("\n").split("\t")[:2] for line in lines][1:]
    return [((b, a) if inverse else (a, b)) + (src_lang, tgt_lang) for a, b in rows]
