"""A report as a plot: bars by language in an SVG file for any browser. Drawn here, so nothing is to be installed."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import pyarrow as pa

from xlcorpus.dataset.storage import Location, write_text
from xlcorpus.errors import UserError
from xlcorpus.tokenizer.write import guarded

_ROW, _TOP, _LABEL, _BAR, _GAP, _VALUE = 18, 64, 110, 260, 40, 48  # pixels
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
    panels = [name for name in _COLOURS if any(row[name] is not None for row in rows)]
    step = _BAR + _VALUE + _GAP
    width, height = _LABEL + max(len(panels), 1) * step, _TOP + _ROW * len(rows) + 16
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        f'<text x="12" y="24" font-size="15">{escape(title)}</text>',
    ]
    for at, row in enumerate(rows):
        lines.append(
            f'<text x="{_LABEL - 8}" y="{_TOP + _ROW * at + 13}" text-anchor="end">{escape(row["lang"])}</text>'
        )
    for number, name in enumerate(panels):
        lines += _panel(rows, name, _LABEL + number * step)
    return "\n".join([*lines, "</svg>"]) + "\n"


def _panel(rows: Sequence[dict[str, Any]], name: str, left: int) -> list[str]:
    largest = max((row[name] for row in rows if row[name] is not None), default=1.0) or 1.0
    bottom = _TOP + _ROW * len(rows)
    lines = [f'<text x="{left}" y="{_TOP - 14}" font-weight="bold">{escape(_TITLES[name])}</text>']
    if name == "parity" and largest >= 1:
        at = left + _BAR / largest
        lines.append(f'<line x1="{at:.1f}" y1="{_TOP - 4}" x2="{at:.1f}" y2="{bottom}" stroke="#999"/>')
    for number, row in enumerate(rows):
        value = row[name]
        if value is None:
            continue
        top, wide = _TOP + _ROW * number, _BAR * value / largest
        lines.append(f'<rect x="{left}" y="{top + 3}" width="{wide:.1f}" height="{_ROW - 6}" fill="{_COLOURS[name]}"/>')
        lines.append(f'<text x="{left + wide + 5:.1f}" y="{top + 13}" fill="#444">{value:.2f}</text>')
    return lines
