"""Plain text files: a record is a line, a paragraph (between blank lines) or the whole file (`sample_by`).

Lines of ASCII white space alone are no records in the modes line and paragraph: they only separate. A line ends with
LF, CRLF or a carriage return alone, as Python, editors and browsers have it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from xlcorpus.dataset.result import Result
from xlcorpus.ingest.format import Format
from xlcorpus.ingest.paragraphs import blank_lines, read_paragraphs
from xlcorpus.raw.assemble import Assembler
from xlcorpus.raw.lines import BOM, EXCERPT_BYTES, Lines, read_lines
from xlcorpus.raw.options import ReadOptions
from xlcorpus.raw.ranges import FileRange, cut_lines
from xlcorpus.raw.rejects import Reject, bad_utf8, in_order, too_large, unread
from xlcorpus.raw.streams import Damage, read_stream


def read_text(part: FileRange, options: ReadOptions, schema: pa.Schema) -> Iterator[Result]:
    """Records of a range of a plain text file.

    A paragraph belongs to the range in which it begins, a whole file to the one that begins at 0. Reject reasons:
    invalid_utf8, nul_bytes, record_too_large, truncated_file, corrupt_file. Decision: empty_text.
    """
    emit = _Emitter(part, options, schema)
    if options.sample_by == "document":
        yield from _document(part, options, emit)
    elif options.sample_by == "paragraph":
        yield from read_paragraphs(part, options, emit)
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
            found = zip(lines.offsets.tolist(), lines.contents(), blank_lines(lines).tolist(), strict=True)
            yield from emit.records([(offset, line) for offset, line, blank in found if not blank], [])
        else:
            yield from emit.records([], [unread(lines, emit.what, options)])


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
