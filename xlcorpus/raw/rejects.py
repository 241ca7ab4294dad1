"""Records that become no row: what a reader says of each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from xlcorpus.dataset.decisions import EXCERPT_CHARACTERS
from xlcorpus.raw.lines import LongLine, Torn
from xlcorpus.raw.options import ReadOptions


@dataclass(frozen=True)
class Reject:
    """A record that could not be read: locator, named reason, what was wrong, and its beginning (may be empty)."""

    offset: int
    reason: str
    message: str
    excerpt: bytes | str = b""


@dataclass(frozen=True)
class Decision:
    """A record that is left out by rule: locator, named reason, text and language where known, what was compared."""

    offset: int
    reason: str
    text: str | None = None
    score: float | None = None
    threshold: float | None = None
    lang: str | None = None


L = TypeVar("L", Reject, Decision)


def too_large(offset: int, what: str, size: int, head: bytes, options: ReadOptions) -> Reject:
    """The reject for a record of `size` bytes that is too large. what: it in words, `the line`."""
    message = f"{what} has {size:,} bytes; at most {options.max_record_bytes:,} are read (--max-record-bytes)"
    return Reject(offset, "record_too_large", message, head)


def bad_utf8(
    offset: int, what: str, data: bytes = b"", error: UnicodeDecodeError | None = None, within: str = ""
) -> Reject:
    """The reject for bytes that are no UTF-8. what: they in words, `the file`; within: ` of the record`, say."""
    where = f": {error.reason} at byte {error.start:,}{within}" if error is not None else ""
    return Reject(offset, "invalid_utf8", f"{what} is not UTF-8{where}", data)


def unread(line: LongLine | Torn, what: str, options: ReadOptions) -> Reject:
    """The reject for a line that is too long, or that damage to the file cut off."""
    if isinstance(line, Torn):
        return Reject(line.offset, line.damage.reason, line.damage.message, line.data)
    return too_large(line.offset, what, line.size, line.head, options)


def in_order(records: Iterable[L]) -> list[L]:
    """Decisions or rejects in the order of the file."""
    return sorted(records, key=lambda one: one.offset)


def excerpt(data: bytes | str) -> str:
    """The first 200 characters, undecodable bytes replaced."""
    if isinstance(data, bytes):
        return data[: EXCERPT_CHARACTERS * 4].decode("utf-8", "replace")[:EXCERPT_CHARACTERS]
    return data[:EXCERPT_CHARACTERS].encode("utf-8", "replace").decode()
