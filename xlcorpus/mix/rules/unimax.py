"""unimax: the same for each group, but no group more often than a number of epochs (Chung et al. 2023)."""

from __future__ import annotations

from typing import ClassVar

from xlcorpus.mix.rules.uniform import Uniform
from xlcorpus.mix.spec import Node


class Unimax(Uniform):
    """`uniform`, filled up to the caps: taking the tightest group first, each gets an equal share of what remains."""

    name: ClassVar[str] = "unimax"
    formula: ClassVar[str] = "smallest first, each gets min(what is left / groups left, epochs · n)"
    source: ClassVar[str] = "Chung et al. 2023 (umT5)"
    passes_on: ClassVar[bool] = True
    value: ClassVar[str | None] = "epochs"

    def check(self, node: Node) -> None:
        """It passes on by definition."""
        if node.on_cap == "fail":
            raise ValueError("UniMax passes on what a full group cannot take; `uniform` with on_cap: fail does not")


RULE = Unimax
