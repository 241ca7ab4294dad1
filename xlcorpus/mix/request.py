"""What the user asks for, as a mix spec: ratios, one rule, a file or shipped mix, or another mix to match."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xlcorpus.dataset.manifest import Manifest
from xlcorpus.errors import UserError, nearest
from xlcorpus.mix.cells import KINDS, NONE, Cell
from xlcorpus.mix.match import references, resolve, walk
from xlcorpus.mix.ratios import resolve_names
from xlcorpus.mix.shipped import load_mix
from xlcorpus.mix.spec import PARAMETERS, RULES, MixSpec, parse_mix, spec_of_ratios

# What `--rule NAME=VALUE` sets.
_VALUE_OF = {
    "exponent": "alpha",
    "temperature": "temperature",
    "english": "share",
    "floor": "alpha",
    "unimax": "epochs",
}
SIMPLE = tuple(name for name in RULES if not set(PARAMETERS[name][0]) - {_VALUE_OF.get(name)} and name != "match")


@dataclass(frozen=True)
class Request:
    """One of ratios, rule, mix and match; by and on_cap go with rule."""

    ratios: Mapping[str, float] | None = None
    rule: str | None = None
    by: str | None = None
    on_cap: str | None = None
    mix: str | None = None
    match: str | None = None
    unit: str | None = None

    def __post_init__(self) -> None:
        given = [name for name in _FLAGS if getattr(self, name) is not None]
        if len(given) != 1:
            what = " and ".join(f"--{_FLAGS[name]}" for name in given) or "nothing"
            raise UserError(
                f"mix: {what} says what the mixture is", remedy="give one of --ratios, --rule, --mix, --match-tokens-to"
            )
        for name in ("by", "on_cap"):
            if getattr(self, name) is not None and self.rule is None:
                raise UserError(f"mix: --{name.replace('_', '-')} goes with --rule", remedy="leave it out")

    def fixed(self) -> MixSpec | None:
        """The spec, where it does not depend on the data: for ratios it does (None). Raises UserError."""
        if self.ratios is not None:
            return None
        if self.mix is not None:
            found = load_mix(self.mix)
            return found if self.unit is None or self.unit == found.unit else found.at(unit=self.unit)
        content: dict[str, Any] = {"rule": "match", "to": self.match} if self.match else self._rule()
        name = "--match-tokens-to" if self.match else f"--rule {self.rule}"
        return parse_mix({"name": name, "unit": self.unit or "tokens", "mix": content}, name)

    def _rule(self) -> dict[str, Any]:
        name, equals, value = str(self.rule).partition("=")
        if name not in SIMPLE:
            raise UserError(
                f"--rule: there is no rule {name!r} that one value describes; {nearest(name, SIMPLE)}",
                remedy=f"give one of {', '.join(SIMPLE)}, or a file with --mix (docs/mix.md)",
            )
        content: dict[str, Any] = {"rule": name}
        if equals:
            if name not in _VALUE_OF:
                raise UserError(f"--rule {name} takes no value", remedy=f"write --rule {name}")
            content[_VALUE_OF[name]] = value
        elif PARAMETERS[name][0]:
            example = "1.5" if name == "temperature" else "0.3"
            raise UserError(f"--rule {name} needs its {_VALUE_OF[name]}", remedy=f"write --rule {name}={example}")
        if name != "rehydrate":
            content["by"] = self.by or "lang"
        elif self.by is not None:
            raise UserError(
                "--by: the rule 'rehydrate' shares out among nothing",
                remedy="leave it out, or give rules within it in a file with --mix (docs/mix.md)",
            )
        if self.on_cap:
            content["on_cap"] = self.on_cap
        return content


_FLAGS = {"ratios": "ratios", "rule": "rule", "mix": "mix", "match": "match-tokens-to"}


def check_names(
    request: Request, languages: Mapping[str, int], sources: Mapping[str, int], kinds: Iterable[str] = ()
) -> None:
    """Names of ratios against the manifests, before anything is counted; raises UserError with the nearest name.

    kinds: those that rows bear, besides those of the steps.
    """
    if request.ratios is not None:
        named = [{name or NONE: count for name, count in counts.items()} for counts in (languages, sources)]
        _resolve(request.ratios, named[0], named[1], dict.fromkeys((*KINDS, *kinds), 1))


def _resolve(
    ratios: Mapping[str, float], languages: Mapping[str, int], sources: Mapping[str, int], kinds: Mapping[str, int]
) -> dict[str, str]:
    """`resolve_names`, for which a pair of languages has its name in either direction."""
    directed = dict(languages)
    for name, count in languages.items():
        if name.count("-") == 1:
            directed.setdefault("-".join(reversed(name.split("-"))), count)
    return resolve_names(ratios, directed, sources, kinds)


def spec_of(request: Request, cells: Sequence[Cell], totals_of: Mapping[tuple[str, str], Mapping[str, int]]) -> MixSpec:
    """The spec of a request for these cells. totals_of: units by group of other mixes (`achieved_totals`)."""
    spec = request.fixed()
    if spec is None:
        assert request.ratios is not None
        counts = {key: Counter[str]() for key in ("lang", "source", "kind")}
        for cell in cells:
            for key, counter in counts.items():
                counter[cell.value(key)] += cell.documents
        kinds = _resolve(request.ratios, counts["lang"], counts["source"], counts["kind"])
        return spec_of_ratios(request.ratios, kinds, request.unit or "tokens")
    return resolve(spec, lambda mix, key: totals_of[mix, key])


def achieved_totals(spec: MixSpec | None, unit_means: str) -> dict[tuple[str, str], dict[str, int]]:
    """Units by group of every mix that the spec matches, from the notes of their manifests.

    Raises UserError where one is no finished mix, or was counted in another unit.
    """
    found: dict[tuple[str, str], dict[str, int]] = {}
    for mix, key in references(spec) if spec is not None else ():
        notes = Manifest.load(Path(mix)).notes
        if "cells" not in notes:
            raise UserError(f"{mix} is no mix: there is nothing to match", remedy="name the output of `xlcorpus mix`")
        if notes["unit_means"] != unit_means:
            raise UserError(
                f"{mix} was counted in {notes['unit_means']}, this mix in {unit_means}",
                remedy="use the same --unit and --tokenizer for both",
            )
        if key == "lang":
            found[mix, key] = dict(notes["languages"])
        else:
            totals: Counter[str] = Counter()
            for cell in notes["cells"]:
                totals[cell[key] or "none"] += cell["units"]
            found[mix, key] = dict(totals)
    return found


def needs(spec: MixSpec | None) -> tuple[bool, bool]:
    """Whether a spec asks for domains, and for the sizes of duplicate clusters."""
    if spec is None:
        return False, False
    nodes = list(walk(spec.mix))
    wheres = [spec.where, *(part.where for node in nodes for part in node.parts or ())]
    domain = any(node.key == "domain" for node in nodes) or any(where.domain for where in wheres)
    return domain, any(node.rule == "rehydrate" for node in nodes)
