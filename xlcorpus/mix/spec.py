"""A mix as a recipe writes it: a tree of rules over cells, with its sources; checked before anything is counted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from xlcorpus.errors import UserError, nearest
from xlcorpus.languages.choose import choose_all, choose_from, wish_of
from xlcorpus.mix.cells import KEYS, canonical_lang
from xlcorpus.mix.rule import (
    RULES,
    Epochs,
    Model,
    Names,
    Rule,
    Share,
    all_parameters,
    check_sum,
    different,
)
from xlcorpus.mix.rules.proportional import Proportional
from xlcorpus.mix.units import UNITS
from xlcorpus.text.labels import canonical_direction
from xlcorpus.text.sizes import parse_size

Key = Literal["source", "kind", "lang", "direction", "script", "domain", "cell"]


def _budget(value: Any) -> Any:
    if value is None:
        return None
    try:
        return parse_size(value, "--budget")
    except UserError as error:
        raise ValueError(error.message.removeprefix("--budget ")) from None


def group_name(key: str, name: str) -> str:
    """A name by a key as cells have it (`Cell.value`): labels as steps write them, of a pair by lang in one order."""
    if key == "lang":
        return canonical_lang(name)
    return canonical_direction(name) if key == "direction" else name


class Where(Model):
    """Which cells: for each key given, one of the names. A pair is named by lang in either direction, by direction
    in one.

    lang may be {nearest: 3, to: swh_Latn, by: languages.json} or {diverse: 5, by: languages.json} (`languages.choose`):
    then it becomes the names, and `chosen` says how they were found.
    """

    source: Names | None = None
    kind: Names | None = None
    lang: Names | None = None
    direction: Names | None = None
    script: Names | None = None
    domain: Names | None = None
    chosen: dict[str, Any] | None = None

    @model_validator(mode="before")
    @classmethod
    def _choose(cls, content: Any) -> Any:
        if not isinstance(content, Mapping) or not isinstance(content.get("lang"), Mapping):
            return content
        choice = choose_from(*wish_of(content["lang"]))
        return {**content, "lang": list(choice.labels), "chosen": choice.facts}

    @field_validator("lang", "direction")
    @classmethod
    def _name_pairs(cls, value: tuple[str, ...] | None, info: ValidationInfo) -> tuple[str, ...] | None:
        return value and tuple(different([group_name(str(info.field_name), name) for name in value]))

    def conditions(self) -> dict[str, tuple[str, ...]]:
        """The names by key, of the keys given."""
        return {key: names for key in KEYS if (names := getattr(self, key)) is not None}


def chosen_where(where: Where, asked: Sequence[str], by: str | None) -> dict[str, Any]:
    """The conditions with these languages alone: labels, and wishes (`nearest:3:swh_Latn`) by a table of languages.

    Raises UserError for a wish without a table, and where the conditions name languages already.
    """
    if where.lang is not None:
        raise UserError("--languages: the mix names its languages itself", remedy="leave out --languages")
    choice = choose_all(asked, by, "--languages-from")
    facts = {"chosen": choice.facts} if choice.facts else {}
    return {**where.written(exclude=set()), "lang": list(choice.labels), **facts}


def _read_rule(value: Any) -> Any:
    """The rule of {"rule": name, **parameters}; raises ValueError."""
    if not isinstance(value, Mapping):
        return value
    given = dict(value)
    name = given.pop("rule")
    kind = RULES.all.get(name) if isinstance(name, str) else None
    if kind is None:
        text = f"{name!r} is not known; {nearest(str(name), RULES.all)}"
        raise PydanticCustomError("unknown_rule", "{text}", {"text": text})
    takes = kind.parameters()
    for key in sorted(given.keys() - takes.keys()):
        words = f"takes {', '.join(takes)}" if takes else "takes no parameter"
        raise ValueError(f"the rule {name!r} has no {key!r}: it {words}")
    for key, needed in takes.items():
        if needed and key not in given:
            raise ValueError(f"the rule {name!r} needs {key!r}")
    return kind.model_validate(given)


class Node(Model):
    """Groups cells by a key and shares its budget out by a rule, or by explicit parts; each group goes to `within`.

    by: a key, or `cell` for no grouping. on_cap: what becomes of the units that a group above its cap of epochs would
    need: `fail`, or `redistribute` to the others. epochs: how often the data below may be used, where neither a node
    above nor `max_epochs` of the mix says less. The parameters of the rule stand beside these keys.
    """

    rule: Annotated[Rule, BeforeValidator(_read_rule)] = Proportional()
    by: Key | None = None
    parts: tuple[Part, ...] | None = None
    within: Node | None = None
    on_cap: Literal["fail", "redistribute"] | None = None
    epochs: Epochs | None = None

    @property
    def key(self) -> str:
        """What it groups by, where nothing is said: languages for the rules about languages, otherwise no grouping."""
        return self.by or self.rule.key or "cell"

    @property
    def redistributes(self) -> bool:
        """Whether what a full group cannot take goes to the others."""
        return self.on_cap == "redistribute" or self.rule.passes_on

    def group_name(self, name: str) -> str:
        """The name of a group, as cells have it (`Cell.value`)."""
        return group_name(self.key, name)

    def nodes(self) -> Iterator[Node]:
        """This node and all below it."""
        yield self
        for below in (self.within, *self.rule.inner().values(), *(part.within for part in self.parts or ())):
            if below is not None:
                yield from below.nodes()

    @model_validator(mode="before")
    @classmethod
    def _take_parameters(cls, content: Any) -> Any:
        """The rule with its parameters; without a rule parameters are those of `proportional`, which has none."""
        if not isinstance(content, Mapping) or isinstance(content.get("rule"), Rule):
            return content
        own = {key: content[key] for key in content if key in all_parameters()}
        rest = {key: value for key, value in content.items() if key not in own}
        own = {key: value for key, value in own.items() if value is not None}
        if rest.get("parts") is not None:
            extra = sorted({*own, *(name for name in ("by", "within") if rest.get(name) is not None)})
            if extra or "rule" in rest:
                raise ValueError(f"`parts` stand alone, without {', '.join(extra or ['rule'])}")
        elif own or "rule" in rest:
            rest["rule"] = {"rule": rest.get("rule", Proportional.name), **own}
        return rest

    def to_json(self) -> dict[str, Any]:
        """Plain data that reads back: what is not as it is by default, parameters of the rule beside the other keys."""
        content: dict[str, Any] = {} if self.rule == Proportional() else {"rule": self.rule.name}
        content |= self.written(exclude={"rule", "parts", "within"})
        if self.parts is not None:
            content["parts"] = [part.to_json() for part in self.parts]
        nodes = self.rule.inner()
        content |= self.rule.written(exclude=set(nodes)) | {key: node.to_json() for key, node in nodes.items()}
        if self.within is not None:
            content["within"] = self.within.to_json()
        return content

    @model_validator(mode="after")
    def _check(self) -> Node:
        if self.parts is not None:
            check_sum({str(place): part.share for place, part in enumerate(self.parts)}, "the shares of the parts")
            return self
        if self.by == "cell" and self.rule.names_groups:
            raise ValueError(f"the rule {self.rule.name!r} names groups: `by` is one of {', '.join(KEYS)}")
        for name, node in self.rule.inner().items():
            if node.by is not None or node.parts is not None:
                raise ValueError(f"`{name}` shares out the same groups: it has no `by` and no `parts` of its own")
        self.rule.check(self)
        return self


class Part(Model):
    """An explicit part of a mix: the cells `where` says that no part above it takes, at a fixed share."""

    where: Where = Where()
    share: Share
    within: Node = Field(default_factory=lambda: Node())

    def to_json(self) -> dict[str, Any]:
        """Plain data that reads back."""
        within = self.within.to_json()
        return self.written(exclude={"within"}) | ({"within": within} if within else {})


Node.model_rebuild()


class MixSpec(Model):
    """A mix: its tree, what it may use, and where it comes from.

    sources: citations. open: what the source leaves open and this recipe decides. related: languages that are to be
    evaluated and not trained on, because gains on the trained ones often cost them; for the run card, as is `model`.
    missing: `fail`, or `skip` the names that no document bears, what is left keeping its proportions. only_given:
    languages of the mix whose labels no step gives, so that the corpus has to say them (ingest --lang, --lang-column).
    """

    name: str = "mix"
    about: str = ""
    sources: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    related: tuple[str, ...] = ()
    only_given: tuple[str, ...] = ()
    model: dict[str, str] = Field(default_factory=dict)
    unit: Literal["tokens", "bytes", "chars", "docs"] = "tokens"
    budget: Annotated[int | None, BeforeValidator(_budget)] = None
    max_epochs: Epochs | None = None
    missing: Literal["fail", "skip"] = "fail"
    where: Where = Where()
    mix: Node

    @model_validator(mode="after")
    def _check_keys(self) -> MixSpec:
        _check_keys(self.mix, "mix")
        return self

    def to_json(self) -> dict[str, Any]:
        """Plain data that `parse_mix` reads back: for manifests, fingerprints and `recipes show`."""
        return self.written(exclude={"mix"}) | {"mix": self.mix.to_json()}

    def at(self, **changes: Any) -> MixSpec:
        """The same mix with other values (`name`, `budget`, ...), checked anew."""
        return parse_mix({**self.to_json(), **changes}, self.name)


def parse_mix(content: Any, where: str = "mix") -> MixSpec:
    """The mix that plain data (of YAML) describes; `where` names it in messages. Raises UserError naming the place."""
    if not isinstance(content, Mapping):
        raise UserError(
            f"{where}: a mix is a mapping with the key `mix`; this is a {type(content).__name__}",
            remedy="`xlcorpus recipes show umt5` prints one to start from",
        )
    try:
        return MixSpec.model_validate(dict(content))
    except ValidationError as error:
        problems = [_problem(problem, content) for problem in error.errors()]
    shown = "; ".join(problems[:5]) + (f"; and {len(problems) - 5} more" if len(problems) > 5 else "")
    raise UserError(f"{where}: {shown}", remedy="docs/mix.md describes the keys and rules of a mix")


def _problem(problem: Any, content: Any) -> str:
    kind, given, loc = problem["type"], problem.get("input"), problem["loc"]
    # Parameters are read inside of the rule, and stand beside it.
    if kind != "unknown_rule":
        loc = tuple(part for part in loc if part != "rule")
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).lstrip(".")
    if kind == "extra_forbidden":
        parent, _, name = place.rpartition(".")
        return f"{parent + ': ' if parent else ''}unknown key {name!r}; {nearest(name, _keys_at(parent))}"
    if kind == "literal_error":
        known = {"by": (*KEYS, "cell"), "unit": UNITS}.get(str(loc[-1]))
        return f"{place}: {given!r} is not known; " + (
            nearest(str(given), known) if known else f"it is {problem['ctx']['expected']}"
        )
    if kind == "missing":
        return f"{place} is missing"
    cause = problem.get("ctx", {}).get("error")
    text = problem["msg"] if kind == "unknown_rule" else f"{problem['msg'].lower()} (given: {given!r})"
    text = str(cause) if cause is not None else text
    return f"{place}: {text}" if place else text


def _keys_at(parent: str) -> list[str]:
    """The keys that the mapping at `parent` may have."""
    last = parent.rpartition(".")[2]
    model = MixSpec if not parent else Where if last == "where" else Part if last.startswith("parts[") else Node
    return [*model.model_fields, *(all_parameters() if model is Node else ())]


def _check_keys(node: Node, place: str, *, inner: bool = False) -> None:
    """Rules over groups say what they group by; inner nodes share out the groups of the node they are in."""
    if node.parts is None and node.by is None and node.rule.key is None and not inner:
        raise ValueError(f"{place}: the rule {node.rule.name!r} needs `by`: one of {', '.join((*KEYS, 'cell'))}")
    if node.within is not None:
        _check_keys(node.within, f"{place}.within")
    for name, below in node.rule.inner().items():
        _check_keys(below, f"{place}.{name}", inner=True)
    for number, part in enumerate(node.parts or ()):
        _check_keys(part.within, f"{place}.parts[{number}].within")


def needs(spec: MixSpec | None) -> tuple[bool, bool]:
    """Whether a spec asks for domains, and for the sizes of duplicate clusters."""
    if spec is None:
        return False, False
    nodes = list(spec.mix.nodes())
    wheres = [spec.where, *(part.where for node in nodes for part in node.parts or ())]
    domain = any(node.key == "domain" for node in nodes) or any(where.domain for where in wheres)
    return domain, any(node.rule.needs_dup_size for node in nodes)
