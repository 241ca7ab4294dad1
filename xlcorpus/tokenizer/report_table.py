"""Samples, reports and comparisons of tokenizers as cells, for the terminal and for the notes of pack."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from xlcorpus.tokenizer.text_sample import Sample

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


def change_rows(table: pa.Table) -> list[list[str]]:
    """A header and a row of cells for each language. table: `compare.SCHEMA`."""
    titles = ["lang", "texts", "tokens before", "after", "fertility before", "after", "texts changed", "tokens changed"]
    return [titles, *([row.pop("lang"), *(cell(*one) for one in row.items())] for row in table.to_pylist())]


def sample_rows(sample: Sample) -> list[list[str]]:
    """A header, a row of cells for each language that there is, and their sum."""
    taken, rows = sample.bytes_by_language(), [["lang", "bytes of the sample", "of", "share"]]
    total = sum(taken.values())
    for lang, available in sample.available.items():
        share = f"{100 * taken.get(lang, 0) / total:.2f} %"
        rows.append([lang, f"{taken.get(lang, 0):,}", f"{available:,}", share])
    return [*rows, ["all", f"{total:,}", f"{sum(sample.available.values()):,}", ""]]


def cell(name: str, value: Any) -> str:
    """A value as people read it: shares in percent."""
    if value is None:
        return ""
    if name in _SHARES:
        return f"{100 * value:.2f} %"
    return f"{value:.3f}" if isinstance(value, float) else f"{value:,}"
