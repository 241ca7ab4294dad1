"""The passes of dedup over files, put together without Beam: a small group-by in memory takes its place."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from tests import rows
from tests.rows import grouped, write_shards
from xlcorpus.dataset.beside import read_beside
from xlcorpus.dataset.columns import append_slices
from xlcorpus.dataset.dataset import read_batches
from xlcorpus.dedup import mark, match
from xlcorpus.dedup.options import DedupOptions
from xlcorpus.dedup.sign import SignShard
from xlcorpus.dedup.signature import Banding, choose_banding

SURE = Banding(64, 1)  # proposes every pair of Jaccard 0.5 but for one in 2 ** 64


def documents(texts: Sequence[str | None], names: Sequence[str] | None = None, **columns: Any) -> pa.RecordBatch:
    """Documents whose ids follow from their names (default: their numbers)."""
    names = names or [str(row) for row in range(len(texts))]
    return rows.documents(texts, names=names, **{"source": None, **columns})


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
    folder: Path,
    shards: Sequence[pa.RecordBatch],
    *,
    banding: Banding | None = None,
    partitions: int = 1,
    shuffle: int = 0,
    **given: Any,
) -> Deduplicated:
    """Sign, match, mark and keep; given: options. shuffle: elements reach each group in an order of this number."""
    options, chaos, scratch = DedupOptions(**given), random.Random(shuffle), folder / "scratch"
    sign = SignShard(scratch, options, banding or choose_banding(options.threshold), 0)
    paths: dict[int, Path] = {}
    for number, shard in enumerate(write_shards(folder, shards)):
        paths[number] = shard.location
        sign(number, shard)

    bands = [element for number in paths for element in match.DealBands(scratch, partitions)(number)]
    edges = [edge for group in grouped(bands, chaos) for edge in match.match_bands(group)]
    verdicts: list[tuple[int, pa.RecordBatch]] = []
    if edges:
        chaos.shuffle(edges)
        shingle = match.ShingleCandidates(scratch, paths, options.shingle_size, partitions)
        candidates = list(match.label_candidates((0, edges)))
        members = [element for candidate in candidates for element in shingle(candidate)]
        judge = match.JudgeComponents(options.threshold)
        verdicts = [verdict for group in grouped(members, chaos) for verdict in judge(group)]
    by_shard = dict(grouped(verdicts, chaos))
    kept, decisions, marks = [], [], []
    for number, path in paths.items():
        mark.MarkShard(scratch, paths)((number, by_shard.get(number, [])))
        for batch in append_slices(read_batches(path), read_beside(mark.mark_file(scratch, number))):
            marks.append(batch)
            result = mark.keep_best_batch(batch, options.threshold)
            kept.append(result.rows)
            decisions.append(result.decisions)
    return Deduplicated(*(pa.Table.from_batches(parts) for parts in (kept, decisions, marks)))


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
