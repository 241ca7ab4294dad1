"""ReadShards: the rows of a dataset as elements, task by task, in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import apache_beam as beam
import pyarrow as pa
import pyarrow.parquet as pq

from xlcorpus.beam.element import ShardBatch
from xlcorpus.beam.failures import carrying
from xlcorpus.beam.workspace import Task
from xlcorpus.dataset.beside import read_beside
from xlcorpus.dataset.columns import append_slices
from xlcorpus.dataset.dataset import Dataset, read_batches
from xlcorpus.dataset.decisions import empty
from xlcorpus.errors import IntegrityError


def shard_tasks(datasets: Iterable[Dataset]) -> list[Task]:
    """One task a shard, numbered in the order of the datasets and their manifests."""
    shards = [(dataset, shard) for dataset in datasets for shard in dataset.manifest.shards]
    return [
        Task(
            number,
            shard.bytes,
            {
                "path": str((dataset.folder / shard.name).resolve()),
                "rows": shard.rows,
                "columns": dataset.manifest.arrow_schema.names,
                "schema": dataset.manifest.schema.rpartition("-")[0],
            },
        )
        for number, (dataset, shard) in enumerate(shards)
    ]


def number_elements(task: int, elements: Iterable[ShardBatch], schema: pa.Schema) -> Iterator[ShardBatch]:
    """Number the elements of a task and mark the last one; a task without rows gives one empty element."""
    sequence = 0
    held: ShardBatch | None = None
    for element in elements:
        if held is not None:
            yield replace(held, task=task, sequence=sequence, last=False)
            sequence += 1
        held = element
    if held is None:
        held = ShardBatch(task, 0, True, empty(schema))
    yield replace(held, task=task, sequence=sequence, last=True)


def read_shard(task: Task) -> Iterator[ShardBatch]:
    """The rows of one shard; raises IntegrityError when their number is not the manifest's.

    Where the task's content names `beside`, an Arrow file with as many rows, its columns are added to the shard's.
    """
    path = Path(task.content["path"])
    rows = 0
    beside = read_beside(Path(task.content["beside"])) if "beside" in task.content else None
    elements = (ShardBatch(task.number, 0, False, batch) for batch in append_slices(read_batches(path), beside))
    (schema,) = (batch.schema for batch in append_slices(iter([empty(pq.read_schema(path))]), beside))
    for element in number_elements(task.number, elements, schema):
        rows += element.documents.num_rows
        if element.last and rows != task.content["rows"]:
            raise IntegrityError(
                f"{path} holds {rows} rows, its manifest says {task.content['rows']}",
                remedy="restore the file from a copy, or make the dataset again with --overwrite",
            )
        yield element


class _ReadShard(beam.DoFn):  # type: ignore[misc]
    def process(self, task: Task) -> Iterator[ShardBatch]:
        with carrying():
            yield from read_shard(task)


@dataclass
class ReadShards(beam.PTransform):  # type: ignore[misc]
    """PTransform of `read_shard`: PCollection[Task] -> PCollection[ShardBatch], a task's batches in order."""

    def expand(self, tasks: beam.PCollection[Task]) -> beam.PCollection[ShardBatch]:
        """One ParDo that fuses with what follows."""
        return tasks | beam.ParDo(_ReadShard()).with_output_types(ShardBatch)
