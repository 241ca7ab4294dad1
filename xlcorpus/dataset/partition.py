"""Hive partitions: one column of the rows is in the name of the shards' folder alone, as Hive has it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset import storage
from xlcorpus.dataset.features import only_features
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import IntegrityError, UserError

HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"  # the name that DuckDB, Spark and pyarrow read as null
LONGEST_NAME = 255  # bytes that a file system allows a folder's name
_KEY = b"xlcorpus.partition"  # in the shard's Parquet metadata: the value itself, and where the column stood
_PLAIN = (pa.types.is_string, pa.types.is_large_string, pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean)
_TIMES = (pa.types.is_date, pa.types.is_timestamp, pa.types.is_decimal)


def names_folders(kind: pa.DataType) -> bool:
    """Whether the values of a type can name folders: as text, different ones by different names."""
    return any(is_kind(kind) for is_kind in (*_PLAIN, *_TIMES))


def check_folders(column: str, kind: pa.DataType) -> None:
    """Raise UserError where the values of a column cannot name folders."""
    if not names_folders(kind.value_type if pa.types.is_dictionary(kind) else kind):
        raise UserError(
            f"--partition-by {column}: it holds {kind}, which names no folder", remedy="name a plain column"
        )


@dataclass(frozen=True)
class Partition:
    """The rows of one value of a column. value: its one row; position: of the column in the rows."""

    value: pa.RecordBatch
    position: int

    @property
    def column(self) -> str:
        """Name of the column."""
        return str(self.value.schema.names[0])

    @property
    def folder(self) -> str:
        """`lang=swh_Latn`: what is no ASCII letter, digit or `_.-~` percent-encoded. Raises UserError: too long."""
        text = self.value.column(0).cast(pa.string())[0].as_py()
        value = HIVE_NULL if text is None else quote(text, safe="")
        if text == HIVE_NULL:  # a text, not a null
            value = value.replace("_", "%5F", 1)
        name = f"{quote(self.column, safe='')}={value}"
        if len(name) > LONGEST_NAME:
            raise UserError(
                f"--partition-by {self.column}: a value names a folder of {len(name):,} bytes, "
                f"{LONGEST_NAME} are allowed: {name[:60]}...",
                remedy="partition by a column of short values, a language or a source, say",
            )
        return name

    @property
    def metadata(self) -> dict[bytes, bytes]:
        """What the shard's file says of it: readers that know nothing of it take the value from the folder."""
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, self.value.schema) as writer:
            writer.write_batch(self.value)
        row = base64.b64encode(sink.getvalue()).decode()
        return {_KEY: json.dumps({"position": self.position, "value": row}).encode()}

    @classmethod
    def of(cls, schema: pa.Schema) -> Partition | None:
        """That of a shard with this schema; None where all its columns are in the file."""
        said = (schema.metadata or {}).get(_KEY)
        if said is None:
            return None
        content = json.loads(said)
        with pa.ipc.open_stream(base64.b64decode(content["value"])) as reader:
            return cls(reader.read_next_batch(), content["position"])

    def schema(self, inside: pa.Schema) -> pa.Schema:
        """The columns of the rows, of those in the file."""
        return inside.with_metadata(only_features(inside.metadata)).insert(self.position, self.value.schema.field(0))

    def restore(self, inside: pa.Table, rows: int, columns: Sequence[str] | None) -> pa.Table:
        """The rows, of those in the file: with the column where it stood, or all that are wanted in their order."""
        repeated = self.value.column(0).take(pa.array(np.zeros(rows, dtype=np.int32)))
        if columns is not None and not inside.num_columns:  # read_row_group counts no rows of no columns
            return pa.table([repeated] * len(columns), schema=pa.schema([self.value.schema.field(0)] * len(columns)))
        table = inside.replace_schema_metadata(None)
        if columns is None:
            return table.add_column(self.position, self.value.schema.field(0), repeated)
        if self.column not in columns:
            return table
        return table.append_column(self.value.schema.field(0), repeated).select(list(columns))


def shard_schema(location: Location) -> pa.Schema:
    """The columns of a shard's rows; raises IntegrityError where its footer cannot be read."""
    try:
        inside = storage.parquet_schema(location)
        partition = Partition.of(inside)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise IntegrityError(
            f"{location}: cannot be read: {' '.join(str(error).split())}",
            remedy="restore the file from a copy, or make the dataset again with --overwrite",
        ) from error
    return inside if partition is None else partition.schema(inside)


def split_by(rows: pa.RecordBatch, column: str) -> Iterator[tuple[Partition, pa.RecordBatch]]:
    """The rows of each value without its column, values in the order of their texts, null last.

    Raises UserError for values that name no folders: a column that packs keep is a list there.
    """
    position = rows.schema.get_field_index(column)
    values, inside = rows.column(position), rows.drop_columns([column])
    check_folders(column, values.type)
    encoded = values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
    texts = encoded.dictionary.cast(pa.string())
    for code in [*pc.sort_indices(texts).to_pylist(), None]:
        here = pc.is_null(encoded.indices) if code is None else pc.fill_null(pc.equal(encoded.indices, code), False)
        part = inside.filter(here)
        if part.num_rows:
            value = None if code is None else encoded.dictionary.slice(code, 1)
            yield Partition(_row(rows.schema.field(position), value), position), part


def _row(field: pa.Field, value: pa.Array | None) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays(
        [pa.nulls(1, field.type) if value is None else value], schema=pa.schema([field.with_nullable(True)])
    )
