"""ReadShards: the rows of a dataset as elements, task by task, in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import apache_beam as beam
import pyarrow as pa

from xlcorpus.beam.element import ShardBatch
from xlcorpus.beam.failures import Carried
from xlcorpus.dataset.beside import read_beside
from xlcorpus.dataset.columns import append_slices
from xlcorpus.dataset.dataset import Dataset, Shard, read_batches, shard_fields
from xlcorpus.dataset.decisions import empty
from xlcorpus.dataset.workspace import Task
from xlcorpus.errors import IntegrityError


def shard_tasks(datasets: Iterable[Dataset]) -> list[Task[Shard]]:
    """One task a shard, numbered in the order of the datasets and their manifests."""
    shards = [shard for dataset in datasets for shard in dataset.shards]
    return [Task(number, shard.bytes, shard) for number, shard in enumerate(shards)]


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


def read_shard(task: Task[Shard]) -> Iterator[ShardBatch]:
    """The rows of one shard; raises IntegrityError when their number is not the manifest's."""
    shard, rows = task.content, 0
    beside = read_beside(shard.beside) if shard.beside is not None else None
    batches = append_slices(read_batches(shard), beside)
    (schema,) = (batch.schema for batch in append_slices(iter([empty(shard_fields(shard))]), beside))
    elements = (ShardBatch(task.number, 0, False, batch) for batch in batches)
    for element in number_elements(task.number, elements, schema):
        rows += element.documents.num_rows
        if element.last and rows != shard.rows:
            raise IntegrityError(
                f"{shard.location} holds {rows} rows, its manifest says {shard.rows}",
                remedy="restore the file from a copy, or make the dataset again with --overwrite",
            )
        yield element


@dataclass
class ReadShards(beam.PTransform):  # type: ignore[misc]
    """PTransform of `read_shard`: PCollection[Task[Shard]] -> PCollection[ShardBatch], a task's batches in order."""

    def expand(self, tasks: beam.PCollection[Task[Shard]]) -> beam.PCollection[ShardBatch]:
        """One ParDo that fuses with what follows."""
        return tasks | beam.FlatMap(Carried(read_shard)).with_output_types(ShardBatch)
