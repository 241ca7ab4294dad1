"""JSON text: numbers as Python's where those say exactly what is written, else as they are written; values written."""

from __future__ import annotations

import base64
import json
import math
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

EXACT = 2**53  # a double holds every integer up to here, and every decimal of 15 digits
# What a double below 2^53 may not hold: 18 digits or more (every double has a spelling of 17, and programs print that
# or a shorter one), or a number near to none at all.
_SMALL = r"\.0*[1-9][0-9]{17}|[0-9]\.?[eE]-[0-9]{3}|\.0{99}"
_LONG = "|".join(rf"[1-9][0-9]{{{number}}}\.[0-9]{{{17 - number}}}" for number in range(17))
_SUSPECT = re.compile(f"{_SMALL}|{_LONG}")
# RE2 does 400 MB/s with the first two, 40 with the last, which is asked where the second found something.
_IN_BLOCKS = (_SMALL, "[1-9][0-9.]{18}", _LONG)
_INT_DIGITS = 4000  # Python refuses to read integers of more than 4,300


@dataclass(frozen=True)
class Literal:
    """A number that no double and no Python integer holds, as it is written; the double next to it, if that is near."""

    text: str
    nearest: float | None

    @property
    def zero(self) -> bool:
        """Whether it is the integer -0, which doubles hold and integers do not."""
        return self.nearest == 0


def may_round(data: bytes) -> bool:
    """Whether some number of a block of JSON that is below 2^53 may be none that a double holds."""
    block = pa.scalar(data, pa.binary())
    small, digits, long = (partial(pc.match_substring_regex, block, pattern) for pattern in _IN_BLOCKS)
    return small().as_py() or (digits().as_py() and long().as_py())


def _float(text: str) -> float | Literal:
    value = float(text)
    if math.isfinite(value):
        if abs(value) < EXACT and not _SUSPECT.search(text):
            return value
        try:
            written = Decimal(text)
            if written in (Decimal(repr(value)), Decimal(value)):
                return value
        except InvalidOperation:  # an exponent of twenty digits
            pass
    near = math.isfinite(value) and value != 0 and abs(value) < EXACT
    return Literal(text, value if near else None)


def _integer(text: str) -> int | Literal:
    if text == "-0":
        return Literal(text, -0.0)
    return int(text) if len(text) <= _INT_DIGITS else Literal(text, None)


# Raw tabs and the like inside strings are kept: there is no doubt what is meant.
DECODER = json.JSONDecoder(strict=False, parse_float=_float, parse_int=_integer)  # type: ignore[arg-type]


def is_rounded(value: Any) -> bool:
    """Whether a value holds a number that a column of doubles holds only nearly."""
    if isinstance(value, Literal):
        return not value.zero
    if isinstance(value, list):
        return any(map(is_rounded, value))
    return isinstance(value, dict) and any(map(is_rounded, value.values()))


def spell(value: Any, *, ascii: bool = False) -> str:
    """Compact JSON text of a value, its literals as they are written; NaN and Infinity as strings, bytes as base64."""
    if isinstance(value, Literal):
        return value.text
    if isinstance(value, dict):
        items = (f"{json.dumps(name, ensure_ascii=ascii)}:{spell(one, ascii=ascii)}" for name, one in value.items())
        return "{" + ",".join(items) + "}"
    if isinstance(value, list):
        return "[" + ",".join(spell(one, ascii=ascii) for one in value) + "]"
    if isinstance(value, bytes):
        return json.dumps(base64.b64encode(value).decode())
    if isinstance(value, float) and not math.isfinite(value):
        value = str(value).replace("nan", "NaN").replace("inf", "Infinity")
    return json.dumps(value, ensure_ascii=ascii)


def encodable(text: str) -> bool:
    """Whether a string is valid Unicode: JSON escapes can make lone surrogates, which UTF-8 cannot hold."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def dump(value: Any) -> str:
    """Compact JSON text, valid UTF-8 and strict JSON whatever the value: lone surrogates stay escaped, NaN is "NaN"."""
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except (ValueError, TypeError):  # what is not finite, and literals
        text = spell(value)
    return text if encodable(text) else spell(value, ascii=True)
