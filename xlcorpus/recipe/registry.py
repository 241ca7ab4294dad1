"""The steps that are installed: entry points of the group `xlcorpus.pipelines`, ours and other packages'."""

from __future__ import annotations

import ast
import functools
from dataclasses import dataclass
from importlib.abc import InspectLoader
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import TYPE_CHECKING

from xlcorpus.errors import UserError, nearest

if TYPE_CHECKING:
    from xlcorpus.beam.step import Step

GROUP = "xlcorpus.pipelines"


@dataclass(frozen=True)
class Described:
    """What `--help` says of a step."""

    name: str
    summary: str
    order: int


@functools.cache
def described_steps() -> tuple[Described, ...]:
    """All installed steps in their order, without importing any (Beam takes 0.7 s, `--help` 0.1 s).

    Summary and order are read as literals from the source, as setuptools reads a version; where they are none, the
    module is imported.
    """
    found = [_describe(point) for point in entry_points(group=GROUP)]
    return tuple(sorted({one.name: one for one in found}.values(), key=lambda one: (one.order, one.name)))


def _describe(point: EntryPoint) -> Described:
    spec = find_spec(point.module)
    loader = spec.loader if spec is not None else None
    source = loader.get_source(point.module) if isinstance(loader, InspectLoader) else None
    for statement in ast.parse(source or "").body:
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Call):
            names = [target.id for target in statement.targets if isinstance(target, ast.Name)]
            given = {one.arg: one.value for one in statement.value.keywords}
            summary, order = given.get("summary"), given.get("order")
            if point.attr in names and isinstance(summary, ast.Constant) and isinstance(order, ast.Constant):
                return Described(point.name, str(summary.value), int(str(order.value)))
    step = find_step(point.name)
    return Described(point.name, step.summary, step.order)


def step_names() -> tuple[str, ...]:
    """Names of all installed steps, in their order."""
    return tuple(one.name for one in described_steps())


@functools.cache
def find_step(name: str) -> Step:
    """The step of that name; raises UserError with the nearest known name."""
    from xlcorpus.beam.step import Step

    points = {point.name: point for point in entry_points(group=GROUP)}
    if name not in points:
        raise UserError(
            f"there is no step {name!r}; {nearest(name, points)}", remedy="`xlcorpus --help` lists the steps"
        )
    step = points[name].load()
    if not isinstance(step, Step):
        raise UserError(
            f"the entry point {name!r} of {points[name].value} is no xlcorpus step", remedy="see docs/extending.md"
        )
    return step
