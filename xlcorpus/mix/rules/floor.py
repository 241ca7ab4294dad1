"""floor: new languages raised above the languages of the base model (Glot500)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from fractions import Fraction
from typing import Annotated, ClassVar

from pydantic import Field

from xlcorpus.mix.exact import Weights, power
from xlcorpus.mix.rule import Names, Positive, Power, Rule
from xlcorpus.mix.tree import Division


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


class Floor(Rule):
    """The languages of the base model (`names`) at the floor, new ones by their sizes above it."""

    name: ClassVar[str] = "floor"
    formula: ClassVar[str] = (
        "with m the smallest new language: scale (30) · m · (n / m)^α; exactly scale · m for those in names, "
        "which the base model knows; new ones below least get nothing"
    )
    source: ClassVar[str] = "Imani et al. 2023 (Glot500)"
    key: ClassVar[str | None] = "lang"
    names_groups: ClassVar[bool] = True
    amounts: ClassVar[bool] = True
    value: ClassVar[str | None] = "alpha"
    alpha: Power
    names: Names | None = None
    scale: Positive | None = None
    least: Annotated[int, Field(ge=0)] | None = None

    def weights(self, division: Division) -> Weights:
        """See `floor_counts`."""
        base = division.named(sorted({division.node.group_name(name) for name in self.names or ()}), "names")
        new = {name: size for name, size in division.sizes.items() if name not in base}
        if self.least and new and max(new.values()) < self.least:
            largest = max(new, key=lambda name: (new[name], name))
            unit = division.setting.spec.unit
            raise division.refuse(
                f"`least: {self.least}` leaves no new language: the largest, {largest}, has {new[largest]:,} {unit}",
                remedy=f"write a smaller `least` in the file of the mix, {new[largest]} or below",
            )
        return floor_counts(division.sizes, base, self.alpha, self.scale or Fraction(30), self.least or 0)


RULE = Floor
