"""Paragraphs of a text file: lines between blank ones, each in the range in which it begins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from xlcorpus.dataset import storage
from xlcorpus.dataset.result import Result
from xlcorpus.raw.lines import BOM, EXCERPT_BYTES, Lines, LongLine, Torn, read_lines
from xlcorpus.raw.options import ReadOptions
from xlcorpus.raw.ranges import FileRange
from xlcorpus.raw.rejects import Reject, too_large, unread

_SPACE = b" \t\f\v"
_SPACE_CODES = np.frombuffer(_SPACE, dtype=np.uint8)


class Emitter(Protocol):
    """What makes rows of records."""

    @property
    def what(self) -> str:
        """A record in words."""

    def records(self, records: list[tuple[int, bytes]], rejects: list[Reject]) -> Iterator[Result]:
        """records: offset and bytes of each; rejects: of the same stretch."""


def blank_lines(lines: Lines) -> np.ndarray:
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


def read_paragraphs(part: FileRange, options: ReadOptions, emit: Emitter) -> Iterator[Result]:
    """The paragraphs that begin in a range; one that is too large, or that damage cut off, is a reject."""
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
    sizes, blanks = (lines.ends - lines.starts).tolist(), blank_lines(lines).tolist()
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
