"""Cells, specs and plans for the tests of the planner, and the message of a plan that is refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from xlcorpus.errors import UserError
from xlcorpus.mix.allocate import CellPlan, plan_mix
from xlcorpus.mix.cells import Cell
from xlcorpus.mix.spec import MixSpec, parse_mix

LANGUAGES = ["eng_Latn", "swh_Latn", "yor_Latn", "hin_Deva", "amh_Ethi", "khm_Khmr"]


def mix(node: Any, **more: Any) -> MixSpec:
    """A spec of one tree."""
    return parse_mix({"mix": node, **more})


def allocate(cells: Sequence[Cell], spec: MixSpec, budget: Any = None, max_epochs: Any = None) -> list[CellPlan]:
    """What the mix takes of each cell."""
    return list(plan_mix(cells, spec, budget, max_epochs).cells)


def languages(sizes: Sequence[int]) -> list[Cell]:
    """A cell a language, l0 to ln, of these sizes."""
    return [Cell("web", "mono", f"l{n:02d}_Latn", "", size, 1 + size // 10) for n, size in enumerate(sizes)]


def refusal(cells: Sequence[Cell], spec: MixSpec, budget: Any = None, max_epochs: Any = None) -> str:
    """The message with which a plan is refused."""
    with pytest.raises(UserError) as caught:
        allocate(cells, spec, budget, max_epochs)
    return str(caught.value)


def largest_of(cells: Sequence[Cell], spec: MixSpec, max_epochs: Any) -> int:
    """The largest budget; 0 where not one unit can be had."""
    try:
        return plan_mix(cells, spec, "largest", max_epochs).largest
    except UserError:
        return 0


CORPUS = [
    Cell("web", "mono", "eng_Latn", "", 100_000, 100),
    Cell("web", "mono", "swh_Latn", "", 3_000, 10),
    Cell("web", "mono", "yor_Latn", "", 200, 5),
    Cell("wiki", "mono", "yor_Latn", "", 50, 5),
    Cell("opus", "bi", "eng_Latn-swh_Latn", "", 4_000, 50),
    Cell("tatoeba", "bi", "swh_Latn-eng_Latn", "", 1_000, 50),
    Cell("stack", "code", "", "python", 70_000, 50),
    Cell("made", "cs", "swh_Latn", "", 4_000, 4),
]
COMPOSED = {
    "parts": [
        {"where": {"kind": "mono"}, "share": 0.6, "within": {"by": "lang", "rule": "unimax", "epochs": 4}},
        {"where": {"kind": "bi"}, "share": 0.2},
        {"where": {"kind": "code"}, "share": 0.1},
        {"where": {"kind": "cs"}, "share": 0.1},
    ]
}
