"""The columns of a batch: find one or say what is wrong, read one that may be absent, put new ones on."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.schema import load_schema
from xlcorpus.errors import UserError, nearest

# What to do about a column that is missing; of others, what the caller says.
_REMEDIES = {
    "text": "name the column when the dataset is made: xlcorpus ingest --text-column NAME",
    "lang": "run `xlcorpus identify` first",
    "script": "run `xlcorpus identify` first",
    "text_latn": "run `xlcorpus romanize` first",
    "align": "run `xlcorpus align` first",
    "src": "a dataset of sentence pairs is made by `xlcorpus ingest --kind pairs`",
    "tgt": "a dataset of sentence pairs is made by `xlcorpus ingest --kind pairs`",
}


def require_column(schema: pa.Schema, name: str, where: str = "this batch", *, remedy: str | None = None) -> pa.Field:
    """The field of that name; raises UserError naming the place, the column, the nearest one and the remedy."""
    index = schema.get_field_index(name)
    if index < 0:
        raise UserError(
            f"there is no column {name!r} in {where} ({nearest(name, schema.names)})",
            remedy=remedy or _REMEDIES.get(name, "name a column that it has"),
        )
    return schema.field(index)


def free_name(name: str, taken: Collection[str]) -> str:
    """The name of a user's column that bears one of ours: `input_NAME`, with as many `input_` as make it free."""
    renamed = f"input_{name}"
    while renamed in taken:
        renamed = f"input_{renamed}"
    return renamed


def text_column(batch: pa.RecordBatch, name: str = "text", *, remedy: str | None = None) -> pa.Array:
    """A column of text (string or large_string); raises UserError where there is none or it holds something else."""
    kind = require_column(batch.schema, name, remedy=remedy).type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        raise UserError(f"column {name!r} is {kind}, not string", remedy="make the dataset with xlcorpus ingest")
    return batch.column(name)


def column_or_null(batch: pa.RecordBatch, name: str, kind: pa.DataType) -> pa.Array:
    """A column of the batch, or nulls of the given type where it has none."""
    index = batch.schema.get_field_index(name)
    return batch.column(index) if index >= 0 else pa.nulls(batch.num_rows, kind)


def text_or_empty(batch: pa.RecordBatch, name: str, default: str = "") -> pa.Array:
    """string[rows]: a column as text, `default` for null; all of it where there is no such column."""
    return pc.fill_null(column_or_null(batch, name, pa.string()).cast(pa.string()), default)


def direction(batch: pa.RecordBatch) -> pa.Array:
    """string[rows]: languages of the sides of sentence pairs, `eng_Latn-deu_Latn`; an unknown one is ''."""
    return pc.binary_join_element_wise(*(text_or_empty(batch, name) for name in ("src_lang", "tgt_lang")), "-")


def row_language(batch: pa.RecordBatch) -> pa.Array:
    """string[rows]: the column `lang`; of sentence pairs without it their direction; null where there is neither."""
    if "src_lang" in languages_read(batch.schema.names):
        return direction(batch)
    return column_or_null(batch, "lang", pa.string())


def languages_read(names: Collection[str]) -> tuple[str, ...]:
    """The columns that say in which language a row of these columns is, if any do (`row_language`)."""
    if "lang" in names:
        return ("lang",)
    # Of documents they are the user's columns.
    return ("src_lang", "tgt_lang") if "text" not in names and {"src_lang", "tgt_lang"} <= set(names) else ()


def row_text(batch: pa.RecordBatch) -> pa.Array:
    """string[rows]: the column `text`; of sentence pairs without it both sides, a line feed between; else null."""
    names = batch.schema.names
    if "text" not in names and {"src", "tgt"} <= set(names):
        return pc.binary_join_element_wise(*(text_or_empty(batch, name) for name in ("src", "tgt")), "\n")
    return column_or_null(batch, "text", pa.string())


def sum_by(labels: pa.Array, values: np.ndarray) -> dict[str, int]:
    """The sum of the values (whole numbers [rows]) of each label; null counts as ''."""
    encoded = pc.fill_null(labels, "").dictionary_encode()
    sums = np.zeros(len(encoded.dictionary), dtype=np.int64)
    np.add.at(sums, encoded.indices.to_numpy(zero_copy_only=False), values)
    return dict(zip(encoded.dictionary.to_pylist(), sums.tolist(), strict=True))


def one_batch(table: pa.Table) -> pa.RecordBatch:
    """A table as one batch."""
    (batch,) = table.combine_chunks().to_batches() or [pa.RecordBatch.from_pylist([], schema=table.schema)]
    return batch


def fixed_binary(values: np.ndarray) -> pa.Array:
    """fixed_size_binary[rows] over the bytes of each row: uint64[rows, 2] and void16[rows] give binary[16]."""
    width = values.dtype.itemsize * (values.shape[1] if values.ndim > 1 else 1)
    data = pa.py_buffer(np.ascontiguousarray(values))
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(width), len(values), [None, data])


def bytes_of(column: pa.Array) -> np.ndarray:
    """void[rows]: the bytes of a fixed_size_binary array without nulls."""
    data = np.frombuffer(column.buffers()[1] or b"", dtype=f"V{column.type.byte_width}")
    return data[column.offset : column.offset + len(column)]


def parts_by(numbers: np.ndarray, batch: pa.RecordBatch) -> Iterator[tuple[int, pa.RecordBatch]]:
    """(number, its rows in their order) for each of the numbers, ascending. numbers: [rows], whole."""
    order = np.argsort(numbers, kind="stable")
    cuts = np.flatnonzero(np.diff(numbers[order])) + 1
    for rows in np.split(order, cuts) if len(order) else ():
        yield int(numbers[rows[0]]), batch.take(pa.array(rows))


def batch_of(schema: pa.Schema, columns: Mapping[str, pa.Array], rows: int) -> pa.RecordBatch:
    """A batch of a schema, nulls for the columns that are not given."""
    arrays = [columns[field.name] if field.name in columns else pa.nulls(rows, field.type) for field in schema]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def put_columns(batch: pa.RecordBatch, columns: Mapping[str, pa.Array]) -> pa.RecordBatch:
    """The batch with these columns, each in the place of an earlier one of its name, else at the end."""
    for name, values in columns.items():
        position = batch.schema.get_field_index(name)
        field = pa.field(name, values.type)
        batch = batch.append_column(field, values) if position < 0 else batch.set_column(position, field, values)
    return batch


def append_columns(batch: pa.RecordBatch, columns: pa.RecordBatch) -> pa.RecordBatch:
    """The batch with more columns at its end. A column of ours (schema document-1) that it has already is replaced.

    Raises UserError for any other column of the same name: those that only a step sees begin with two underscores.
    """
    ours = load_schema("document").names
    for name in set(columns.schema.names) & set(batch.schema.names) - ours:
        raise UserError(f"the dataset has a column {name!r}, a name that xlcorpus needs", remedy="rename the column")
    batch = batch.select([name for name in batch.schema.names if name not in columns.schema.names])
    fields = [*batch.schema, *columns.schema]
    return pa.RecordBatch.from_arrays([*batch.columns, *columns.columns], schema=pa.schema(fields))


def append_slices(batches: Iterator[pa.RecordBatch], columns: pa.RecordBatch | None) -> Iterator[pa.RecordBatch]:
    """`append_columns` to batches that together have the rows of `columns`; none: the batches as they are."""
    start = 0
    for batch in batches:
        yield batch if columns is None else append_columns(batch, columns.slice(start, batch.num_rows))
        start += batch.num_rows


def recast(column: pa.Array, kind: pa.DataType) -> pa.Array:
    """The column in a type that has its values (`cast`); raises pa.ArrowInvalid where one would be lost.

    In lists and structs that hold columns of nothing (type null), what `cast` (pyarrow 25) gets wrong is made anew.
    """
    nested = pa.types.is_list(kind) or pa.types.is_struct(kind)
    if not nested or not _holds_nothing(kind):
        return column.cast(kind)
    mask = column.is_null() if column.null_count else None
    if pa.types.is_struct(kind):
        inner = [recast(column.field(place), field.type) for place, field in enumerate(kind)]
        return pa.StructArray.from_arrays(inner, fields=list(kind), mask=mask)
    sizes = np.asarray(pc.fill_null(column.value_lengths(), 0), dtype=np.int64)
    offsets = pa.array(np.append(0, np.cumsum(sizes)).astype(np.int32))
    return pa.ListArray.from_arrays(offsets, recast(column.flatten(), kind.value_type), type=kind, mask=mask)


def _holds_nothing(kind: pa.DataType) -> bool:
    """Whether there is a type null in it."""
    return pa.types.is_null(kind) or any(_holds_nothing(kind.field(place).type) for place in range(kind.num_fields))


_BYTES = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)


def value_bytes(column: pa.Array) -> np.ndarray:
    """int64[n]: bytes of each value, of what a dictionary holds as if it were written out.

    Nulls among numbers take the room of one, other nulls none.

    The same for a value however the rows arrive, but for types that only files of others have (unions, extensions).
    """
    type = column.type
    if pa.types.is_dictionary(type):
        lengths = np.append(value_bytes(column.dictionary), 0)  # the last one is that of nulls
        return lengths[pc.fill_null(column.indices, len(lengths) - 1).to_numpy(zero_copy_only=False)]
    if any(check(type) for check in _BYTES):
        return np.asarray(pc.fill_null(pc.binary_length(column), 0), dtype=np.int64)
    if type in (pa.string_view(), pa.binary_view()):  # 16 bytes for each, of which the first four are its length
        views = np.frombuffer(column.buffers()[1], dtype=np.int32)[4 * column.offset :: 4]
        return np.where(np.asarray(column.is_valid()), views[: len(column)], 0).astype(np.int64)
    if pa.types.is_map(type):
        return _within(column, value_bytes(column.keys) + value_bytes(column.items))
    if pa.types.is_list(type) or pa.types.is_large_list(type):
        if pa.types.is_primitive(type.value_type):  # of one size each: 4 M token ids need not be added up
            lengths = np.asarray(pc.fill_null(column.value_lengths(), 0), dtype=np.int64)
            return lengths * max(1, type.value_type.bit_width // 8)
        return _within(column, value_bytes(column.values))
    if pa.types.is_struct(type):
        return sum((value_bytes(inner) for inner in column.flatten()), np.zeros(len(column), dtype=np.int64))
    try:
        width = max(1, type.bit_width // 8)
    except ValueError:
        width = column.nbytes // max(1, len(column))
    return np.full(len(column), width, dtype=np.int64)


def _within(lists: pa.Array, sizes: np.ndarray) -> np.ndarray:
    """int64[n]: the sum of the sizes of the items of each list; nulls may stand over items, which are not theirs."""
    ends = np.concatenate([[0], np.cumsum(sizes)])[lists.offsets.to_numpy()]
    return np.where(np.asarray(lists.is_valid()), np.diff(ends), 0)
