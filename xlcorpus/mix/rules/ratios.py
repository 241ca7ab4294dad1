"""ratios: shares of groups as they are written."""

from __future__ import annotations

from typing import Annotated, ClassVar

from xlcorpus.mix.exact import Weights
from xlcorpus.mix.rule import Positive, Rule, Some, check_sum, different
from xlcorpus.mix.spec import Node
from xlcorpus.mix.tree import Division


class Ratios(Rule):
    """A share for each name; groups without one stay out."""

    name: ClassVar[str] = "ratios"
    formula: ClassVar[str] = "as written; they sum to 1, or normalize: true"
    names_groups: ClassVar[bool] = True
    alone: ClassVar[bool] = False
    needs_groups: ClassVar[bool] = False
    ratios: Annotated[dict[str, Positive], Some]
    normalize: bool | None = None

    def check(self, node: Node) -> None:
        """Names once, shares that sum to 1."""
        different([node.group_name(name) for name in self.ratios])
        if not self.normalize:
            check_sum(self.ratios, "the ratios")

    def weights(self, division: Division) -> Weights:
        """Those written."""
        return division.given(self.ratios, "ratios")


RULE = Ratios
