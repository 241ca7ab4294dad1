"""exponent: small groups raised, large ones lowered (mBERT, XLM-R)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated, ClassVar

from pydantic import Field

from xlcorpus.mix.exact import Weights, power
from xlcorpus.mix.rule import Power, Rule
from xlcorpus.mix.tree import Division

Limit = Annotated[int, Field(ge=1)]


def powers(sizes: Mapping[str, int], alpha: Fraction, limit: int | None = None) -> Weights:
    """n^alpha: 1 is proportional, 0 uniform.

    limit: sizes above it count as `limit` (T5's artificial limit). Sizes are divided by their common divisor first, so
    that k times as much of everything gives equal weights to the last digit.
    """
    bounded = {name: size if limit is None else min(size, limit) for name, size in sizes.items()}
    divisor = math.gcd(*bounded.values()) or 1
    return {name: power(Fraction(size, divisor), alpha) if size else Fraction(0) for name, size in bounded.items()}


class Exponent(Rule):
    """Sizes to the power of alpha."""

    name: ClassVar[str] = "exponent"
    formula: ClassVar[str] = "q ∝ n^α; 1 is proportional, 0 uniform; n above limit counts as limit"
    source: ClassVar[str] = "XLM-R 0.3, mContriever 0; limit: T5"
    value: ClassVar[str | None] = "alpha"
    alpha: Power
    limit: Limit | None = None

    def weights(self, division: Division) -> Weights:
        """See `powers`."""
        return powers(division.sizes, self.alpha, self.limit)


RULE = Exponent
