"""The one way to write a task of a dataset: its rows into shards, decisions, rejects, and last its record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import apache_beam as beam
import pyarrow as pa

from xlcorpus.beam.element import ShardBatch
from xlcorpus.beam.failures import carried
from xlcorpus.dataset.by_file import KEPT, REJECTED, REMOVED, FileCounts, count_files, without_single
from xlcorpus.dataset.decisions import DECISION, REJECT
from xlcorpus.dataset.features import metadata_for
from xlcorpus.dataset.layout import DATA, DECISIONS, REJECTS
from xlcorpus.dataset.partition import Partition, split_by
from xlcorpus.dataset.record import Written
from xlcorpus.dataset.result import Result
from xlcorpus.dataset.shards import Layout, ShardFile, ShardWriter
from xlcorpus.dataset.tally import Tally, add_up
from xlcorpus.dataset.workspace import Workspace
from xlcorpus.errors import ConservationError, UserError


@dataclass(frozen=True)
class Into:
    """Where tasks write in the output folder: the folder of rows, what is before that of reasons; how rows lie."""

    rows: str = DATA
    reasons: str = ""
    layout: Layout | None = None


_PLAIN = Into()
MOST_PARTITIONS = 10_000  # of a task
MOST_BYTES = 128 << 20  # of a task's rows that wait in memory until the shard of their value is written
ASIDE = "aside"


@dataclass
class TaskWriter:
    """Writes one task: rows (by language folder when asked), decisions and rejects; `close` gives the record.

    count_files: what became of the records of each file, where the task reads raw files.
    """

    workspace: Workspace
    number: int
    partition_by: str | None = None
    count_files: bool = False
    into: Into = _PLAIN
    _shards: dict[str, ShardWriter] = field(default_factory=dict)
    _logs: dict[str, ShardWriter] = field(default_factory=dict)
    _counted: Tally = field(default_factory=lambda: Tally("write"))
    _rows: int = 0
    _by_file: FileCounts = field(default_factory=dict)

    def write(self, rows: pa.RecordBatch) -> None:
        """Append rows; with `partition_by` each to the folder of its value, in whose name that is alone.

        Raises UserError for values that name no folder, and for too many of them.
        """
        self._rows += rows.num_rows
        self._counted.count_languages(rows)
        self._count_files(rows, KEPT)
        if (
            self.partition_by is None
            or self.partition_by not in rows.schema.names
            or not (rows.num_rows or self._shards)
        ):
            # One empty shard for the first task, so that a dataset without rows still opens in every reader.
            self._writer(self.into.rows, rows.schema).write(rows)
            return
        for partition, part in split_by(rows, self.partition_by):
            self._writer(f"{self.into.rows}/{partition.folder}", part.schema, partition).write(part)
        if len(self._shards) > MOST_PARTITIONS:
            raise UserError(
                f"--partition-by {self.partition_by}: more than {MOST_PARTITIONS:,} values, a folder each",
                remedy="partition by a column of fewer values, a language or a source, say",
            )
        self._set_aside()

    @property
    def _stem(self) -> str:
        return f"part-{self.number:05d}"

    def _writer(self, folder: str, schema: pa.Schema, partition: Partition | None = None) -> ShardWriter:
        if folder not in self._shards:
            columns = [*schema, *(partition.value.schema if partition else ())]
            metadata = metadata_for(self.workspace.features, columns) | (partition.metadata if partition else {})
            self._shards[folder] = ShardWriter(
                self.workspace.folder,
                folder,
                self._stem,
                schema,
                metadata=metadata or None,
                late=partition is not None,
                layout=self.into.layout,
            )
        return self._shards[folder]

    def _set_aside(self) -> None:
        """Bound what the shards of many values hold in memory: half of it goes to the disk, the largest first."""
        held = sum(writer.bytes_in_memory for writer in self._shards.values())
        if held < MOST_BYTES:
            return
        for writer in sorted(self._shards.values(), key=lambda writer: -writer.bytes_in_memory):
            if held < MOST_BYTES // 2:
                break
            held -= writer.bytes_in_memory
            writer.set_aside(self.workspace.scratch(ASIDE))

    def explain(self, decisions: Iterable[pa.RecordBatch | None], rejects: Iterable[pa.RecordBatch | None]) -> None:
        """Append decision rows (decision-1) and reject rows (reject-1)."""
        for folder, schema, kind, batches in (
            (DECISIONS, DECISION, REMOVED, decisions),
            (REJECTS, REJECT, REJECTED, rejects),
        ):
            for rows in batches:
                if rows is not None and rows.num_rows:
                    self._count_files(rows, kind)
                    if folder not in self._logs:
                        where = f"{self.into.reasons}{folder}"
                        self._logs[folder] = ShardWriter(self.workspace.folder, where, self._stem, schema)
                    self._logs[folder].write(rows)

    def _count_files(self, rows: pa.RecordBatch, kind: str) -> None:
        if self.count_files:
            count_files(self._by_file, rows, kind)

    def close(self, tallies: Sequence[Tally]) -> Written:
        """Give the files their names, check the counts; returns the record.

        tallies: of each step, the last one of the rows written. Raises ConservationError where it counted others.
        """
        if self._rows != tallies[-1].rows_out:
            raise ConservationError(
                f"task {self.number}: {self._rows} rows were written, step {tallies[-1].step!r} gave "
                f"{tallies[-1].rows_out}",
                remedy="this is a defect of the runner or of xlcorpus: please report it",
            )
        tallies[-1].languages, tallies[-1].sources = self._counted.languages, self._counted.sources
        tallies[-1].kinds = self._counted.kinds
        none = self.number == 0 and self._rows == 0
        shards: list[ShardFile] = []
        for _, writer in sorted(self._shards.items()):  # not as the values happened to come
            shards += writer.close(keep_empty=none)
        logs = {name: tuple(writer.close()) for name, writer in self._logs.items()}
        return Written(
            tuple(shards), logs.get(DECISIONS, ()), logs.get(REJECTS, ()), tuple(tallies), without_single(self._by_file)
        )

    def abandon(self) -> None:
        """Drop what was begun."""
        for writer in (*self._shards.values(), *self._logs.values()):
            writer.abandon()


def write_results(
    workspace: Workspace,
    number: int,
    step: str,
    results: Iterable[Result],
    *,
    partition_by: str | None = None,
    only: Literal["rows", "reasons"] | None = None,
    into: Into = _PLAIN,
) -> Written:
    """Write all that a step makes of one task, in order; returns the record.

    only: the other half of what comes of the rows is written by other tasks (texts that move between shards), so the
    sum of this one proves nothing. Raises ConservationError where rows are unaccounted for.
    """
    writer, tally = TaskWriter(workspace, number, partition_by, into=into), Tally(step)
    try:
        for result in results:
            if only != "reasons":
                writer.write(result.rows)
            writer.explain([result.decisions], [result.rejects])
            tally.count(result)
        if only is None:
            tally.check(f"task {number}")
        return writer.close([tally])
    except BaseException:
        writer.abandon()
        raise


class _WriteShard(beam.DoFn):  # type: ignore[misc]
    """Takes a task's elements in order, as `ReadShards` gave them.

    Every runner fuses a chain of ParDos, so they arrive in order within one bundle (probed on FnApiRunner, Spark,
    Flink, Prism). Should one not, nothing is lost: the gap is seen here and the bundle fails.
    """

    def __init__(self, workspace: Workspace, partition_by: str | None, count_files: bool = False) -> None:
        self._workspace = workspace
        self._partition_by = partition_by
        self._count_files = count_files
        self._writer: TaskWriter | None = None
        self._next = 0
        self._tallies: list[Tally] = []

    def start_bundle(self) -> None:
        self._writer, self._next, self._tallies = None, 0, []

    @carried
    def process(self, element: ShardBatch) -> list[int]:
        try:
            return self._append(element)
        except BaseException:
            self._drop()
            raise

    def _append(self, element: ShardBatch) -> list[int]:
        if element.sequence == 0 and self._writer is None:
            self._writer = TaskWriter(self._workspace, element.task, self._partition_by, self._count_files)
            self._next, self._tallies = 0, []
        writer = self._writer
        if writer is None or element.task != writer.number or element.sequence != self._next:
            raise ConservationError(
                f"batch {element.sequence} of task {element.task} arrived out of order",
                remedy="this runner broke a chain of ParDos apart; run with --runner local, and please report it",
            )
        self._next += 1
        writer.write(element.documents)
        writer.explain(element.decisions, element.rejects)
        self._tallies = add_up([*self._tallies, *element.tallies])
        if not element.last:
            return []
        self._workspace.finish("write", element.task, writer.close(self._tallies))
        self._writer = None
        return [element.task]

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
    """PCollection[ShardBatch] -> PCollection[int]: writes each task with `TaskWriter` and leaves its record."""

    workspace: Workspace
    partition_by: str | None = None
    count_files: bool = False

    def expand(self, batches: beam.PCollection[ShardBatch]) -> beam.PCollection[int]:
        """One ParDo at the end of the fused chain."""
        write = _WriteShard(self.workspace, self.partition_by, self.count_files)
        return batches | beam.ParDo(write).with_output_types(int)
