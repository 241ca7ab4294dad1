"""Parquet files: rows pass through with their columns; the locator is the row number in the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import pyarrow as pa

from xlcorpus.dataset import storage
from xlcorpus.dataset.columns import recast
from xlcorpus.dataset.features import only_features, said_in
from xlcorpus.dataset.result import Result, add_counts
from xlcorpus.dataset.storage import Location
from xlcorpus.dataset.united import can_hold, in_type
from xlcorpus.errors import UserError, first_line, given_twice, nearest
from xlcorpus.ingest.format import Format, Look
from xlcorpus.ingest.parquet_batches import RowGroups
from xlcorpus.ingest.pictures import count_others, pictures_of
from xlcorpus.raw.assemble import BATCH_ROWS, Assembler
from xlcorpus.raw.input_columns import Column, fields_by_input, united
from xlcorpus.raw.input_files import InputFile
from xlcorpus.raw.options import ReadOptions, say_column
from xlcorpus.raw.ranges import FileRange
from xlcorpus.raw.rejects import Reject, bad_utf8, in_order
from xlcorpus.tags.tokens import TOKENS, join_tokens
from xlcorpus.templates.turns import is_turns, texts_of_turns

_MOST_LOST = 10_000_000  # rows of one row group; 70 s of reject rows
_BROKEN = (pa.ArrowException, OSError, UnicodeDecodeError)


def plain_type(type: pa.DataType) -> pa.DataType:
    """The type without its encoding, so that files of different writers agree.

    Dictionaries become their values, large and view types of strings and bytes become string and binary. Instants in a
    time zone that nobody knows (of a damaged footer, say) are in UTC, as they are stored.
    """
    if isinstance(type, pa.BaseExtensionType):  # uuid, json, tensors: known or not, as which packages are imported
        return plain_type(type.storage_type)
    if pa.types.is_dictionary(type):
        return plain_type(type.value_type)
    if pa.types.is_large_string(type) or type == pa.string_view():
        return pa.string()
    if pa.types.is_large_binary(type) or type == pa.binary_view():
        return pa.binary()
    if pa.types.is_list(type) or pa.types.is_large_list(type):
        return pa.list_(type.value_field.with_type(plain_type(type.value_type)))
    if pa.types.is_struct(type):
        return pa.struct([field.with_type(plain_type(field.type)) for field in type])
    if pa.types.is_timestamp(type) and not _is_known_zone(type.tz):
        return pa.timestamp(type.unit, "UTC")
    return type


def _is_known_zone(name: str | None) -> bool:
    try:
        pa.scalar(0, pa.timestamp("s", name)).as_py()
    except (KeyError, ValueError):  # of zoneinfo and pytz; pyarrow's own are ValueErrors
        return False
    return True


def read_schema(file: InputFile, options: ReadOptions) -> pa.Schema | None:
    """The plain schema of a Parquet file; None where the file is empty or damaged (`read_parquet` rejects that).

    Raises UserError where a text column is missing or holds no strings, or a column name occurs twice.
    """
    if file.size == 0:
        return None
    try:
        schema = storage.parquet_schema(file.path)
    except _BROKEN as error:
        if "encrypted" in str(error):
            raise UserError(
                f"{file.path} is encrypted: its columns cannot be read without the keys",
                remedy="decrypt it first, or leave it out",
            ) from None
        return None
    said = only_features(schema.metadata) or None
    schema = pa.schema([pa.field(field.name, plain_type(field.type)) for field in schema], metadata=said)
    columns = ", ".join(schema.names)
    twice = given_twice(schema.names)
    if twice is not None:
        raise UserError(
            f"{file.path} has more than one column {twice!r}; columns: {columns}",
            remedy="rename one of them in the file",
        )
    for output, name in options.texts.items():
        if name not in schema.names:
            raise UserError(
                f"{file.path} has no column {name!r}: {nearest(name, schema.names)}; columns: {columns}",
                remedy=say_column(output),
            )
        kind = schema.field(name).type
        # null: what writers make of an empty part
        if kind not in (pa.string(), pa.null(), TOKENS) and not (output == "text" and is_turns(kind)):
            raise UserError(
                f"column {name!r} of {file.path} is {kind}, not string; columns: {columns}",
                remedy=f"name a column of strings with --{output}-column"
                + (", or one of turns (lists of structs with role and content)" if output == "text" else ""),
            )
    return schema


def cut_row_groups(file: InputFile, target: int) -> Iterator[FileRange]:
    """Ranges of row groups of about `target` bytes."""
    try:
        with storage.open_parquet(file.path) as parquet:
            metadata = parquet.metadata
    except _BROKEN:
        yield FileRange(file, 0, 1, size=file.size)  # its reader will say what is wrong with it
        return
    # By their sizes in memory: to ask for a column's size on disk ends the process where the footer is damaged.
    sizes = [max(metadata.row_group(group).total_byte_size, 0) for group in range(metadata.num_row_groups)]
    whole = sum(sizes) or 1
    start, size = 0, 0
    for group in range(metadata.num_row_groups):
        weight = file.size * sizes[group] // whole
        if group > start and size + weight > target:
            yield FileRange(file, start, group, size=size)
            start, size = group, 0
        size += weight
    if metadata.num_row_groups > start:
        yield FileRange(file, start, metadata.num_row_groups, size=size)


def schema_columns(files: Sequence[InputFile], options: ReadOptions) -> dict[str, Column]:
    """Union of the files' schemas in order of appearance; a file that cannot be read has none (its reader says why)."""
    found: dict[str, dict[tuple[pa.DataType, str | None], list[Location]]] = {}
    for file in files:
        schema = read_schema(file, options)
        said = said_in(schema.metadata) if schema is not None else {}
        for field in schema or ():
            if field.name not in options.texts.values() or field.type == TOKENS or is_turns(field.type):
                kind = (field.type, said.get(field.name))
                found.setdefault(field.name, {}).setdefault(kind, []).append(file.path)
    return {
        name: united(
            name,
            [
                Column(kind, paths[0], fits=partial(_fits, name, kind, paths), feature=feature, files=len(paths))
                for (kind, feature), paths in kinds.items()
            ],
        )
        for name, kinds in found.items()
    }


def _fits(name: str, given: pa.DataType, paths: Sequence[Location], kind: pa.DataType) -> bool:
    """Whether the values of a column of files can be cast to a type without loss: they are read, that column alone."""
    return given == kind or all(can_hold(values, kind) for path in paths for values in _values(path, name))


def _values(path: Location, name: str) -> Iterator[pa.Array]:
    """A column of a file, as far as it can be read: of what cannot its reader says how much is lost."""
    try:
        groups = RowGroups(path)
    except _BROKEN:
        return
    with groups:
        for group in range(len(groups.rows)):
            try:
                for batch in groups.batches(group, {name}):
                    yield _plain(batch.column(name))
            except _BROKEN:
                continue


def _plain(values: pa.Array) -> pa.Array:
    return recast(values, plain_type(values.type))


def read_parquet(part: FileRange, options: ReadOptions, schema: pa.Schema) -> Iterator[Result]:
    """Rows of the row groups of a range.

    Reject reasons: missing_text (null), invalid_utf8, nul_bytes, record_too_large, corrupt_file (each row that a
    damaged row group has lost; one for a file that is not readable at all); of pairs with src or tgt in the place of
    text. Decisions and rejects of `Assembler.rows` besides. Raises UserError as `read_schema`.
    """
    file = part.file
    reader = _Reader(part, options, schema)
    if file.size == 0:
        return
    read_schema(file, options)
    try:
        groups = RowGroups(file.path)
    except FileNotFoundError:
        raise
    except _BROKEN as error:
        if part.start == 0:
            yield from reader.broken(0, f"not readable as Parquet: {first_line(error)}")
        return
    with groups:
        row = sum(groups.rows[: part.start])
        for group, rows in enumerate(groups.rows[part.start : part.end], part.start):
            done = 0
            try:
                for batch in groups.batches(group, reader.wanted):
                    yield from reader.batch(batch, row + done)
                    done += batch.num_rows
            except _BROKEN as error:
                lost = rows - done
                message = f"{lost:,} rows of row group {group} cannot be read: {first_line(error)}"
                yield from reader.broken(row + done, message, lost)
            row += rows


class _Reader:
    """Turns the batches of one file into rows of the run's schema."""

    def __init__(self, part: FileRange, options: ReadOptions, schema: pa.Schema) -> None:
        self.options = options
        self.assembler = Assembler(part.file, options, schema, unit="row")
        self.schema = schema
        self.fields = fields_by_input(schema)
        self.pictures = pictures_of(schema)
        self.wanted = {*options.texts.values(), *self.fields}

    def broken(self, row: int, message: str, rows: int = 1) -> Iterator[Result]:
        """A reject for each row that is lost, from `row` on; one for all where a footer claims more than is likely."""
        rows = rows if rows <= _MOST_LOST else 1
        for start in range(row, row + rows, BATCH_ROWS):
            these = range(start, min(start + BATCH_ROWS, row + rows))
            yield from self.assembler.rejected([Reject(one, "corrupt_file", message) for one in these])

    def batch(self, batch: pa.RecordBatch, first: int) -> Iterator[Result]:
        """Rows `first` and following of the file."""
        offsets = np.arange(first, first + batch.num_rows, dtype=np.int64)
        raw = {output: _text_bytes(batch.column(name)) for output, name in self.options.texts.items()}
        columns = {
            self.fields[name].name: _plain(batch.column(name)) for name in batch.schema.names if name in self.fields
        }
        good, rejects = _valid(columns, offsets)
        if rejects:
            keep = pa.array(good)
            offsets = offsets[good]
            raw, columns = ({name: one.filter(keep) for name, one in table.items()} for table in (raw, columns))
        columns = {
            name: in_type(values, pa.field(name, values.type), self.schema.field(name))
            for name, values in columns.items()
        }
        counts = count_others(columns, self.pictures, self.assembler.file.name)
        for result in self.assembler.rows(offsets, raw, columns, size=batch.nbytes, rejects=rejects):
            add_counts(counts, result.counts)
            yield replace(result, counts=counts)
            counts = {}


def _valid(columns: Mapping[str, pa.Array], offsets: np.ndarray) -> tuple[np.ndarray, list[Reject]]:
    """bool[n], true for rows whose strings are UTF-8 in all columns, within lists and structs too; a reject for others.

    offsets: int64[n].
    """
    good = np.ones(len(offsets), dtype=bool)
    rejects = []
    for name, column in columns.items():
        if _is_valid(column):
            continue
        for row in np.flatnonzero(good).tolist():
            if not _is_valid(column.take(pa.array([row]))):
                good[row] = False
                rejects.append(bad_utf8(int(offsets[row]), f"column {name!r}"))
    return good, in_order(rejects)


def _is_valid(column: pa.Array) -> bool:
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _text_bytes(column: pa.Array) -> pa.Array:
    """binary[n] of a column of strings in any encoding of Arrow, of lists of tokens, or of turns."""
    if is_turns(column.type):
        return texts_of_turns(_plain(column)).cast(pa.binary())
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        return join_tokens(_plain(column)).cast(pa.binary())
    return (column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column).cast(pa.binary())


def _sniff(look: Look) -> bool | None:
    return (look.head.startswith((b"PAR1", b"PARE")) and (len(look.head) == 4 or look.head[4] < 0x20)) or None


FORMAT = Format(
    name="parquet",
    kinds=("documents", "pairs"),
    suffixes=("parquet", "pq"),
    sniff=_sniff,
    compressed=False,
    cut=cut_row_groups,
    columns=schema_columns,
    columns_rank=0,
    read=read_parquet,
)
