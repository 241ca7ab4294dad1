"""Check the options of a step: unknown names are errors with the nearest known one, wrong values name the option."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from xlcorpus.beam.step import Step
from xlcorpus.errors import UserError, nearest
from xlcorpus.options import StepOptions


def make_options(step: Step, values: Mapping[str, Any], where: str) -> StepOptions:
    """The step's options from values of a recipe or the command line; `where` says whose they are in errors."""
    fields = step.options.model_fields
    for name in values:
        if name not in fields:
            raise UserError(
                f"{where}: {step.name} has no option {name!r}; {nearest(name, fields)}",
                remedy=f"`xlcorpus {step.name} --help` lists its options",
            )
    try:
        return step.options(**values)
    except UserError as error:  # of a check that is no pydantic one
        raise UserError(f"{where}: {error.message}", remedy=error.remedy) from None
    except ValidationError as error:
        problems = []
        for problem in error.errors():
            cause = problem.get("ctx", {}).get("error")
            if isinstance(cause, UserError):
                raise UserError(f"{where}: {cause.message}", remedy=cause.remedy) from None
            name = ".".join(str(part) for part in problem["loc"])
            problems.append(f"{name}: {problem['msg'].lower()} (given: {problem.get('input')!r})")
        raise UserError(
            f"{where}: {step.name}: " + "; ".join(problems),
            remedy=f"`xlcorpus {step.name} --help` says what its options mean",
        ) from None
