"""Read YAML that somebody else wrote: plain data only, bounded in size, every error with file and line."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import yaml
from yaml.constructor import ConstructorError

from xlcorpus.dataset import storage
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError, nearest

T = TypeVar("T")

MAX_DEPTH = 64
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")

_TAG = "tag:yaml.org,2002:"
# The core schema of YAML 1.2.2 (section 10.3.2) and `<<`: tag, pattern, first characters. YAML 1.1, PyYAML's own, reads
# the Norwegian stop word `no` as false, `1e-5` as a string and a date as an object.
_CORE = (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", [*"tTfF"]),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", [*"-+0123456789"]),
    (
        "float",
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        [*"-+.0123456789"],
    ),
    ("merge", r"<<", ["<"]),
)


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # libyaml's is 10 times as fast
    """PyYAML's safe loader for the core schema: no tags of other kinds, no key twice."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - filled below, as PyYAML has it
    yaml_constructors: dict[str | None, Any] = {}  # noqa: RUF012

    def construct_int(self, node: yaml.ScalarNode) -> int:
        """Decimal, 0o octal or 0x hexadecimal; a leading zero is decimal (YAML 1.2)."""
        text = self.construct_scalar(node)
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)

    def construct_list(self, node: yaml.SequenceNode) -> list[Any]:
        """All items."""
        return [self.construct_object(item, deep=True) for item in node.value]

    def construct_dict(self, node: yaml.MappingNode) -> dict[Any, Any]:
        """What `<<` merges first, then the pairs, whose keys are plain and differ.

        PyYAML's own keeps the last of two equal keys, and from 6.0.4 on merges a mapping that itself merges wrongly.
        """
        merged: dict[Any, Any] = {}
        own: dict[Any, Any] = {}
        lines: dict[Any, int] = {}
        for key_node, value_node in node.value:
            mark = key_node.start_mark
            if not isinstance(key_node, yaml.ScalarNode):
                raise ConstructorError(None, None, "a key must be a plain value", mark)
            if key_node.tag == _TAG + "merge":
                sources = value_node.value if isinstance(value_node, yaml.SequenceNode) else [value_node]
                if not all(isinstance(source, yaml.MappingNode) for source in sources):
                    raise ConstructorError(None, None, "expected a mapping or list of mappings for merging", mark)
                for source in sources:
                    merged = self.construct_object(source, deep=True) | merged
                continue
            key = self.construct_object(key_node)
            if key in own:
                raise ConstructorError(None, None, f"the key {key!r} is here twice (first in line {lines[key]})", mark)
            own[key], lines[key] = self.construct_object(value_node, deep=True), mark.line + 1
        return merged | own

    def refuse_tag(self, node: yaml.Node) -> None:
        """A tag that is no plain value's."""
        text = f"the tag {node.tag!r} is not allowed: only plain values are"
        raise ConstructorError(None, None, text, node.start_mark)


for _name, _pattern, _first in _CORE:
    _Loader.add_implicit_resolver(_TAG + _name, re.compile(f"^(?:{_pattern})$"), _first)
for _name in ("null", "bool", "float", "str"):
    _Loader.add_constructor(_TAG + _name, yaml.SafeLoader.yaml_constructors[_TAG + _name])
_Loader.add_constructor(_TAG + "merge", yaml.SafeLoader.construct_yaml_str)  # `<<` merges as a key only
_Loader.add_constructor(_TAG + "int", _Loader.construct_int)
_Loader.add_constructor(_TAG + "seq", _Loader.construct_list)
_Loader.add_constructor(_TAG + "map", _Loader.construct_dict)
_Loader.add_constructor(None, _Loader.refuse_tag)


def _check_size(text: str, max_nodes: int) -> None:
    """Refuse nesting beyond MAX_DEPTH, self-reference, and more than `max_nodes` nodes, before any is made."""
    left, sizes = max_nodes, dict[str | None, int]()
    above: list[tuple[str | None, int]] = []  # anchors of the collections that are open, and what was left before
    event: Any
    for event in yaml.parse(text, Loader=_Loader):
        mark = event.start_mark
        if isinstance(event, yaml.CollectionEndEvent):
            anchor, before = above.pop()
            if anchor is not None:
                sizes[anchor] = before - left
            continue
        if isinstance(event, yaml.AliasEvent):
            if any(anchor == event.anchor for anchor, _ in above):
                raise ConstructorError(None, None, f"the alias *{event.anchor} refers to what it is part of", mark)
            left -= sizes.get(event.anchor, 0)
        elif isinstance(event, yaml.ScalarEvent):
            left -= 1
            if event.anchor is not None:
                sizes[event.anchor] = 1
        elif isinstance(event, yaml.CollectionStartEvent):
            above.append((event.anchor, left))
            left -= 1
            if len(above) > MAX_DEPTH:
                raise ConstructorError(None, None, f"nested more than {MAX_DEPTH} levels deep", mark)
        if left < 0:
            raise ConstructorError(None, None, "too many nodes, with every alias written out", mark)


def packaged_yaml(*inside: str) -> dict[str, Location]:
    """The YAML files in a folder of an installed package, by name. inside: as of `storage.packaged`."""
    return {path.stem: path for path in storage.entries_of(storage.packaged(*inside)) if path.suffix == ".yaml"}


def find_yaml(name: str | Location, what: str, shipped: Callable[[], Mapping[str, T]]) -> Location | T:
    """A file by its path, or what ships under this name; raises UserError with the nearest one. what: `recipe`."""
    path = storage.locate(name)
    if storage.is_file(path):
        return path
    known = shipped()
    if str(name) not in known:
        raise UserError(
            f"there is no {what} file {str(name)!r} and no shipped {what} of that name; {nearest(str(name), known)}",
            remedy="`xlcorpus recipes list` names the shipped ones; a file of your own is given by its path",
        )
    return known[str(name)]


def load_yaml(location: Location, *, max_bytes: int = 1_000_000, max_nodes: int = 100_000) -> Any:
    """`parse_yaml` of a file of UTF-8; raises UserError where it cannot be read, too."""
    return parse_yaml(yaml_text(location, max_bytes=max_bytes), str(location), max_nodes=max_nodes)


def yaml_text(location: Location, *, max_bytes: int = 1_000_000) -> str:
    """The text of a YAML file, not parsed; raises UserError where it cannot be read, is too large or no UTF-8."""
    try:
        with storage.open_input(location) as stream:
            raw = stream.read(max_bytes + 1)
    except OSError as error:
        raise UserError(
            f"{location}: cannot be read: {error.strerror}", remedy="give the path of a YAML file"
        ) from error
    if len(raw) > max_bytes:
        raise UserError(
            f"{location}: more than {max_bytes:,} bytes", remedy="give a smaller YAML file; lists belong in files"
        )
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise UserError(f"{location}, line {line}: not UTF-8", remedy="save the file as UTF-8") from error


def parse_yaml(text: str, name: str = "YAML text", *, max_nodes: int = 100_000) -> Any:
    """Plain data (dict, list, str, int, float, bool, None) of YAML; None where it is empty.

    name: for messages. YAML 1.2 core schema: only true and false are booleans. Raises UserError, naming the line, for
    YAML that is malformed, nested more than 64 levels deep, holds more than `max_nodes` nodes with aliases
    written out (so an alias bomb fails while it is read), refers to itself, repeats a key, or bears a tag such as
    !!python/object.
    """
    try:
        _check_size(text, max_nodes)
        return yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{name}, line {mark.line + 1}, column {mark.column + 1}" if mark else name
        problem = ", ".join(part for part in (error.context, error.problem) if part)
        raise UserError(f"{where}: {problem}", remedy="correct the YAML there; plain keys and values only") from error
    except (yaml.YAMLError, ValueError, KeyError) as error:  # an integer of 5,000 digits, `!!int x`, surrogates
        reason = " ".join(str(error).split())
        raise UserError(f"{name}: {reason}", remedy="correct the YAML; plain keys and values only") from error


def refuse_unknown(mapping: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    """Raise UserError for the first key that is none of the known ones, with the nearest."""
    for key in mapping:
        if key not in known:
            raise UserError(
                f"{where}: unknown key {key!r}; {nearest(key, known)}", remedy=f"it may hold {', '.join(known)}"
            )


def filled_in(value: Any, variables: Mapping[str, str], where: str) -> Any:
    """A value with the variables in its strings, `${name}`, filled in; raises UserError where one is not set."""
    if isinstance(value, str):

        def replacement(match: re.Match[str]) -> str:
            if match.group(1) not in variables:
                raise UserError(
                    f"{where}: the variable ${{{match.group(1)}}} is not set; {nearest(match.group(1), variables)}",
                    remedy=f"set it under `variables:` or with --set variables.{match.group(1)}=...",
                )
            return variables[match.group(1)]

        return _VARIABLE.sub(replacement, value)
    if isinstance(value, list):
        return [filled_in(item, variables, where) for item in value]
    if isinstance(value, dict):
        return {key: filled_in(item, variables, where) for key, item in value.items()}
    return value


def variables_of(content: Mapping[str, Any], known: Mapping[str, str], where: str) -> dict[str, str]:
    """The variables of a recipe: those that are always known, then its own, each of which may use those above it."""
    given = {} if content.get("variables") is None else content["variables"]
    if not isinstance(given, dict):
        raise UserError(f"{where}: `variables` must be a mapping", remedy="write `variables: {files: web/}`")
    variables = dict(known)
    for key, value in given.items():
        if isinstance(value, (dict, list)) or value is None:
            raise UserError(f"{where}: variables: {key} is no text: {value!r}", remedy="write `variables: {key: web/}`")
        variables[str(key)] = filled_in(str(value), variables, where)
    return variables


def load_mapping(location: Location, keys: Sequence[str], example: str) -> dict[str, Any]:
    """`load_yaml` of a recipe; raises UserError where it is no mapping. keys, example: a recipe's, for the message."""
    content = load_yaml(location)
    if not isinstance(content, dict):
        raise UserError(
            f"{location}: a recipe is a mapping with the keys {', '.join(keys)}; this is a {type(content).__name__}",
            remedy=f"`xlcorpus recipes show {example}` prints one to start from",
        )
    return content


def setting_of(setting: str, example: str) -> tuple[list[str], Any]:
    """The path of keys and the value, read as YAML, of `--set KEY.KEY=VALUE`; raises UserError where it is none.

    example: `dedup.threshold=0.7`, for the message.
    """
    key, equals, text = setting.partition("=")
    if not equals or not all(path := key.split(".")):
        raise UserError(f"--set {setting}: this is not KEY=VALUE", remedy=f"write --set {example}, or --set seed=3")
    return path, parse_yaml(text, f"--set {key}") if text else ""


def set_value(content: dict[str, Any], path: Sequence[str], value: Any) -> None:
    """Set the value at a path of keys, and of numbers in lists, making the mappings that are not there.

    Raises UserError where a list has no such item, or something on the way is no mapping and no list.
    """
    key, place = ".".join(path), content
    for number, name in enumerate(path):
        where, index, last = ".".join(path[:number]) or "the recipe", name, number == len(path) - 1
        if isinstance(place, list):
            if not name.isdecimal() or int(name) >= len(place):
                raise UserError(f"--set {key}: {where} is a list of {len(place)}", remedy="number its items from 0")
            index = int(name)
        elif not isinstance(place, dict):
            raise UserError(f"--set {key}: {where} holds no keys", remedy="name a key of the recipe")
        elif not last and place.get(name) is None:
            place[name] = {}
        if last:
            place[index] = value
        place = place[index]


def name_of(content: Mapping[str, Any], path: Location) -> str:
    """The name of a recipe, that of its file where it says none: of the folder below out/ that it makes."""
    name = content.get("name", path.stem)
    if isinstance(name, bool) or not isinstance(name, (str, int)) or str(name) in ("", ".", "..") or "/" in str(name):
        raise UserError(f"{path}: name {name!r} is no name of a folder", remedy="write `name: swahili`")
    return str(name)


def seed_of(content: Mapping[str, Any], where: str) -> int:
    """The seed of a recipe, 0 where it names none."""
    seed = content.get("seed", 0)
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise UserError(f"{where}: seed must be a whole number, not {seed!r}", remedy="write `seed: 3`")
    return seed
