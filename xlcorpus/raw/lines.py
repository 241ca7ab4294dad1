"""Whole lines of a stream, in blocks, with their byte offsets; a line belongs to the range in which it begins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from xlcorpus.raw.ranges import FileRange
from xlcorpus.raw.streams import Damage, read_stream

BLOCK = 4 << 20  # enough to make one call of the JSON parser cheap, small beside the 64 MB a record may take
BOM = b"\xef\xbb\xbf"
EXCERPT_BYTES = 1024  # of a record that is too long or broken: what is kept for the reject row's excerpt


@dataclass(frozen=True)
class Lines:
    """Whole lines: their bytes (the last newline may be missing at the end of the file), and the offset of the first.

    starts, ends: int64[n], of each line within `data`, newline and carriage return not included; `bom` bytes at the
    beginning of the file belong to the first line and are not in it.
    """

    data: bytes
    offset: int
    starts: np.ndarray
    ends: np.ndarray
    bom: bool = False

    @property
    def offsets(self) -> np.ndarray:
        """int64[n]: offset of each line in the decompressed file; the byte order mark is part of the first line."""
        offsets = self.starts + self.offset
        if self.bom:
            offsets[0] = 0
        return offsets

    @property
    def size(self) -> int:
        """Bytes from the beginning of the first line to the end of the last, its newline included."""
        return int(self.ends[-1] - self.starts[0]) + 1

    def contents(self) -> list[bytes]:
        """Each line as it is read, without what ends it."""
        spans = zip(self.starts.tolist(), self.ends.tolist(), strict=True)
        return [self.data[start:end] for start, end in spans]

    def with_newlines(self) -> list[bytes]:
        """Each line with what ends it."""
        last = self.data.find(b"\n", int(self.ends[-1])) + 1 or len(self.data)
        spans = zip(self.starts.tolist(), np.append(self.starts[1:], last).tolist(), strict=True)
        return [self.data[start:stop] for start, stop in spans]

    def without_empty(self) -> Lines:
        """The same lines less those of no bytes at all."""
        there = self.ends > self.starts
        if there.all():
            return self
        bom = self.bom and bool(there[0])
        return Lines(self.data, self.offset, self.starts[there], self.ends[there], bom)


@dataclass(frozen=True)
class LongLine:
    """A line longer than the limit, stepped over without holding it: offset, size without newline, its beginning."""

    offset: int
    size: int
    head: bytes


@dataclass(frozen=True)
class Torn:
    """Where a damaged file ends: the offset of the line that the damage cut off, and what is left of that line."""

    offset: int
    data: bytes
    damage: Damage


def read_lines(part: FileRange, limit: int) -> Iterator[Lines | LongLine | Torn]:
    """The lines that begin in a range, blocks of about 4 MB, in order; one larger than `limit` bytes is a LongLine.

    Torn is the last thing of a damaged file. Raises OSError where the file cannot be opened.
    """
    file = part.file
    plain = file.compression == "none"
    stop = part.end if plain else None
    # One byte earlier: if that is a newline, the range begins with a line.
    begin = max(part.start - 1, 0) if plain else 0
    cutter = _Cutter(begin, stop, limit, aligned=begin == part.start)
    for piece in read_stream(file.path, file.compression, start=begin):
        if isinstance(piece, Damage):
            yield from cutter.tear(piece)
            return
        yield from cutter.feed(piece)
        if cutter.done:
            return
    yield from cutter.finish()


class _Cutter:
    """Cuts pieces into blocks of whole lines."""

    def __init__(self, offset: int, stop: int | None, limit: int, *, aligned: bool) -> None:
        self.offset = offset  # of the first byte of `held`
        self.stop = stop
        self.limit = limit
        self.skipping = not aligned  # the end of a line that began before the range
        self.done = stop is not None and offset >= stop
        self.held: list[bytes] = []
        self.size = 0
        self.long: tuple[int, bytes] | None = None  # offset and head of the long line that is being stepped over

    def feed(self, piece: bytes) -> Iterator[Lines | LongLine]:
        if self.skipping or self.long is not None:
            newline = piece.find(b"\n")
            end = self.offset + (len(piece) if newline < 0 else newline)
            if newline < 0:
                self.offset = end
                return
            if self.long is not None:
                yield LongLine(self.long[0], end - self.long[0], self.long[1])
                self.long = None
            self.skipping = False
            self.offset = end + 1
            piece = piece[newline + 1 :]
            if self.stop is not None and self.offset >= self.stop:
                self.done = True
                return
        if not piece:
            return
        self.held.append(piece)
        self.size += len(piece)
        near_end = self.stop is not None and self.offset + self.size >= self.stop
        if self.size >= BLOCK or near_end:
            yield from self._cut()

    def finish(self) -> Iterator[Lines | LongLine]:
        """The last line, if the file does not end with a newline."""
        if self.long is not None:
            yield LongLine(self.long[0], self.offset - self.long[0], self.long[1])
            self.long = None
        elif not self.skipping and self.size:
            data = b"".join(self.held)
            self.held, self.size = [], 0
            yield from self._lines(data, whole=True)

    def tear(self, damage: Damage) -> Iterator[Lines | LongLine | Torn]:
        """The whole lines before the damage, then the damage."""
        if self.long is not None:
            yield Torn(self.long[0], self.long[1], damage)
            return
        data = b"".join(self.held)
        last = data.rfind(b"\n") + 1
        if last:
            yield from self._lines(data[:last], whole=False)
        if not self.done:
            yield Torn(self.offset, data[last : last + self.limit], damage)

    def _cut(self) -> Iterator[Lines | LongLine]:
        if b"\n" not in self.held[-1] and len(self.held) > 1 and self.size <= self.limit:
            return  # a long line goes on; joining again for every piece would take time quadratic in its length
        data = b"".join(self.held)
        self.held, self.size = [], 0
        last = data.rfind(b"\n") + 1
        if last:
            yield from self._lines(data[:last], whole=False)
        rest = data[last:]
        if not rest or self.done:
            return
        if len(rest) > max(self.limit, EXCERPT_BYTES):  # so that the excerpt does not depend on how the bytes came in
            self.long = (self.offset, rest[:EXCERPT_BYTES])
            self.offset += len(rest)
        else:
            self.held, self.size = [rest], len(rest)

    def _lines(self, data: bytes, *, whole: bool) -> Iterator[Lines | LongLine]:
        """Lines of `data`; moves the offset behind it, or ends at the first line that begins outside the range."""
        values = np.frombuffer(data, dtype=np.uint8)
        newlines = np.flatnonzero(values == 0x0A)
        ends = np.append(newlines, len(data)) if whole and not data.endswith(b"\n") else newlines
        starts = np.empty_like(ends)
        starts[0] = 0
        starts[1:] = newlines[: len(ends) - 1] + 1
        base = self.offset
        self.offset += len(data)
        if self.stop is not None and self.offset >= self.stop:
            within = int(np.searchsorted(starts, self.stop - base, side="left"))
            self.done = within < len(starts) or data.endswith(b"\n")
            starts, ends = starts[:within], ends[:within]
        bom = base == 0 and data.startswith(BOM)
        if bom:
            starts[0] = min(len(BOM), int(ends[0]))
        returns = (ends > starts) & (values[np.maximum(ends - 1, 0)] == 0x0D)
        ends = ends - returns
        yield from self._without_long(data, base, starts, ends, bom)

    def _without_long(
        self, data: bytes, base: int, starts: np.ndarray, ends: np.ndarray, bom: bool
    ) -> Iterator[Lines | LongLine]:
        first = 0
        for index in np.flatnonzero(ends - starts > self.limit).tolist():
            if index > first:
                yield Lines(data, base, starts[first:index], ends[first:index], bom and first == 0)
            start, size = int(starts[index]), int(ends[index] - starts[index])
            head = data[start : start + min(size, EXCERPT_BYTES)]
            yield LongLine(0 if bom and index == 0 else base + start, size, head)
            first = index + 1
        if first < len(starts):
            yield Lines(data, base, starts[first:], ends[first:], bom and first == 0)
