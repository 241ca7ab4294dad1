"""Marks beside each shard, by which the best member of each cluster stays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.beside import read_beside, write_beside
from xlcorpus.dataset.columns import bytes_of, fixed_binary
from xlcorpus.dataset.decisions import decide
from xlcorpus.dataset.record import Done
from xlcorpus.dataset.result import Result
from xlcorpus.dataset.storage import Location
from xlcorpus.dedup.compare import verdict_file
from xlcorpus.dedup.match import candidates_file
from xlcorpus.dedup.sign import read_signed

STEP_NAME = "dedup"


def mark_file(folder: Location, number: int) -> Location:
    """Marks of shard `number`: what `MarkShards` wrote."""
    return folder / f"{number:05d}.marks.arrow"


@dataclass(frozen=True)
class MarkShards:
    """One worker, from the verdicts of all groups: the marks of each shard, beside it. rows: of each shard."""

    folder: Location
    rows: Mapping[int, int]
    groups: int

    def __call__(self, number: int, content: None) -> Done:
        """Marks for all rows: those that are no candidates are their own cluster of one."""
        candidates = read_beside(candidates_file(self.folder))
        texts = candidates.column("text").to_numpy()
        leader, kept, similarity = self._verdicts(candidates)
        size = np.bincount(kept, minlength=len(kept)).astype(np.int32)[kept]
        ids = bytes_of(candidates.column("doc_id"))
        place = np.arange(len(kept))
        order = np.argsort(texts, kind="stable")
        start = 0
        for shard, count in self.rows.items():
            mine = order[slice(*np.searchsorted(texts, [start, start + count], sorter=order))]
            at = texts[mine] - start
            own = read_signed(self.folder, {shard: count}, "doc_id") if count else ids[:0]
            marks = {
                "dup_cluster": fixed_binary(_put(own.copy(), at, ids[kept[mine]])),
                "dup_size": pa.array(_put(np.ones(count, np.int32), at, size[mine])),
                "__dup_kept": pa.array(_put(np.ones(count, bool), at, kept[mine] == place[mine])),
                "__dup_exact": pa.array(_put(np.zeros(count, bool), at, leader[mine] == kept[mine])),
                "__dup_similarity": pa.array(_put(np.zeros(count, np.float32), at, similarity[mine])),
            }
            write_beside(mark_file(self.folder, shard), pa.RecordBatch.from_pydict(marks))
            start += count
        return Done()

    def _verdicts(self, candidates: pa.RecordBatch) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of each candidate: the first of its content, the one that stays for it, the similarity to that."""
        leader = candidates.column("leader").to_numpy()
        group = candidates.column("group").to_numpy()
        seated = np.argsort(group, kind="stable")[np.count_nonzero(group < 0) :]  # by group, and by seat
        kept = np.arange(len(leader))
        similarity = np.ones(len(leader), dtype=np.float32)
        start = 0
        for number in range(self.groups):
            verdicts = read_beside(verdict_file(self.folder, number))
            mine = seated[start : start + verdicts.num_rows]
            stays = mine[verdicts.column("kept").to_numpy()]
            kept[mine] = stays
            similarity[mine] = np.where(stays == mine, np.float32(1), verdicts.column("similarity").to_numpy())
            start += verdicts.num_rows
        return leader, kept[leader], similarity[leader]


def _put(values: np.ndarray, at: np.ndarray, others: np.ndarray) -> np.ndarray:
    values[at] = others
    return values


@dataclass(frozen=True)
class KeepBest:
    """Pass 3, a kernel: drop every row that is not the kept member of its cluster, with a decision."""

    threshold: float
    keep_text: bool = False
    step: str = STEP_NAME

    def load(self) -> None:
        """Nothing to load."""

    def apply(self, batch: pa.RecordBatch, loaded: None) -> Result:
        """See `keep_best_batch`."""
        return keep_best_batch(batch, self.threshold, keep_text=self.keep_text)


def keep_best_batch(batch: pa.RecordBatch, threshold: float, *, keep_text: bool = False) -> Result:
    """Split marked documents into those kept, with dup_cluster and dup_size, and decisions for the others."""
    kept = batch.column("__dup_kept")
    gone = batch.filter(pc.invert(kept))
    decisions = decide(
        gone,
        STEP_NAME,
        pc.if_else(gone.column("__dup_exact"), "exact_duplicate", "near_duplicate"),
        score=gone.column("__dup_similarity"),
        threshold=threshold,
        dup_of=gone.column("dup_cluster"),
        similarity=gone.column("__dup_similarity"),
        keep_text=keep_text,
    )
    return Result(batch.filter(kept).drop_columns(["__dup_kept", "__dup_exact", "__dup_similarity"]), decisions)
