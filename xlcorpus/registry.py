"""Things that are found by name: one module each in a folder of ours, or an entry point of another package.

To add one to the project is to add a file to the folder. Nothing lists them by hand.
"""

from __future__ import annotations

import pkgutil
from functools import cached_property
from importlib import import_module
from importlib.metadata import entry_points
from typing import Generic, Protocol, TypeVar

from xlcorpus.errors import UserError, nearest


class Named(Protocol):
    """What can be found by its name."""

    @property
    def name(self) -> str:
        """The name, as users write it."""


N = TypeVar("N", bound=Named)


class Registry(Generic[N]):
    """All of one kind: of each module of `package` its `attribute`, and the entry points of `group`.

    what: the kind, for people, as `mix rule`.
    """

    def __init__(self, what: str, package: str, attribute: str, group: str) -> None:
        self.what, self.group = what, group
        self._package, self._attribute = package, attribute

    @cached_property
    def all(self) -> dict[str, N]:
        """What there is, by name; ours come first, then others by theirs."""
        found: list[N] = []
        for module in sorted(pkgutil.iter_modules(import_module(self._package).__path__), key=lambda one: one.name):
            content = import_module(f"{self._package}.{module.name}")
            if hasattr(content, self._attribute):
                found.append(getattr(content, self._attribute))
        found += [point.load() for point in sorted(entry_points(group=self.group), key=lambda one: one.name)]
        by_name: dict[str, N] = {}
        for one in found:
            by_name.setdefault(one.name, one)
        return by_name

    @property
    def names(self) -> tuple[str, ...]:
        """All names, sorted."""
        return tuple(sorted(self.all))

    def find(self, name: str) -> N:
        """The one of this name; raises UserError with the nearest known one."""
        if name not in self.all:
            raise UserError(
                f"there is no {self.what} {name!r}; {nearest(name, self.all)}", remedy=f"known: {', '.join(self.names)}"
            )
        return self.all[name]
