"""Intermediate columns of a shard, in an Arrow file of its own beside it, row by row."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from xlcorpus.dataset.storage import Location, open_arrow, write_arrow


def write_beside(location: Location, columns: pa.RecordBatch) -> None:
    """Write one batch as an Arrow IPC file, atomically."""
    write_arrow(location, columns.schema, [columns])


def read_beside(location: str | Location) -> pa.RecordBatch:
    """Read what `write_beside` wrote; zero-copy."""
    with open_arrow(location) as reader:
        batch: pa.RecordBatch = reader.get_batch(0)
        return batch


def read_each(location: str | Location) -> Iterator[pa.RecordBatch]:
    """The batches of an Arrow IPC file (`storage.write_arrow`), in order, one in memory at a time."""
    with open_arrow(location) as reader:
        for number in range(reader.num_record_batches):
            yield reader.get_batch(number)
