"""What is fuzzed: a name, cases made from chaos, and how one is read."""

from __future__ import annotations

import importlib
import pkgutil
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class Violation(Exception):
    """A promise that was not kept: the first word says which."""


@dataclass(frozen=True)
class Case:
    """Files by name (the first is the one to shrink), and what is known of them by construction."""

    files: dict[str, bytes]
    about: dict[str, Any] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """The files in a folder."""
        for name, data in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)


@dataclass(frozen=True)
class Target:
    """A parser. make: a case; run: reads the files in a folder, returns how many records came out, raises Violation."""

    name: str
    make: Callable[[random.Random], Case]
    run: Callable[[Case, Path], int]
    seconds: float = 2.0  # of CPU that a record may take

    def case(self, seed: int, number: int) -> Case:
        """The case of a number."""
        return self.make(random.Random(f"{self.name}/{seed}/{number}"))


def targets() -> dict[str, Target]:
    """All targets by name."""
    from tests.fuzz import targets as package

    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    return {name: importlib.import_module(f"{package.__name__}.{name}").TARGET for name in names}
