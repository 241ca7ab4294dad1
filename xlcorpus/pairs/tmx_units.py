"""The units of a TMX file as bytes, one after another in constant memory: what is broken costs a unit, not the file.

Units are found by their tags, outside of comments, CDATA and instructions. No parser sees what stands before them, so
no entity that a file declares is known, and nothing that it names is opened.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass

from xlcorpus.raw.lines import EXCERPT_BYTES
from xlcorpus.raw.rejects import Reject
from xlcorpus.raw.streams import Damage

_TAG = re.compile(rb"<!--|<!\[CDATA\[|<\?|<tu(?=[\s/>])|</tu\s*>|</tmx\s*>")
_EMPTY = re.compile(rb"<tu(?:\s[^<>]*)?/>")
_ENDS = {b"<!--": b"-->", b"<![CDATA[": b"]]>", b"<?": b"?>"}
_PROLOG = 4096  # bytes within which an encoding is declared
_LONGEST_TAG = 64  # bytes of one of these tags, with white space; a piece may end within
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]*?\sencoding\s*=\s*["']([\w.:-]+)""")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(frozen=True)
class RawUnit:
    """A unit, from its tag to the end of its end tag, in UTF-8. offset: byte in the file, decompressed."""

    offset: int
    data: bytes


def encoding_of(head: bytes) -> tuple[str, int]:
    """Python's name of the encoding of a file that begins like this, and bytes of its byte order mark.

    Raises LookupError for a declared one that is not known.
    """
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name, len(mark)
    for begin, name in ((b"<\0", "utf-16-le"), (b"\0<", "utf-16-be")):
        if head.startswith(begin):
            return name, 0
    declared = _DECLARED.match(head[:_PROLOG])
    name = codecs.lookup(declared.group(1).decode()).name if declared else "utf-8"
    return ("utf-8" if name.startswith("utf") else name), 0  # it was read as bytes of ASCII


class UnitScanner:
    """Reads pieces of a file (`read_stream`) as units and rejects, in the order of the file.

    Reject reasons: invalid_xml, record_too_large (a unit of more than `limit` bytes), truncated_file, corrupt_file.
    encoding, mark: as `encoding_of` has them. position: bytes of the file that are done with.
    """

    def __init__(self, encoding: str, mark: int, limit: int) -> None:
        self.position = mark
        self._encoding, self._skip, self._limit = encoding, mark, limit
        self._decoder = None if encoding == "utf-8" else codecs.getincrementaldecoder(encoding)(errors="replace")
        self._data = b""  # UTF-8, from `position`
        self._at = 0  # scanned so far
        self._open = False  # a unit begins where the data begin
        self._until: bytes | None = None  # the end of the comment, say, that is being read
        self._long: tuple[int, bytes] | None = None  # offset and head of a unit that is passed over
        self._whole = False  # the end of the document was there

    def read(self, pieces: Iterator[bytes | Damage]) -> Iterator[RawUnit | Reject]:
        """All of the file."""
        for piece in pieces:
            if isinstance(piece, Damage):
                yield self._broken(piece.reason, piece.message)
                return
            self._data += self._utf8(piece)
            yield from self._scan()
        self._data += self._utf8(b"", final=True)
        yield from self._scan()
        if self._open or self._long or self._until or not self._whole:
            within = "a unit" if self._open or self._long else "the document"
            yield self._broken("truncated_file", f"the file ends within {within}: </tmx> is missing")
        self._drop(len(self._data))

    def _broken(self, reason: str, message: str) -> Reject:
        offset = self._long[0] if self._long else self.position
        return Reject(offset, reason, message, self._data[:EXCERPT_BYTES] if self._open else b"")

    def _utf8(self, piece: bytes, *, final: bool = False) -> bytes:
        piece, self._skip = piece[self._skip :], max(self._skip - len(piece), 0)
        return piece if self._decoder is None else self._decoder.decode(piece, final).encode("utf-8")

    def _drop(self, size: int) -> bytes:
        """Take the first `size` bytes away; they end with a character."""
        gone, self._data = self._data[:size], self._data[size:]
        self._at = max(self._at - size, 0)
        wide = self._decoder is not None
        self.position += len(gone.decode("utf-8").encode(self._encoding, "replace")) if wide else size
        return gone

    def _scan(self) -> Iterator[RawUnit | Reject]:
        while True:
            if self._until is not None:
                end = self._data.find(self._until, self._at)
                if end < 0:
                    self._at = max(self._at, len(self._data) - len(self._until))
                    break
                self._at, self._until = end + len(self._until), None
            found = _TAG.search(self._data, self._at)
            if found is None:
                self._at = max(self._at, len(self._data) - _LONGEST_TAG)
                break
            self._at = found.end()
            tag = found.group()
            if tag in _ENDS:
                self._until = _ENDS[tag]
            else:
                yield from self._tag(found)
        if self._open and len(self._data) > self._limit:
            self._long, self._open = (self.position, self._data[:EXCERPT_BYTES]), False
        if not self._open:  # nothing before what may be the beginning of a tag is needed
            cut = self._at
            while cut and cut < len(self._data) and self._data[cut] & 0xC0 == 0x80:
                cut -= 1
            self._drop(cut)

    def _tag(self, found: re.Match[bytes]) -> Iterator[RawUnit | Reject]:
        """A unit begins or ends, or the document ends."""
        begins, closes = found.group().startswith(b"<tu"), found.group().startswith(b"</tu")
        self._whole |= found.group().startswith(b"</tmx")
        offset, data = self.position, self._drop(found.end() if closes else found.start())
        if self._long is not None:
            offset, head = self._long
            size = self.position - offset
            message = f"the unit has {size:,} bytes; at most {self._limit:,} are read (--max-record-bytes)"
            yield Reject(offset, "record_too_large", message, head)
        elif self._open and len(data) > self._limit:
            message = f"the unit has {len(data):,} bytes; at most {self._limit:,} are read (--max-record-bytes)"
            yield Reject(offset, "record_too_large", message, data[:EXCERPT_BYTES])
        elif self._open:
            empty = None if closes else _EMPTY.match(data)
            yield RawUnit(offset, empty.group() if empty else data)
        elif closes:
            yield Reject(self.position, "invalid_xml", "a unit ends here (</tu>) that has not begun", b"")
        self._open, self._long = begins, None
