"""The code in the pages of docs/, block by block."""

from __future__ import annotations

import re

from tests.house.source import ROOT

_BLOCK = re.compile(r"^```(\w+)(?: ([^\n]*))?\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def blocks(page: str, language: str) -> list[tuple[str, str]]:
    """(what stands behind the language, code) of each block of a language in a page of docs/, in order."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return [(info, code) for kind, info, code in _BLOCK.findall(text) if kind == language]
