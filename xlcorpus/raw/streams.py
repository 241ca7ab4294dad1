"""Decompressed bytes of a file in constant memory, and the exact place where a damaged file stops being readable.

A stream is an iterator of `bytes` pieces (at most 1 MiB; zstd 32 MiB) and of `Damage`. Damage is data, not an
exception: all that can be decoded before it has come out already. With `resync` a gzip stream goes on at the next
member that decodes (in a WARC file every record is one, so a flipped bit costs a record, not the rest of a gigabyte).
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol

import zstandard

from xlcorpus.dataset import storage
from xlcorpus.dataset.storage import Location

PIECE = 1 << 20  # most bytes that come out at once: this, not the file, bounds what a decompression bomb takes
READ = 1 << 16
ZSTD_FEED = 1 << 10  # zstandard has no output limit; 1 KiB of run-length blocks (4 bytes each) makes at most 32 MiB
ZSTD_WINDOW = 1 << 31  # `zstd --long=31`, as the Reddit dumps use; memory is taken only when a frame asks for it
MAGIC = {"gzip": b"\x1f\x8b", "zstd": b"\x28\xb5\x2f\xfd", "bz2": b"BZh", "xz": b"\xfd7zXZ\x00"}
_GZIP_MEMBER = MAGIC["gzip"] + b"\x08"
_BEGINNING = 1 << 10  # bytes of a member within which the first one comes out: a header of 10, the codes of some 300
_ZSTD_SKIPPABLE = b"\x2a\x4d\x18"  # after a byte 0x50 to 0x5f
_ERRORS = (zlib.error, OSError, EOFError, lzma.LZMAError, zstandard.ZstdError, MemoryError)


@dataclass(frozen=True)
class Damage:
    """The file cannot be read on from here: reason (truncated_file, corrupt_file) and what was wrong, in words."""

    reason: str
    message: str


class _Decoder(Protocol):
    """One member, frame or stream: output of at most PIECE bytes a call, what is left over after its end."""

    def decompress(self, data: bytes, /, max_length: int) -> bytes: ...

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    @property
    def needs_input(self) -> bool: ...


class _Gzip:
    """zlib with the interface of bz2: it keeps the input that did not fit."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(wbits=31)

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._zlib.decompress(self._zlib.unconsumed_tail + data, max_length)

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    @property
    def needs_input(self) -> bool:
        return not self._zlib.unconsumed_tail


class _Zstd:
    """zstandard, fed ZSTD_FEED bytes at a time because it has no output limit."""

    needs_input: bool = True

    def __init__(self, dictionary: Any = None) -> None:
        self._zstd = zstandard.ZstdDecompressor(dict_data=dictionary, max_window_size=ZSTD_WINDOW).decompressobj()

    def decompress(self, data: bytes, max_length: int) -> bytes:
        del max_length
        return bytes(self._zstd.decompress(data))

    @property
    def eof(self) -> bool:
        return bool(self._zstd.eof)

    @property
    def unused_data(self) -> bytes:
        return bytes(self._zstd.unused_data)


_DECODERS: dict[str, Callable[[], _Decoder]] = {
    "gzip": _Gzip,
    "zstd": _Zstd,
    "bz2": bz2.BZ2Decompressor,
    "xz": lzma.LZMADecompressor,
}


def read_stream(path: Location, compression: str, *, start: int = 0, resync: bool = False) -> Iterator[bytes | Damage]:
    """Pieces of the decompressed file, from byte `start` of a plain one (a compressed one is read whole).

    Raises OSError where the file cannot be opened.
    """
    with storage.open_input(path) as file:
        if compression == "none":
            file.seek(start)
            yield from _plain(file)
        else:
            yield from _Members(file, compression, resync).pieces()


def read_head(path: Location, compression: str, size: int) -> bytes:
    """The first `size` bytes of the decompressed file, or what can be read of them."""
    pieces: list[bytes] = []  # joined once: adding each to what is there takes time quadratic in `size`
    missing = size
    for piece in read_stream(path, compression):
        if isinstance(piece, Damage):
            break
        pieces.append(piece[:missing])
        missing -= len(pieces[-1])
        if not missing:
            break
    return b"".join(pieces)


def _plain(file: BinaryIO) -> Iterator[bytes | Damage]:
    while True:
        try:
            piece = file.read(PIECE)
        except OSError as error:  # a bad sector, a lost network disk
            yield Damage("truncated_file", f"cannot read on: {error}")
            return
        if not piece:
            return
        yield piece


class _Members:
    """The members (gzip), frames (zstd) or streams (bz2, xz) of one file, one after another."""

    def __init__(self, file: BinaryIO, compression: str, resync: bool) -> None:
        self.file = file
        self.compression = compression
        self.resync = resync and compression == "gzip"
        self.read = ZSTD_FEED if compression == "zstd" else READ
        self.begin = 0  # compressed offset where the current member begins
        self.dictionary: Any = None
        self.at = 0  # compressed offset of the next byte to be decoded

    def pieces(self) -> Iterator[bytes | Damage]:
        while True:
            self.file.seek(self.at)
            head = self.file.read(8)
            if not head:
                return
            if not head.strip(b"\0"):
                if not self._skip_zeros():  # padding, as tape and some writers leave it
                    return
                continue
            if self._skippable(head):
                continue
            damage = yield from self._member()
            if damage is not None:
                yield damage
                if not (self.resync and self._find_next()):
                    return

    def _skip_zeros(self) -> bool:
        self.file.seek(self.at)
        while block := self.file.read(READ):
            rest = block.lstrip(b"\0")
            if rest:
                self.at += len(block) - len(rest)
                return True
            self.at += len(block)
        return False

    def _skippable(self, head: bytes) -> bool:
        """Step over a zstd frame without content; in .warc.zst the first one holds the dictionary of the others."""
        if self.compression != "zstd" or len(head) < 8 or head[0] >> 4 != 5 or head[1:4] != _ZSTD_SKIPPABLE:
            return False
        size = int.from_bytes(head[4:8], "little")
        if head[0] == 0x5D and self.at == 0 and size <= 1 << 24:
            content = self.file.read(size)
            if content[:4] == MAGIC["zstd"]:
                try:
                    content = zstandard.ZstdDecompressor().stream_reader(content).read(1 << 24)
                except zstandard.ZstdError:
                    content = b""  # the frames that need it will say so
            self.dictionary = zstandard.ZstdCompressionDict(content)
        self.at += 8 + size
        return True

    def _decoder(self) -> _Decoder:
        return _Zstd(self.dictionary) if self.compression == "zstd" else _DECODERS[self.compression]()

    def _member(self) -> Generator[bytes | Damage, None, Damage | None]:
        """Decode one member; returns None, or the damage that ended it."""
        self.begin, produced = self.at, 0
        decoder = self._decoder()
        self.file.seek(self.begin)
        fed = self.begin
        while True:
            data = self.file.read(self.read) if decoder.needs_input else b""
            if not data and decoder.needs_input:
                self.at = fed
                return Damage(
                    "truncated_file", f"{self.compression} data ends within a member, at compressed byte {fed:,}"
                )
            before, fed = fed, fed + len(data)
            try:
                piece = decoder.decompress(data, max_length=PIECE)
            except _ERRORS as error:
                yield from self._salvage(produced, before)
                where = f"near compressed byte {self.at:,}"
                return Damage("corrupt_file", f"{self.compression} data is damaged {where}: {error}")
            produced += len(piece)
            if piece:
                yield piece
            if decoder.eof:
                self.at = fed - len(decoder.unused_data)
                return None

    def _salvage(self, produced: int, failed: int) -> Iterator[bytes]:
        """What the failed call had decoded before the damage: decode the member again, the last stretch byte by byte.

        The decoders throw away a call's output when they raise, and can neither be rewound nor (bz2, zstd) copied.
        """
        decoder = self._decoder()
        self.file.seek(self.begin)
        self.at = self.begin
        seen = 0
        try:
            while True:
                size = self.read if self.at + self.read <= failed else 1
                data = self.file.read(size) if decoder.needs_input else b""
                if not data and decoder.needs_input:
                    return
                self.at += len(data)
                piece = decoder.decompress(data, max_length=PIECE)
                seen += len(piece)
                fresh = seen - produced
                if fresh > 0:
                    yield piece[-fresh:]
                    produced = seen
        except _ERRORS:
            return

    def _find_next(self) -> bool:
        """Move to the next place in or after the damaged member where a gzip member begins that decodes."""
        base, buffer = self.begin + 1, b""
        self.file.seek(base)
        while True:
            block = self.file.read(READ)
            buffer += block
            seen = len(buffer) - (_BEGINNING if block else 0)  # of what begins behind it too little is there yet
            found = buffer.find(_GZIP_MEMBER)
            while 0 <= found < seen:
                if _gives_bytes(buffer[found : found + _BEGINNING]):
                    self.at = base + found
                    return True
                found = buffer.find(_GZIP_MEMBER, found + 1)
            if not block:
                return False
            passed = found if found >= 0 else max(0, len(buffer) - 2)
            base += passed
            buffer = buffer[passed:]


def _gives_bytes(beginning: bytes) -> bool:
    """Whether these bytes begin a gzip member."""
    try:
        return bool(zlib.decompressobj(wbits=31).decompress(beginning, 1))
    except zlib.error:
        return False
