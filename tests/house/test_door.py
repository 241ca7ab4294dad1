"""Every file is opened, listed, committed, locked and removed in dataset/storage.py, and nowhere else."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.house.source import Module, modules

DOOR = "xlcorpus.dataset.storage"
# Modules that open, list or remove files, and what of them is harmless: it opens nothing.
_CLOSED: dict[str, set[str]] = {
    "os": {"environ", "fspath", "PathLike", "devnull", "getpid", "getppid", "kill", "_exit"},
    "pathlib": {"PurePath", "PurePosixPath"},
    "pyarrow.parquet": set(),
    **{name: set() for name in ("shutil", "tempfile", "glob", "fcntl", "importlib.resources", "mmap")},
}
_CALLS = {"open"}  # of builtins
# Methods of paths, of pyarrow, numpy and codecs that open files or ask the file system.
_METHODS = {
    *("read_text", "write_text", "read_bytes", "write_bytes", "is_file", "is_dir", "exists", "stat", "unlink", "mkdir"),
    *("rmdir", "iterdir", "glob", "rglob", "touch", "symlink_to", "memory_map", "OSFile", "ParquetFile"),
    *("ParquetWriter", "fromfile", "tofile", "memmap"),
}


def breaches(tree: ast.Module) -> Iterator[str]:
    """What in a module goes past the door, with its line."""
    for node in ast.walk(tree):
        found: list[str] = []
        if isinstance(node, ast.Import):
            found = [f"import {one.name}" for one in node.names if one.name in _CLOSED and not _CLOSED[one.name]]
        elif isinstance(node, ast.ImportFrom) and node.module:
            closed = {one.name for one in node.names} - _CLOSED.get(node.module, {one.name for one in node.names})
            closed |= {one.name for one in node.names if f"{node.module}.{one.name}" in _CLOSED}
            found = [f"from {node.module} import {name}" for name in sorted(closed)]
        elif isinstance(node, ast.Attribute) and _name(node.value) in ("os", "pathlib"):
            module = _name(node.value)
            found = [] if node.attr in _CLOSED[module] else [f"{module}.{node.attr}"]
        elif isinstance(node, ast.Call) and _name(node.func) in _CALLS:
            found = [f"{_name(node.func)}()"]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _METHODS:
            found = [] if _name(node.func.value) == "storage" else [f".{node.func.attr}()"]
        yield from (f"{getattr(node, 'lineno', 0)}: {one}" for one in found)


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""


def test_nothing_goes_past_the_door() -> None:
    found = {module.name: list(breaches(module.tree)) for module in modules() if module.name != DOOR}
    assert {name: lines for name, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    "code",
    [
        "open('x')",
        "import shutil",
        "from pathlib import Path",
        "import pathlib\npathlib.Path('x')",
        "import os\nos.listdir('x')",
        "import pyarrow.parquet as pq",
        "from pyarrow import parquet",
        "from importlib import resources",
        "def f(place):\n    return place.read_text()",
        "pa.memory_map('x')",
        "file.path.is_file()",
    ],
)
def test_what_would_go_past_it_is_found(code: str) -> None:
    assert len(list(breaches(ast.parse(code)))) == 1


@pytest.mark.parametrize(
    "code",
    ["import os\nos.environ['X']", "storage.is_file(place)", "Dataset.open(place)", "from pathlib import PurePath"],
)
def test_what_does_not_is_not(code: str) -> None:
    assert not list(breaches(ast.parse(code)))


def test_the_door_is_there() -> None:
    (door,) = [module for module in modules() if module.name == DOOR]
    assert isinstance(door, Module)
    assert list(breaches(door.tree))
