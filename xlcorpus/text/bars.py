"""Bars by row in panels side by side, as an SVG file for any browser. Drawn here, so nothing is to be installed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_ROW, _TOP, _LETTER, _BAR, _GAP, _VALUE = 18, 64, 8, 260, 40, 48  # pixels
_LABEL = 110


@dataclass(frozen=True)
class Panel:
    """A bar a row, None: no bar. errors: half a whisker each; mark: where a line stands, None or beyond all: none."""

    title: str
    values: Sequence[float | None]
    colour: str
    errors: Sequence[float | None] = ()
    mark: float | None = None


def bars(title: str, labels: Sequence[str], panels: Sequence[Panel]) -> str:
    """The SVG file. Equal values give equal files."""
    label = max(_LABEL, _LETTER * max((len(one) for one in labels), default=0))
    step = _BAR + _VALUE + _GAP
    width, height = label + max(len(panels), 1) * step, _TOP + _ROW * len(labels) + 16
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        f'<text x="12" y="24" font-size="15">{escape(title)}</text>',
    ]
    for at, one in enumerate(labels):
        lines.append(f'<text x="{label - 8}" y="{_TOP + _ROW * at + 13}" text-anchor="end">{escape(one)}</text>')
    for number, panel in enumerate(panels):
        lines += _panel(panel, label + number * step)
    return "\n".join([*lines, "</svg>"]) + "\n"


def _panel(panel: Panel, left: int) -> list[str]:
    largest = max((value for value in panel.values if value is not None), default=1.0) or 1.0
    bottom = _TOP + _ROW * len(panel.values)
    lines = [f'<text x="{left}" y="{_TOP - 14}" font-weight="bold">{escape(panel.title)}</text>']
    if panel.mark is not None and largest >= panel.mark:
        at = left + _BAR * panel.mark / largest
        lines.append(f'<line x1="{at:.1f}" y1="{_TOP - 4}" x2="{at:.1f}" y2="{bottom}" stroke="#999"/>')
    for number, value in enumerate(panel.values):
        if value is None:
            continue
        top, wide = _TOP + _ROW * number, _BAR * value / largest
        error = panel.errors[number] if number < len(panel.errors) else None
        lines.append(f'<rect x="{left}" y="{top + 3}" width="{wide:.1f}" height="{_ROW - 6}" fill="{panel.colour}"/>')
        text = left + wide
        if error:
            half = _BAR * error / largest
            ends = max(left + wide - half, left), min(left + wide + half, left + _BAR + _GAP / 2)
            lines.append(f'<line x1="{ends[0]:.1f}" y1="{top + 9}" x2="{ends[1]:.1f}" y2="{top + 9}" stroke="#222"/>')
            text = ends[1]
        lines.append(f'<text x="{text + 5:.1f}" y="{top + 13}" fill="#444">{value:.2f}</text>')
    return lines
