"""Open a dataset folder and read its shards."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from xlcorpus.dataset import storage
from xlcorpus.dataset.manifest import Manifest, is_ours
from xlcorpus.dataset.partition import Partition, shard_schema
from xlcorpus.dataset.preview import html_of
from xlcorpus.dataset.schema import load_schema
from xlcorpus.dataset.shards import row_weights
from xlcorpus.dataset.storage import Location
from xlcorpus.dataset.united import conform
from xlcorpus.errors import IntegrityError

BATCH_ROWS = 4096
BATCH_BYTES = 16 << 20
_RESTORE = "restore the file from a copy, or make the dataset again with --overwrite"


def is_dataset(folder: Location) -> bool:
    """Whether a folder holds a finished dataset of ours, be it damaged."""
    return is_ours(folder)


@dataclass(frozen=True)
class Shard:
    """One shard to read: where it lies, its rows and bytes, the name of its schema, its columns.

    beside: an Arrow file with as many rows, whose columns are added to the shard's. sha256: of the file; '' where that
    is not known. united: the file that says which columns its rows are to have (`several`), where they are others than
    its own; `columns` are these.
    """

    location: Location
    rows: int
    bytes: int
    schema: str
    columns: tuple[str, ...]
    beside: Location | None = None
    sha256: str = ""
    united: Location | None = None

    def check(self) -> None:
        """Raise IntegrityError where the file is not what its manifest says: a checksum of pages spares their headers.

        1.6 GB/s, of the compressed bytes.
        """
        if self.sha256 and storage.sha256_of(self.location) != self.sha256:
            raise IntegrityError(
                f"{self.location} was changed after it was written: its SHA-256 is not the manifest's", remedy=_RESTORE
            )


@dataclass(frozen=True)
class Dataset:
    """A finished dataset: its folder and manifest.

    united: the file of the columns that its rows are read with beside those of other datasets.
    """

    folder: Location
    manifest: Manifest
    united: Location | None = None

    @classmethod
    def open(cls, folder: Location, *, verify: bool = False) -> Dataset:
        """Open a folder; raises IntegrityError without a manifest, with a missing shard, or (verify) an altered one."""
        manifest = Manifest.load(folder)
        name, version = manifest.schema_name, manifest.schema.rpartition("-")[2]
        try:
            schema = load_schema(name, int(version) if version.isdecimal() else 0)
        except IntegrityError as error:
            raise IntegrityError(
                f"{folder} was made with the schema {manifest.schema}, which this version of xlcorpus does not have",
                remedy=f"make it again with this version, or use the one that made it ({manifest.code_version})",
            ) from error
        schema.check(manifest.arrow_schema, str(folder))
        for shard in manifest.shards:
            path = folder / shard.name
            if not storage.is_file(path) or storage.size_of(path) != shard.bytes:
                raise IntegrityError(
                    f"{path} is missing or has another size than the manifest says",
                    remedy=_RESTORE,
                )
        if verify:
            manifest.verify(folder)
        return cls(folder, manifest)

    @property
    def bytes(self) -> int:
        """Size of the shards on disk."""
        return sum(shard.bytes for shard in self.manifest.shards)

    @property
    def shards(self) -> list[Shard]:
        """The shards, in the order of the manifest."""
        schema, columns, united = self.manifest.schema_name, tuple(self.schema.names), self.united
        folder = storage.resolve(self.folder)
        return [
            Shard(folder / one.name, one.rows, one.bytes, schema, columns, sha256=one.sha256, united=united)
            for one in self.manifest.shards
        ]

    @property
    def schema(self) -> pa.Schema:
        """The columns of its rows as they are read."""
        return self.manifest.arrow_schema if self.united is None else columns_said(self.united)

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """All rows, shard by shard, in the dataset's order."""
        for shard in self.shards:
            yield from read_batches(shard, columns=columns)

    def to_arrow(self, columns: Sequence[str] | None = None) -> pa.Table:
        """All rows in memory as an Arrow table, in the dataset's order."""
        schema = self.schema
        kept = (
            schema if columns is None else pa.schema([schema.field(name) for name in columns], metadata=schema.metadata)
        )
        return pa.Table.from_batches(self.batches(columns), schema=kept)

    def to_pandas(self, columns: Sequence[str] | None = None) -> Any:
        """All rows in memory as a pandas DataFrame; needs pandas."""
        return self.to_arrow(columns).to_pandas()

    def head(self, rows: int = 5) -> Any:
        """The first rows as a pandas DataFrame; needs pandas."""
        found, left = [], rows
        for batch in self.batches():
            found.append(batch.slice(0, left))
            left -= found[-1].num_rows
            if left <= 0:
                break
        return pa.Table.from_batches(found, schema=self.schema).to_pandas()

    def __len__(self) -> int:
        """Rows."""
        return self.manifest.rows

    def _repr_html_(self) -> str:
        return html_of(self.folder.name, self.manifest)

    def decisions(self) -> Iterator[pa.RecordBatch]:
        """All decision rows."""
        for one in self.manifest.decisions:
            yield from read_batches(
                Shard(self.folder / one.name, one.rows, one.bytes, "decision", (), sha256=one.sha256)
            )


@functools.lru_cache(maxsize=4)
def columns_said(file: Location) -> pa.Schema:
    """The columns that a file of `several` says, whose name tells it from any other."""
    return pa.ipc.read_schema(pa.py_buffer(storage.read_bytes(file)))


def shard_fields(given: Shard | Location) -> pa.Schema:
    """The columns of a shard's rows as they are read; raises IntegrityError where its footer cannot be read."""
    if isinstance(given, Shard) and given.united is not None:
        return columns_said(given.united)
    return shard_schema(given.location if isinstance(given, Shard) else given)


def read_batches(
    given: Shard | Location, columns: Sequence[str] | None = None, rows: tuple[int, int] | None = None
) -> Iterator[pa.RecordBatch]:
    """The rows of one shard in order, in batches of at most 4,096 rows and about 16 MB (a larger row stands alone).

    rows: from the first to before the second alone.
    One row group (16 MB of text) is in memory at a time. Raises IntegrityError where the file is no Parquet file, or
    (a Shard) not the one that its manifest names.
    """
    location = given.location if isinstance(given, Shard) else given
    if isinstance(given, Shard) and given.united is not None:
        said = columns_said(given.united)
        wanted = pa.schema([said.field(name) for name in (said.names if columns is None else columns)])
        own = shard_schema(location).names
        inside = [name for name in wanted.names if name in own] or own[:1]  # some column counts the rows
        for batch in read_batches(replace(given, united=None), inside, rows):
            yield conform(batch, wanted)
        return
    try:
        if isinstance(given, Shard):
            given.check()
        with storage.open_parquet(location, pre_buffer=False) as file:
            partition = Partition.of(file.schema_arrow)
            inside = [name for name in columns or () if partition is None or name != partition.column]
            end = 0
            for group in range(file.num_row_groups):
                count = file.metadata.row_group(group).num_rows
                start, end = end, end + count
                if rows is not None and (rows[0] >= end or rows[1] <= start):
                    continue
                table = file.read_row_group(group, columns=None if columns is None else inside, use_threads=False)
                table = (
                    table.replace_schema_metadata(None)
                    if partition is None
                    else partition.restore(table, count, columns)
                )
                if rows is not None:
                    table = table.slice(max(rows[0] - start, 0), min(rows[1], end) - max(rows[0], start))
                for batch in table.combine_chunks().to_batches():
                    yield from split_batch(batch)
    except (pa.ArrowInvalid, OSError) as error:
        raise IntegrityError(f"{location}: cannot be read: {error}", remedy=_RESTORE) from error


def split_batch(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Cut a batch into pieces of at most 4,096 rows and 16 MB of text; a row larger than that is a piece."""
    weights = row_weights(batch).cumsum()
    start, before = 0, 0
    while start < batch.num_rows:
        stop = int(weights.searchsorted(before + BATCH_BYTES, side="right"))
        stop = min(max(stop, start + 1), start + BATCH_ROWS, batch.num_rows)
        yield batch.slice(start, stop - start)
        start, before = stop, int(weights[stop - 1])
