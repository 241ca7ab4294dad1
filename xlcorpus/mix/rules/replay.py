"""replay: a share for the languages of the base model, the rest for new ones."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from xlcorpus.mix.rule import Names
from xlcorpus.mix.rules.anchor import Anchored
from xlcorpus.mix.spec import Node


class Replay(Anchored):
    """Some groups have the share, divided by `among`; the others the rest, by `rest`."""

    name: ClassVar[str] = "replay"
    formula: ClassVar[str] = (
        "the groups in names (languages of the base model) have the share, divided by the rule in among; "
        "the others the rest, by the rule in rest; both proportional unless told"
    )
    alone: ClassVar[bool] = False
    names: Names
    divided: Node | None = Field(None, alias="among")

    def anchors(self) -> tuple[str, ...]:
        """Those named."""
        return self.names

    def among(self) -> Node:
        """As told, or proportional."""
        return self.divided or Node()

    def others(self) -> Node:
        """Proportional."""
        return Node()

    def inner(self) -> dict[str, Node]:
        """The nodes for both sides."""
        return {**({"among": self.divided} if self.divided is not None else {}), **super().inner()}


RULE = Replay
