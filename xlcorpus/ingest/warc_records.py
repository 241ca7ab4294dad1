"""Records of WARC and ARC files, every byte accounted for: a record, or a row that says what is broken and where.

Why not a library: over the 17 files of shared/data/warc, FastWARC 2.0.1 reads no ARC (4 files) and loses a record of
`example-trunc.warc` to an exception; warcio 1.8.1 stops after the first record of the three gzip files that are not one
member a record. Neither goes on behind damage, and neither knows the offset in the decompressed stream, which is our
locator. A WET record takes some 65 microseconds here, decompression included (FastWARC: 17); a page of HTML of that
size takes twice as long to turn into text, a real one of 73 KB 1,600.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from xlcorpus.ingest.header_fields import parse_fields, split_header
from xlcorpus.raw.input_files import InputFile
from xlcorpus.raw.lines import EXCERPT_BYTES
from xlcorpus.raw.streams import Damage, read_stream

HEADER_BYTES = 1 << 16  # longest header, and what is kept of a block that is too large
STEP = 1 << 20
_NEWLINES = 1 << 10  # bytes that are looked at for newlines behind a record
_BEGIN = re.compile(rb"WARC/\d\.\d+[ \t]*\r?\n(?:WARC|Content)-[A-Za-z-]+:", re.IGNORECASE)
_ARC_TYPE = "arc-content-type"
_ARC_LINE = re.compile(rb"(?m)^[a-z][a-z0-9+.-]{1,15}:[^\n]{8,8192}$")
_OVERLAP = 8300  # a header that lies across two steps is still found: longer than _ARC_LINE's longest


@dataclass(frozen=True)
class Record:
    """One record: locator, type (lower case), length of the block as its header says, header fields, the block.

    fields: names in lower case; ARC headers come under the names of the WARC fields that mean the same;
    block: bytes, or None where it is larger than the limit; head: its beginning; end: offset behind the record.
    """

    offset: int
    end: int
    type: str
    length: int
    fields: dict[str, str]
    block: bytes | None
    head: bytes


@dataclass(frozen=True)
class Broken:
    """Bytes that are no readable record: locator, offset behind them, reason, message, beginning.

    reason: corrupt_record, truncated_file or corrupt_file.
    """

    offset: int
    end: int
    reason: str
    message: str
    head: bytes


@dataclass(frozen=True)
class _Header:
    size: int  # bytes up to the block
    type: str
    length: int
    fields: dict[str, str]


class _BadHeader(Exception):
    """What is wrong; cut_off: the bytes are the beginning of a header, whose end is missing."""

    def __init__(self, message: str, *, cut_off: bool = False) -> None:
        super().__init__(message)
        self.cut_off = cut_off


class _Window:
    """A view of the stream that moves forward: `data[at:]` is what has been read and not yet been passed."""

    def __init__(self, file: InputFile) -> None:
        self._pieces = read_stream(file.path, file.compression, resync=True)
        self.data = bytearray()
        self.at = 0
        self.offset = 0  # of data[at] in the decompressed stream
        self.damage: Damage | None = None
        self._ended = False

    def fill(self, size: int) -> int:
        """Read until `size` bytes are there or the stream ends or is damaged; the number of bytes that are there."""
        while len(self.data) - self.at < size and not self._ended and self.damage is None:
            piece = next(self._pieces, None)
            if piece is None:
                self._ended = True
            elif isinstance(piece, Damage):
                self.damage = piece
            else:
                if self.at > STEP and self.at > len(self.data) // 2:  # else moving the rest would take quadratic time
                    del self.data[: self.at]
                    self.at = 0
                self.data += piece
        return len(self.data) - self.at

    def peek(self, size: int, skip: int = 0) -> bytes:
        return bytes(self.data[self.at + skip : self.at + skip + size])

    def advance(self, size: int) -> None:
        self.at += size
        self.offset += size

    def resume(self) -> None:
        """Drop what the damage left and go on with what the stream has behind it."""
        self.advance(len(self.data) - self.at)
        self.damage = None


def read_records(file: InputFile, limit: int) -> Iterator[Record | Broken]:
    """All records of a WARC or ARC file in order; a block larger than `limit` bytes is stepped over.

    Raises OSError where the file cannot be opened; never for what is in it.
    """
    window = _Window(file)
    _pass_newlines(window)
    window.fill(16)
    first = window.peek(16)
    arc = not first.startswith(b"WARC/") if file.format == "arc" else first.startswith(b"filedesc:")
    cutter = _Cutter(window, limit, arc=arc)
    while True:
        _pass_newlines(window)
        if window.fill(1):
            yield from cutter.next()
        elif window.damage is not None:
            yield Broken(window.offset, window.offset, window.damage.reason, window.damage.message, b"")
            window.resume()
        else:
            return


def _pass_newlines(window: _Window) -> None:
    while window.fill(1):
        size = min(_NEWLINES, window.fill(1))
        rest = window.peek(size).lstrip(b"\r\n")
        window.advance(size - len(rest))
        if rest:
            return


class _Cutter:
    """Cuts one record after another out of the window."""

    def __init__(self, window: _Window, limit: int, *, arc: bool) -> None:
        self.window = window
        self.limit = limit
        self.arc = arc

    def next(self) -> Iterator[Record | Broken]:
        """The record, or the broken bytes, at the beginning of the window; moves the window behind."""
        window = self.window
        window.fill(HEADER_BYTES)
        try:
            head = window.peek(4096)  # nearly always enough
            if self.arc:
                header = _arc_header(head if b"\n" in head else window.peek(HEADER_BYTES))
            else:
                whole = b"\n\r\n" in head or b"\n\n" in head
                header = _warc_header(head if whole else window.peek(HEADER_BYTES))
        except _BadHeader as error:
            yield from self._broken(str(error), 1, cut_off=error.cut_off)
            return
        if header.length > self.limit:
            yield from self._large(header)
            return
        size = header.size + header.length
        if window.fill(size + 16) < size:
            yield from self._cut_off(header)
            return
        after = window.peek(16, skip=size)
        if not (after[:1] in (b"", b"\r", b"\n") or self._begins(size)):
            yield from self._broken(
                f"its length, {header.length:,} bytes, does not end where the record ends", header.size
            )
            return
        block = window.peek(header.length, skip=header.size)
        yield Record(
            window.offset, window.offset + size, header.type, header.length, header.fields, block, block[:EXCERPT_BYTES]
        )
        window.advance(size)

    def _begins(self, skip: int) -> bool:
        """Whether a record begins `skip` bytes from here."""
        window = self.window
        if self.arc:
            return self._find(skip, skip + 1) == skip
        return _BEGIN.match(window.data, window.at + skip) is not None

    def _find(self, begin: int, end: int) -> int | None:
        """Where the first record begins that begins in `begin` to `end` (exclusive) of the window."""
        window = self.window
        base = window.at
        if not self.arc:
            found = _BEGIN.search(window.data, base + begin)
            return found.start() - base if found and found.start() - base < end else None
        for found in _ARC_LINE.finditer(window.data, base + begin):
            if found.start() - base >= end:
                return None
            if _arc_fields(found.group()) is not None:
                return found.start() - base
        return None

    def _scan(self, skip: int, distance: int | None) -> bool:
        """Move to the next record that begins at least `skip` bytes from here; False where there is none.

        distance: give up after so many bytes, having moved as far; None: at the end of the stream or at damage.
        """
        window = self.window
        left = distance
        while True:
            there = window.fill(skip + STEP + _OVERLAP)
            more = there >= skip + STEP + _OVERLAP
            step = STEP if more else there - skip
            if left is not None:
                step = min(step, left - skip)
            found = self._find(skip, skip + max(step, 0))
            if found is not None:
                window.advance(found)
                return True
            window.advance(max(skip + step, 0))
            if left is not None:
                left -= skip + step
            skip = 0
            if not more or left == 0:
                return False

    def _broken(self, message: str, skip: int, *, cut_off: bool = False) -> Iterator[Broken]:
        """One row for everything up to the next record; cut_off: if there is none, the stream ends too early."""
        window = self.window
        offset, head = window.offset, window.peek(EXCERPT_BYTES)
        found = self._scan(min(skip, window.fill(skip)), None)
        if not found and window.damage is not None:
            yield Broken(offset, window.offset, window.damage.reason, f"{message}; then {window.damage.message}", head)
            window.resume()
            return
        where = f"reading goes on at byte {window.offset:,}" if found else "no record follows"
        reason = "truncated_file" if cut_off and not found else "corrupt_record"
        yield Broken(offset, window.offset, reason, f"{message}; {where}", head)

    def _cut_off(self, header: _Header) -> Iterator[Broken]:
        """The stream ends within the block, or the length is wrong and other records lie in what it covers."""
        window = self.window
        there = window.fill(0)
        if self._find(header.size, there) is not None:
            yield from self._broken(f"its length, {header.length:,} bytes, goes beyond the next record", header.size)
            return
        offset, start = window.offset, window.peek(EXCERPT_BYTES)
        window.advance(there)
        yield self._ended_within(header, offset, start)

    def _large(self, header: _Header) -> Iterator[Record | Broken]:
        """Step over a block beyond the limit, with an eye on records inside: then the length is wrong."""
        window = self.window
        offset, start = window.offset, window.peek(EXCERPT_BYTES)
        head = window.peek(HEADER_BYTES, skip=header.size)
        end = offset + header.size + header.length
        found = self._scan(header.size, header.size + header.length)
        if found and window.offset < end:
            message = f"its length, {header.length:,} bytes, goes beyond the next record; reading goes on there"
            yield Broken(offset, window.offset, "corrupt_record", message, start)
        elif window.offset >= end:
            yield Record(offset, end, header.type, header.length, header.fields, None, head)
        else:
            yield self._ended_within(header, offset, start)

    def _ended_within(self, header: _Header, offset: int, start: bytes) -> Broken:
        """The stream, all of which has been passed, ends within the record at `offset`."""
        window, damage = self.window, self.window.damage
        missing = offset + header.size + header.length - window.offset
        message = f"the {header.type} record breaks off {missing:,} bytes before its end"
        broken = Broken(offset, window.offset, "truncated_file", message, start)
        if damage is None:
            return broken
        window.resume()
        return replace(broken, reason=damage.reason, message=f"{message}: {damage.message}")


def _warc_header(head: bytes) -> _Header:
    """Raises _BadHeader where the bytes do not begin with the header of a WARC record."""
    if not re.match(rb"WARC/\d", head):
        raise _BadHeader("these bytes are no WARC record", cut_off=b"WARC/".startswith(head))
    found = split_header(head)
    if found is None:
        raise _BadHeader("the header of the record has no end", cut_off=True)
    header, size = found
    if _BEGIN.search(header, 1):
        raise _BadHeader("the header of the record breaks off")
    fields = parse_fields(header)
    length = fields.get("content-length", "")
    if not re.fullmatch(r"[0-9]{1,18}", length):
        raise _BadHeader(f"its Content-Length is {length!r}, not a number" if length else "it has no Content-Length")
    return _Header(size, fields.get("warc-type", "unknown").lower(), int(length), fields)


def _arc_header(head: bytes) -> _Header:
    """Raises _BadHeader where the bytes do not begin with the line that heads an ARC record."""
    line, newline, _ = head.partition(b"\n")
    fields = _arc_fields(line) if newline and b":" in line else None
    if fields is None:
        raise _BadHeader("these bytes are no ARC record", cut_off=not newline)
    url, date, mime, length = (value.decode("utf-8", "replace") for value in fields)
    if not re.fullmatch(r"[0-9]{1,18}", length):
        raise _BadHeader(f"its length is {length!r}, not a number of bytes")
    kind = "filedesc" if url.startswith("filedesc:") else "response"
    when = f"{date[:4]}-{date[4:6]}-{date[6:8]}"
    if len(date) == 14:
        when += f"T{date[8:10]}:{date[10:12]}:{date[12:14]}Z"
    return _Header(len(line) + 1, kind, int(length), {"warc-target-uri": url, "warc-date": when, _ARC_TYPE: mime})


def _arc_fields(line: bytes) -> tuple[bytes, bytes, bytes, bytes] | None:
    """URL, date, media type and length of a line that heads an ARC record; None where it is none.

    Version 1: URL, IP, date, type, length; version 2 has five more between type and length. URLs may hold spaces.
    """
    parts = line.strip(b" \t\r\n").split(b" ")
    last = len(parts) - 1
    dates = [at for at in range(2, last) if 8 <= len(parts[at]) <= 20 and parts[at].isdigit()]
    if not dates or not parts[0]:
        return None
    date = next((at for at in reversed(dates) if last - at in (2, 7)), dates[0])
    return b" ".join(parts[: date - 1]), parts[date], parts[date + 1] if date + 1 < last else b"", parts[last]
