"""match: as much of each group as another mix achieved (MixCPT)."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, ClassVar

from pydantic import field_validator

from xlcorpus.mix.exact import Weights
from xlcorpus.mix.rule import Rule
from xlcorpus.mix.rules.ratios import some
from xlcorpus.mix.spec import Node
from xlcorpus.mix.tree import Division


class Match(Rule):
    """Totals of units by name, or the finished mix that they are of."""

    name: ClassVar[str] = "match"
    formula: ClassVar[str] = (
        "q ∝ totals, units by name, or what the mix in the folder `to` achieved; without a budget exactly so"
    )
    source: ClassVar[str] = "MixCPT"
    key: ClassVar[str | None] = "lang"
    names_groups: ClassVar[bool] = True
    amounts: ClassVar[bool] = True
    alone: ClassVar[bool] = False
    totals: dict[str, int] | None = None
    to: str | None = None

    @field_validator("totals", mode="before")
    @classmethod
    def _some(cls, value: Any) -> Any:
        return some(value)

    @field_validator("totals")
    @classmethod
    def _count(cls, value: dict[str, int] | None) -> dict[str, int] | None:
        for name, units in (value or {}).items():
            if units <= 0:
                raise ValueError(f"the total of {name!r} is {units}: leave out what gets nothing")
        return value

    def check(self, node: Node) -> None:
        """One of the two."""
        if (self.totals is None) == (self.to is None):
            raise ValueError("the rule 'match' needs either `totals` or `to`, a mix that is done")

    def weights(self, division: Division) -> Weights:
        """The totals, which are amounts."""
        if self.totals is None:
            raise division.refuse(
                f"the totals of {self.to!r} are not known yet",
                remedy="make that mix first; its manifest holds what it achieved",
            )
        return division.given({name: Fraction(units) for name, units in self.totals.items()}, "totals")


RULE = Match
