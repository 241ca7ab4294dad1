"""Exact numbers: what was written as a fraction, and powers that are equal on every machine."""

from __future__ import annotations

import math
import re
from decimal import Context, Decimal
from fractions import Fraction

Number = int | float | str | Decimal | Fraction
Weights = dict[str, Fraction]

# Bounded, because the fraction of 1e999999999 would be written out.
_NUMBER = re.compile(
    r"[-+]?(?:[0-9]{1,30}/[0-9]{1,30}|(?:[0-9]{1,30}\.?[0-9]{0,60}|\.[0-9]{1,60})(?:[eE][-+]?[0-9]{1,2})?)"
)

# Powers are computed to 60 digits and kept to 40: equal on every machine (floating point is not), and exact where
# the result has a short decimal form, so that 4^(1/2) is 2 and ties stay ties.
_WORK = Context(prec=60)
_KEEP = Context(prec=40)


def exact(value: Number) -> Fraction:
    """The number that was written: 0.1 is 1/10, '1/3' a third. Raises ValueError for NaN, infinities and other text."""
    if isinstance(value, bool):
        raise ValueError(f"{value!r} is not a number")
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value!r} is not a finite number")
        return Fraction(repr(value))
    if isinstance(value, str) and not _NUMBER.fullmatch(value.strip()):
        raise ValueError(f"{value!r} is not a number")
    try:
        return Fraction(value.strip() if isinstance(value, str) else value)
    except (ValueError, TypeError, OverflowError, ZeroDivisionError):
        raise ValueError(f"{value!r} is not a number") from None


def power(base: Fraction, exponent: Fraction) -> Fraction:
    """base ** exponent for base > 0 and any rational exponent, to 40 significant digits; whole exponents exactly."""
    if exponent.denominator == 1:
        return base**exponent.numerator
    divide = _WORK.divide
    decimal_base = divide(Decimal(base.numerator), Decimal(base.denominator))
    decimal_exponent = divide(Decimal(exponent.numerator), Decimal(exponent.denominator))
    return Fraction(_KEEP.plus(_WORK.power(decimal_base, decimal_exponent)))
