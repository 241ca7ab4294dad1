"""WARC, WET and ARC files, plain and compressed, whole and damaged: every byte accounted for, the same text in each."""

from __future__ import annotations

import bz2
import gzip
import lzma
import random
import zlib
from pathlib import Path

import zstandard

from tests.fuzz import chaos as chaotic
from tests.fuzz.reading import check_outcome, read_files
from tests.fuzz.target import Case, Target, Violation
from xlcorpus.dataset import storage
from xlcorpus.ingest.warc_records import read_records
from xlcorpus.raw.input_files import InputFile

TOKENS = (
    b"WARC/1.0\r\n",
    b"WARC/1.1\r\nWARC-Type: response\r\n",
    b"Content-Length: 5\r\n",
    b"Content-Length: 99999999\r\n",
    b"\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n",
    b"Content-Type: text/html; charset=euc-kr\r\n",
    b"<!---->",
    b"<?xml ",
    b"http://a.b/ 1.2.3.4 ",
    b"filedesc://x 0.0.0.0 20200101000000 text/plain 0\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Content-Encoding: gzip\r\n",
    b"ffff\r\n",
    b"WARC-Type: conversion\r\n",
    b": ",
    b" \t",
    b"WARC-Target-URI: <",
    b"\x1f\x8b\x08",
    b"<!-- ",
    b"-->",
)
KINDS = (
    "response",
    "conversion",
    "resource",
    "request",
    "metadata",
    "revisit",
    "warcinfo",
    "continuation",
    "ODD-kind!",
)
CODINGS = ("none", "none", "gzip", "members", "zstd", "bz2", "xz", "zlib-junk")


def page(chaos: random.Random) -> bytes:
    """A small page of HTML."""
    return f"<html><head><title>x</title></head><body><main><p>{chaotic.clean(chaos)}</p></main></body></html>".encode()


def record(chaos: random.Random, kind: str | None = None) -> bytes:
    """One WARC record as crawlers write it."""
    kind = kind or chaos.choice(KINDS)
    media = {"response": "application/http", "conversion": "text/plain", "resource": "text/html"}.get(
        kind, "text/plain"
    )
    if kind == "response":
        block = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + page(chaos)
    elif kind == "resource":
        block = page(chaos)
    else:
        block = chaotic.clean(chaos).encode()
    end = chaos.choice((b"\r\n", b"\r\n", b"\r\n", b"\n"))
    lines = [
        b"WARC/1.0",
        b"WARC-Type: " + kind.encode(),
        b"Content-Type: " + media.encode(),
        b"WARC-Target-URI: http://" + chaos.choice("abc").encode() + b".example/" + bytes([chaos.randrange(97, 123)]),
        b"WARC-Date: 2024-02-30T00:00:00Z",
        b"Content-Length: %d" % len(block),
    ]
    return end.join(lines) + end + end + block + b"\r\n\r\n"


def arc_record(chaos: random.Random) -> bytes:
    """One ARC record."""
    block = b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n" + page(chaos)
    return (
        b"http://x.example/%d 1.2.3.4 20080430204825 text/html %d\n" % (chaos.randrange(99), len(block)) + block + b"\n"
    )


def coded(chaos: random.Random, coding: str, records: list[bytes]) -> bytes:
    """Records in a file."""
    whole = b"".join(records)
    if coding == "gzip":
        return gzip.compress(whole, 1, mtime=0)
    if coding == "members":
        return b"".join(gzip.compress(one, 1, mtime=0) for one in records)
    if coding == "zstd":
        return b"".join(zstandard.ZstdCompressor(level=1).compress(one) for one in records)
    if coding == "bz2":
        return bz2.compress(whole, 1)
    if coding == "xz":
        return lzma.compress(whole, preset=0)
    if coding == "zlib-junk":
        return gzip.compress(whole, 1, mtime=0) + zlib.compress(whole)[: chaos.randint(0, 99)]
    return whole


def make(chaos: random.Random) -> Case:
    """Some records, compressed or not, half of the files damaged before or after compression."""
    arc = chaos.random() < 0.15
    records = [arc_record(chaos) if arc else record(chaos) for _ in range(chaos.randint(1, 8))]
    if arc:
        records.insert(0, b"filedesc://x.arc 0.0.0.0 20080430204825 text/plain 9\n1 0 Alexa\n\n")
    coding, about = chaos.choice(CODINGS), {"records": len(records), "valid": True}
    bent = chaos.random()
    if bent < 0.55:
        at = chaos.randrange(len(records))
        records[at] = chaotic.damage(chaos, records[at], TOKENS)
    data = coded(chaos, coding, records)
    if bent > 0.75:
        data = chaotic.damage(chaos, data, TOKENS)
    if bent < 0.55 or bent > 0.75 or coding == "zlib-junk":
        about = {}
    if chaos.random() < 0.1:
        about["max_record_bytes"] = chaos.choice((1, 40, 300, 5000))
    suffix = {"gzip": ".gz", "members": ".gz", "zstd": ".zst", "bz2": ".bz2", "xz": ".xz", "zlib-junk": ".gz"}.get(
        coding, ""
    )
    return Case({f"crawl.{'arc' if arc else 'warc'}{suffix}": data}, about)


def run(case: Case, folder: Path) -> int:
    """Read the file through ingest, then its records: they lie end to end."""
    path = folder / next(iter(case.files))
    options = {"max_record_bytes": case.about["max_record_bytes"]} if "max_record_bytes" in case.about else {}
    outcome = read_files([path], **options)
    check_outcome(outcome, {} if options else case.about)
    if outcome.refused is None:
        _check_bytes(path, options.get("max_record_bytes", 64 << 20))
    return outcome.records


def _check_bytes(path: Path, limit: int) -> None:
    """Records and broken stretches cover the stream in order."""
    compression = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2", ".xz": "xz"}.get(path.suffix, "none")
    file = InputFile(storage.locate(str(path)), path.name, "x", "warc", compression, path.stat().st_size)
    end = 0
    for one in read_records(file, limit):
        if one.offset < end or one.end < one.offset:
            raise Violation(f"bytes: a record at {one.offset:,} to {one.end:,} behind one that ends at {end:,}")
        end = one.end


TARGET = Target("warc", make, run)
