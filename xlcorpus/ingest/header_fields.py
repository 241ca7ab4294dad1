"""Header fields of HTTP messages (RFC 9112) and WARC records (ISO 28500): lines end with LF or CRLF, and nothing else.

A line that begins with a space or a tab goes on with the field before it. Other bytes that Unicode or Python take for
line ends (CR alone, VT, FF, NEL, U+2028) are part of the value.
"""

from __future__ import annotations

import re

_END = re.compile(rb"\n\r?\n")
_MOST = 1 << 20  # bytes of a header that are looked at


def split_header(block: bytes) -> tuple[bytes, int] | None:
    """The header, its first line included, and where what follows begins; None where it has no end."""
    found = _END.search(block)
    return None if found is None else (block[: found.start()], found.end())


def parse_fields(header: bytes, *, lists: frozenset[str] = frozenset()) -> dict[str, str]:
    """The fields behind the first line of a header, names in lower case; the first of a name counts.

    lists: names of fields whose values are lists, which may come in several lines: these are joined with commas.
    """
    fields: dict[str, list[list[bytes]]] = {}  # by name the fields, each as the pieces of its value
    last: list[bytes] = []
    for line in header[:_MOST].split(b"\n")[1:]:
        line = line.rstrip(b"\r")
        if line[:1] in (b" ", b"\t"):
            last.append(line.strip(b" \t"))
            continue
        name, colon, value = line.partition(b":")
        last = [value.strip(b" \t")]
        if colon:
            fields.setdefault(name.strip(b" \t").lower().decode("utf-8", "replace"), []).append(last)
    return {
        name: b", ".join(
            b" ".join(pieces).strip(b" \t") for pieces in (values if name in lists else values[:1])
        ).decode("utf-8", "replace")
        for name, values in fields.items()
    }
