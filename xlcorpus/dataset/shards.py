"""Write Parquet shards whose bytes depend on the rows and their order alone, never on how they arrived in batches."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType

import numpy as np
import pyarrow as pa

from xlcorpus.dataset import storage
from xlcorpus.dataset.beside import read_beside, write_beside
from xlcorpus.dataset.columns import recast, value_bytes
from xlcorpus.dataset.partition import shard_schema
from xlcorpus.dataset.storage import Location, ParquetWriter
from xlcorpus.errors import IntegrityError

ROW_GROUP_BYTES = 16 << 20  # of text and bytes; what one worker holds while it reads or writes
ROW_GROUP_ROWS = 65_536
SHARD_BYTES = 256 << 20  # of text and bytes; a larger task goes on in the next shard

_BYTES = (pa.binary(), pa.large_binary())
_VARIABLE = (pa.string(), pa.large_string(), pa.binary(), pa.large_binary())
# The text columns do not repeat, so a dictionary only costs; ids do not either.
_NO_DICTIONARY = {"text", "text_latn", "doc_id", "pair_id", "origin", "url"}


@dataclass(frozen=True)
class Layout:
    """How rows lie in the shards of a step.

    group_bytes: where a row group is cut, None: at 16 MB; whole: a task's rows are one shard, however many; plain:
    further columns without dictionaries; split: lists of numbers by BYTE_STREAM_SPLIT (of the four bytes of an id two
    are nearly always 0: 6 to 7 % smaller than PLAIN under zstd, and no slower to read). beside: columns that do not
    make row groups smaller than they are without them, as long as these stay below 16 MB: who reads the others, row
    group by row group, finds as many rows in each.
    """

    group_bytes: int | None = None
    whole: bool = False
    plain: tuple[str, ...] = ()
    split: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()

    @property
    def most_bytes(self) -> int:
        """Weights at which a row group is cut."""
        return self.group_bytes or ROW_GROUP_BYTES

    def weights(self, batch: pa.RecordBatch) -> np.ndarray:
        """int64[rows]: what each row adds to its row group."""
        names = [name for name in self.beside if name in batch.schema.names]
        if not names:
            return row_weights(batch)
        kept = row_weights(batch.select(names)) * self.most_bytes // ROW_GROUP_BYTES
        return np.asarray(row_weights(batch.drop_columns(names)) + kept)

    def encodings(self, schema: pa.Schema) -> dict[str, list[str]]:
        """The encodings of the leaves of a schema with canonical types, as Parquet names them."""
        leaves = [(field.name, *leaf) for field in schema for leaf in _leaves(field.name, field.type)]
        without = {*_NO_DICTIONARY, *self.plain, *self.split}
        found = {
            # Numbers of a list that are no codes, as an embedding's, fill a dictionary and do not repeat; nor do
            # pictures and sounds: 100 MB of them are read in 0.07 CPU s instead of 0.12, and written in 0.17, not 0.19.
            "use_dictionary": [
                path
                for name, path, kind in leaves
                if name not in without and (name == path or not pa.types.is_floating(kind)) and kind not in _BYTES
            ],
            "use_byte_stream_split": [path for name, path, _ in leaves if name in self.split],
        }
        return {key: paths for key, paths in found.items() if paths or key == "use_dictionary"}


def _leaves(path: str, kind: pa.DataType) -> Iterator[tuple[str, pa.DataType]]:
    """The leaves of a column and their paths in Parquet."""
    if pa.types.is_map(kind):
        yield from _leaves(f"{path}.key_value.key", kind.key_type)
        yield from _leaves(f"{path}.key_value.value", kind.item_type)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
        yield from _leaves(f"{path}.list.element", kind.value_type)
    elif pa.types.is_struct(kind):
        for field in kind:
            yield from _leaves(f"{path}.{field.name}", field.type)
    else:
        yield path, kind


@dataclass(frozen=True)
class ShardFile:
    """A finished shard: name relative to the dataset folder, rows, size in bytes, SHA-256."""

    name: str
    rows: int
    bytes: int
    sha256: str

    def is_whole(self, folder: Location) -> bool:
        """Whether the file is there with this size and SHA-256."""
        return _is_whole(folder / self.name, self.bytes, self.sha256)


@dataclass(frozen=True)
class PlainFile:
    """A file of a dataset without rows (its card, say): name, size in bytes, SHA-256."""

    name: str
    bytes: int
    sha256: str

    @classmethod
    def of(cls, folder: Location, name: str) -> PlainFile:
        """The file of this name; raises OSError."""
        path = folder / name
        return cls(name, storage.size_of(path), storage.sha256_of(path))

    def is_whole(self, folder: Location) -> bool:
        """Whether the file is there with this size and SHA-256."""
        return _is_whole(folder / self.name, self.bytes, self.sha256)


def _is_whole(path: Location, size: int, sha256: str) -> bool:
    return storage.is_file(path) and storage.size_of(path) == size and storage.sha256_of(path) == sha256


def row_weights(batch: pa.RecordBatch) -> np.ndarray:
    """int64[rows]: bytes of each row in columns of text, bytes and lists, plus 64 for all others.

    Of structs and of lists of anything but numbers, what is beyond 64 bytes a column counts. Cuts must be stable: the
    weights are the same however the rows arrive.
    """
    weights = np.full(batch.num_rows, 64, dtype=np.int64)
    for column in batch.columns:
        if column.type in _VARIABLE or (
            pa.types.is_list(column.type) and pa.types.is_primitive(column.type.value_type)
        ):
            weights += value_bytes(column)
        elif pa.types.is_nested(column.type):
            weights += np.maximum(value_bytes(column) - 64, 0)
    return weights


def canonical_type(kind: pa.DataType) -> pa.DataType:
    """The type with list items called `element`, the name they have when Parquet gives them back.

    Arrow calls them `item`, so a column that was read and one that was just made would be written differently.
    """
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        make = pa.list_ if pa.types.is_list(kind) else pa.large_list
        return make(pa.field("element", canonical_type(kind.value_type), kind.value_field.nullable))
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(canonical_type(field.type)) for field in kind])
    return kind


def canonical_schema(schema: pa.Schema) -> pa.Schema:
    """The schema with canonical types and without metadata."""
    return pa.schema([pa.field(field.name, canonical_type(field.type), field.nullable) for field in schema])


class ShardWriter:
    """Writes the rows of one task to `stem-000.parquet`, `stem-001.parquet`, ... in a folder of the dataset.

    A row group is cut where the rows' weights reach 16 MB, a shard where they reach 256 MB, or as `layout` says. Files
    get their names when `close` is called, never before; leaving the context by an exception removes what was begun.

    metadata: of the files. late: a file is opened when all its rows are there, so that of many writers one at a time
    has a file open; `set_aside` then keeps the rows out of memory.
    """

    def __init__(
        self,
        root: Location,
        folder: str,
        stem: str,
        schema: pa.Schema,
        *,
        metadata: dict[bytes, bytes] | None = None,
        late: bool = False,
        layout: Layout | None = None,
    ) -> None:
        self._root, self._folder, self._stem, self._late = root, folder, stem, late
        self._layout = layout or Layout()
        self._shard_bytes_most = sys.maxsize if self._layout.whole else SHARD_BYTES
        self._given, self._schema = schema, canonical_schema(schema).with_metadata(metadata)
        self._groups: list[list[pa.RecordBatch | Location]] = []  # of a late writer
        self._pending: list[pa.RecordBatch | Location] = []
        self.bytes_in_memory = 0
        self._pending_bytes = 0
        self._pending_weight = 0  # as the layout weighs rows
        self._pending_rows = 0
        self._shard_bytes = 0
        self._shard_rows = 0
        self._writer: ParquetWriter | None = None
        self._begun: list[tuple[Location, Location, int]] = []
        self._current: tuple[Location, Location] | None = None

    def __enter__(self) -> ShardWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.abandon()

    def write(self, batch: pa.RecordBatch) -> None:
        """Append rows; raises ValueError where their schema is not the shard's."""
        if not batch.schema.equals(self._given):
            raise ValueError(f"batch schema differs from the shard's:\n{batch.schema}\n--- expected\n{self._given}")
        columns = [recast(column, field.type) for column, field in zip(batch.columns, self._schema, strict=True)]
        batch = pa.RecordBatch.from_arrays(columns, schema=self._schema)
        weights, grouped = np.cumsum(row_weights(batch)), np.cumsum(self._layout.weights(batch))
        start, before, grouped_before = 0, 0, 0
        while start < batch.num_rows:
            room = self._shard_bytes_most - self._shard_bytes - self._pending_bytes
            group_room = self._layout.most_bytes - self._pending_weight
            # The row that fills the group up belongs to it, so a row larger than a group is a group.
            stop = int(np.searchsorted(weights, before + room, side="left")) + 1
            stop = min(stop, int(np.searchsorted(grouped, grouped_before + group_room, side="left")) + 1)
            stop = min(stop, batch.num_rows, start + ROW_GROUP_ROWS - self._pending_rows)
            self._pending.append(batch.slice(start, stop - start))
            self.bytes_in_memory += int(weights[stop - 1]) - before
            self._pending_bytes += int(weights[stop - 1]) - before
            self._pending_weight += int(grouped[stop - 1]) - grouped_before
            self._pending_rows += stop - start
            start, before, grouped_before = stop, int(weights[stop - 1]), int(grouped[stop - 1])
            full = self._shard_bytes + self._pending_bytes >= self._shard_bytes_most
            if full or self._pending_weight >= self._layout.most_bytes or self._pending_rows >= ROW_GROUP_ROWS:
                self._flush()
                if full:
                    self._finish_file()

    def _open(self) -> ParquetWriter:
        name = f"{self._stem}-{len(self._begun):03d}.parquet"
        final = self._root / self._folder / name
        storage.make_folder(final.parent)
        temporary = storage.temporary_name(final)
        self._current = (temporary, final)
        return storage.parquet_writer(
            temporary,
            self._schema,
            version="2.6",
            compression="zstd",
            compression_level=3,
            **self._layout.encodings(self._schema),
            write_statistics=True,
            write_page_checksum=True,
            store_schema=True,
        )

    def set_aside(self, folder: Location) -> None:
        """Keep what is in memory in files of this folder until it is written; of a late writer."""
        for group in (*self._groups, self._pending):
            held = [piece for piece in group if isinstance(piece, pa.RecordBatch)]
            if held:
                file = storage.temporary_name(folder / f"{self._stem}.arrow")
                write_beside(file, pa.concat_batches(held))
                group[-len(held) :] = [file]
        self.bytes_in_memory = 0

    def _flush(self) -> None:
        if not self._pending:
            return
        self._groups.append(self._pending)
        self._shard_bytes += self._pending_bytes
        self._shard_rows += self._pending_rows
        self._pending, self._pending_bytes, self._pending_weight, self._pending_rows = [], 0, 0, 0
        if not self._late:
            self._write_groups()

    def _write_groups(self) -> None:
        if self._writer is None:
            self._writer = self._open()
        for pieces in self._groups:
            # One chunk: Parquet pages would otherwise break where the batches did.
            batches = [piece if isinstance(piece, pa.RecordBatch) else read_beside(piece) for piece in pieces]
            table = pa.Table.from_batches(batches, schema=self._schema).combine_chunks()
            self._writer.write_table(table, row_group_size=max(table.num_rows, 1))
            _remove_aside(pieces)
        self._groups, self.bytes_in_memory = [], 0

    def _finish_file(self) -> None:
        if self._groups:
            self._write_groups()
        if self._writer is None or self._current is None:
            return
        self._writer.close()
        self._begun.append((*self._current, self._shard_rows))
        self._writer, self._current, self._shard_bytes, self._shard_rows = None, None, 0, 0

    def close(self, *, keep_empty: bool = False) -> list[ShardFile]:
        """Finish and name the files; with keep_empty a task without rows still gives one empty shard."""
        self._flush()
        if self._writer is None and not self._begun and keep_empty:
            self._writer = self._open()
        self._finish_file()
        shards = []
        for temporary, final, rows in self._begun:
            size, digest = storage.size_of(temporary), storage.sha256_of(temporary)
            storage.commit(temporary, final)
            shards.append(ShardFile(f"{self._folder}/{final.name}", rows, size, digest))
        self._begun = []
        return shards

    def abandon(self) -> None:
        """Drop everything written so far."""
        if self._writer is not None:
            self._writer.close()
        for path in [*(begun[0] for begun in self._begun), *([self._current[0]] if self._current else [])]:
            storage.remove(path)
        _remove_aside([piece for group in (*self._groups, self._pending) for piece in group])
        self._begun, self._writer, self._current, self._pending, self._groups = [], None, None, [], []


def _remove_aside(pieces: Sequence[pa.RecordBatch | Location]) -> None:
    for piece in pieces:
        if not isinstance(piece, pa.RecordBatch):
            storage.remove(piece)


def schema_of(paths: Sequence[Location]) -> pa.Schema:
    """The one schema of all shards; raises IntegrityError naming the first that differs."""
    schemas = [shard_schema(path) for path in paths]
    for path, schema in zip(paths, schemas, strict=True):
        if not schema.equals(schemas[0]):
            raise IntegrityError(
                f"{path} has other columns than {paths[0]}", remedy="this is a defect of a step: please report it"
            )
    return schemas[0]
