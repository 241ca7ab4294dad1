"""match: as much of each group as another mix achieved (MixCPT), which is filled in once it is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Annotated, Any, ClassVar

from pydantic import field_validator

from xlcorpus.dataset.storage import locate
from xlcorpus.errors import UserError
from xlcorpus.mix.exact import Weights
from xlcorpus.mix.rule import Rule, Some
from xlcorpus.mix.spec import MixSpec, Node, parse_mix
from xlcorpus.mix.tree import Branch, Division


class Match(Rule):
    """Totals of units by name, or the finished mix that they are of."""

    name: ClassVar[str] = "match"
    formula: ClassVar[str] = (
        "q ∝ totals, units by name, or what the mix in the folder `to` achieved; without a budget exactly so; nearest: "
        "texts are chosen to come as near as they can, as they are with `to`"
    )
    source: ClassVar[str] = "MixCPT"
    key: ClassVar[str | None] = "lang"
    names_groups: ClassVar[bool] = True
    amounts: ClassVar[bool] = True
    alone: ClassVar[bool] = False
    needs_groups: ClassVar[bool] = False
    totals: Annotated[dict[str, int] | None, Some] = None
    to: str | None = None
    nearest: bool | None = None

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

    def divide(self, division: Division) -> Branch:
        """By the totals; `nearest` holds for all cells below."""
        setting = replace(division.setting, nearest=bool(self.nearest))
        return replace(division, setting=setting).by_weights(self.weights(division))

    def weights(self, division: Division) -> Weights:
        """The totals, which are amounts."""
        if self.totals is None:
            raise division.refuse(
                f"the totals of {self.to!r} are not known yet",
                remedy="make that mix first; its manifest holds what it achieved",
            )
        return division.given({name: Fraction(units) for name, units in self.totals.items()}, "totals")


RULE = Match


def references(spec: MixSpec | None) -> tuple[tuple[str, str], ...]:
    """(mix, key) of every `match` that names another mix: the totals that `resolve` will ask for, each once."""
    nodes = spec.mix.nodes() if spec is not None else ()
    found = [(node.rule.to, node.key) for node in nodes if isinstance(node.rule, Match)]
    return tuple(dict.fromkeys((to, key) for to, key in found if to is not None))


def resolve(spec: MixSpec, totals: Callable[[str, str], Mapping[str, int]]) -> MixSpec:
    """The spec with totals in the place of names: `totals(mix, key)` gives units by group of what that mix achieved.

    By language, the pairs of a bilingual mix are divided, and words that code-switching put in count for their own.
    Raises UserError where a mix holds nothing. The result no longer depends on the other mix, so its fingerprint is
    that of the numbers.
    """

    def fill_in(node: dict[str, Any]) -> dict[str, Any]:
        name = node.pop("to")
        found = {group: units for group, units in totals(name, node.get("by", "lang")).items() if units}
        if not found:
            raise UserError(
                f"{spec.name}: the mix {name!r} that is to be matched holds nothing", remedy="match a mix with texts"
            )
        return {"nearest": True, **node, "totals": found}

    return parse_mix(_rewrite(spec.to_json(), fill_in), spec.name)


def without_paths(spec: MixSpec) -> dict[str, Any]:
    """Plain data of the spec, of other mixes the name alone: the same wherever they lie."""
    return _rewrite(spec.to_json(), lambda node: {**node, "to": locate(node["to"]).name})  # type: ignore[no-any-return]


def _rewrite(content: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    """Plain data with every node `match` that names another mix changed."""
    if isinstance(content, list):
        return [_rewrite(item, change) for item in content]
    if not isinstance(content, dict):
        return content
    found = {key: _rewrite(value, change) for key, value in content.items()}
    return change(found) if found.get("rule") == Match.name and "to" in found else found
