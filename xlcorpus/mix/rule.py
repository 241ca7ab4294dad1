"""What a rule of mixing is: a name, parameters, and how it shares a budget out. One file in `rules/` each.

Another package adds one under the entry-point group `xlcorpus.mix_rules`.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from xlcorpus.errors import given_twice
from xlcorpus.mix.exact import Weights, exact
from xlcorpus.registry import Registry

if TYPE_CHECKING:
    from xlcorpus.mix.spec import Node
    from xlcorpus.mix.tree import Branch, Division

SUM_TOLERANCE = Fraction(1, 10**6)
MOST_EPOCHS = 10_000
MOST_EXPONENT = 100  # 1e30 as an exponent would be a number of 1e31 digits


def show(value: Fraction) -> int | float | str:
    """As a user writes it: a decimal number where there is one."""
    if value.denominator == 1:
        return int(value)
    return float(value) if exact(float(value)) == value else str(value)


def _not_negative(value: Any) -> Fraction:
    number = exact(value)
    if number < 0:
        raise ValueError(f"{show(number)} is below 0")
    return number


def _positive(value: Any) -> Fraction:
    number = exact(value)
    if number <= 0:
        raise ValueError(f"{show(number)} is not above 0")
    return number


def _epochs(value: Any) -> Fraction:
    number = _positive(value)
    if number > MOST_EPOCHS:
        raise ValueError(f"{show(number)} epochs are more than {MOST_EPOCHS:,}")
    return number


def _exponent(value: Any) -> Fraction:
    number = _not_negative(value)
    if number > MOST_EXPONENT:
        raise ValueError(f"{show(number)} is above {MOST_EXPONENT}: the largest group would have everything")
    return number


def _temperature(value: Any) -> Fraction:
    number = _positive(value)
    if 1 / number > MOST_EXPONENT:
        raise ValueError(f"{show(number)} is below 1/{MOST_EXPONENT}: the largest group would have everything")
    return number


def _share(value: Any) -> Fraction:
    number = _positive(value)
    if number > 1:
        raise ValueError(f"{show(number)} is no share: a share is above 0 and at most 1")
    return number


def different(value: Any) -> Any:
    """Names of which none is given twice; a name alone is a list of one."""
    values = [value] if isinstance(value, str) else value
    if isinstance(values, list | tuple):
        twice = given_twice(values)
        if twice is not None:
            raise ValueError(f"{twice!r} is given twice")
    return values


def _some(value: Any) -> Any:
    if isinstance(value, Mapping) and not value:
        raise ValueError("it names nothing")
    return value


_Shown = PlainSerializer(show)
Positive = Annotated[Fraction, BeforeValidator(_positive), _Shown]
NotNegative = Annotated[Fraction, BeforeValidator(_not_negative), _Shown]
Share = Annotated[Fraction, BeforeValidator(_share), _Shown]
Epochs = Annotated[Fraction, BeforeValidator(_epochs), _Shown]
Power = Annotated[Fraction, BeforeValidator(_exponent), _Shown]  # what sizes are raised to
Heat = Annotated[Fraction, BeforeValidator(_temperature), _Shown]  # one divided by it
Some = BeforeValidator(_some)  # of a mapping that has to name something
Names = Annotated[tuple[str, ...], BeforeValidator(different), Field(min_length=1)]


def check_sum(shares: Mapping[str, Fraction], what: str) -> None:
    """Raise ValueError unless the shares sum to 1."""
    total = sum(shares.values(), Fraction(0))
    if abs(total - 1) > SUM_TOLERANCE:
        scaled = ", ".join(f"{float(share / total):.8g}" for share in shares.values()) if len(shares) <= 12 else ""
        raise ValueError(f"{what} sum to {float(total):.9g}, not 1" + (f" (in proportion: {scaled})" if scaled else ""))


class Model(BaseModel):
    """A part of a mix spec."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, populate_by_name=True)

    def written(self, exclude: set[str]) -> dict[str, Any]:
        """The fields that are not as they are by default, as plain data, but for some (as specs write them)."""
        content = self.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_defaults=True)
        return {key: value for key, value in content.items() if key not in exclude}


class Rule(Model):
    """A rule with its parameters, which are the fields; those that may be left out are None by default.

    name: as specs write it. formula, source: for the list of rules; q: share of a group, n: its size. key: what it
    groups by where the spec does not say (`cell`: no grouping); None: the spec has to. names_groups: its parameters
    are about groups of some names. needs_groups: over a key that no text has it would do nothing. amounts: its
    weights are amounts of units, the budget where none is given.
    passes_on: what a full group cannot take goes to the others, whatever `on_cap` says. value: the parameter, or key
    of the node, that `--rule NAME=VALUE` sets, with an example. alone: `--rule` may name it, with one value at most.
    shares_out: it groups at all. needs_dup_size: it asks for the sizes of duplicate clusters.
    """

    name: ClassVar[str]
    formula: ClassVar[str]
    source: ClassVar[str] = ""
    key: ClassVar[str | None] = None
    names_groups: ClassVar[bool] = False
    needs_groups: ClassVar[bool] = True
    amounts: ClassVar[bool] = False
    passes_on: ClassVar[bool] = False
    value: ClassVar[str | None] = None
    example: ClassVar[str] = "0.3"
    alone: ClassVar[bool] = True
    shares_out: ClassVar[bool] = True
    needs_dup_size: ClassVar[bool] = False

    @classmethod
    def parameters(cls) -> dict[str, bool]:
        """The parameters as specs write them, and whether the rule needs them; the needed ones first."""
        found = {field.alias or name: field.is_required() for name, field in cls.model_fields.items()}
        return dict(sorted(found.items(), key=lambda item: not item[1]))

    def inner(self) -> dict[str, Node]:
        """Parameters that are nodes: how parts of the groups share out among themselves."""
        return {}

    def check(self, node: Node) -> None:
        """Raise ValueError where the parameters, or the node that the rule stands in, make no sense."""

    def divide(self, division: Division) -> Branch:
        """The groups with their shares: by `weights`, unless the rule makes groups of its own."""
        return division.by_weights(self.weights(division))

    def weights(self, division: Division) -> Weights:
        """The weight of each group of `division.sizes`; 0 leaves it out. Raises UserError."""
        raise NotImplementedError


RULES: Registry[type[Rule]] = Registry("rule", "xlcorpus.mix.rules", "RULE", "xlcorpus.mix_rules")


def all_parameters() -> set[str]:
    """Names of the parameters of all rules."""
    return {name for rule in RULES.all.values() for name in rule.parameters()}


def rule_lines() -> list[str]:
    """The rules as a list for people: name, parameters, formula and where it comes from."""
    lines = []
    for name, rule in sorted(RULES.all.items()):
        takes = [key if needed else f"[{key}]" for key, needed in rule.parameters().items()]
        lines += [f"{', '.join([name, *takes])}: {rule.formula}" + (f" ({rule.source})" if rule.source else "")]
    return lines
