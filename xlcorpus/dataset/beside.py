"""Intermediate columns of a shard, in an Arrow file of its own beside it, row by row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa

from xlcorpus.dataset.files import commit, temporary_name
from xlcorpus.dataset.schema import load_schema
from xlcorpus.errors import UserError


def write_beside(path: Path, columns: pa.RecordBatch) -> None:
    """Write one batch as an Arrow IPC file, atomically."""
    write_batches(path, columns.schema, [columns])


def read_beside(path: Path) -> pa.RecordBatch:
    """Read what `write_beside` wrote."""
    with pa.memory_map(str(path)) as file, pa.ipc.open_file(file) as reader:
        batch: pa.RecordBatch = reader.get_batch(0)
        return batch


def write_batches(path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
    """Write batches as an Arrow IPC file, atomically, one after the other as they come."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_name(path)
    try:
        with pa.OSFile(str(temporary), "wb") as file, pa.ipc.new_file(file, schema) as writer:
            for batch in batches:
                writer.write_batch(batch)
        commit(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def read_each(path: Path) -> Iterator[pa.RecordBatch]:
    """The batches that `write_batches` wrote, in order, one in memory at a time."""
    with pa.memory_map(str(path)) as file, pa.ipc.open_file(file) as reader:
        for number in range(reader.num_record_batches):
            yield reader.get_batch(number)


def add_columns(batch: pa.RecordBatch, columns: pa.RecordBatch) -> pa.RecordBatch:
    """The batch with more columns at its end. A column of ours (schema document-1) that it has already is replaced.

    Raises UserError for any other column of the same name: those that only a step sees begin with two underscores.
    """
    ours = load_schema("document").names
    for name in set(columns.schema.names) & set(batch.schema.names) - ours:
        raise UserError(f"the dataset has a column {name!r}, a name that xlcorpus needs", remedy="rename the column")
    batch = batch.select([name for name in batch.schema.names if name not in columns.schema.names])
    fields = [*batch.schema, *columns.schema]
    return pa.RecordBatch.from_arrays([*batch.columns, *columns.columns], schema=pa.schema(fields))


def add_beside(batches: Iterator[pa.RecordBatch], beside: pa.RecordBatch | None) -> Iterator[pa.RecordBatch]:
    """Add the columns of `beside` to batches that together have its rows."""
    start = 0
    for batch in batches:
        yield batch if beside is None else add_columns(batch, beside.slice(start, batch.num_rows))
        start += batch.num_rows
