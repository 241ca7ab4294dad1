"""The passes of dedup over files, put together without Beam."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy import sparse

from tests import rows
from tests.rows import write_shards
from xlcorpus.dataset.beside import read_beside
from xlcorpus.dataset.columns import append_slices
from xlcorpus.dataset.dataset import read_batches
from xlcorpus.dedup import mark
from xlcorpus.dedup.compare import JudgeGroup, ShingleShard, groups_of
from xlcorpus.dedup.match import MatchShards
from xlcorpus.dedup.options import DedupOptions
from xlcorpus.dedup.sign import SignShard
from xlcorpus.dedup.signature import Banding, choose_banding, shingle_texts
from xlcorpus.dedup.texts import Texts

SURE = Banding(64, 1)  # proposes every pair of Jaccard 0.5 but for one in 2 ** 64


def documents(texts: Sequence[str | None], names: Sequence[str] | None = None, **columns: Any) -> pa.RecordBatch:
    """Documents whose ids follow from their names (default: their numbers)."""
    names = names or [str(row) for row in range(len(texts))]
    return rows.documents(texts, names=names, **{"source": None, **columns})


@dataclass(frozen=True)
class Deduplicated:
    """What the passes leave: documents kept, decisions for the others, all marks, and how many pairs were compared."""

    kept: pa.Table
    decisions: pa.Table
    marks: pa.Table
    pairs: int

    @property
    def verdicts(self) -> dict[bytes, tuple[bytes, int, bool, bool, float]]:
        """By document: kept member of its cluster, size, whether it stays, whether it is an exact copy, similarity."""
        names = ("doc_id", "dup_cluster", "dup_size", "__dup_kept", "__dup_exact", "__dup_similarity")
        columns = [self.marks.column(name).to_pylist() for name in names]
        return {row[0]: row[1:] for row in zip(*columns, strict=True)}


def deduplicate(folder: Path, shards: Sequence[pa.RecordBatch], **given: Any) -> Deduplicated:
    """Sign, match, shingle, compare, mark and keep; given: options, `banding`, `pairs`."""
    banding = given.pop("banding", None)
    pairs = given.pop("pairs", False)
    options, scratch = DedupOptions(**given), folder / "scratch"
    texts = Texts.of(options, pairs=pairs)
    banding = banding or choose_banding(options.threshold)
    written = dict(enumerate(write_shards(folder, shards)))
    paths = {number: shard.location for number, shard in written.items()}
    sign = SignShard(scratch, options, banding, 0, texts)
    rows = {number: sign(number, shard).rows for number, shard in written.items()}
    matched = MatchShards(scratch, rows, paths, banding.bands)(0, None)
    shingle = ShingleShard(scratch, options.shingle_size, texts)
    groups = groups_of(matched, [(number, shingle(number, shard)) for number, shard in written.items()])
    judge = JudgeGroup(scratch, options.threshold, texts.both)
    compared = [judge(number, group) for number, group in enumerate(groups)]
    mark.MarkShards(scratch, rows, len(groups))(0, None)
    kept, decisions, marks = [], [], []
    for number, path in paths.items():
        for batch in append_slices(read_batches(path), read_beside(mark.mark_file(scratch, number))):
            marks.append(batch)
            result = mark.keep_best_batch(batch, options.threshold)
            kept.append(result.rows)
            decisions.append(result.decisions)
    tables = [pa.Table.from_batches(parts) for parts in (kept, decisions, marks)]
    return Deduplicated(*tables, sum(record.pairs for record in compared))


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


def first_independent_set(
    sets: Sequence[set[Any]], alike: Sequence[Any], threshold: float, order: Sequence[int] | None = None
) -> set[int]:
    """Which of the texts stay, best first (or in this order): by comparing each with all that stay. Texts without a
    shingle, and of another value of `alike`, are like none."""
    stays: list[int] = []
    for text in range(len(sets)) if order is None else order:
        if not any(alike[text] == alike[one] and jaccard(sets[text], sets[one]) >= threshold for one in stays):
            stays.append(text)
    return set(stays)


def similarities(texts: Sequence[str], size: int = 5) -> sparse.csr_array:
    """float64[texts, texts]: the Jaccard similarity of all pairs, by one product of matrices."""
    values = shingle_texts(pa.array(texts), size)
    _, columns = np.unique(values.hashes, return_inverse=True)
    ones = np.ones(len(columns))
    matrix = sparse.csr_array((ones, columns, values.offsets), shape=(len(texts), columns.max(initial=0) + 1))
    matrix.sum_duplicates()
    matrix.data[:] = 1
    common = (matrix @ matrix.T).tocoo()
    sizes = matrix.sum(axis=1)
    one, two = common.coords
    return sparse.csr_array((common.data / (sizes[one] + sizes[two] - common.data), (one, two)), shape=common.shape)


def check_by_brute_force(
    found: Deduplicated,
    ids: Sequence[bytes],
    threshold: float,
    *,
    length: Callable[[int], int],
    likeness: Callable[[int, int], float],
    exact: Callable[[int, int], bool],
) -> None:
    """Every row against every one that stays: the longest first, of equal ones the smallest id. Rows go by number."""
    stays: list[int] = []
    for row in sorted(range(len(ids)), key=lambda row: (-length(row), ids[row])):
        if all(likeness(row, kept) < threshold for kept in stays):
            stays.append(row)
    sizes = Counter(verdict[0] for verdict in found.verdicts.values())
    place = {key: row for row, key in enumerate(ids)}
    for row, key in enumerate(ids):
        kept, size, is_kept, same, similarity = found.verdicts[key]
        assert is_kept == (row in stays) == (kept == key)
        assert size == sizes[kept]
        if not is_kept:
            assert place[kept] in stays
            assert similarity == pytest.approx(likeness(row, place[kept]))
            assert similarity >= np.float32(threshold)
            assert same == exact(row, place[kept])
