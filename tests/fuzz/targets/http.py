"""HTTP responses in WARC records: header fields, chunks and content codings in any order, whole and damaged."""

from __future__ import annotations

import gzip
import random
import zlib
from pathlib import Path

import brotli
import zstandard

from tests.fuzz import chaos as chaotic
from tests.fuzz.reading import check_outcome, read_files
from tests.fuzz.target import Case, Target

TOKENS = (
    b"HTTP/1.1 200 OK\r\n",
    b"\r\n\r\n",
    b"Content-Encoding: gzip, br, deflate, zstd\r\n",
    b"Transfer-Encoding: chunked, gzip\r\n",
    b'Content-Type: text/html; charset="',
    b"0\r\n\r\n",
    b"ffffffff\r\n",
    b'1;ext="',
    b"\n \t",
    b": ",
    b"charset=utf-16",
    b"\x1f\x8b\x08\x04",
    b"Content-Length: 3\r\n",
    b"HTTP/2 200\r\n",
    b"\n\n",
    b"x-gzip",
)


def _raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


CODERS = {
    "gzip": lambda data: gzip.compress(data, 1, mtime=0),
    "x-gzip": lambda data: gzip.compress(data, 1, mtime=0),
    "deflate": zlib.compress,
    "Deflate": _raw_deflate,
    "br": lambda data: brotli.compress(data, quality=1),
    "zstd": lambda data: zstandard.ZstdCompressor(level=1).compress(data),
    "identity": lambda data: data,
}


def chunked(chaos: random.Random, body: bytes) -> bytes:
    """The body in chunks, with extensions and trailers as the standard allows."""
    out, at = b"", 0
    while at < len(body):
        size = chaos.choice((1, 7, 40, 1000, 5000))
        part = body[at : at + size]
        digits = b"%x" % len(part) if chaos.random() < 0.7 else b"%04X" % len(part)
        out += digits + chaos.choice((b"", b"", b";a=b", b';q="x y"')) + b"\r\n" + part + b"\r\n"
        at += size
    return out + b"0\r\n" + chaos.choice((b"", b"X-Sum: 1\r\n")) + b"\r\n"


def message(chaos: random.Random) -> tuple[bytes, str | None]:
    """A response, and the text of its page where nothing is wrong with it."""
    text = " ".join(chaotic.clean(chaos).split())
    page = "<!DOCTYPE html><html><head><title>t</title></head><body><main><p>{}</p></main></body></html>"
    body = page.format(_escape(text)).encode()
    fields = [b"Content-Type: text/html; charset=utf-8", b"Server: x"]
    codings = chaos.choices(list(CODERS), k=chaos.choice((0, 0, 1, 1, 2)))
    for coding in codings:
        body = CODERS[coding](body)
    if codings:
        fields.append(b"Content-Encoding: " + ", ".join(codings).encode())
    if chaos.random() < 0.4:
        body = chunked(chaos, body)
        fields.append(chaos.choice((b"Transfer-Encoding: chunked", b"transfer-encoding:  Chunked")))
    chaos.shuffle(fields)
    head = b"\r\n".join([chaos.choice((b"HTTP/1.1 200 OK", b"HTTP/1.0 200", b"HTTP/2 200 ")), *fields])
    return head + b"\r\n\r\n" + body, text


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def make(chaos: random.Random) -> Case:
    """One to three responses, most of them damaged."""
    records = []
    known = True
    for number in range(chaos.randint(1, 3)):
        block, _ = message(chaos)
        if chaos.random() < 0.7:
            block, known = chaotic.damage(chaos, block, TOKENS), False
        head = (
            b"WARC/1.0\r\nWARC-Type: response\r\nContent-Type: application/http\r\nWARC-Target-URI: http://a/%d\r\n"
            % number
        )
        records.append(head + b"Content-Length: %d\r\n\r\n" % len(block) + block + b"\r\n\r\n")
    about: dict[str, object] = {"records": len(records), "valid": True}
    about["whole"] = known
    return Case({"crawl.warc": b"".join(records)}, about)


def run(case: Case, folder: Path) -> int:
    """As many records as there are, whatever is in them."""
    outcome = read_files([folder / "crawl.warc"])
    check_outcome(outcome, case.about)
    return outcome.records


TARGET = Target("http", make, run)
