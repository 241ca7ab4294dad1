"""Rules of mixing: from the sizes of groups to their weights, exactly; and how a budget fills groups up to a cap."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from decimal import Context, Decimal
from fractions import Fraction
from typing import cast

from xlcorpus.text.apportion import largest_remainder

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


def proportional(sizes: Mapping[str, int]) -> Weights:
    """q ~ n."""
    return {name: Fraction(size) for name, size in sizes.items()}


def uniform(sizes: Mapping[str, int]) -> Weights:
    """q = 1 / number of groups. (UniMax is this rule filled up to a cap of epochs: see `fill`.)"""
    return dict.fromkeys(sizes, Fraction(1))


def exponent(sizes: Mapping[str, int], alpha: Fraction, limit: int | None = None) -> Weights:
    """q ~ n^alpha (mBERT, XLM-R): 1 is proportional, 0 uniform.

    limit: sizes above it count as `limit` (T5's artificial limit). Sizes are divided by their common divisor first, so
    that k times as much of everything gives equal weights to the last digit.
    """
    bounded = {name: size if limit is None else min(size, limit) for name, size in sizes.items()}
    divisor = math.gcd(*bounded.values()) or 1
    return {name: power(Fraction(size, divisor), alpha) if size else Fraction(0) for name, size in bounded.items()}


def temperature(sizes: Mapping[str, int], degree: Fraction, limit: int | None = None) -> Weights:
    """q ~ n^(1/T) (mBART50, seqio)."""
    return exponent(sizes, 1 / degree, limit)


def floor_counts(
    sizes: Mapping[str, int], base: Collection[str], alpha: Fraction, scale: Fraction, least: int = 0
) -> Weights:
    """How much of each language Glot500 draws, in units: an amount, not only a proportion.

    With m the size of the smallest new language, a language of the base model gets scale * m, and a new one of size n
    scale * m * (n / m)^alpha; both can exceed what there is (Glot500 samples with replacement). New languages smaller
    than `least` get nothing. Source: cisnlp/Glot500, preprocessing/merge_files.py (factor 0.3, scale 30, least 30,000
    sentences), which cuts each count to a whole number.
    """
    new = {name: size for name, size in sizes.items() if name not in base and size and size >= least}
    if not new:
        return dict.fromkeys(sizes, Fraction(0))
    smallest = min(new.values())
    bottom = scale * smallest
    counts = {name: bottom * power(Fraction(size, smallest), alpha) for name, size in new.items()}
    return {name: bottom if name in base and size else counts.get(name, Fraction(0)) for name, size in sizes.items()}


def fill(weights: Mapping[str, Fraction], caps: Mapping[str, int], budget: int) -> dict[str, int]:
    """Share `budget` out in proportion to `weights` but nobody above its cap; what is over goes to the others.

    The caps must hold the budget (ValueError). Sums to `budget` exactly; groups below their cap are within one unit of
    their proportion of what the full ones left over, by largest remainder. With equal weights and caps of N epochs
    this is UniMax: taking the tightest group first, each gets an equal share of what remains or all it may have.
    """
    names = [name for name, weight in weights.items() if weight > 0]
    if sum(caps[name] for name in names) < budget:
        raise ValueError("the caps hold less than the budget")
    shares = dict.fromkeys(weights, 0)
    whole, left = sum((weights[name] for name in names), Fraction(0)), budget
    names.sort(key=lambda name: (caps[name] / weights[name], name))
    for place, name in enumerate(names):
        if caps[name] * whole > weights[name] * left:  # it stays below its cap, and so do all after it
            rest = {name: weights[name] for name in names[place:]}
            return shares | share_out(rest, left)
        shares[name] = caps[name]
        whole -= weights[name]
        left -= caps[name]
    return shares


def share_out(weights: Mapping[str, Fraction], budget: int) -> dict[str, int]:
    """Whole units in proportion to `weights`, by largest remainder and then by name; they sum to `budget`."""
    return largest_remainder(cast("Mapping[str, float]", weights), budget)  # it computes in fractions itself
