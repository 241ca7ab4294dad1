"""TSV and CSV files with a header: every column is one of strings; the locator is the byte offset of the record.

TSV has no quoting: a quotation mark is a character, a line is a record. CSV is quoted as RFC 4180 says.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.result import Result
from xlcorpus.dataset.united import in_type
from xlcorpus.errors import UserError, given_twice, nearest
from xlcorpus.raw.assemble import BATCH_ROWS, Assembler
from xlcorpus.raw.input_columns import Column, fields_by_input
from xlcorpus.raw.input_files import InputFile
from xlcorpus.raw.lines import BOM, Lines, LongLine, Torn, first_line, read_lines
from xlcorpus.raw.options import ReadOptions, say_column
from xlcorpus.raw.ranges import FileRange
from xlcorpus.raw.rejects import Reject, bad_utf8, in_order, unread
from xlcorpus.raw.text_values import check_texts, not_utf8

_HEADER_BYTES = 1 << 20


def read_header(file: InputFile, options: ReadOptions) -> tuple[str, ...] | None:
    """The column names of a TSV or CSV file, nameless ones as `column_N`; None where it is empty or unreadable.

    Raises UserError where a text column is missing, a name occurs twice, or the header is no UTF-8.
    """
    line = first_line(file, _HEADER_BYTES, universal=file.format == "csv")
    if line is None:
        return None
    if len(line) >= _HEADER_BYTES - len(BOM):
        raise UserError(
            f"the first line of {file.path} is no header: it has more than {len(line):,} bytes",
            remedy="its first line must name the columns",
        )
    try:
        text = line.decode("utf-8")
        found = text.split("\t") if file.format == "tsv" else next(csv.reader([text], strict=True), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(
            f"the first line of {file.path} is no header: {error}",
            remedy="its first line must name the columns, in UTF-8 (iconv -f UTF-16 -t UTF-8 FILE > NEW rewrites what "
            "Excel calls Unicode text)",
        ) from error
    names = tuple(name or f"column_{number}" for number, name in enumerate(found, 1))
    columns = ", ".join(names[:50])
    twice = given_twice(names)
    if twice is not None:
        raise UserError(
            f"{file.path} has more than one column {twice!r}; columns: {columns}", remedy="rename one of them"
        )
    for output, name in options.texts.items():
        if name not in names:
            raise UserError(
                f"{file.path} has no column {name!r}: {nearest(name, names)}; columns by its first line: {columns}",
                remedy=say_column(output),
            )
    return names


def header_columns(files: Sequence[InputFile], options: ReadOptions) -> dict[str, Column]:
    """The columns of the files besides the texts, in the order in which they come first; raises as `read_header`."""
    columns: dict[str, Column] = {}
    for file in files:
        for name in read_header(file, options) or ():
            if name not in options.texts.values():
                columns.setdefault(name, Column(pa.string(), file.path))
    return columns


def read_tsv(part: FileRange, options: ReadOptions, schema: pa.Schema) -> Iterator[Result]:
    """Records of a range of a TSV file. Empty lines are no records.

    Reject reasons: wrong_field_count, invalid_utf8, nul_bytes, record_too_large, truncated_file, corrupt_file.
    Decisions and rejects of `Assembler.rows` besides. Raises UserError as `read_header`.
    """
    table = _Table(part, options, schema)
    for lines in read_lines(part, options.max_record_bytes):
        if isinstance(lines, Lines):
            yield from _tsv_block(lines, table)
        else:
            yield from table.assembler.rejected([unread(lines, "the record", options)])


def _tsv_block(lines: Lines, table: _Table) -> Iterator[Result]:
    size = lines.size
    if lines.offset == 0 and lines.offsets[0] == 0:  # the header
        lines = lines.chosen(slice(1, None))
    lines = lines.without_empty()
    values = pa.array(lines.contents(), pa.binary())
    fields = pc.split_pattern(values, "\t")
    counts = np.asarray(pc.list_value_length(fields), dtype=np.int64)
    fits = counts == len(table.names)
    rejects = [
        table.wrong_count(int(lines.offsets[index]), int(counts[index]), values[index].as_py())
        for index in np.flatnonzero(~fits).tolist()
    ]
    flat = fields.filter(pa.array(fits)).flatten()
    columns = [flat.take(pa.array(np.arange(at, len(flat), len(table.names)))) for at in range(len(table.names))]
    yield from table.emit(lines.offsets[fits], columns, rejects, size)


class _Table:
    """The columns of one file, and how rows of them become rows of the run."""

    def __init__(self, part: FileRange, options: ReadOptions, schema: pa.Schema) -> None:
        self.options = options
        self.names = read_header(part.file, options) or ()
        self.assembler = Assembler(part.file, options, schema)
        self.fields = fields_by_input(schema)

    def wrong_count(self, offset: int, count: int, data: bytes) -> Reject:
        message = f"the record has {count} fields, the header names {len(self.names)} columns"
        return Reject(offset, "wrong_field_count", message, data)

    def emit(self, offsets: np.ndarray, fields: list[pa.Array], rejects: list[Reject], size: int) -> Iterator[Result]:
        """offsets: int64[n]; fields: binary[n] in the order of the header."""
        if not self.names:  # nothing of the file can be read: it holds no record, or damage alone
            yield from self.assembler.rejected(rejects)
            return
        raw = dict(zip(self.names, fields, strict=True))
        good, wrong = check_texts(
            {output: raw[name] for output, name in self.options.texts.items()}, offsets, self.options
        )
        for name, column in raw.items():
            broken = not_utf8(column) & good
            for index in np.flatnonzero(broken).tolist():
                wrong.append(bad_utf8(int(offsets[index]), f"column {name!r}", column[index].as_py()))
            good &= ~broken
        if wrong:
            keep = pa.array(good)
            offsets, raw = offsets[good], {name: column.filter(keep) for name, column in raw.items()}
            rejects = in_order([*rejects, *wrong])
        strings = {name: column.cast(pa.string()) for name, column in raw.items()}
        texts = {output: strings[name] for output, name in self.options.texts.items()}
        given = pa.field("", pa.string())
        columns = {
            (field := self.fields[name]).name: in_type(strings[name], given, field)
            for name in self.names
            if name in self.fields
        }
        yield from self.assembler.rows(offsets, texts, columns, size=size, rejects=rejects)


class _RecordTooLarge(Exception):
    """A CSV record that goes on beyond the limit."""


@dataclass
class _LineFeed:
    """Lines for csv.reader, which takes as many as a record has; a record that fails is read anew from its second line.

    So a quotation mark that is never closed costs one line, not the rest of the file. Bytes travel as Latin-1.
    """

    part: FileRange
    options: ReadOptions
    taken: list[tuple[int, str]] = field(default_factory=list)  # offsets and lines of the record that is being read
    waiting: list[tuple[int, str]] = field(default_factory=list)  # to be read again, the last one first
    rejects: list[Reject] = field(default_factory=list)
    torn: Torn | None = None
    size: int = 0

    def __post_init__(self) -> None:
        self.lines = self._lines()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        offset, line = self.waiting.pop() if self.waiting else next(self.lines)
        self.taken.append((offset, line))
        self.size += len(line)
        if self.size > self.options.max_record_bytes + 2 and len(self.taken) > 1:
            raise _RecordTooLarge
        return line

    def accept(self) -> None:
        """The record that was read is one."""
        self.taken, self.size = [], 0

    def refuse(self) -> tuple[int, bytes]:
        """Offset and bytes of the first line of the record that failed; the others will be read again."""
        offset, line = self.taken[0]
        self.waiting.extend(reversed(self.taken[1:]))
        self.taken, self.size = [], 0
        return offset, line.encode("latin-1")

    def _lines(self) -> Iterator[tuple[int, str]]:
        for lines in read_lines(self.part, self.options.max_record_bytes, universal=True):
            if isinstance(lines, LongLine):
                self.rejects.append(unread(lines, "the line", self.options))
            elif isinstance(lines, Torn):
                self.torn = lines
            else:
                for offset, line in zip(lines.offsets.tolist(), lines.with_newlines(), strict=True):
                    yield offset, line.decode("latin-1")


def read_csv(part: FileRange, options: ReadOptions, schema: pa.Schema) -> Iterator[Result]:
    """Records of a CSV file (one range). Empty lines are no records.

    Reject reasons: those of `read_tsv`, and invalid_csv. Raises UserError as `read_header`.
    """
    table = _Table(part, options, schema)
    csv.field_size_limit(max(csv.field_size_limit(), options.max_record_bytes + 2))
    feed = _LineFeed(part, options)
    reader = csv.reader(feed, strict=True)
    offsets: list[int] = []
    rows: list[list[str]] = []
    before, size = 0, 0
    while True:
        try:
            row = next(reader)
        except StopIteration:
            break
        except (csv.Error, _RecordTooLarge) as error:
            offset, data = feed.refuse()
            why = str(error) or f"a quotation mark is not closed within {options.max_record_bytes:,} bytes"
            feed.rejects.append(Reject(offset, "invalid_csv", f"not valid CSV: {why}", data))
            continue
        end = feed.taken[-1][0] + len(feed.taken[-1][1])
        offset, data = feed.taken[0][0], feed.taken[0][1].encode("latin-1")
        feed.accept()
        if offset == 0 or not row:
            continue
        if len(row) != len(table.names):
            feed.rejects.append(table.wrong_count(offset, len(row), data))
        else:
            offsets.append(offset)
            rows.append(row)
        size = end - before
        if len(rows) + len(feed.rejects) >= BATCH_ROWS or size >= 4 << 20:
            yield from _emit_rows(offsets, rows, feed, table, size)
            offsets, rows, before, size = [], [], end, 0
    if feed.torn is not None:
        feed.rejects.append(unread(feed.torn, "the record", options))
    yield from _emit_rows(offsets, rows, feed, table, size)


def _emit_rows(
    offsets: list[int], rows: list[list[str]], feed: _LineFeed, table: _Table, size: int
) -> Iterator[Result]:
    columns = zip(*rows, strict=True) if rows else [()] * len(table.names)
    fields = [pa.array([value.encode("latin-1") for value in column], pa.binary()) for column in columns]
    rejects, feed.rejects = in_order(feed.rejects), []
    yield from table.emit(np.array(offsets, dtype=np.int64), fields, rejects, size)
