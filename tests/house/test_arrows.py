"""Arrows between rooms run one way, and the picture of them is true."""

from __future__ import annotations

import re

from tests.house.arrows import PICTURE, arrows, floor_of, lines_of, picture
from tests.house.source import ROOT, modules


def test_every_room_has_a_floor() -> None:
    rooms = {module.room for module in modules() if "." in module.name} - {"__main__"}
    assert rooms <= set(floor_of())


def test_no_arrow_goes_up_or_sideways() -> None:
    floors = floor_of()
    wrong = {f"{one} -> {other}": count for (one, other), count in arrows().items() if floors[one] <= floors[other]}
    assert not wrong


def test_no_circle_inside_a_room() -> None:
    names = {module.name for module in modules()} - {"xlcorpus"}  # which imports what it is asked for
    imports: dict[str, set[str]] = {}
    for module in modules():
        asked = [part for name in module.imports(for_types=False) for part in (name, name.rpartition(".")[0])]
        imports[module.name] = (set(asked) & names) - {module.name, module.name.rpartition(".")[0]}
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join([*path[path.index(name) :], name])
        if name not in done:
            for other in sorted(imports[name]):
                visit(other, (*path, name))
            done.add(name)

    for name in sorted(names):
        visit(name, ())


def test_the_picture_is_true() -> None:
    def arrows_of(text: str) -> set[str]:
        return set(re.findall(r"^  (\w+ --> \w+)$", text, re.MULTILINE))

    drawn = PICTURE.search((ROOT / "docs" / "architecture.md").read_text(encoding="utf-8"))
    assert drawn is not None
    assert arrows_of(drawn[0]) == arrows_of(picture())  # `python -m tests.house.arrows` draws it anew


def test_no_room_is_more_than_a_tenth_of_the_house() -> None:
    sizes = lines_of()
    assert {room: lines for room, lines in sizes.items() if lines > 0.1 * sizes.total()} == {}


def test_files_have_one_job() -> None:
    assert {module.name: module.lines for module in modules() if module.lines > 400} == {}


def test_the_table_of_rooms_is_true() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rooms = re.findall(r"^\| `([\w/]+/)`.* \|.*\| (.+) \|$", page, re.MULTILINE)
    there = {f"xlcorpus/{room}/" for room in floor_of() if (ROOT / "xlcorpus" / room).is_dir()}
    assert {room for room, _ in rooms} == there | {"pipelines/", "schemas/"}
    for room, begin in rooms:
        for name in re.findall(r"`([^`]+)`", begin):
            assert (ROOT / room / name).exists(), f"{room}{name}"
