"""Row groups of Parquet in batches of bounded memory, however well their values are packed.

A value of a dictionary is in the file once and in memory for each row that names it: 750 KB of file become 2.7 GB. So
columns of bytes stay coded until rows that take 16 MB together are cut off.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from xlcorpus.dataset import storage
from xlcorpus.dataset.columns import value_bytes
from xlcorpus.dataset.storage import Location
from xlcorpus.raw.assemble import BATCH_BYTES, BATCH_ROWS

_CODED = 64 << 20  # bytes of a row group up to which its dictionaries are kept while it is read
_MOST = 256 << 20  # bytes that a batch of a larger row group takes at most, where each row names the longest value


class RowGroups:
    """The row groups of one file, some of its columns. A context manager; raises OSError, pa.ArrowException."""

    def __init__(self, location: Location) -> None:
        self.location = location
        self.plain = storage.open_parquet(location)
        self.coded: Any = None  # the same file, its columns of bytes as dictionaries
        self.metadata = self.plain.metadata
        self.rows = [self.metadata.row_group(group).num_rows for group in range(self.metadata.num_row_groups)]

    def __enter__(self) -> RowGroups:
        return self

    def __exit__(self, *error: object) -> None:
        for file in (self.plain, self.coded):
            if file is not None:
                file.close()

    def batches(self, group: int, wanted: Collection[str]) -> Iterator[pa.RecordBatch]:
        """The rows of a row group: at most 4,096 at a time, and of columns of bytes 16 MB; strings may be coded."""
        columns = [name for name in self.plain.schema_arrow.names if name in wanted]
        # A row is read first: of a damaged footer pyarrow's `column` below ends the process instead of raising (25.0).
        next(self.plain.iter_batches(batch_size=1, row_groups=[group], columns=columns, use_threads=False), None)
        chunks = self._chunks(group, columns)
        packed = [chunk for chunk in chunks if chunk.has_dictionary_page and chunk.physical_type == "BYTE_ARRAY"]
        file, rows = self.plain, _rows(self.metadata.row_group(group), chunks)
        if packed and sum(chunk.total_uncompressed_size for chunk in chunks) <= _CODED:
            file = self.coded = self.coded or storage.open_parquet(self.location, read_dictionary=self._strings())
        elif packed:
            rows = min(rows, max(1, _MOST // max(map(_dictionary_bytes, packed))))
        for batch in file.iter_batches(batch_size=rows, row_groups=[group], columns=columns, use_threads=False):
            yield from _cut(batch)

    def _chunks(self, group: int, columns: Collection[str]) -> list[Any]:
        schema, rows = self.metadata.schema, self.metadata.row_group(group)
        numbers = range(self.metadata.num_columns)
        return [rows.column(number) for number in numbers if schema.column(number).path.partition(".")[0] in columns]

    def _strings(self) -> list[str]:
        """Paths of all columns of bytes but those within maps, which Arrow cannot decode later."""
        columns = [self.metadata.schema.column(number) for number in range(self.metadata.num_columns)]
        maps = {field.name for field in self.plain.schema_arrow if "map<" in str(field.type)}
        bytes_ = [column.path for column in columns if column.physical_type == "BYTE_ARRAY"]
        return [path for path in bytes_ if path.partition(".")[0] not in maps]


def _rows(group: Any, chunks: Sequence[Any]) -> int:
    """Rows that take about 16 MB, by the average of the row group: its images must not come 4,096 at a time."""
    size = sum(chunk.total_uncompressed_size for chunk in chunks)
    average = max(1, size // max(1, group.num_rows))
    return int(min(BATCH_ROWS, max(1, BATCH_BYTES // average)))


def _dictionary_bytes(chunk: Any) -> int:
    """Bytes of a dictionary page on disk: about those of its longest value at most."""
    return max(1, chunk.data_page_offset - (chunk.dictionary_page_offset or chunk.data_page_offset))


def _cut(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    ends = np.cumsum(sum((value_bytes(column) for column in batch.columns), np.zeros(batch.num_rows, dtype=np.int64)))
    start = 0
    while start < batch.num_rows:
        before = int(ends[start - 1]) if start else 0
        stop = max(int(np.searchsorted(ends, before + BATCH_BYTES, side="right")), start + 1)
        # A slice of lists still has all that was in them, and would be decoded whole.
        yield batch if stop - start == batch.num_rows else batch.take(pa.array(np.arange(start, min(stop, len(ends)))))
        start = stop
