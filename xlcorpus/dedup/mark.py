"""Marks beside each shard, by which the best member of each cluster stays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset import storage
from xlcorpus.dataset.beside import write_beside
from xlcorpus.dataset.columns import bytes_of, fixed_binary
from xlcorpus.dataset.decisions import decide
from xlcorpus.dataset.result import Result
from xlcorpus.dataset.storage import Location
from xlcorpus.dedup.candidates import ROW_MASK

STEP_NAME = "dedup"


def mark_file(folder: Location, number: int) -> Location:
    """Marks of shard `number`: what `MarkShard` wrote."""
    return folder / f"{number:05d}.marks.arrow"


def mark_rows(doc_ids: pa.Array, verdicts: Iterable[pa.RecordBatch]) -> pa.RecordBatch:
    """Marks for all rows of a shard: those without a verdict are their own cluster of one."""
    count = len(doc_ids)
    cluster_of = bytes_of(doc_ids).copy()
    size = np.ones(count, dtype=np.int32)
    kept = np.ones(count, dtype=bool)
    exact = np.zeros(count, dtype=bool)
    similarity = np.zeros(count, dtype=np.float32)
    for part in verdicts:
        rows = (part.column("key").to_numpy() & ROW_MASK).astype(np.int64)
        cluster_of[rows] = bytes_of(part.column("dup_cluster"))
        size[rows] = part.column("dup_size").to_numpy()
        kept[rows] = part.column("__dup_kept").to_numpy(zero_copy_only=False)
        exact[rows] = part.column("__dup_exact").to_numpy(zero_copy_only=False)
        similarity[rows] = part.column("__dup_similarity").to_numpy()
    return pa.RecordBatch.from_arrays(
        [fixed_binary(cluster_of), pa.array(size), pa.array(kept), pa.array(exact), pa.array(similarity)],
        names=["dup_cluster", "dup_size", "__dup_kept", "__dup_exact", "__dup_similarity"],
    )


@dataclass(frozen=True)
class MarkShard:
    """Pass 2f: write the marks of a shard beside it."""

    folder: Location
    paths: Mapping[int, Location]

    def __call__(self, given: tuple[int, Iterable[pa.RecordBatch]]) -> list[int]:
        """given: number of the shard, verdicts on its candidates in any order; the number again."""
        number, verdicts = given
        doc_ids = storage.read_parquet(self.paths[number], ["doc_id"]).column("doc_id").combine_chunks()
        write_beside(mark_file(self.folder, number), mark_rows(doc_ids, verdicts))
        return [number]


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
