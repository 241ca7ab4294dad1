"""uniform: the same for each group."""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar

from xlcorpus.mix.exact import Weights
from xlcorpus.mix.rule import Rule
from xlcorpus.mix.tree import Division


class Uniform(Rule):
    """Each group the same."""

    name: ClassVar[str] = "uniform"
    formula: ClassVar[str] = "q = 1 / groups"
    source: ClassVar[str] = "mContriever"

    def weights(self, division: Division) -> Weights:
        """1 for each."""
        return dict.fromkeys(division.sizes, Fraction(1))


RULE = Uniform
