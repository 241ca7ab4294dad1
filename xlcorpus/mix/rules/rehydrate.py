"""rehydrate: every document counts as often as its duplicate cluster's size says (FineWeb-2)."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field, PlainSerializer

from xlcorpus.mix.rehydration import Rehydration, read_rehydration
from xlcorpus.mix.rule import Rule
from xlcorpus.mix.spec import Node
from xlcorpus.mix.tree import Branch, Division, Group

Table = Annotated[Rehydration, BeforeValidator(read_rehydration), PlainSerializer(lambda weights: weights.to_json())]


class Rehydrate(Rule):
    """What is below sees the sizes with every document counted by its weight."""

    name: ClassVar[str] = "rehydrate"
    formula: ClassVar[str] = "every document counts weight(size of its duplicate cluster) times for the rules in within"
    source: ClassVar[str] = "FineWeb-2"
    key: ClassVar[str | None] = "cell"
    shares_out: ClassVar[bool] = False
    needs_dup_size: ClassVar[bool] = True
    table: Table | None = Field(None, alias="weights")

    def divide(self, division: Division) -> Branch:
        """One group with all there is; with `by` groups in proportion."""
        division = division.rehydrated(self.table or read_rehydration())
        node = division.node
        if not division.cells:
            raise division.refuse(f"the weights of rehydration leave no {division.setting.spec.unit}")
        if node.by is not None:
            return division.by_weights({name: Fraction(size) for name, size in division.sizes.items()})
        return Branch(
            self.name, (Group("", Fraction(1), division.below(node.within or Node(), division.cells, "within")),)
        )


RULE = Rehydrate
