"""HTTP responses as crawlers keep them: status, header fields, and the body with its codings undone."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from xlcorpus.ingest.header_fields import parse_fields, split_header
from xlcorpus.raw.streams import MAGIC

_FEED = 1 << 10  # of the codings here zstd expands most: 1 KiB to 32 MiB
_STATUS = re.compile(rb"[\r\n]{0,16}[A-Za-z]{3,5}(?:/\d+(?:\.\d+)?)?[ \t]+(\d{3})(?!\d)")
_LISTS = frozenset({"content-encoding", "transfer-encoding", "content-type"})
_MOST_CODINGS = 8
_MOST_TYPE = 1000  # characters of a content type
_CHUNK_LINE = 1 << 14  # longest line of a chunk's size, with its extensions
_TYPE = re.compile(r"[^\s/;,\"]+/[^\s/;,\"]+")
_PARAMETER = re.compile(r"[;\s]\s*([^\s=;]+)\s*=\s*(\"[^\"]*\"?|[^;]*)")
_OUTSIDE_QUOTES = re.compile(r"(?:[^,\"]|\"[^\"]*(?:\"|$))++")


class BodyTooLarge(Exception):
    """The body grows beyond the limit when it is decompressed."""


class BodyUnreadable(Exception):
    """Nothing of the body can be decoded; the message says why."""


@dataclass(frozen=True)
class HttpMessage:
    """A response: status code, header fields (names in lower case), the body as it came.

    The first field of a name counts; of content-type, content-encoding and transfer-encoding all, commas between.
    """

    status: int
    fields: dict[str, str]
    body: bytes


def media_type_of(fields: Mapping[str, str]) -> str:
    """Media type in lower case without parameters, the last one where several are given; empty where there is none."""
    return _content_type(fields)[0]


def charset_of(fields: Mapping[str, str]) -> str | None:
    """The charset parameter of the content type, of several the last that has one."""
    return _content_type(fields)[1]


def _content_type(fields: Mapping[str, str]) -> tuple[str, str | None]:
    """Media type and charset, as the Fetch Standard takes them out of several fields."""
    media, charset = "", None
    for given in _OUTSIDE_QUOTES.findall(fields.get("content-type", "")[:_MOST_TYPE]):
        kind = given.partition(";")[0].strip(" \t").lower()
        if media and not _TYPE.fullmatch(kind):
            continue
        if kind != media:
            media, charset = kind, None
        named = (value for name, value in _PARAMETER.findall(given) if name.lower() == "charset")
        charset = next(named, charset or "").strip(" \t\"'") or None
    return media, charset


def parse_http(block: bytes) -> HttpMessage | None:
    """The message in a block; None where it does not begin with an HTTP status line."""
    found = _STATUS.match(block)
    if found is None:
        return None
    rest = block[found.start(1) :]
    header, begin = split_header(rest) or (rest, len(rest))
    return HttpMessage(int(found.group(1)), parse_fields(header, lists=_LISTS), rest[begin:])


def decode_body(message: HttpMessage, limit: int) -> bytes:
    """The body without transfer and content codings, of at most `limit` bytes.

    Crawlers often undo a coding and leave the field: a body that is not coded is taken as it is, one that breaks off
    as far as it goes. One that is still gzip, which no text is, is unpacked though nothing says so. Raises
    BodyTooLarge, or BodyUnreadable where nothing can be decoded.
    """
    body = message.body
    for coding in (*_codings(message.fields, "transfer-encoding"), *_codings(message.fields, "content-encoding")):
        decoder = _DECODERS.get(coding)
        if decoder is not None and body:
            body = decoder(body, limit)
    if body.startswith(MAGIC["gzip"]):
        body = _inflate(body, limit)
    if len(body) > limit:
        raise BodyTooLarge
    return body


def _codings(fields: Mapping[str, str], name: str) -> list[str]:
    """The codings of a body in the order in which they are to be undone, the last that was applied first."""
    given = fields.get(name, "").lower().split(",")[-_MOST_CODINGS:]
    return [coding.partition(";")[0].strip(" \t\"'") for coding in reversed(given)]


def unchunk(body: bytes) -> bytes:
    """The body without chunk sizes; as it is where it is not chunked, as far as it goes where it breaks off."""
    parts: list[bytes] = []
    at = 0
    while True:
        newline = body.find(b"\n", at, at + _CHUNK_LINE)
        size_text = body[at:newline].partition(b";")[0].strip(b" \t\r") if newline >= 0 else b""
        if not re.fullmatch(rb"[0-9a-fA-F]{1,32}", size_text):
            return b"".join(parts) if parts else body
        size = int(size_text, 16)
        if size == 0:
            return b"".join(parts)
        parts.append(body[newline + 1 : newline + 1 + size])
        at = newline + 1 + size
        if body[at : at + 2] == b"\r\n":
            at += 2
        elif body[at : at + 1] == b"\n":
            at += 1


class _Decoder(Protocol):
    def decompress(self, data: bytes, /) -> bytes: ...

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...


def _unchunk(body: bytes, limit: int) -> bytes:
    return unchunk(body)


def _inflate(body: bytes, limit: int) -> bytes:
    """gzip, all of its members, or zlib, whatever the field says; a body that is neither is taken as it is."""
    if body.startswith(MAGIC["gzip"]):
        return _run(_pieces(body, lambda: zlib.decompressobj(wbits=31), MAGIC["gzip"]), limit)
    if len(body) > 1 and body[0] & 0x0F == 8 and int.from_bytes(body[:2], "big") % 31 == 0:
        return _run(_pieces(body, zlib.decompressobj), limit, body)
    return body


def _deflate(body: bytes, limit: int) -> bytes:
    unpacked = _inflate(body, limit)
    if unpacked is not body:
        return unpacked
    return _run(_pieces(body, lambda: zlib.decompressobj(wbits=-15)), limit, body)


def _brotli(body: bytes, limit: int) -> bytes:
    import brotli  # type: ignore[import-untyped]  # comes with the HTML extractor; rare enough not to load it for every file

    decoder = brotli.Decompressor()
    pieces = (body[at : at + _FEED] for at in range(0, len(body), _FEED))
    return _run((decoder.process(piece, output_buffer_limit=limit + 1) for piece in pieces), limit, body)


def _zstd(body: bytes, limit: int) -> bytes:
    import zstandard

    if not body.startswith(MAGIC["zstd"]):
        return body
    tool = zstandard.ZstdDecompressor(max_window_size=1 << 27)
    return _run(_pieces(body, tool.decompressobj, MAGIC["zstd"]), limit)


def _pieces(body: bytes, open_decoder: Callable[[], _Decoder], magic: bytes | None = None) -> Iterator[bytes]:
    """What small steps of the body give; magic: with which another member begins, None where there is one alone."""
    decoder, at = open_decoder(), 0
    while at < len(body):
        piece = body[at : at + _FEED]
        yield decoder.decompress(piece)
        at += len(piece)
        if decoder.eof:
            at -= len(decoder.unused_data)
            if magic is None or not body.startswith(magic, at):
                return
            decoder = open_decoder()


def _run(pieces: Iterator[bytes], limit: int, plain: bytes | None = None) -> bytes:
    """Put pieces together: the output grows little beyond the limit, and what comes before an error counts.

    plain: the body, for codings without a magic number: where it fails, it is most often unpacked already.
    """
    out = bytearray()
    try:
        for piece in pieces:
            out += piece
            if len(out) > limit:
                raise BodyTooLarge
    except BodyTooLarge:
        raise
    except Exception as error:
        if plain is not None and (not out or not _CONTROLS.search(plain[:64])):
            return plain
        if not out:
            raise BodyUnreadable(f"the content coding is damaged: {error}") from None
    return bytes(out)  # a browser shows as much


_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_DECODERS: dict[str, Callable[[bytes, int], bytes]] = {
    "chunked": _unchunk,
    "gzip": _inflate,
    "x-gzip": _inflate,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}
