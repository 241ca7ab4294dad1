"""A mix as a recipe writes it: a tree of rules over cells, with its sources; checked before anything is counted."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    field_validator,
    model_validator,
)

from xlcorpus.errors import UserError, nearest
from xlcorpus.mix.cells import KEYS, canonical_lang
from xlcorpus.mix.rehydrate import Rehydration, read_rehydration
from xlcorpus.mix.rules import exact
from xlcorpus.mix.units import UNITS
from xlcorpus.text.sizes import parse_size

SUM_TOLERANCE = Fraction(1, 10**6)
ENGLISH = "eng_Latn"

# rule: (what it needs, what it may have), besides by, within, on_cap and epochs
PARAMETERS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "proportional": ((), ()),
    "ratios": (("ratios",), ("normalize",)),
    "exponent": (("alpha",), ("limit",)),
    "temperature": (("temperature",), ("limit",)),
    "uniform": ((), ()),
    "unimax": ((), ()),
    "english": (("share",), ("name", "rest")),
    "anchor": (("name", "share"), ("rest",)),
    "replay": (("names", "share"), ("among", "rest")),
    "floor": (("alpha",), ("names", "scale", "least")),
    "match": ((), ("totals", "to")),
    "rehydrate": ((), ("weights",)),
}
RULES = tuple(PARAMETERS)
_BY_LANGUAGE = ("english", "anchor", "replay", "floor", "match")  # the rules that are about languages unless told
_INNER = ("among", "rest")
_NEEDS_KEY = ("ratios", "exponent", "temperature", "uniform", "unimax")
_OWN = tuple(dict.fromkeys(name for needs, may in PARAMETERS.values() for name in (*needs, *may)))

RuleName = Literal[
    "proportional", "ratios", "exponent", "temperature", "uniform", "unimax", "english", "anchor", "replay", "floor",
    "match", "rehydrate",
]  # fmt: skip
Key = Literal["source", "kind", "lang", "script", "domain", "cell"]


def _show(value: Fraction) -> int | float | str:
    """As a user writes it: a decimal number where there is one."""
    if value.denominator == 1:
        return int(value)
    return float(value) if exact(float(value)) == value else str(value)


def _positive(value: Any) -> Fraction:
    number = value if isinstance(value, Fraction) else exact(value)
    if number <= 0:
        raise ValueError(f"{_show(number)} is not above 0")
    return number


def _not_negative(value: Any) -> Fraction:
    number = value if isinstance(value, Fraction) else exact(value)
    if number < 0:
        raise ValueError(f"{_show(number)} is below 0")
    return number


def _share(value: Any) -> Fraction:
    number = _positive(value)
    if number > 1:
        raise ValueError(f"{_show(number)} is no share: a share is above 0 and at most 1")
    return number


def _names(value: Any) -> Any:
    values = [value] if isinstance(value, str) else value
    if isinstance(values, list | tuple):
        for name in values:
            if values.count(name) > 1:
                raise ValueError(f"{name!r} is given twice")
    return values


def _budget(value: Any) -> Any:
    if value is None:
        return None
    try:
        return parse_size(value, "--budget")
    except UserError as error:
        raise ValueError(error.message.removeprefix("--budget ")) from None


Shown = PlainSerializer(_show)
Positive = Annotated[Fraction, BeforeValidator(_positive), Shown]
NotNegative = Annotated[Fraction, BeforeValidator(_not_negative), Shown]
Share = Annotated[Fraction, BeforeValidator(_share), Shown]
Names = Annotated[tuple[str, ...], BeforeValidator(_names), Field(min_length=1)]
Weights = Annotated[Rehydration, BeforeValidator(read_rehydration), PlainSerializer(lambda weights: weights.to_json())]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class Where(_Model):
    """Which cells: for each key given, one of the names. A pair's language is named in either direction."""

    source: Names | None = None
    kind: Names | None = None
    lang: Names | None = None
    script: Names | None = None
    domain: Names | None = None

    @field_validator("lang")
    @classmethod
    def _name_pairs(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return value and tuple(_names([canonical_lang(name) for name in value]))

    def conditions(self) -> dict[str, tuple[str, ...]]:
        """The names by key, of the keys given."""
        return {key: names for key in KEYS if (names := getattr(self, key)) is not None}


class Node(_Model):
    """Groups cells by a key and shares its budget out by a rule, or by explicit parts; each group goes to `within`.

    by: a key, or `cell` for no grouping. on_cap: what becomes of the units that a group above its cap of epochs would
    need: `fail`, or `redistribute` to the others. epochs: how often the data below may be used, where `max_epochs` of
    the mix does not say less. The other fields are those of the rules (PARAMETERS).
    """

    rule: RuleName = "proportional"
    by: Key | None = None
    parts: tuple[Part, ...] | None = None
    within: Node | None = None
    on_cap: Literal["fail", "redistribute"] | None = None
    epochs: Positive | None = None
    ratios: dict[str, Positive] | None = None
    normalize: bool | None = None
    alpha: NotNegative | None = None
    temperature: Positive | None = None
    limit: Annotated[int, Field(ge=1)] | None = None
    name: str | None = None
    names: Names | None = None
    share: Share | None = None
    among: Node | None = None
    rest: Node | None = None
    scale: Positive | None = None
    least: Annotated[int, Field(ge=0)] | None = None
    totals: dict[str, int] | None = None
    to: str | None = None
    weights: Weights | None = None

    @property
    def key(self) -> str:
        """What it groups by, where nothing is said: languages for the rules about languages, otherwise no grouping."""
        return self.by or ("lang" if self.rule in _BY_LANGUAGE else "cell")

    @property
    def redistributes(self) -> bool:
        """Whether what a full group cannot take goes to the others. UniMax is that by definition."""
        return self.on_cap == "redistribute" or self.rule == "unimax"

    def nodes(self) -> Iterator[Node]:
        """This node and all below it."""
        yield self
        for below in (self.within, self.among, self.rest, *(part.within for part in self.parts or ())):
            if below is not None:
                yield from below.nodes()

    @field_validator("ratios", "totals", mode="before")
    @classmethod
    def _some(cls, value: Any) -> Any:
        if isinstance(value, Mapping) and not value:
            raise ValueError("it names nothing")
        return value

    @field_validator("totals")
    @classmethod
    def _count(cls, value: dict[str, int] | None) -> dict[str, int] | None:
        for name, units in (value or {}).items():
            if units <= 0:
                raise ValueError(f"the total of {name!r} is {units}: leave out what gets nothing")
        return value

    @model_validator(mode="after")
    def _check(self) -> Node:
        given = {name for name in _OWN if getattr(self, name) is not None}
        if self.parts is not None:
            extra = given | {name for name in ("by", "within") if getattr(self, name) is not None}
            if extra or "rule" in self.model_fields_set:
                raise ValueError(f"`parts` stand alone, without {', '.join(sorted(extra or {'rule'}))}")
            _check_sum({str(place): part.share for place, part in enumerate(self.parts)}, "the shares of the parts")
            return self
        needs, may = PARAMETERS[self.rule]
        for name in sorted(given - {*needs, *may}):
            takes = f"takes {', '.join((*needs, *may))}" if needs or may else "takes no parameter"
            raise ValueError(f"the rule {self.rule!r} has no {name!r}: it {takes}")
        for name in needs:
            if name not in given:
                raise ValueError(f"the rule {self.rule!r} needs {name!r}")
        if self.by == "cell" and self.rule in ("ratios", *_BY_LANGUAGE):
            raise ValueError(f"the rule {self.rule!r} names groups: `by` is one of {', '.join(KEYS)}")
        if self.rule == "unimax" and self.on_cap == "fail":
            raise ValueError("UniMax passes on what a full group cannot take; `uniform` with on_cap: fail does not")
        if self.rule == "match" and (self.totals is None) == (self.to is None):
            raise ValueError("the rule 'match' needs either `totals` or `to`, a mix that is done")
        for name in _INNER:
            node = getattr(self, name)
            if node is not None and (node.by is not None or node.parts is not None):
                raise ValueError(f"`{name}` shares out the same groups: it has no `by` and no `parts` of its own")
        if self.ratios is not None:
            names = [canonical_lang(name) if self.key == "lang" else name for name in self.ratios]
            _names(names)
            if not self.normalize:
                _check_sum(self.ratios, "the ratios")
        return self


class Part(_Model):
    """An explicit part of a mix: the cells `where` says that no part above it takes, at a fixed share."""

    where: Where = Where()
    share: Share
    within: Node = Field(default_factory=lambda: Node())


Node.model_rebuild()


class MixSpec(_Model):
    """A mix: its tree, what it may use, and where it comes from.

    sources: citations. open: what the source leaves open and this recipe decides. related: languages that are to be
    evaluated and not trained on, because gains on the trained ones often cost them; for the run card, as is `model`.
    missing: `fail`, or `skip` the names that no document bears, what is left keeping its proportions.
    """

    name: str = "mix"
    about: str = ""
    sources: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    related: tuple[str, ...] = ()
    model: dict[str, str] = Field(default_factory=dict)
    unit: Literal["tokens", "bytes", "chars", "docs"] = "tokens"
    budget: Annotated[int | None, BeforeValidator(_budget)] = None
    max_epochs: Positive | None = None
    missing: Literal["fail", "skip"] = "fail"
    where: Where = Where()
    mix: Node

    @model_validator(mode="after")
    def _check_keys(self) -> MixSpec:
        _check_keys(self.mix, "mix")
        return self

    def to_json(self) -> dict[str, Any]:
        """Plain data that `parse_mix` reads back: for manifests, fingerprints and `recipes show`."""
        return self.model_dump(mode="json", exclude_none=True, exclude_defaults=True)

    def at(self, **changes: Any) -> MixSpec:
        """The same mix with other values (`name`, `budget`, ...), checked anew."""
        return parse_mix({**self.to_json(), **changes}, self.name)


def parse_mix(content: Any, where: str = "mix") -> MixSpec:
    """The mix that plain data (of YAML) describes; `where` names it in messages. Raises UserError naming the place."""
    if not isinstance(content, Mapping):
        raise UserError(f"{where}: a mix is a mapping with the key `mix`; this is a {type(content).__name__}")
    try:
        return MixSpec.model_validate(dict(content))
    except ValidationError as error:
        problems = [_problem(problem, content) for problem in error.errors()]
    shown = "; ".join(problems[:5]) + (f"; and {len(problems) - 5} more" if len(problems) > 5 else "")
    raise UserError(f"{where}: {shown}", remedy="docs/mix.md describes the keys and rules of a mix")


def _problem(problem: Any, content: Any) -> str:
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in problem["loc"]).lstrip(".")
    kind, given = problem["type"], problem.get("input")
    if kind == "extra_forbidden":
        parent, _, name = place.rpartition(".")
        return f"{parent + ': ' if parent else ''}unknown key {name!r}; {nearest(name, _keys_at(parent))}"
    if kind == "literal_error":
        known = {"rule": RULES, "by": (*KEYS, "cell"), "unit": UNITS}.get(str(problem["loc"][-1]))
        return f"{place}: {given!r} is not known; " + (
            nearest(str(given), known) if known else f"it is {problem['ctx']['expected']}"
        )
    if kind == "missing":
        return f"{place} is missing"
    cause = problem.get("ctx", {}).get("error")
    text = str(cause) if cause is not None else f"{problem['msg'].lower()} (given: {given!r})"
    return f"{place}: {text}" if place else text


def _keys_at(parent: str) -> list[str]:
    """The keys that the mapping at `parent` may have."""
    last = parent.rpartition(".")[2]
    model = MixSpec if not parent else Where if last == "where" else Part if last.startswith("parts[") else Node
    return list(model.model_fields)


def _check_keys(node: Node, place: str) -> None:
    """Rules over groups say what they group by; `among` and `rest` share out the groups of the node they are in."""
    if node.parts is None and node.by is None and node.rule in _NEEDS_KEY and place.rpartition(".")[2] not in _INNER:
        raise ValueError(f"{place}: the rule {node.rule!r} needs `by`: one of {', '.join((*KEYS, 'cell'))}")
    for name in ("within", *_INNER):
        below = getattr(node, name)
        if below is not None:
            _check_keys(below, f"{place}.{name}")
    for number, part in enumerate(node.parts or ()):
        _check_keys(part.within, f"{place}.parts[{number}].within")


def _check_sum(shares: Mapping[str, Fraction], what: str) -> None:
    total = sum(shares.values(), Fraction(0))
    if abs(total - 1) > SUM_TOLERANCE:
        scaled = ", ".join(f"{float(share / total):.8g}" for share in shares.values()) if len(shares) <= 12 else ""
        raise ValueError(f"{what} sum to {float(total):.9g}, not 1" + (f" (in proportion: {scaled})" if scaled else ""))


def spec_of_ratios(
    ratios: Mapping[str, float], kinds: Mapping[str, str], unit: str = "tokens", name: str = "--ratios"
) -> MixSpec:
    """The mix of `--ratios eng_Latn=0.3,code=0.7`: a part a name. kinds: 'source', 'kind' or 'lang' by name.

    In this order, because a document counts for its source before its language.
    """
    ordered = sorted(ratios, key=lambda name: ("source", "kind", "lang").index(kinds[name]))
    parts = [{"where": {kinds[name]: name}, "share": ratios[name]} for name in ordered]
    total = math.fsum(ratios.values())
    if abs(total - 1) > SUM_TOLERANCE:
        raise UserError(f"{name} sum to {total:.6g}, not 1")
    return parse_mix({"name": name, "unit": unit, "mix": {"parts": parts}}, name)


def needs(spec: MixSpec | None) -> tuple[bool, bool]:
    """Whether a spec asks for domains, and for the sizes of duplicate clusters."""
    if spec is None:
        return False, False
    nodes = list(spec.mix.nodes())
    wheres = [spec.where, *(part.where for node in nodes for part in node.parts or ())]
    domain = any(node.key == "domain" for node in nodes) or any(where.domain for where in wheres)
    return domain, any(node.rule == "rehydrate" for node in nodes)
