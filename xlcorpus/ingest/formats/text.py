"""Plain text files: a record is a line, a paragraph (between blank lines) or the whole file (`sample_by`).

Lines of ASCII white space alone are no records in the modes line and paragraph: they only separate. A line ends with
LF, CRLF or a carriage return alone, as Python, editors and browsers have it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa

from xlcorpus.dataset import storage
from xlcorpus.dataset.result import Result
from xlcorpus.ingest.format import Format
from xlcorpus.raw.assemble import Assembler
from xlcorpus.raw.lines import BOM, EXCERPT_BYTES, Lines, LongLine, Torn, read_lines
from xlcorpus.raw.options import ReadOptions
from xlcorpus.raw.ranges import FileRange, cut_lines
from xlcorpus.raw.rejects import Reject, bad_utf8, in_order, too_large, unread
from xlcorpus.raw.streams import Damage, read_stream

_SPACE = b" \t\f\v"
_SPACE_CODES = np.frombuffer(_SPACE, dtype=np.uint8)


def read_text(part: FileRange, options: ReadOptions, schema: pa.Schema) -> Iterator[Result]:
    """Records of a range of a plain text file.

    A paragraph belongs to the range in which it begins, a whole file to the one that begins at 0. Reject reasons:
    invalid_utf8, nul_bytes, record_too_large, truncated_file, corrupt_file. Decision: empty_text.
    """
    emit = _Emitter(part, options, schema)
    if options.sample_by == "document":
        yield from _document(part, options, emit)
    elif options.sample_by == "paragraph":
        yield from _paragraphs(part, options, emit)
    else:
        yield from _lines(part, options, emit)


@dataclass
class _Emitter:
    """Checks records and hands them on."""

    part: FileRange
    options: ReadOptions
    schema: pa.Schema
    assembler: Assembler = field(init=False)

    def __post_init__(self) -> None:
        self.assembler = Assembler(self.part.file, self.options, self.schema)

    def records(self, records: list[tuple[int, bytes]], rejects: list[Reject]) -> Iterator[Result]:
        """records: offset and bytes of each; rejects: of the same stretch."""
        if not records and not rejects:
            return
        size = sum(len(data) + 1 for _, data in records)
        values = [data for _, data in records]
        offsets = [offset for offset, _ in records]
        text = None if any(b"\0" in data for data in values) else _decode(values)
        if text is None:
            good = []
            for offset, data in records:
                reject = _fault(offset, data)
                if reject is None:
                    good.append((offset, data))
                else:
                    rejects.append(reject)
            rejects = in_order(rejects)
            offsets, text = [offset for offset, _ in good], _decode([data for _, data in good])
        yield from self.assembler.rows(
            np.array(offsets, dtype=np.int64), {"text": text}, {}, size=size, rejects=rejects
        )

    @property
    def what(self) -> str:
        """A record in words."""
        return f"the {self.options.sample_by}"


def _decode(values: list[bytes]) -> pa.Array | None:
    """string[n], or None where one of them is not UTF-8."""
    try:
        return pa.array(values, pa.binary()).cast(pa.string())
    except pa.ArrowInvalid:
        return None


def _fault(offset: int, data: bytes) -> Reject | None:
    if b"\0" in data:
        return Reject(offset, "nul_bytes", "the text holds NUL bytes (is it UTF-16? convert it with iconv)", data)
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return bad_utf8(offset, "the text", data, error, " of the record")
    return None


def _lines(part: FileRange, options: ReadOptions, emit: _Emitter) -> Iterator[Result]:
    for lines in read_lines(part, options.max_record_bytes, universal=True):
        if isinstance(lines, Lines):
            found = zip(lines.offsets.tolist(), lines.contents(), _blank_lines(lines).tolist(), strict=True)
            yield from emit.records([(offset, line) for offset, line, blank in found if not blank], [])
        else:
            yield from emit.records([], [unread(lines, emit.what, options)])


def _blank_lines(lines: Lines) -> np.ndarray:
    """bool[n]: lines of ASCII white space alone."""
    blank = lines.ends <= lines.starts
    values = np.frombuffer(lines.data, dtype=np.uint8)
    # Only lines that begin with white space need a closer look.
    suspects = ~blank & np.isin(values[np.minimum(lines.starts, len(values) - 1)], _SPACE_CODES)
    for index in np.flatnonzero(suspects).tolist():
        blank[index] = not lines.data[lines.starts[index] : lines.ends[index]].strip(_SPACE)
    return blank


@dataclass
class _Paragraph:
    """The paragraph that is being read: where it begins, its lines with their newlines, its size in bytes."""

    offset: int
    parts: list[bytes] = field(default_factory=list)
    size: int = 0

    def add(self, data: bytes, size: int, limit: int) -> None:
        self.size += size
        # Beyond the limit only the beginning is of use, for the reject row.
        if self.size <= limit:
            self.parts.append(data)
        else:
            self.parts = [b"".join(self.parts or [data])[:EXCERPT_BYTES]]


def _paragraphs(part: FileRange, options: ReadOptions, emit: _Emitter) -> Iterator[Result]:
    limit = options.max_record_bytes
    plain = part.file.compression == "none"
    stop = part.end if plain else None
    # The last paragraph may go on beyond the range.
    whole = replace(part, end=part.file.size) if plain else part
    current: _Paragraph | None = None
    inside: bool | None = None  # in a paragraph that began before the range; None: not known yet
    records: list[tuple[int, bytes]] = []
    rejects: list[Reject] = []

    def finish() -> None:
        nonlocal current
        if current is not None:
            data = b"".join(current.parts)
            if current.size > limit:
                rejects.append(too_large(current.offset, emit.what, current.size, data, options))
            else:
                records.append((current.offset, data.rstrip(b"\r\n")))
        current = None

    for lines in read_lines(whole, limit, universal=True):
        if isinstance(lines, Torn):
            reject = unread(lines, emit.what, options)
            if current is not None:  # whether it was whole nobody can say
                reject = replace(reject, offset=current.offset, excerpt=b"".join(current.parts)[:EXCERPT_BYTES])
            rejects.append(reject)
            yield from emit.records(records, rejects)
            return
        for offset, data, size, blank in _walk(lines):
            if inside is None:
                inside = offset > 0 and not _after_blank(part, offset)
            if blank:
                finish()
                inside = False
            elif not inside:
                if current is None:
                    if stop is not None and offset >= stop:
                        yield from emit.records(records, rejects)
                        return
                    current = _Paragraph(offset)
                current.add(data, size, limit)
            if inside and stop is not None and offset >= stop:
                yield from emit.records(records, rejects)
                return
        yield from emit.records(records, rejects)
        records, rejects = [], []
    finish()
    yield from emit.records(records, rejects)


def _walk(lines: Lines | LongLine) -> Iterator[tuple[int, bytes, int, bool]]:
    """Offset, bytes with newline, size and blankness of each line."""
    if isinstance(lines, LongLine):
        yield lines.offset, lines.head, lines.size, False
        return
    sizes, blanks = (lines.ends - lines.starts).tolist(), _blank_lines(lines).tolist()
    yield from zip(lines.offsets.tolist(), lines.with_newlines(), sizes, blanks, strict=True)


def _after_blank(part: FileRange, offset: int) -> bool:
    """Whether the line before the one at `offset` is blank: reads backwards, over white space alone."""
    if part.file.compression != "none":
        return True
    with storage.open_input(part.file.path) as file:
        file.seek(max(offset - 2, 0))
        at = offset - (2 if file.read(2) == b"\r\n" else 1)  # what ends the line before is no part of it
        while at > 0:
            begin = max(0, at - 4096)
            file.seek(begin)
            block = file.read(at - begin)
            rest = block.rstrip(_SPACE)
            if rest:
                return rest.endswith((b"\n", b"\r")) or (begin == 0 and rest == BOM)
            at = begin
    return True


def _document(part: FileRange, options: ReadOptions, emit: _Emitter) -> Iterator[Result]:
    if part.start > 0:
        return
    parts: list[bytes] = []
    size = 0
    for piece in read_stream(part.file.path, part.file.compression):
        if isinstance(piece, Damage):
            reject = Reject(0, piece.reason, piece.message, b"".join(parts)[:EXCERPT_BYTES])
            yield from emit.records([], [reject])
            return
        size += len(piece)
        if size <= max(options.max_record_bytes, EXCERPT_BYTES) or not parts:
            parts.append(piece)
        else:
            parts = [b"".join(parts)[:EXCERPT_BYTES]]
    data = b"".join(parts).removeprefix(BOM)
    if size > options.max_record_bytes:
        yield from emit.records([], [too_large(0, emit.what, size, data[:EXCERPT_BYTES], options)])
    elif size:
        yield from emit.records([(0, data)], [])


FORMAT = Format(name="text", kinds=("documents",), suffixes=("txt", "text"), cut=cut_lines, read=read_text)
