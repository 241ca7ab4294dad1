"""WriteShards: the elements of each task into its shards, decisions, rejects, and last its sidecar."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import apache_beam as beam
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.beam.element import ShardBatch
from xlcorpus.beam.failures import carried
from xlcorpus.beam.workspace import Workspace
from xlcorpus.dataset.decisions import DECISION, REJECT
from xlcorpus.dataset.layout import DATA, DECISIONS, REJECTS
from xlcorpus.dataset.shards import ShardFile, ShardWriter
from xlcorpus.dataset.tally import Tally, add_up
from xlcorpus.errors import ConservationError

HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"  # the name that DuckDB, Spark and pyarrow read as null


@dataclass
class TaskWriter:
    """Writes one task: documents (by language folder when asked), decisions and rejects; `close` gives the record."""

    workspace: Workspace
    number: int
    partition_by: str | None = None
    _documents: dict[str, ShardWriter] = field(default_factory=dict)
    _logs: dict[str, ShardWriter] = field(default_factory=dict)
    _written: Tally = field(default_factory=lambda: Tally("write"))

    @property
    def _stem(self) -> str:
        return f"part-{self.number:05d}"

    def _writer(self, folder: str, schema: pa.Schema) -> ShardWriter:
        return ShardWriter(self.workspace.folder, folder, self._stem, schema)

    def write_documents(self, batch: pa.RecordBatch) -> None:
        """Append documents; with `partition_by` each to the folder of its value."""
        self._written.count_output(batch)
        for value, rows in self._partitions(batch):
            folder = DATA if value is None else f"{DATA}/{self.partition_by}={quote(value, safe='')}"
            if folder not in self._documents:
                self._documents[folder] = self._writer(folder, batch.schema)
            self._documents[folder].write(rows)

    def _partitions(self, batch: pa.RecordBatch) -> Iterator[tuple[str | None, pa.RecordBatch]]:
        # One empty shard for the first task, so that a dataset without rows still opens in every reader.
        empty = batch.num_rows == 0 and self.number == 0 and not self._documents
        if self.partition_by not in batch.schema.names or empty:
            yield None, batch
            return
        column = pc.fill_null(pc.cast(batch.column(self.partition_by), pa.string()), HIVE_NULL)
        for value in sorted(pc.unique(column).to_pylist()):
            yield value, batch.filter(pc.equal(column, value))

    def write_log(self, folder: str, rows: pa.RecordBatch, schema: pa.Schema) -> None:
        """Append decision or reject rows."""
        if folder not in self._logs:
            self._logs[folder] = self._writer(folder, schema)
        self._logs[folder].write(rows)

    def close(self, tallies: list[Tally]) -> dict[str, Any]:
        """Give the files their names, check the counts, write the sidecar; returns its content."""
        if tallies and self._written.rows_out != tallies[-1].rows_out:
            raise ConservationError(
                f"task {self.number}: {self._written.rows_out} rows were written, step {tallies[-1].step!r} gave "
                f"{tallies[-1].rows_out}",
                remedy="this is a defect of the runner or of xlcorpus: please report it",
            )
        if tallies:
            tallies[-1].languages, tallies[-1].sources = self._written.languages, self._written.sources
        record = record_of(*self.close_files(), tallies)
        self.workspace.finish("write", self.number, record)
        return record

    def close_files(self) -> tuple[list[ShardFile], list[ShardFile], list[ShardFile]]:
        """Give the files their names; returns shards, decisions, rejects."""
        none = self.number == 0 and self._written.rows_out == 0
        shards = [
            file
            for folder, writer in self._documents.items()
            for file in writer.close(keep_empty=none and folder == DATA)
        ]
        logs = {name: writer.close() for name, writer in self._logs.items()}
        return shards, logs.get(DECISIONS, []), logs.get(REJECTS, [])

    def abandon(self) -> None:
        """Drop what was begun."""
        for writer in (*self._documents.values(), *self._logs.values()):
            writer.abandon()


def record_of(
    shards: list[ShardFile], decisions: list[ShardFile], rejects: list[ShardFile], tallies: list[Tally]
) -> dict[str, Any]:
    """The sidecar of a task that writes part of a dataset; rows_in and rows_out feed the progress line."""
    return {
        "shards": [file.to_json() for file in shards],
        "decisions": [file.to_json() for file in decisions],
        "rejects": [file.to_json() for file in rejects],
        "files": [file.to_json() for file in (*shards, *decisions, *rejects)],
        "tallies": [tally.to_json() for tally in tallies],
        "rows_in": tallies[0].rows_in if tallies else 0,
        "rows_out": tallies[-1].rows_out if tallies else 0,
        "bytes_in": tallies[0].bytes_in if tallies else 0,
    }


class _WriteShard(beam.DoFn):  # type: ignore[misc]
    """Takes a task's elements in order, as `ReadShards` gave them.

    Every runner fuses a chain of ParDos, so they arrive in order within one bundle (probed on FnApiRunner, Spark,
    Flink, Prism). Should one not, nothing is lost: the gap is seen here and the bundle fails.
    """

    def __init__(self, workspace: Workspace, partition_by: str | None) -> None:
        self._workspace = workspace
        self._partition_by = partition_by
        self._writer: TaskWriter | None = None
        self._next = 0
        self._tallies: list[Tally] = []

    def start_bundle(self) -> None:
        self._writer, self._next, self._tallies = None, 0, []

    @carried
    def process(self, element: ShardBatch) -> list[dict[str, Any]]:
        try:
            return self._append(element)
        except BaseException:
            self._drop()
            raise

    def _append(self, element: ShardBatch) -> list[dict[str, Any]]:
        if element.sequence == 0 and self._writer is None:
            self._writer = TaskWriter(self._workspace, element.task, self._partition_by)
            self._next, self._tallies = 0, []
        writer = self._writer
        if writer is None or element.task != writer.number or element.sequence != self._next:
            raise ConservationError(
                f"batch {element.sequence} of task {element.task} arrived out of order",
                remedy="this runner broke a chain of ParDos apart; run with --runner local, and please report it",
            )
        self._next += 1
        writer.write_documents(element.documents)
        for rows in element.decisions:
            writer.write_log(DECISIONS, rows, DECISION)
        for rows in element.rejects:
            writer.write_log(REJECTS, rows, REJECT)
        self._tallies = add_up([*self._tallies, *element.tallies])
        if not element.last:
            return []
        record = writer.close(self._tallies)
        self._writer = None
        return [record]

    def _drop(self) -> None:
        if self._writer is not None:
            self._writer.abandon()
            self._writer = None

    @carried
    def finish_bundle(self) -> None:
        if self._writer is not None:
            number = self._writer.number
            self._drop()
            raise ConservationError(
                f"task {number} ended after {self._next} batches without its last one",
                remedy="this runner broke a chain of ParDos apart; run with --runner local, and please report it",
            )


@dataclass
class WriteShards(beam.PTransform):  # type: ignore[misc]
    """PCollection[ShardBatch] -> PCollection[dict]: writes each task with `TaskWriter` and gives its record."""

    workspace: Workspace
    partition_by: str | None = None

    def expand(self, batches: beam.PCollection[ShardBatch]) -> beam.PCollection[dict[str, Any]]:
        """One ParDo at the end of the fused chain."""
        return batches | beam.ParDo(_WriteShard(self.workspace, self.partition_by))
