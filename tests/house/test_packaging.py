"""What the wheel holds is what the tree holds."""

from __future__ import annotations

import ast
import sys
import tomllib
from importlib.metadata import packages_distributions

from tests.house.source import ROOT, modules

SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_every_package_is_in_the_wheel() -> None:
    there = {module.name for module in modules() if module.file.name == "__init__.py"} | {"xlcorpus.schemas"}
    assert set(SETTINGS["tool"]["setuptools"]["packages"]) == there


def test_every_step_is_registered() -> None:
    steps = {
        module.name.rpartition(".")[2]
        for module in modules()
        if module.room == "pipelines" and "\nSTEP = Step(" in module.file.read_text(encoding="utf-8")
    }
    named = SETTINGS["project"]["entry-points"]["xlcorpus.pipelines"]
    assert {name.replace("-", "_") for name in named} == steps


def test_every_dependency_is_imported() -> None:
    """A library that nothing imports is not asked of users; uroman's rule data is read, fasttext has another name."""
    named = {"fasttext-wheel": "fasttext", "pyyaml": "yaml", "fonttools": "fontTools", "apache-beam": "apache_beam"}
    source = "\n".join(module.file.read_text(encoding="utf-8") for module in modules())
    for line in SETTINGS["project"]["dependencies"]:
        name = line.split(">")[0].split("=")[0].strip()
        module = named.get(name, name.replace("-", "_"))
        assert f"import {module}" in source or f"from {module}" in source or f'"{module}"' in source, name


def test_no_import_is_undeclared() -> None:
    declared = {name for line in SETTINGS["project"]["dependencies"] for name in (line.split(">")[0].split("=")[0],)}
    extras = [line for lines in SETTINGS["project"]["optional-dependencies"].values() for line in lines]
    declared |= {line.split(">")[0].split("=")[0].split("[")[0].strip() for line in extras}
    distributions = packages_distributions() | {"pydantic_core": ["pydantic"]}  # two wheels of one library
    for module in modules():
        for node in ast.walk(module.tree):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            for name in {name.partition(".")[0] for name in names} - {"xlcorpus", *sys.stdlib_module_names}:
                owners = {owner.lower() for owner in distributions.get(name, ())}
                assert not owners or owners & {one.lower() for one in declared}, f"{module.name} imports {name}"
