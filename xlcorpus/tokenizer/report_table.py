"""The report of a tokenizer as cells: the same in the terminal, after `tokenizer train` and in the notes of pack."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

COLUMNS = {
    "tokens": "tokens",
    "fertility": "fertility",
    "tokens_per_character": "tokens/char",
    "bytes_per_token": "bytes/token",
    "unknown_share": "unknown",
    "partial_share": "partial",
    "coverage": "coverage",
    "whole_words": "whole words",
    "parity": "parity",
}
SHORT = ("tokens", "fertility", "bytes_per_token", "unknown_share", "partial_share", "parity")
_SHARES = {"unknown_share", "partial_share", "coverage", "whole_words", "texts_changed", "tokens_changed"}


def report_rows(table: pa.Table, columns: Sequence[str] = tuple(COLUMNS)) -> list[list[str]]:
    """A header and a row of cells for each language. table: `measure.SCHEMA`; columns: of COLUMNS."""
    rows = table.to_pylist()
    basis = next((row["parity_basis"] for row in rows if row["parity_basis"]), None)
    titles = [f"parity ({basis})" if name == "parity" and basis else COLUMNS[name] for name in columns]
    cells = [[row["lang"] or "(none)", *(cell(name, row[name]) for name in columns)] for row in rows]
    return [["lang", *titles], *cells]


def cell(name: str, value: Any) -> str:
    """A value as people read it: shares in percent."""
    if value is None:
        return ""
    if name in _SHARES:
        return f"{100 * value:.2f} %"
    return f"{value:.3f}" if isinstance(value, float) else f"{value:,}"
