"""HTTP responses as crawlers keep them: status, header fields, and the body with its transfer coding undone."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from xlcorpus.raw.streams import MAGIC

_FEED = 1 << 10  # of the codings here zstd expands most: 1 KiB to 32 MiB
_STATUS = re.compile(rb"[A-Z]{3,5}(?:/\d+(?:\.\d+)?)?[ \t]+(\d{3})(?!\d)")


class BodyTooLarge(Exception):
    """The body grows beyond the limit when it is decompressed."""


class BodyUnreadable(Exception):
    """Nothing of the body can be decoded; the message says why."""


@dataclass(frozen=True)
class HttpMessage:
    """A response: status code, header fields (names in lower case, the first of a name counts), the body as it came."""

    status: int
    fields: dict[str, str]
    body: bytes


def media_type_of(fields: Mapping[str, str]) -> str:
    """Media type in lower case without parameters; empty where there is none."""
    return fields.get("content-type", "").partition(";")[0].strip().lower()


def charset_of(fields: Mapping[str, str]) -> str | None:
    """The charset parameter of the content type."""
    found = re.search(r"charset\s*=\s*[\"']?([^\s;\"',]+)", fields.get("content-type", ""), re.IGNORECASE)
    return found.group(1) if found else None


def parse_http(block: bytes) -> HttpMessage | None:
    """The message in a block; None where it does not begin with an HTTP status line."""
    found = _STATUS.match(block)
    if found is None:
        return None
    ends = [(at, len(mark)) for mark in (b"\r\n\r\n", b"\n\n", b"\n\r\n") if (at := block.find(mark)) >= 0]
    at, size = min(ends) if ends else (len(block), 0)
    fields: dict[str, str] = {}
    for line in block[:at].decode("utf-8", "replace").splitlines()[1:]:
        name, colon, value = line.partition(":")
        if colon:
            fields.setdefault(name.strip().lower(), value.strip())
    return HttpMessage(int(found.group(1)), fields, block[at + size :])


def decode_body(message: HttpMessage, limit: int) -> bytes:
    """The body without transfer and content coding, of at most `limit` bytes.

    Crawlers often undo a coding and leave the field: a body that is not coded is taken as it is, one that breaks off
    as far as it goes. Raises BodyTooLarge, or BodyUnreadable where nothing can be decoded.
    """
    body = message.body
    if "chunked" in message.fields.get("transfer-encoding", "").lower():
        body = unchunk(body)
    for coding in reversed(message.fields.get("content-encoding", "").lower().split(",")):
        decoder = _DECODERS.get(coding.strip())
        if decoder is not None and body:
            body = decoder(body, limit)
    if len(body) > limit:
        raise BodyTooLarge
    return body


def unchunk(body: bytes) -> bytes:
    """The body without chunk sizes; as it is where it is not chunked, as far as it goes where it breaks off."""
    parts: list[bytes] = []
    at = 0
    while True:
        newline = body.find(b"\n", at, at + 1024)
        size_text = body[at:newline].partition(b";")[0].strip() if newline >= 0 else b""
        if not re.fullmatch(rb"[0-9a-fA-F]{1,15}", size_text):
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


def _inflate(body: bytes, limit: int) -> bytes:
    """gzip or zlib, whatever the field says; a body that is neither is taken as it is."""
    if body.startswith(MAGIC["gzip"]):
        return _run(zlib.decompressobj(wbits=31).decompress, body, limit)
    if len(body) > 1 and body[0] & 0x0F == 8 and int.from_bytes(body[:2], "big") % 31 == 0:
        return _run(zlib.decompressobj().decompress, body, limit)
    return body


def _deflate(body: bytes, limit: int) -> bytes:
    unpacked = _inflate(body, limit)
    if unpacked is not body:
        return unpacked
    try:
        return _run(zlib.decompressobj(wbits=-15).decompress, body, limit)
    except BodyUnreadable:
        return body


def _brotli(body: bytes, limit: int) -> bytes:
    import brotli  # type: ignore[import-untyped]  # comes with the HTML extractor; rare enough not to load it for every file

    decoder = brotli.Decompressor()
    try:
        return _run(lambda data: decoder.process(data, output_buffer_limit=limit + 1), body, limit)
    except BodyUnreadable:
        return body  # brotli has no magic number: most often the crawler has unpacked it already


def _zstd(body: bytes, limit: int) -> bytes:
    import zstandard

    if not body.startswith(MAGIC["zstd"]):
        return body
    return _run(zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj().decompress, body, limit)


def _run(decode: Callable[[bytes], bytes], body: bytes, limit: int) -> bytes:
    """Decode in small steps: the output grows little beyond the limit, and what comes before an error counts."""
    out = bytearray()
    for at in range(0, len(body), _FEED):
        try:
            out += decode(body[at : at + _FEED])
        except Exception as error:
            if out:
                break  # a browser shows as much
            raise BodyUnreadable(f"the content coding is damaged: {error}") from None
        if len(out) > limit:
            raise BodyTooLarge
    return bytes(out)


_DECODERS: dict[str, Callable[[bytes, int], bytes]] = {
    "gzip": _inflate,
    "x-gzip": _inflate,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}
