"""proportional: as much as there is."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar

from xlcorpus.mix.exact import Weights
from xlcorpus.mix.rule import Rule

if TYPE_CHECKING:
    from xlcorpus.mix.tree import Division


class Proportional(Rule):
    """Groups by their sizes; the rule where none is named."""

    name: ClassVar[str] = "proportional"
    formula: ClassVar[str] = "q ∝ n"
    key: ClassVar[str | None] = "cell"
    needs_groups: ClassVar[bool] = False

    def weights(self, division: Division) -> Weights:
        """The sizes."""
        return {name: Fraction(size) for name, size in division.sizes.items()}


RULE = Proportional
