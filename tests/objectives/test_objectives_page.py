"""docs/objectives.md names every objective, what it reads, and every option of those that have a table."""

from __future__ import annotations

import re

from tests.house.source import ROOT
from xlcorpus.objectives.objective import OBJECTIVES

PAGE = (ROOT / "docs" / "objectives.md").read_text("utf-8")


def test_every_objective_has_a_row_with_its_view() -> None:
    rows = re.findall(r"^\| `(\w+)`.*?\| (.*?) \|", PAGE, flags=re.MULTILINE)
    ours = {name: kind for name, kind in OBJECTIVES.all.items() if type(kind).__module__.startswith("xlcorpus.")}
    found = {name: re.search(r"--view (\w+)", reads) for name, reads in rows if name in ours}
    assert {name: view and view[1] for name, view in found.items()} == {name: kind.view for name, kind in ours.items()}
