"""Whole lines of a stream, in blocks, with their byte offsets; a line belongs to the range in which it begins.

A line ends with LF or CRLF. A carriage return alone ends one too in formats that say so (`universal`), and in files
whose lines end with nothing else (classic Mac OS; `InputFile.returns`); elsewhere it is part of the line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from xlcorpus.raw.input_files import InputFile
from xlcorpus.raw.ranges import FileRange
from xlcorpus.raw.streams import Damage, read_head, read_stream

BLOCK = 4 << 20  # enough to make one call of the JSON parser cheap, small beside the 64 MB a record may take
BOM = b"\xef\xbb\xbf"
EXCERPT_BYTES = 1024  # of a record that is too long or broken: what is kept for the reject row's excerpt
_LF, _CR = 0x0A, 0x0D


@dataclass(frozen=True)
class Lines:
    """Whole lines: their bytes (the last newline may be missing at the end of the file), and the offset of the first.

    starts, ends, stops: int64[n], of each line within `data`, without and with what ends it; `bom` bytes at the
    beginning of the file belong to the first line and are not in it.
    """

    data: bytes
    offset: int
    starts: np.ndarray
    ends: np.ndarray
    stops: np.ndarray
    bom: bool = False

    @cached_property
    def offsets(self) -> np.ndarray:
        """int64[n]: offset of each line in the decompressed file; the byte order mark is part of the first line."""
        offsets = self.starts + self.offset
        if self.bom:
            offsets[0] = 0
        return offsets

    @property
    def size(self) -> int:
        """Bytes from the beginning of the first line to the end of the last, its newline included."""
        return int(self.stops[-1] - self.starts[0])

    def contents(self) -> list[bytes]:
        """Each line as it is read, without what ends it."""
        spans = zip(self.starts.tolist(), self.ends.tolist(), strict=True)
        return [self.data[start:end] for start, end in spans]

    def with_newlines(self) -> list[bytes]:
        """Each line with what ends it."""
        spans = zip(self.starts.tolist(), self.stops.tolist(), strict=True)
        return [self.data[start:stop] for start, stop in spans]

    def chosen(self, which: slice | np.ndarray) -> Lines:
        """Some of the lines: a slice, or bool[n]."""
        bom = self.bom and bool((np.arange(len(self.starts))[which][:1] == 0).any())
        return Lines(self.data, self.offset, self.starts[which], self.ends[which], self.stops[which], bom)

    def without_empty(self) -> Lines:
        """The same lines less those of no bytes at all."""
        there = self.ends > self.starts
        return self if there.all() else self.chosen(there)


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


def read_lines(part: FileRange, limit: int, *, universal: bool = False) -> Iterator[Lines | LongLine | Torn]:
    """The lines that begin in a range, blocks of about 4 MB, in order; one larger than `limit` bytes is a LongLine.

    universal: a carriage return alone ends a line, whatever others end with. Torn is the last thing of a damaged file.
    Raises OSError where the file cannot be opened.
    """
    file = part.file
    plain = file.compression == "none"
    stop = part.end if plain else None
    # One byte earlier: if that is a newline, the range begins with a line.
    begin = max(part.start - 1, 0) if plain else 0
    returns = universal or file.returns
    cutter = _Cutter(begin, stop, limit, aligned=begin == part.start, returns=returns)
    pieces = read_stream(file.path, file.compression, start=begin)
    for piece in never_within_crlf(pieces) if returns else pieces:
        if isinstance(piece, Damage):
            yield from cutter.tear(piece)
            return
        yield from cutter.feed(piece)
        if cutter.done:
            return
    yield from cutter.finish()


def never_within_crlf(pieces: Iterable[bytes | Damage]) -> Iterator[bytes | Damage]:
    """The same bytes in pieces of which only the last one (before damage) ends with a carriage return."""
    waiting = b""
    for piece in pieces:
        if isinstance(piece, Damage):
            if waiting:
                yield waiting
            yield piece
            return
        joined = waiting + piece if waiting else piece
        waiting = b"\r" if joined.endswith(b"\r") else b""
        if len(joined) > len(waiting):
            yield joined[:-1] if waiting else joined
    if waiting:
        yield waiting


def line_stops(data: bytes, *, returns: bool) -> np.ndarray:
    """int64[n]: where the lines that end in the data end, with what ends them. returns: CR alone ends one too."""
    values = np.frombuffer(data, dtype=np.uint8)
    ending = values == _LF
    if returns and b"\r" in data:
        back = values == _CR
        back[:-1] &= ~ending[1:]  # of CRLF the newline ends the line
        ending |= back
    return np.flatnonzero(ending) + 1


def first_line(file: InputFile, most: int, *, universal: bool = False) -> bytes | None:
    """The first line of a file without what ends it, its first `most` bytes where it is longer.

    None where nothing can be read. The byte order mark is not in it.
    """
    head = read_head(file.path, file.compression, most).removeprefix(BOM)
    return lines_of(head, 1, returns=universal or file.returns)[0] if head else None


def lines_of(data: bytes, most: int = -1, *, returns: bool) -> list[bytes]:
    """The lines of a text that is in memory, blank ones too; at most so many are cut off, the last one is the rest.

    returns: a carriage return alone ends a line too.
    """
    if returns:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return [line.removesuffix(b"\r") for line in data.split(b"\n", most)]


class _Cutter:
    """Cuts pieces into blocks of whole lines; returns: a carriage return alone ends a line too."""

    def __init__(self, offset: int, stop: int | None, limit: int, *, aligned: bool, returns: bool) -> None:
        self.offset = offset  # of the first byte of `held`
        self.stop = stop
        self.limit = limit
        self.returns = returns
        self.skipping = not aligned  # the end of a line that began before the range
        self.done = stop is not None and offset >= stop
        self.held: list[bytes] = []
        self.size = 0
        self.long: tuple[int, bytes] | None = None  # offset and head of the long line that is being stepped over

    def feed(self, piece: bytes) -> Iterator[Lines | LongLine]:
        if self.skipping or self.long is not None:
            end, stop = self._first_end(piece)
            if stop < 0:
                self.offset += len(piece)
                return
            if self.long is not None:
                yield LongLine(self.long[0], self.offset + end - self.long[0], self.long[1])
                self.long = None
            self.skipping = False
            self.offset += stop
            piece = piece[stop:]
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

    def _first_end(self, piece: bytes) -> tuple[int, int]:
        """Where the first line ends that ends in a piece, without and with what ends it; -1 where none does."""
        newline = piece.find(b"\n")
        if self.returns:
            back = piece.find(b"\r", 0, newline if newline >= 0 else len(piece))
            if back >= 0:
                return back, back + 1 + (back + 1 == newline)
        return newline, newline + 1 if newline >= 0 else -1

    def _last_stop(self, data: bytes) -> int:
        """Where the last line that ends in the data ends, with what ends it."""
        return max(data.rfind(b"\n"), data.rfind(b"\r") if self.returns else -1) + 1

    def finish(self) -> Iterator[Lines | LongLine]:
        """The last line, if the file does not end with a newline."""
        if self.long is not None:
            yield LongLine(self.long[0], self.offset - self.long[0], self.long[1])
            self.long = None
        elif not self.skipping and self.size and not self.done:
            data = b"".join(self.held)
            self.held, self.size = [], 0
            yield from self._lines(data)

    def tear(self, damage: Damage) -> Iterator[Lines | LongLine | Torn]:
        """The whole lines before the damage, then the damage."""
        if self.long is not None:
            yield Torn(self.long[0], self.long[1], damage)
            return
        data = b"".join(self.held)
        last = self._last_stop(data)
        if last:
            yield from self._lines(data[:last])
        if not self.done:
            yield Torn(self.offset, data[last : last + self.limit], damage)

    def _cut(self) -> Iterator[Lines | LongLine]:
        if len(self.held) > 1 and self.size <= self.limit and not self._last_stop(self.held[-1]):
            return  # a long line goes on; joining again for every piece would take time quadratic in its length
        data = b"".join(self.held)
        self.held, self.size = [], 0
        last = self._last_stop(data)
        if last:
            yield from self._lines(data[:last])
        rest = data[last:]
        if not rest or self.done:
            return
        if len(rest) > max(self.limit, EXCERPT_BYTES):  # so that the excerpt does not depend on how the bytes came in
            self.long = (self.offset, rest[:EXCERPT_BYTES])
            self.offset += len(rest)
        else:
            self.held, self.size = [rest], len(rest)

    def _spans(self, data: bytes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """starts, ends, stops (int64[n]) of the lines of `data`."""
        values = np.frombuffer(data, dtype=np.uint8)
        stops = line_stops(data, returns=self.returns)
        ends = stops - 1
        if not len(stops) or stops[-1] < len(data):
            stops, ends = np.append(stops, len(data)), np.append(ends, len(data))
        starts = np.zeros_like(stops)
        starts[1:] = stops[:-1]
        crlf = (ends > starts) & (values[np.maximum(ends - 1, 0)] == _CR)
        if self.returns:
            crlf &= (ends == stops) | (values[stops - 1] == _LF)
        return starts, ends - crlf, stops

    def _lines(self, data: bytes) -> Iterator[Lines | LongLine]:
        """Lines of `data`; moves the offset behind it, or ends at the first line that begins outside the range."""
        starts, ends, stops = self._spans(data)
        base = self.offset
        self.offset += len(data)
        if self.stop is not None and self.offset >= self.stop:
            within = int(np.searchsorted(starts, self.stop - base, side="left"))
            self.done = within < len(starts) or self._last_stop(data[-1:]) > 0
            starts, ends, stops = starts[:within], ends[:within], stops[:within]
        bom = base == 0 and data.startswith(BOM)
        if bom:
            starts[0] = min(len(BOM), int(ends[0]))
        if len(starts):
            yield from self._without_long(Lines(data, base, starts, ends, stops, bom))

    def _without_long(self, lines: Lines) -> Iterator[Lines | LongLine]:
        first = 0
        sizes = lines.ends - lines.starts
        for index in np.flatnonzero(sizes > self.limit).tolist():
            if index > first:
                yield lines.chosen(slice(first, index))
            start, size = int(lines.starts[index]), int(sizes[index])
            head = lines.data[start : start + min(size, EXCERPT_BYTES)]
            yield LongLine(int(lines.offsets[index]), size, head)
            first = index + 1
        if first < len(sizes):
            yield lines if first == 0 else lines.chosen(slice(first, None))
