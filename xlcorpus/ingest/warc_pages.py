"""WARC, WET and ARC files: pages become documents, everything else a named decision or reject.

A `response` of status 200 with HTML, and a `resource` with HTML or plain text, give the text of the page; a
`conversion` (WET) gives its text as it is. `url` and `timestamp` are the record's; `license` is not known. The
counts are those of `count_encodings`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa

from xlcorpus.dataset.result import Result
from xlcorpus.ingest.charset import is_text, read_text, without_comments
from xlcorpus.ingest.encoding_counts import count_encodings
from xlcorpus.ingest.encodings import Decoded
from xlcorpus.ingest.html import decode_html, extract_text
from xlcorpus.ingest.http_message import (
    BodyTooLarge,
    BodyUnreadable,
    HttpMessage,
    charset_of,
    decode_body,
    media_type_of,
    parse_http,
)
from xlcorpus.ingest.warc_records import Broken, Record, read_records
from xlcorpus.raw.assemble import BATCH_BYTES, BATCH_ROWS, Assembler
from xlcorpus.raw.lines import EXCERPT_BYTES
from xlcorpus.raw.options import ReadOptions
from xlcorpus.raw.ranges import FileRange
from xlcorpus.raw.rejects import Decision, Reject, too_large

_HTML = ("text/html", "application/xhtml+xml")
# The beginnings that the MIME Sniffing Standard takes for HTML.
_HTML_TAG = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*)?<(?:!doctype\s+html|html|head|script|iframe|h1|div|font|table|a|style|title|b|body|br|p)"
    rb"[\s>]",
    re.IGNORECASE,
)
_LOOK = 1 << 14


@dataclass(frozen=True)
class _Page:
    """A document: locator, text, address, time; how its bytes were read."""

    offset: int
    text: str
    url: str | None
    timestamp: str | None
    read: Decoded


def read_pages(part: FileRange, options: ReadOptions, schema: pa.Schema) -> Iterator[Result]:
    """Records of a WARC, WET or ARC file (such a file is one range).

    Decisions: warc_type_TYPE (warcinfo, request, metadata, revisit, ...), http_status (the status is the score),
    content_type, empty_text. Reject reasons: corrupt_record, truncated_file, corrupt_file, record_too_large,
    not_text, nul_bytes, extraction_failed. The file is never left early: behind damage, reading goes on.
    """
    assembler = Assembler(part.file, options, schema)
    waiting = _Waiting()
    for record in read_records(part.file, options.max_record_bytes):
        waiting.add(_row(record, options), record.end)
        if waiting.rows >= BATCH_ROWS or waiting.size >= BATCH_BYTES:
            yield from waiting.flush(assembler)
    if waiting.rows:
        yield from waiting.flush(assembler)


@dataclass
class _Waiting:
    """Rows that wait for their batch."""

    pages: list[_Page] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    begin: int = 0
    end: int = 0

    @property
    def rows(self) -> int:
        return len(self.pages) + len(self.decisions) + len(self.rejects)

    @property
    def size(self) -> int:
        """Bytes of the stream that the rows took."""
        return self.end - self.begin

    def add(self, row: _Page | Decision | Reject, end: int) -> None:
        self.end = max(end, self.end)
        if isinstance(row, _Page):
            self.pages.append(row)
        elif isinstance(row, Decision):
            self.decisions.append(row)
        else:
            self.rejects.append(row)

    def flush(self, assembler: Assembler) -> Iterator[Result]:
        pages = self.pages
        results = assembler.rows(
            np.array([page.offset for page in pages], dtype=np.int64),
            {"text": pa.array([page.text for page in pages], pa.string())},
            {
                "url": pa.array([page.url for page in pages], pa.string()),
                "timestamp": pa.array([page.timestamp for page in pages], pa.string()),
            },
            size=self.size,
            decisions=self.decisions,
            rejects=self.rejects,
        )
        yield replace(next(results), counts=count_encodings(page.read for page in pages))
        yield from results
        self.pages, self.decisions, self.rejects, self.begin = [], [], [], self.end


def _row(record: Record | Broken, options: ReadOptions) -> _Page | Decision | Reject:
    """What becomes of one record."""
    if isinstance(record, Broken):
        return Reject(record.offset, record.reason, record.message, record.head)
    try:
        if record.type == "response":
            return _response(record, options)
        if record.type == "conversion":
            return _conversion(record, options)
        if record.type == "resource":
            return _resource(record, options)
    except BodyTooLarge:
        return _too_large(record, options)
    except BodyUnreadable as error:
        return Reject(record.offset, "corrupt_record", f"HTTP body: {error}", record.head)
    kind = re.sub(r"[^a-z0-9_-]", "_", record.type)[:40]
    return Decision(record.offset, f"warc_type_{kind or 'unknown'}")


def _too_large(record: Record, options: ReadOptions) -> Reject:
    what, limit = f"the {record.type} record", options.max_record_bytes
    if record.length > limit:
        return too_large(record.offset, what, record.length, record.head, options)
    message = f"{what} unpacks to more than {limit:,} bytes (--max-record-bytes)"
    return Reject(record.offset, "record_too_large", message, record.head)


def _response(record: Record, options: ReadOptions) -> _Page | Decision | Reject:
    message = parse_http(record.head if record.block is None else record.block)
    if message is None:
        of_arc = record.fields.get("arc-content-type")
        if of_arc is None and media_type_of(record.fields) in ("", "application/http"):
            return Reject(
                record.offset, "corrupt_record", "the response does not begin with an HTTP status", record.head
            )
        # dns: records, and captures of protocols without a header.
        media = of_arc or record.fields.get("content-type", "")
        message = HttpMessage(200, {"content-type": media}, record.block or b"")
    if message.status != 200:
        return Decision(record.offset, "http_status", score=float(message.status))
    if not _is_html(message):
        return Decision(record.offset, "content_type")
    if record.block is None:
        return _too_large(record, options)
    return _html(record, decode_body(message, options.max_record_bytes), charset_of(message.fields))


def _is_html(message: HttpMessage) -> bool:
    media = media_type_of(message.fields)
    if media:
        return media in _HTML
    # A comment may stand before everything; zero bytes fill the second places of UTF-16.
    head = without_comments(message.body[:_LOOK].lstrip(b"\xef\xbb\xbf\xff\xfe").replace(b"\0", b""))
    return _HTML_TAG.match(head) is not None


def _resource(record: Record, options: ReadOptions) -> _Page | Decision | Reject:
    media = media_type_of(record.fields)
    if media not in (*_HTML, "text/plain"):
        return Decision(record.offset, "warc_type_resource")
    if record.block is None:
        return _too_large(record, options)
    if media == "text/plain":
        return _plain(record, record.block, charset_of(record.fields))
    return _html(record, record.block, charset_of(record.fields))


def _conversion(record: Record, options: ReadOptions) -> _Page | Decision | Reject:
    if media_type_of(record.fields) not in ("text/plain", ""):
        return Decision(record.offset, "content_type")
    if record.block is None:
        return _too_large(record, options)
    return _plain(record, record.block, charset_of(record.fields) or "utf-8")


def _plain(record: Record, data: bytes, charset: str | None) -> _Page | Reject:
    read = read_text(data, [charset] if charset else [])
    return _page(record, read.text, read) if is_text(read) else _no_text(record, read, data)


def _html(record: Record, body: bytes, charset: str | None) -> _Page | Reject:
    try:
        read = decode_html(body, charset)
        return _page(record, extract_text(read.text), read) if is_text(read) else _no_text(record, read, body)
    except Exception as error:  # whatever one page does to the parser, the next one is read
        message = f"no text could be extracted: {type(error).__name__}: {error}"
        return Reject(record.offset, "extraction_failed", message, body)


def _no_text(record: Record, read: Decoded, data: bytes) -> Reject:
    message = f"the bytes are no text: of all encodings {read.encoding} fits best, with control characters or bad bytes"
    return Reject(record.offset, "not_text", message, data)


def _page(record: Record, text: str, read: Decoded) -> _Page | Reject:
    if "\0" in text:
        return Reject(record.offset, "nul_bytes", "the text holds NUL characters", text[:EXCERPT_BYTES])
    url = record.fields.get("warc-target-uri", "").removeprefix("<").removesuffix(">")
    return _Page(record.offset, text, url or None, record.fields.get("warc-date"), replace(read, text=""))
