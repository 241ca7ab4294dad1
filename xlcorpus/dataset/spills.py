"""Rows on their way from the task that reads them to the one that wants them, in files between two phases."""

from __future__ import annotations

import pyarrow as pa

from xlcorpus.dataset import storage
from xlcorpus.dataset.beside import read_each, write_each
from xlcorpus.dataset.storage import Location

SPILL_BYTES = 128 << 20  # of rows that a worker holds before it writes them to spill files
_SMALL_BYTES = 64 << 10  # pieces smaller than this are put together: a batch in a spill file has a head of a kilobyte


class Spills:
    """Rows of task `number` on their way to others, written to files whenever there are `most_bytes` of them."""

    def __init__(self, folder: Location, number: int, most_bytes: int = SPILL_BYTES) -> None:
        self._folder, self._number, self._most_bytes = folder, number, most_bytes
        self._parts: dict[int, list[pa.RecordBatch]] = {}
        self._bytes = self._run = 0

    def add(self, target: int, rows: pa.RecordBatch) -> None:
        """Rows for one task."""
        self._parts.setdefault(target, []).append(rows)
        self._bytes += rows.nbytes
        if self._bytes >= self._most_bytes:
            self.flush()

    def flush(self) -> None:
        """Write what is held, a file for each task; no file stays open, however many there are."""
        for target, parts in self._parts.items():
            if sum(part.nbytes for part in parts) < _SMALL_BYTES * len(parts):
                parts = [pa.concat_batches(parts)]
            file = _folder_of(self._folder, target) / f"{self._number:05d}-{self._run:05d}.arrow"
            write_each(file, parts[0].schema, parts)
        self._parts, self._bytes = {}, 0
        self._run += 1


def read_spills(folder: Location, target: int) -> list[pa.RecordBatch]:
    """The rows on their way to task `target`, those of each task together."""
    files = storage.files_below(_folder_of(folder, target))
    return [batch for file in files if file.suffix == ".arrow" for batch in read_each(file)]


def _folder_of(folder: Location, target: int) -> Location:
    return folder / f"{target:05d}"
