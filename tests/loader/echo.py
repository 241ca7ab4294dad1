"""A stand-in for an objective and for rows: batches are the rows themselves, and all ranks run in one process."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pyarrow as pa
import torch

from xlcorpus.loader.rows import TokenRows
from xlcorpus.loader.stream import TokenStream
from xlcorpus.objectives.objective import Batch, Losses, Objective
from xlcorpus.text.ragged import offsets_of


class Echo(Objective):
    """pack_id and key of each row, as tensors."""

    columns = ("pack_id",)

    def collate(self, rows: pa.RecordBatch, keys: np.ndarray) -> Batch:
        found = torch.from_numpy(rows.column("pack_id").to_numpy().copy())
        return {"pack_id": found, "keys": torch.from_numpy(keys.view(np.int64).copy())}

    def losses(self, model: Any, batch: Batch) -> Losses:
        raise NotImplementedError


@dataclass
class MemoryRows:
    """Row groups of these sizes in memory, as `TokenRows` has them; pack_id is the number of the row."""

    sizes: Sequence[int]
    length: int = 64
    name: str = "memory"
    read_groups: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.groups = np.array(self.sizes, dtype=np.int64)
        self.firsts = offsets_of(self.groups)
        self.count = int(self.firsts[-1])
        self.folder, self.manifest = self.name, SimpleNamespace(content_fingerprint=f"{self.name}{self.sizes}")

    def require_rows(self) -> None:
        TokenRows.require_rows(cast(TokenRows, self))

    def require(self, columns: Sequence[str], what: str) -> None:
        assert set(columns) <= {"pack_id"}

    def read(self, group: int, columns: Sequence[str] | None = None) -> pa.RecordBatch:
        self.read_groups.append(group)
        rows = np.arange(self.firsts[group], self.firsts[group + 1])
        return pa.RecordBatch.from_arrays([pa.array(rows)], names=["pack_id"])


def by_turns(streams: Sequence[TokenStream], workers: int = 1) -> Iterator[list[dict[str, Any]]]:
    """The batches of each step, rank by rank, each from the worker that a DataLoader would ask."""
    with ThreadPoolExecutor(1) as pool:
        running = [[stream._batches(worker, workers, pool) for worker in range(workers)] for stream in streams]
        for step in itertools.count():
            batches = [next(of_rank[step % workers], None) for of_rank in running]
            if None in batches:
                assert set(map(type, batches)) == {type(None)}, "a rank has a step more than another"
                return
            yield batches  # type: ignore[misc]


def pack_ids(step: Sequence[dict[str, Any]]) -> list[int]:
    """Those of all ranks, in the order of the samples."""
    ids = [batch["pack_id"].tolist() for batch in step]
    return [one for row in itertools.zip_longest(*ids) for one in row if one is not None]
