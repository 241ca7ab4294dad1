"""Options of a step: one frozen model with bounds, descriptions, and which option belongs to which choice."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from xlcorpus.errors import UserError, nearest

S = TypeVar("S", bound="StepOptions")


def option(
    default: Any = ..., *, only: Mapping[str, Sequence[str | bool | None]] | None = None, **settings: Any
) -> Any:
    """A field of options with its description and bounds (as pydantic's `Field`).

    only: the other option, and those of its values, that this one belongs to; given with another one it is refused.
    (None,): it belongs to runs without the other option; (): to those with it, whatever its value; (True,): to those
    with the flag.
    """
    extra: Any = {"only": {name: list(values) for name, values in only.items()}} if only else None
    return Field(default, json_schema_extra=extra, **settings)


class StepOptions(BaseModel):
    """Options of a step. The fields are the recipe's keys and, with dashes, the command line's options."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    # Options that name a file whose content counts (its fingerprint is in `models`), not where it lies.
    files: ClassVar[tuple[str, ...]] = ()
    # Options that say how a step works and not what it makes: in no manifest and no fingerprint of a run.
    unrecorded: ClassVar[tuple[str, ...]] = ()

    def recorded(self) -> dict[str, Any]:
        """The options as manifests hold them: of files, the name alone."""
        values = self.model_dump(mode="json", exclude=set(self.unrecorded))
        return {key: _name_of(value) if key in self.files else value for key, value in values.items()}

    def part(self, kind: type[S]) -> S:
        """Those of a class that this one is made of."""
        return kind(**{name: getattr(self, name) for name in kind.model_fields})

    @model_validator(mode="before")
    @classmethod
    def _refuse_truth_as_number(cls, values: Any) -> Any:
        """pydantic takes true for 1, and false for 0."""
        for name, value in values.items() if isinstance(values, Mapping) else ():
            types = _types_of(cls.model_fields[name].annotation) if name in cls.model_fields else set()
            parts = value if isinstance(value, (list, tuple)) else [value]
            if types & {"int", "float"} and not types & {"bool", "Any"} and any(isinstance(one, bool) for one in parts):
                raise UserError(f"{name}: {value} is no number", remedy=f"write a number, or leave out {name}")
        return values

    @model_validator(mode="before")
    @classmethod
    def _one_or_many(cls, values: Any) -> Any:
        """A text stands for a list of it."""
        if not isinstance(values, Mapping):
            return values
        lists = {name for name, field in cls.model_fields.items() if field.annotation == list[str]}
        return {name: [one] if name in lists and isinstance(one, str) else one for name, one in values.items()}

    @model_validator(mode="after")
    def _check_size(self) -> StepOptions:
        for name in self.model_fields_set:
            value = getattr(self, name)
            if isinstance(value, int) and abs(value) >= 2**63:
                raise UserError(
                    f"--{name.replace('_', '-')} {value} needs more than 64 bits", remedy="give a smaller number"
                )
        return self

    @model_validator(mode="after")
    def _check_belonging(self) -> StepOptions:
        for name, field in type(self).model_fields.items():
            extra = field.json_schema_extra
            if not isinstance(extra, dict) or name not in self.model_fields_set or getattr(self, name) in (None, []):
                continue
            only: Any = extra.get("only", {})
            for other, allowed in only.items():
                chosen = getattr(self, other)
                if chosen not in allowed and (allowed or chosen is None):
                    flag, owner = (f"--{key.replace('_', '-')}" for key in (name, other))
                    if allowed == [True]:
                        chosen, allowed = None, []
                    this = f"this is {owner} {chosen}" if chosen is not None else f"there is no {owner}"
                    if allowed == [None]:
                        where, way_out = f"runs without {owner}", f"leave out {owner}"
                    elif not allowed:
                        where, way_out = owner, f"give {owner}"
                    else:
                        names = [str(one) for one in allowed if one is not None]
                        where, way_out = f"{owner} {' or '.join(names)}", f"choose {owner} {names[0]}"
                        where = f"runs without {owner}, or with {where}" if None in allowed else where
                    raise UserError(f"{flag} is an option of {where}; {this}", remedy=f"leave out {flag}, or {way_out}")
        return self


def checked(kind: type[S], values: Mapping[str, Any], where: str, what: str, see: str) -> S:
    """Options from values of a recipe or the command line.

    where: whose they are, what: what has them, see: what lists them, for errors: unknown names with the nearest known
    one, wrong values by the option's name.
    """
    for name in values:
        if name not in kind.model_fields:
            raise UserError(
                f"{where}: {what} has no option {name!r}; {nearest(name, kind.model_fields)}",
                remedy=f"{see} lists its options",
            )
    try:
        return kind(**values)
    except UserError as error:  # of a check that is no pydantic one
        raise UserError(f"{where}: {error.message}", remedy=error.remedy) from None
    except ValidationError as error:
        problems = []
        for problem in error.errors():
            cause = problem.get("ctx", {}).get("error")
            if isinstance(cause, UserError):
                raise UserError(f"{where}: {cause.message}", remedy=cause.remedy) from None
            name = ".".join(str(part) for part in problem["loc"])
            problems.append(
                f"{name}: {problem['msg'][:1].lower()}{problem['msg'][1:]} (given: {problem.get('input')!r})"
            )
        raise UserError(
            f"{where}: {what}: " + "; ".join(problems), remedy=f"{see} says what its options mean"
        ) from None


def _types_of(annotation: Any) -> set[str]:
    """Names of all types in an annotation."""
    return set(re.findall(r"\w+", str(annotation)))


def _name_of(value: Any) -> Any:
    if isinstance(value, list):
        return [_name_of(one) for one in value]
    return None if value is None else PurePath(value).name
