"""Which room imports which, on which floor each stands, and the picture of it in docs/architecture.md.

`python -m tests.house.arrows` draws the picture anew.
"""

from __future__ import annotations

import re
from collections import Counter

from tests.house.source import ROOT, modules

# From the ground up. A room imports rooms of lower floors only.
FLOORS = (
    ("errors", ("errors", "schemas")),
    ("ground", ("options", "registry")),
    ("shared floor", ("text",)),
    ("datasets", ("dataset",)),
    ("raw files", ("raw", "sample")),
    ("rooms that method rooms may use", ("tokenizer", "lexicon", "pairs", "tags")),
    ("languages, templates", ("languages", "templates")),
    (
        "method rooms",
        (
            "ingest",
            "code",
            "lid",
            "quality",
            "dedup",
            "romanize",
            "translico",
            "align",
            "codeswitch",
            "generate",
            "mix",
            "pack",
        ),
    ),
    ("objectives", ("objectives",)),
    ("what training reads and begins with", ("export", "loader", "initialize")),
    ("training", ("pretrain",)),
    ("trained models", ("evaluate",)),
    ("language models that are asked", ("mine",)),
    ("Beam", ("beam",)),
    ("graphs", ("pipelines",)),
    ("recipes", ("recipe", "report")),
    ("faces", ("face", "cli")),
)
PICTURE = re.compile(r"(<!-- arrows: made by `python -m tests.house.arrows` -->\n```mermaid\n).*?(```)", re.DOTALL)
_BELOW = {room for _, rooms in FLOORS[:4] for room in rooms}  # every room stands on these: no arrows drawn


def floor_of() -> dict[str, int]:
    """The floor of each room, 0 the lowest."""
    return {room: number for number, (_, rooms) in enumerate(FLOORS) for room in rooms}


def lines_of() -> Counter[str]:
    """Lines of product code by room."""
    counted: Counter[str] = Counter()
    for module in modules():
        counted[module.room] += module.lines
    return counted


def arrows() -> Counter[tuple[str, str]]:
    """How often each room imports from each other one."""
    found: Counter[tuple[str, str]] = Counter()
    for module in modules():
        for name in module.imports():
            room = name.split(".")[1] if "." in name else name
            if room != module.room and {room, module.room} <= set(floor_of()):
                found[module.room, room] += 1
    return found


def picture() -> str:
    """The arrows as a Mermaid flowchart, without those to the shared floor, on which every room stands."""
    lines, sizes = ["flowchart TD"], lines_of()
    for number, (title, rooms) in reversed(list(enumerate(FLOORS))):
        lines.append(f'  subgraph f{number}["{title}"]')
        lines += [f'    {room}["{room}<br/>{sizes[room]:,} lines"]' for room in rooms if sizes[room]]
        lines.append("  end")
    lines += [f"  {one} --> {other}" for one, other in sorted(arrows()) if other not in _BELOW]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Draw the picture anew."""
    page = ROOT / "docs" / "architecture.md"
    text = page.read_text(encoding="utf-8")
    page.write_text(PICTURE.sub(lambda match: match[1] + picture() + match[2], text), encoding="utf-8")


if __name__ == "__main__":
    main()
