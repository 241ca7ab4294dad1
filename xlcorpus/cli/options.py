"""Options that all steps and `run` share, and options made from a step's fields."""

from __future__ import annotations

import threading
import types
import typing
from collections.abc import Callable
from typing import Any, Literal, TypeVar

import click
from pydantic.fields import FieldInfo

from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError

F = TypeVar("F", bound=Callable[..., Any])


class _Threads(click.IntRange):
    """Threads of a trainer in C++, which ends the process (`terminate called`) where the system refuses one."""

    name = "integer range"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        count: int = super().convert(value, param, ctx)
        started: list[threading.Thread] = []
        done = threading.Event()
        try:
            while len(started) < count > 1:
                thread = threading.Thread(target=done.wait)
                thread.start()
                started.append(thread)
        except RuntimeError:
            self.fail(f"{count:,} threads, of which this system starts {len(started):,} (ulimit -u, -v)", param, ctx)
        finally:
            done.set()
            for thread in started:
                thread.join()
        return count


THREADS = _Threads(1, 1024)
SEED = click.IntRange(-(2**31), 2**31 - 1)  # what the trainers in C++ take


class OutputPath(click.Path):
    """Where a command writes; an empty name, as of a variable that is not set, is no name of this folder."""

    def __init__(self, **settings: bool) -> None:
        super().__init__(path_type=Location, **settings)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """As click.Path; raises UserError for an empty name."""
        if not str(value):
            name = param.opts[0] if param else "the output"
            raise UserError(f"{name} '' names no file or folder", remedy=f"{name} NAME; this folder is {name} .")
        return super().convert(value, param, ctx)


def at_least(least: int) -> click.IntRange:
    """A whole number that is not below `least` and that 31 bits hold, as libraries in C++ want it."""
    return click.IntRange(least, 2**31 - 1)


def together(*options: Callable[[F], F]) -> Callable[[F], F]:
    """Several options as one decorator, in this order."""

    def decorate(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


# About how to run, the same for every step and for recipes.
run_options = together(
    click.option("--runner", default="local", show_default=True, help="local, portable, prism, spark, flink, dataflow"),
    click.option(
        "--workers",
        type=int,
        default=1,
        show_default=True,
        help="most worker processes of the local runner; one is used for every 8 MB of input",
    ),
    click.option("--resume", is_flag=True, help="go on with an unfinished run; skip what is done"),
    click.option("--overwrite", is_flag=True, help="replace what an earlier run left in the output folder"),
    click.option("--plan", "--dry-run", "plan_only", is_flag=True, help="say what would run, on how much, and stop"),
    click.option("--partition-by", metavar="COLUMN", help="a folder of shards for each value, e.g. lang"),
    click.option("--keep-text", is_flag=True, help="write the text into decision rows too"),
    click.option(
        "--max-error-rate",
        type=click.FloatRange(0, 1),
        default=0.1,
        show_default=True,
        help="fail when a larger share of the records is rejected",
    ),
    click.option(
        "--allow-damaged",
        is_flag=True,
        help="do without what damaged files have lost, and without files of which not one record could be read",
    ),
    click.option("--quiet", is_flag=True, help="no progress line"),
)


def output_option(**settings: Any) -> Callable[[F], F]:
    """`--output DIR`."""
    return click.option("--output", "-o", type=OutputPath(file_okay=False), metavar="DIR", **settings)


def step_option(name: str, field: FieldInfo) -> click.Option:
    """One option of a step as a click option; its checks stay with the field."""
    kind, choices = _kind(field.annotation)
    settings: dict[str, Any] = {"help": field.description}
    if field.is_required():
        settings["required"] = True
    elif field.default not in (None, []):
        default = str(field.default).replace("\n", "\\n")
        settings["help"] = f"{field.description or ''}  [default: {default}]"
    flag = f"--{name.replace('_', '-')}"
    if typing.get_origin(kind) in (list, dict):  # of a mapping the parts add up, as lists do
        return click.Option([flag], default=None, multiple=True, help=f"{settings.pop('help')} (may be repeated)")
    if kind is bool:
        return click.Option([f"{flag}/--no-{flag[2:]}"], default=None, help=settings["help"])
    if choices:
        settings["type"] = click.Choice(choices)
    elif kind in (int, float) and name != "budget":
        settings["type"] = kind
    return click.Option([flag], default=None, multiple=True, callback=_once, **settings)


def _once(context: click.Context, given: click.Parameter, values: tuple[Any, ...]) -> Any:
    """The one value; raises UserError where there are more, of which click would take the last without a word."""
    if len(values) > 1:
        raise UserError(f"{given.opts[0]} is given {len(values)} times", remedy="give it once")
    return values[0] if values else None


def _kind(annotation: Any) -> tuple[Any, list[str]]:
    """The plain type and, for a Literal, its values; `X | None` counts as X."""
    origin = typing.get_origin(annotation)
    if origin in (typing.Union, types.UnionType):
        inner = [part for part in typing.get_args(annotation) if part is not type(None)]
        return _kind(inner[0]) if len(inner) == 1 else (str, [])
    if origin is Literal:
        return str, [str(value) for value in typing.get_args(annotation)]
    return annotation, []
