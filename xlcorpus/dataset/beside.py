"""Intermediate columns of a shard, in an Arrow file of its own beside it, row by row; sealed with a checksum."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa
import xxhash

from xlcorpus.dataset import storage
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import IntegrityError

_SEAL = 16  # bytes behind the Arrow file: xxh3-128 of it, as Arrow IPC has no checksums of its own


def write_beside(location: Location, columns: pa.RecordBatch) -> None:
    """Write one batch as an Arrow IPC file, atomically."""
    write_each(location, columns.schema, [columns])


def write_each(location: Location, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
    """Write batches as an Arrow IPC file, atomically, one after the other as they come."""
    storage.write_parts(location, _sealed(schema, batches))


def read_beside(location: str | Location) -> pa.RecordBatch:
    """Read what `write_beside` wrote; zero-copy. Raises IntegrityError where it was damaged, OSError."""
    batch: pa.RecordBatch = _open(location).get_batch(0)
    return batch


def read_each(location: str | Location) -> Iterator[pa.RecordBatch]:
    """The batches of `write_each`, in order, one in memory at a time. Raises IntegrityError, OSError."""
    reader = _open(location)
    for number in range(reader.num_record_batches):
        yield reader.get_batch(number)


def read_some(location: str | Location, numbers: Iterable[int]) -> Iterator[pa.RecordBatch]:
    """These batches of `write_each`. The seal is not looked at: who reads a few of many keeps a digest of each."""
    reader = pa.ipc.open_file(pa.BufferReader(_split(location)[0]))
    for number in numbers:
        yield reader.get_batch(number)


class _Parts(list[bytes]):
    """A file to write to that keeps the parts."""

    closed = False
    write = list.append

    def flush(self) -> None:
        """Nothing is held back."""


def _sealed(schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> Iterator[bytes]:
    parts, seal = _Parts(), xxhash.xxh3_128()

    def taken() -> Iterator[bytes]:
        for part in parts:
            seal.update(part)
            yield part
        parts.clear()

    with pa.ipc.new_file(pa.PythonFile(parts, "w"), schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
            yield from taken()
    yield from taken()
    yield seal.digest()


def _split(location: str | Location) -> tuple[pa.Buffer, bytes]:
    data = storage.mapped_buffer(location)
    body = data.slice(0, max(data.size - _SEAL, 0))
    return body, data.slice(body.size).to_pybytes()


def _open(location: str | Location) -> pa.ipc.RecordBatchFileReader:
    body, seal = _split(location)
    if xxhash.xxh3_128_digest(body) != seal:
        raise IntegrityError(
            f"{location} was damaged after it was written: its checksum is not that of its bytes",
            remedy="this file of an unfinished run cannot be used: start the step anew with --overwrite",
        )
    return pa.ipc.open_file(pa.BufferReader(body))
