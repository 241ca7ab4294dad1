"""Sizes as people write them: 2M, 500k, 1.5B, 4GB."""

from __future__ import annotations

import re
from fractions import Fraction

from xlcorpus.errors import UserError

_SUFFIXES = {"": 1, "k": 10**3, "m": 10**6, "b": 10**9, "g": 10**9, "t": 10**12}
_LONGEST = 64  # digits
_SIZE = re.compile(r"([0-9][0-9_]*(?:\.[0-9]+)?)([kmbgt]?)")


def parse_size(
    given: str | int, option: str, *, in_bytes: bool = False, remedy: str = "write 2000000, 2M, 500k or 1.5B"
) -> int:
    """`2M`, `500k`, `1.5B` or a plain number as a whole number of at least 1; steps of a thousand, not 1,024.

    in_bytes: `4GB` and `4 GB` too. Raises UserError that begins with `option`, as `--budget`; nothing is rounded.
    """
    text = str(given).strip().lower()
    match = _SIZE.fullmatch(re.sub(r"(?<=[kmgt])b$", "", text.replace(" ", "")) if in_bytes else text)
    if not match:
        raise UserError(f"{option} {given!r} is not a size", remedy=remedy)
    number, times = match.group(1).replace("_", ""), _SUFFIXES[match.group(2)]
    if float(number) * times >= 2**63:
        raise UserError(f"{option} {given!r} is more than there is anywhere", remedy=remedy)
    if len(number) > _LONGEST:
        raise UserError(f"{option} {given!r} is not a size", remedy=remedy)
    size = Fraction(number) * times
    if size < 1:
        raise UserError(f"{option} {given!r} is nothing", remedy="give at least 1")
    if size.denominator > 1:
        raise UserError(f"{option} {given!r} is no whole number", remedy=f"write {int(size)} or {int(size) + 1}")
    return int(size)
