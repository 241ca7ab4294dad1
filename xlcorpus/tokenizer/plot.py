"""A report as a plot: bars by language in an SVG file."""

from __future__ import annotations

import pyarrow as pa

from xlcorpus.dataset.storage import Location, write_text
from xlcorpus.errors import UserError
from xlcorpus.text.bars import Panel, bars
from xlcorpus.tokenizer.write import guarded

_COLOURS = {"fertility": "#35618f", "parity": "#b3672b", "bytes_per_token": "#4d7f4a"}
_TITLES = {
    "fertility": "fertility: tokens a word",
    "parity": "parity: tokens for one of the reference",
    "bytes_per_token": "bytes a token",
}


def write_plot(table: pa.Table, path: Location, title: str) -> None:
    """Write the fertility, parity and bytes per token of a report (`measure.SCHEMA`) as SVG, the most fertile first.

    Raises UserError for another suffix than .svg, StorageError where the file cannot be written.
    """
    check_plot(path)
    guarded(path, lambda: write_text(path, plot(table, title)))


def check_plot(path: Location) -> None:
    """Raise UserError for another suffix than .svg."""
    if path.suffix.lower() != ".svg":
        raise UserError(f"--plot {path}: plots are SVG files", remedy=f"--plot {path.stem or 'fertility'}.svg")


def plot(table: pa.Table, title: str) -> str:
    """The SVG file. Equal tables give equal files."""
    rows = sorted(table.to_pylist(), key=lambda row: (-(row["fertility"] or 0), row["lang"]))
    panels = [
        Panel(_TITLES[name], [row[name] for row in rows], colour, mark=1.0 if name == "parity" else None)
        for name, colour in _COLOURS.items()
        if any(row[name] is not None for row in rows)
    ]
    return bars(title, [row["lang"] for row in rows], panels)
