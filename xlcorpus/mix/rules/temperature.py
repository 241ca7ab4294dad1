"""temperature: the exponent as one over a temperature (mBART50, seqio)."""

from __future__ import annotations

from typing import ClassVar

from xlcorpus.mix.exact import Weights
from xlcorpus.mix.rule import Heat, Rule
from xlcorpus.mix.rules.exponent import Limit, powers
from xlcorpus.mix.tree import Division


class Temperature(Rule):
    """Sizes to the power of 1 / temperature."""

    name: ClassVar[str] = "temperature"
    formula: ClassVar[str] = "q ∝ n^(1/T); n above limit counts as limit"
    source: ClassVar[str] = "mBART50 T = 1.5, SixT+ T = 5"
    value: ClassVar[str | None] = "temperature"
    example: ClassVar[str] = "1.5"
    temperature: Heat
    limit: Limit | None = None

    def weights(self, division: Division) -> Weights:
        """See `powers`."""
        return powers(division.sizes, 1 / self.temperature, self.limit)


RULE = Temperature
