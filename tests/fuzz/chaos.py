"""Seeded chaos: damage to bytes, values nobody expects, and texts of any kind."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from tests.fuzz.texts import TEXTS, WORDS

MOST_BYTES = 1 << 20  # of a file: what is to be read in 2 s
NUMBERS = (
    b"0",
    b"-1",
    b"1",
    b"007",
    b"999999999999999999",
    b"99999999999999999999999",
    b"2147483648",
    b"4294967296",
    b"9223372036854775807",
    b"18446744073709551616",
    b"1e400",
    b"-0",
    b"nan",
    b"0x10",
    b"+5",
    b"1_0",
    "٣".encode(),
)
ODD = (
    b"\0",
    b"\n",
    b"\r",
    b"\r\n",
    b"\x0b",
    b"\x0c",
    b"\x1c",
    b"\x85",
    b"\xc2\x85",
    b"\xe2\x80\xa8",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xc0\x80",
    b"\t",
    b" ",
    b'"',
    b"'",
    b"<",
    b"\\",
    b"\x1b",
)


def text(chaos: random.Random, most: int = 4) -> str:
    """One to `most` sentences, of any scripts; now and then nothing, or words alone."""
    if chaos.random() < 0.05:
        return ""
    if chaos.random() < 0.2:
        return " ".join(chaos.choices(WORDS, k=chaos.randint(1, 12)))
    return " ".join(chaos.choices(TEXTS, k=chaos.randint(1, most)))


def nasty(chaos: random.Random) -> str:
    """A text with what breaks programs: surrogates, controls, separators, long runs."""
    parts = [
        "\ud800",
        "\0",
        "\u2028",
        "\x85",
        "\r",
        "\n",
        "\t",
        "\x1b[0m",
        "\ufeff",
        "\uffff",
        "\U0010ffff",
        "a" * 5000,
        "\u0301" * 300,
        "'",
        '"',
        "%s%n",
        "${x}",
        "../..",
        "-1",
        "NaN",
        "null",
        "true",
        "[",
        "{",
        "<",
        "&#0;",
    ]
    return "".join(chaos.choice([*parts, chaos.choice(TEXTS)]) for _ in range(chaos.randint(1, 4)))


def clean(chaos: random.Random) -> str:
    """A text that UTF-8 can hold, on one line, without NUL, and not blank."""
    value = nasty(chaos) if chaos.random() < 0.1 else text(chaos)
    value = value.encode("utf-8", "ignore").decode().replace("\0", "").replace("\n", " ").replace("\r", " ")
    return value if value.strip() else "مرحبا"


def times(chaos: random.Random, limit: int) -> int:
    """How often something is repeated: a power of two, mostly small."""
    return int(min(2 ** int(chaos.triangular(0, 18, 2)), max(limit, 1)))


def damage(chaos: random.Random, data: bytes, tokens: Sequence[bytes] = ()) -> bytes:
    """The data with one to five faults in it."""
    for _ in range(chaos.choice((1, 1, 1, 2, 2, 3, 5))):
        data = chaos.choice(_FAULTS)(chaos, data, tokens)[:MOST_BYTES]
    return data


def _span(chaos: random.Random, data: bytes) -> tuple[int, int]:
    start = chaos.randint(0, len(data))
    longest = len(data) - start
    return start, start + chaos.randint(0, min(longest, chaos.choice((1, 4, 30, 300, 1 << 20))))


def _flip(chaos: random.Random, data: bytes, tokens: Sequence[bytes]) -> bytes:
    if not data:
        return data
    at = chaos.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << chaos.randrange(8)]) + data[at + 1 :]


def _byte(chaos: random.Random, data: bytes, tokens: Sequence[bytes]) -> bytes:
    at = chaos.randint(0, len(data))
    return data[:at] + bytes([chaos.randrange(256)]) + data[at + chaos.randint(0, 1) :]


def _delete(chaos: random.Random, data: bytes, tokens: Sequence[bytes]) -> bytes:
    start, stop = _span(chaos, data)
    return data[:start] + data[stop:]


def _double(chaos: random.Random, data: bytes, tokens: Sequence[bytes]) -> bytes:
    start, stop = _span(chaos, data)
    at = chaos.randint(0, len(data))
    return data[:at] + data[start:stop] + data[at:]


def _pump(chaos: random.Random, data: bytes, tokens: Sequence[bytes]) -> bytes:
    """A short part many times: what parsers that go back and forth do not bear."""
    start = chaos.randint(0, len(data))
    part = data[start : start + chaos.choice((1, 2, 3, 5, 8, 20, 60))]
    if tokens and chaos.random() < 0.4:
        part = chaos.choice(tokens)
    return data[:start] + part * times(chaos, (MOST_BYTES - len(data)) // max(len(part), 1)) + data[start:]


def _token(chaos: random.Random, data: bytes, tokens: Sequence[bytes]) -> bytes:
    start, stop = _span(chaos, data) if chaos.random() < 0.3 else (chaos.randint(0, len(data)),) * 2
    return data[:start] + chaos.choice([*ODD, *tokens]) + data[stop:]


def _noise(chaos: random.Random, data: bytes, tokens: Sequence[bytes]) -> bytes:
    start, stop = _span(chaos, data)
    return data[:start] + chaos.randbytes(min(stop - start, 300)) + data[stop:]


def _cut(chaos: random.Random, data: bytes, tokens: Sequence[bytes]) -> bytes:
    at = chaos.randint(0, len(data))
    return data[:at] if chaos.random() < 0.8 else data[at:]


def _number(chaos: random.Random, data: bytes, tokens: Sequence[bytes]) -> bytes:
    found = list(re.finditer(rb"\d+", data[: 1 << 16]))
    if not found:
        return _byte(chaos, data, tokens)
    one = chaos.choice(found)
    return data[: one.start()] + chaos.choice(NUMBERS) + data[one.end() :]


_FAULTS = (_flip, _byte, _delete, _double, _pump, _pump, _token, _token, _noise, _cut, _number)
