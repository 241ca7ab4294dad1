"""The product's source as syntax trees, module by module, for the tests of how the house is built."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Module:
    """A module of the product: its dotted name, its file, its syntax tree and number of lines."""

    name: str
    file: Path
    tree: ast.Module
    lines: int

    @property
    def room(self) -> str:
        """The package below xlcorpus that it is in, or its own name where it is in none."""
        return self.name.split(".")[1] if "." in self.name else self.name

    def imports(self, *, for_types: bool = True) -> Iterator[str]:
        """What it imports of the product, wherever in the module; for_types: under `if TYPE_CHECKING` too."""
        passed_over = set() if for_types else {id(one) for node in ast.walk(self.tree) for one in _only_for_types(node)}
        for node in ast.walk(self.tree):
            if id(node) in passed_over:
                continue
            if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] == "xlcorpus":
                yield from (f"{node.module}.{alias.name}" for alias in node.names)
            elif isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names if alias.name.partition(".")[0] == "xlcorpus")


def _only_for_types(node: ast.AST) -> list[ast.stmt]:
    guarded = isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    return node.body if guarded and isinstance(node, ast.If) else []


@functools.cache
def modules() -> tuple[Module, ...]:
    """All modules of the product: xlcorpus/ and pipelines/, which is installed as xlcorpus.pipelines."""
    found = []
    for folder, package in ((ROOT / "xlcorpus", "xlcorpus"), (ROOT / "pipelines", "xlcorpus.pipelines")):
        for file in sorted(folder.rglob("*.py")):
            parts = [part for part in file.relative_to(folder).with_suffix("").parts if part != "__init__"]
            text = file.read_text(encoding="utf-8")
            found.append(Module(".".join([package, *parts]), file, ast.parse(text), text.count("\n")))
    return tuple(found)
