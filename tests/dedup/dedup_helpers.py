"""The passes of dedup over files, put together without Beam: a small group-by in memory takes its place."""

from __future__ import annotations

import gzip
import json
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import xxhash

from xlcorpus.dataset.beside import read_beside
from xlcorpus.dataset.columns import append_slices
from xlcorpus.dataset.dataset import read_batches
from xlcorpus.dataset.shards import ShardWriter
from xlcorpus.dedup import passes
from xlcorpus.dedup.passes import DedupSettings
from xlcorpus.dedup.signature import Banding, choose_banding

ORIGIN = pa.struct([("file", pa.string()), ("offset", pa.int64())])


def settings_for(threshold: float = 0.8, **changes: Any) -> DedupSettings:
    """The default settings of the step."""
    content: dict[str, Any] = {
        "threshold": threshold,
        "shingle_size": 5,
        "banding": choose_banding(threshold),
        "seed": 0,
        "within": "none",
        "keep_by": "length",
        **changes,
    }
    return DedupSettings(**content)


SURE = Banding(64, 1)  # proposes every pair of Jaccard 0.5 but for one in 2 ** 64


def doc_id(name: str) -> bytes:
    return xxhash.xxh3_128_digest(name.encode())


def documents(texts: Sequence[str | None], names: Sequence[str] | None = None, **columns: Any) -> pa.RecordBatch:
    """Documents whose ids follow from their names (default: their numbers)."""
    names = names or [str(row) for row in range(len(texts))]
    return pa.RecordBatch.from_pydict(
        {
            "doc_id": pa.array([doc_id(name) for name in names], pa.binary(16)),
            "text": pa.array(texts, pa.string()),
            "origin": pa.array([{"file": name, "offset": 0} for name in names], ORIGIN),
            **columns,
        }
    )


@dataclass(frozen=True)
class Deduplicated:
    """What the passes leave: the documents kept, decisions for the others, and all marks."""

    kept: pa.Table
    decisions: pa.Table
    marks: pa.Table

    @property
    def verdicts(self) -> dict[bytes, tuple[bytes, int, bool, bool, float]]:
        """By document: kept member of its cluster, size, whether it stays, whether it is an exact copy, similarity."""
        names = ("doc_id", "dup_cluster", "dup_size", "__dup_kept", "__dup_exact", "__dup_similarity")
        columns = [self.marks.column(name).to_pylist() for name in names]
        return {row[0]: row[1:] for row in zip(*columns, strict=True)}


def deduplicate(
    folder: Path, shards: Sequence[pa.RecordBatch], settings: DedupSettings, *, partitions: int = 1, shuffle: int = 0
) -> Deduplicated:
    """Sign, match, mark and keep. shuffle: elements reach each group in an order of this number."""
    chaos = random.Random(shuffle)
    scratch = folder / "scratch"
    paths: dict[int, str] = {}
    for number, batch in enumerate(shards):
        with ShardWriter(folder, "data", f"part-{number:05d}", batch.schema) as writer:
            writer.write(batch)
            (file,) = writer.close(keep_empty=True)
        paths[number] = str(folder / file.name)
        passes.SignShard(scratch, settings)(number, {"path": paths[number]})

    bands = [element for number in paths for element in passes.PackShard(scratch, partitions)(number)]
    edges = [edge for group in _grouped(bands, chaos) for edge in passes.match_bands(group)]
    verdicts: list[tuple[int, pa.RecordBatch]] = []
    if edges:
        chaos.shuffle(edges)
        shingle = passes.ShingleCandidates(scratch, paths, settings, partitions)
        candidates = list(passes.label_candidates((None, edges)))
        members = [element for candidate in candidates for element in shingle(candidate)]
        for _, parts in _grouped(members, chaos):
            verdicts += passes.judge_candidates(pa.concat_batches(parts), settings.threshold)
    by_shard = dict(_grouped(verdicts, chaos))
    kept, decisions, marks = [], [], []
    for number, path in paths.items():
        passes.MarkShard(scratch, paths)(number, by_shard.get(number, []))
        for batch in append_slices(read_batches(Path(path)), read_beside(passes.mark_file(scratch, number))):
            marks.append(batch)
            stay, gone = passes.keep_best_batch(batch, settings.threshold)
            kept.append(stay)
            decisions.append(gone)
    return Deduplicated(*(pa.Table.from_batches(parts) for parts in (kept, decisions, marks)))


def _grouped(elements: Sequence[tuple[int, Any]], chaos: random.Random) -> list[tuple[int, list[Any]]]:
    """A GroupByKey whose groups and elements come in any order."""
    groups: dict[int, list[Any]] = defaultdict(list)
    for key, value in chaos.sample(list(elements), len(elements)):
        groups[key].append(value)
    return list(groups.items())


def records(path: Path) -> list[dict[str, Any]]:
    """The objects of a .jsonl.gz file."""
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        return [json.loads(line) for line in stream]


def jaccard(one: set[Any], two: set[Any]) -> float:
    return len(one & two) / len(one | two) if one or two else 0.0


def union_find(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """The smallest member of each one's component."""
    parent = list(range(count))

    def find(item: int) -> int:
        while parent[item] != item:
            item = parent[item]
        return item

    for one, two in edges:
        first, second = sorted((find(one), find(two)))
        parent[second] = first
    return [find(item) for item in range(count)]
