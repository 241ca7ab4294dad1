"""anchor: a share for some groups, the rest for the others."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from xlcorpus.mix.cells import Cell
from xlcorpus.mix.rule import Rule, Share
from xlcorpus.mix.rules.uniform import Uniform
from xlcorpus.mix.spec import Node
from xlcorpus.mix.tree import Branch, Division, Group


class Anchored(Rule):
    """What `english`, `anchor` and `replay` have in common."""

    key: ClassVar[str | None] = "lang"
    names_groups: ClassVar[bool] = True
    share: Share
    rest: Node | None = None

    def anchors(self) -> tuple[str, ...]:
        """Names of the groups that have the share."""
        raise NotImplementedError

    def among(self) -> Node:
        """How the anchors share it out."""
        return Node()

    def others(self) -> Node:
        """How the others share the rest out, where `rest` does not say."""
        return Node(rule=Uniform(), by="lang")

    def inner(self) -> dict[str, Node]:
        """The node for the rest."""
        return {"rest": self.rest} if self.rest is not None else {}

    def divide(self, division: Division) -> Branch:
        """Two groups; raises UserError where one of them would be empty."""
        node, key, names = division.node, division.node.key, self.anchors()
        chosen = set(division.named([node.group_name(name) for name in names]))
        sides: tuple[list[Cell], list[Cell]] = ([], [])
        for cell in division.cells:
            sides[cell.value(key) not in chosen].append(cell)
        groups = []
        for name, part, inner, members in (
            (f"{self.name} {' '.join(sorted(chosen)[:3])}", self.share, self.among(), sides[0]),
            ("rest", 1 - self.share, self.rest or self.others(), sides[1]),
        ):
            if not part:
                continue
            if not members:
                what = "the rest" if name == "rest" else ", ".join(names)
                raise division.refuse(
                    f"a share of {float(part):g} is for {what}, of which there is nothing",
                    remedy="add a dataset that has them, or change the share",
                )
            inner = inner.model_copy(update={"by": key, "within": inner.within or node.within})
            groups.append(Group(name, part, division.below(inner, members)))
        return Branch(self.name, tuple(groups), redistributes=node.redistributes)


class Anchor(Anchored):
    """One group has the share."""

    name: ClassVar[str] = "anchor"
    formula: ClassVar[str] = "the group `name` has the share, the others the rest, uniformly or by the rule in rest"
    alone: ClassVar[bool] = False
    needs_groups: ClassVar[bool] = False
    group: str = Field(alias="name")

    def anchors(self) -> tuple[str, ...]:
        """The one named."""
        return (self.group,)


RULE = Anchor
