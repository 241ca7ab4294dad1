"""Read a recipe: YAML with a list of steps. Everything unknown is an error that names the nearest known name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from xlcorpus.dataset import storage
from xlcorpus.dataset.dataset import is_dataset
from xlcorpus.dataset.storage import Location
from xlcorpus.dataset.yaml_file import (
    filled_in,
    find_yaml,
    load_mapping,
    name_of,
    packaged_yaml,
    refuse_unknown,
    seed_of,
    set_value,
    setting_of,
    variables_of,
)
from xlcorpus.errors import UserError, naming, nearest
from xlcorpus.recipe.beside import check_beside
from xlcorpus.recipe.graph import Node, inline_raw_inputs
from xlcorpus.recipe.options import make_options
from xlcorpus.recipe.registry import find_step
from xlcorpus.sample import sample_folder

BLOCKS = ("pretrain", "evaluate")  # what is done with the datasets, each in a folder of that name beside theirs
_KEYS = ("name", "about", "sources", "gives", "elsewhere", "needs", "seed", "variables", "steps", *BLOCKS)
SYSTEMS = "systems/"  # before the names of recipes of published systems
_STEP_KEYS = ("step", "id", "files", "input", "keep")
_ID = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


@dataclass(frozen=True)
class Recipe:
    """A checked recipe: its name, seed and nodes in order; every node's inputs come before it.

    path: of its file, for errors; blocks: `pretrain` and `evaluate`, of those that it has, with all variables filled in
    but for `${output}`, the folder of its datasets (see `training.py`).
    """

    name: str
    about: str
    seed: int
    nodes: tuple[Node, ...] = field(default=())
    path: str = ""
    blocks: Mapping[str, dict[str, Any]] = field(default_factory=dict)


def shipped_recipes() -> dict[str, Location]:
    """The recipes in the package, by name; those of published systems are `systems/NAME`."""
    systems = packaged_yaml("xlcorpus.pipelines.recipes", "systems")
    return packaged_yaml("xlcorpus.pipelines.recipes") | {f"{SYSTEMS}{name}": path for name, path in systems.items()}


def load_recipe(name: str, settings: Sequence[str] = (), *, data_only: bool = True) -> Recipe:
    """Load a recipe and apply `--set key=value` (`seed=3`, `variables.x=y`, `ID.option=value`, `pretrain.steps=9`).

    data_only: without its blocks `pretrain` and `evaluate`, and without what they alone need.
    """
    path = find_yaml(name, "recipe", shipped_recipes)
    with naming(path):
        return _parse(load_mapping(path, _KEYS, "quickstart"), path, settings, data_only)


def _parse(content: dict[str, Any], path: Location, settings: Sequence[str], data_only: bool) -> Recipe:
    refuse_unknown(content, _KEYS, str(path))
    for block in BLOCKS:
        if not isinstance(content.get(block, {}), dict):
            raise UserError(f"{path}: `{block}` must be a mapping", remedy=f"write `{block}: {{...}}`, or leave it out")
    if not isinstance(content.get("steps"), list) or not content["steps"]:
        raise UserError(
            f"{path}: `steps` must be a list of at least one step", remedy="write\n    steps:\n      - step: dedup"
        )
    steps = [_step_mapping(step, number, path) for number, step in enumerate(content["steps"], 1)]
    _name_steps(steps, path)
    for setting in settings:
        _apply_setting(content, steps, setting)
    known = {"sample": str(sample_folder()), "recipe": str(storage.resolve(path).parent)}
    variables, seed = variables_of(content, known, str(path)), seed_of(content, str(path))
    blocks = {} if data_only else {block: content[block] for block in BLOCKS if block in content}
    _check_needs(content, variables, path, [steps, blocks])
    name = name_of(content, path)
    check_beside([content.get("variables"), steps, blocks], name, path, shipped_recipes)
    nodes = _link([filled_in(step, variables, str(path)) for step in steps], path)
    later = {**variables, "output": "${output}"}
    filled = {block: filled_in(value, later, f"{path}: {block}") for block, value in blocks.items()}
    return Recipe(name, str(content.get("about", "")), seed, nodes, str(path), filled)


def _check_needs(content: Mapping[str, Any], variables: Mapping[str, str], path: Location, used: Any) -> None:
    """Raise UserError for a variable that only the user can say (`needs`: name and what it is) and has not said.

    used: what of the recipe is to be done; what else needs is not asked for.
    """
    needs = {} if content.get("needs") is None else content["needs"]
    if not isinstance(needs, dict) or not all(isinstance(what, str) for what in needs.values()):
        raise UserError(
            f"{path}: `needs` must say what each variable is", remedy="write `needs: {documents: texts, raw files}`"
        )
    reading = str([used, content.get("variables")])
    missing = [name for name in needs if name not in variables and f"${{{name}}}" in reading]
    if missing:
        said = "\n".join(f"  {name}: {needs[name]}" for name in missing)
        raise UserError(
            f"{path}: the recipe needs\n{said}",
            remedy="give " + " ".join(f"--set variables.{name}=..." for name in missing),
        )


def _step_mapping(step: Any, number: int, path: Location) -> dict[str, Any]:
    if isinstance(step, str):
        step = {"step": step}
    if not isinstance(step, dict) or not isinstance(step.get("step"), str):
        raise UserError(f"{path}: step {number} is not a mapping with the key `step`", remedy="write - step: dedup")
    return dict(step)


def _name_steps(steps: list[dict[str, Any]], path: Location) -> None:
    seen: set[str] = set()
    for step in steps:
        step.setdefault("id", step["step"])
        name = step["id"]
        if not isinstance(name, str) or not _ID.fullmatch(name):
            raise UserError(
                f"{path}: id {name!r} is not a name of letters, digits, - and _", remedy="write `id: dedup-2`"
            )
        if name in BLOCKS:
            raise UserError(f"{path}: no step has the id {name!r}", remedy="give it another `id:`")
        if name in seen:
            raise UserError(
                f"{path}: two steps have the id {name!r}",
                remedy="give one of them an `id:` of its own; a step without one is called as what it does",
            )
        seen.add(name)


def _apply_setting(content: dict[str, Any], steps: list[dict[str, Any]], setting: str) -> None:
    path, value = setting_of(setting, "dedup.threshold=0.7")
    by_id = {step["id"]: step for step in steps}
    if (len(path) == 1 and path[0] in ("seed", "name")) or (
        len(path) > 1 and (path[0] == "variables" or (path[0] in BLOCKS and path[0] in content))
    ):
        set_value(content, path, value)
    elif len(path) > 1 and path[0] in by_id:
        set_value(by_id, path, value)
    else:
        blocks = [block for block in BLOCKS if block in content]
        known = ["seed", "name", "variables.NAME", *(f"{name}.OPTION" for name in [*by_id, *blocks])]
        raise UserError(f"--set {'.'.join(path)}: the recipe has no such key", remedy=f"it has {', '.join(known)}")


def _strings(value: Any, where: str) -> list[str]:
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not all(isinstance(item, str) for item in values) or not values:
        raise UserError(f"{where} must be a string or a list of strings", remedy="write `files: [web/, news.jsonl]`")
    return values


def _link(steps: Sequence[dict[str, Any]], path: Location) -> tuple[Node, ...]:
    made: dict[str, Node | Location] = {}
    previous: Node | Location | None = None
    for content in steps:
        where = f"{path}: step {content['id']!r}"
        step = find_step(content["step"])
        values = {key: value for key, value in content.items() if key not in _STEP_KEYS}
        if "keep" in step.options.model_fields and not isinstance(content.get("keep", False), bool):
            values["keep"] = content.pop("keep")  # columns that rows keep, not whether the dataset is kept
        options = make_options(step, values, where)
        keep = content.get("keep", False)
        if not isinstance(keep, bool):
            raise UserError(f"{where}: keep must be true or false", remedy="write `keep: true`")
        files: tuple[str, ...] = ()
        inputs: list[Node | Location] = []
        if step.prepare is not None:
            files = _raw_files(content, step.name, where)
            if "input" in content and len(files) == 1 and is_dataset(storage.locate(files[0])):
                previous = made[content["id"]] = storage.locate(files[0])  # it stands in the step's place
                continue
        else:
            if "files" in content:
                raise UserError(f"{where}: only a source step reads `files:`", remedy="put an ingest step before it")
            if "input" in content:
                inputs = [_input(name, made, where) for name in _strings(content["input"], f"{where}: input")]
            elif previous is not None:
                inputs = [previous]
            else:
                raise UserError(f"{where} is the first step and has no `input:`", remedy="begin with an ingest step")
        previous = made[content["id"]] = Node(content["id"], step, options, tuple(inputs), files, keep)
    return inline_raw_inputs([one for one in made.values() if isinstance(one, Node)])


def _raw_files(content: Mapping[str, Any], name: str, where: str) -> tuple[str, ...]:
    """What a source step reads: `files:`, or `input:`, which may be a dataset as well."""
    given = [key for key in ("files", "input") if key in content]
    if len(given) != 1:
        raise UserError(
            f"{where}: {name} needs `files:`" if not given else f"{where}: {name} has `files:` and `input:`",
            remedy="write `files: web/`, or `input: web/` for what may be a dataset as well",
        )
    return tuple(_strings(content[given[0]], f"{where}: {given[0]}"))


def _input(name: str, nodes: Mapping[str, Node | Location], where: str) -> Node | Location:
    if name in nodes:
        return nodes[name]
    if storage.exists(storage.locate(name)):
        return storage.locate(name)
    raise UserError(
        f"{where}: input {name!r} is neither an earlier step nor a folder; {nearest(name, nodes)}",
        remedy="name a step above it by its id, or the folder of a dataset",
    )
