"""`match: {to: MIX}`: fill in what another mix achieved, once it is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from xlcorpus.errors import UserError
from xlcorpus.mix.rules.match import Match
from xlcorpus.mix.spec import MixSpec, parse_mix


def references(spec: MixSpec | None) -> tuple[tuple[str, str], ...]:
    """(mix, key) of every `match` that names another mix: the totals that `resolve` will ask for, each once."""
    nodes = spec.mix.nodes() if spec is not None else ()
    found = [(node.rule.to, node.key) for node in nodes if isinstance(node.rule, Match)]
    return tuple(dict.fromkeys((to, key) for to, key in found if to is not None))


def resolve(spec: MixSpec, totals: Callable[[str, str], Mapping[str, int]]) -> MixSpec:
    """The spec with totals in the place of names: `totals(mix, key)` gives units by group of what that mix achieved.

    By language, `cells.language_totals` divides the pairs of a bilingual mix. Raises UserError where a mix holds
    nothing. The result no longer depends on the other mix, so its fingerprint is that of the numbers.
    """

    def fill_in(content: Any) -> Any:
        if isinstance(content, list):
            return [fill_in(item) for item in content]
        if not isinstance(content, dict):
            return content
        filled = {key: fill_in(value) for key, value in content.items()}
        if content.get("rule") == Match.name and "to" in content:
            name = filled.pop("to")
            found = {group: units for group, units in totals(name, content.get("by", "lang")).items() if units}
            if not found:
                raise UserError(f"{spec.name}: the mix {name!r} that is to be matched holds nothing")
            filled["totals"] = found
        return filled

    content = spec.to_json()
    return parse_mix({**content, "mix": fill_in(content["mix"])}, spec.name)
