"""The one builder of test rows: documents, sentence pairs, shards and whole datasets of them; and what they hold."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from xlcorpus.dataset.dataset import Dataset, Shard
from xlcorpus.dataset.decisions import DECISION
from xlcorpus.dataset.manifest import Manifest, StepRecord
from xlcorpus.dataset.schema import load_schema
from xlcorpus.dataset.shards import ShardFile, ShardWriter
from xlcorpus.dataset.tally import Tally

ORIGIN = DECISION.field("origin").type


def doc_id(name: str) -> bytes:
    """The id of the document of this name."""
    return xxhash.xxh3_128_digest(name.encode())


def _identified(names: Sequence[str], source: str | Sequence[str] | None) -> dict[str, pa.Array]:
    columns = {"doc_id": pa.array([doc_id(name) for name in names], pa.binary(16))}
    if source is not None:
        columns["source"] = pa.array([source] * len(names) if isinstance(source, str) else source, pa.string())
    return columns | {"origin": pa.array([{"file": name, "offset": 0} for name in names], ORIGIN)}


def documents(
    texts: Sequence[str | None],
    lang: str | Sequence[str | None] | pa.Array | None = None,
    *,
    names: Sequence[str] | None = None,
    source: str | Sequence[str] | None = "web",
    script: bool = False,
    **columns: Any,
) -> pa.RecordBatch:
    """A batch of documents as ingest and identify give them.

    lang: of all, or one a row; none: no such column. names: what ids and origins follow from; else language and row.
    source: likewise. script: a column with the end of the label; further columns as given.
    """
    if isinstance(lang, pa.Array):
        lang = lang.to_pylist()
    langs = [lang] * len(texts) if isinstance(lang, str) or lang is None else list(lang)
    names = names if names is not None else [f"{one or ''}/{row}" for row, one in enumerate(langs)]
    given: dict[str, Any] = {"text": pa.array(texts, pa.string())}
    if lang is not None:
        given["lang"] = pa.array(langs, pa.string())
    if script:
        given["script"] = pa.array([one and one.partition("_")[2] for one in langs], pa.string())
    return pa.RecordBatch.from_pydict({**_identified(names, source), **given, **columns})


def pairs(
    rows: Sequence[tuple[str | None, str | None]],
    src_lang: str | Sequence[str | None],
    tgt_lang: str | Sequence[str | None],
    *,
    names: Sequence[str] | None = None,
    source: str | Sequence[str] | None = "opus",
    **columns: Any,
) -> pa.RecordBatch:
    """A batch of sentence pairs; a language for all of a side, or one a row."""
    names = names if names is not None else [f"pair {src_lang} {tgt_lang} {row}" for row in range(len(rows))]
    given: dict[str, Any] = {
        "src": pa.array([src for src, _ in rows], pa.string()),
        "tgt": pa.array([tgt for _, tgt in rows], pa.string()),
    }
    for name, lang in (("src_lang", src_lang), ("tgt_lang", tgt_lang)):
        given[name] = pa.array([lang] * len(rows) if isinstance(lang, str) else list(lang), pa.string())
    return pa.RecordBatch.from_pydict({**_identified(names, source), **given, **columns})


def cut(batch: pa.RecordBatch, cuts: Iterable[int]) -> list[pa.RecordBatch]:
    """The batch in parts that end at these rows, those beyond its end at the end."""
    places = [0, *sorted(min(place, batch.num_rows) for place in cuts), batch.num_rows]
    return [batch.slice(start, stop - start) for start, stop in pairwise(places)]


def _write_files(folder: Path, batches: Iterable[pa.RecordBatch]) -> list[ShardFile]:
    files: list[ShardFile] = []
    for number, batch in enumerate(batches):
        with ShardWriter(folder, "data", f"part-{number:05d}", batch.schema) as writer:
            writer.write(batch)
            files += writer.close(keep_empty=True)
    return files


def write_shards(folder: Path, batches: Sequence[pa.RecordBatch], schema: str = "document") -> list[Shard]:
    """The data files of a dataset, one a batch, as tasks know them."""
    return [
        Shard(folder / file.name, file.rows, file.bytes, schema, tuple(batch.schema.names))
        for file, batch in zip(_write_files(folder, batches), batches, strict=True)
    ]


def write_dataset(folder: Path, batches: Iterable[pa.RecordBatch], schema: str = "document", **changes: Any) -> Dataset:
    """A finished dataset, a shard a batch; `changes` to its manifest."""
    tally, kept = Tally("test"), list(batches)
    shards = _write_files(folder, kept)
    for batch in kept:
        tally.rows_in += batch.num_rows
        tally.rows_out += batch.num_rows
        tally.count_languages(batch)
    content: dict[str, Any] = {
        "schema": load_schema(schema).label,
        "arrow_schema": pq.read_schema(folder / shards[0].name),
        "steps": (StepRecord("test", {}),),
        "inputs": {},
        "fingerprint": "f" * 32,
        "code_version": "0",
        "seed": 0,
        "shards": tuple(shards),
        "decisions": (),
        "rejects": (),
        "tallies": (tally,),
    }
    Manifest(**content | changes).save(folder)
    return Dataset.open(folder)


def rows_of(dataset: Dataset | Path, columns: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """All rows of a dataset, in its order; of a folder, every file is verified."""
    opened = dataset if isinstance(dataset, Dataset) else Dataset.open(dataset, verify=True)
    rows: list[dict[str, Any]] = opened.to_arrow(columns).to_pylist()
    return rows


def records(path: Path) -> list[dict[str, Any]]:
    """The objects of a .jsonl.gz file."""
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        return [json.loads(line) for line in stream]


def grouped(elements: Sequence[tuple[Any, Any]], chaos: random.Random) -> list[tuple[Any, list[Any]]]:
    """What a GroupByKey may make of (key, value) elements: groups and values in any order."""
    groups: dict[Any, list[Any]] = {}
    for key, value in elements:
        groups.setdefault(key, []).append(value)
    for values in groups.values():
        chaos.shuffle(values)
    keys = list(groups)
    chaos.shuffle(keys)
    return [(key, groups[key]) for key in keys]
