"""The curves of a run as SVG: losses, and bits per byte by language on rows held out.

Curves want axes with ticks and a legend, which matplotlib has and `text/bars.py` (rows of bars, for what is said of
languages once) does not: drawn by hand they would be more code than this.
"""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from typing import Any

from xlcorpus.dataset.storage import Location, write_bytes

_MOST = 20  # languages that have a name in the legend

Points = dict[str, list[tuple[float, float]]]


def write_curves(lines: Iterable[Mapping[str, Any]], location: Location) -> None:
    """lines: of metrics.jsonl. Nothing is written without matplotlib, which the extra `pretrain` has."""
    if find_spec("matplotlib") is None:
        return
    import matplotlib
    from matplotlib.figure import Figure

    losses, bits = _points(lines)
    panels = [("loss (nats a label)", losses), ("bits per byte", bits)]
    panels = [one for one in panels if one[1]]
    with matplotlib.rc_context({"svg.hashsalt": "xlcorpus", "font.size": 8}):
        figure = Figure(figsize=(6.0 * max(len(panels), 1), 4.0), layout="constrained")
        for number, (title, curves) in enumerate(panels, 1):
            axes = figure.add_subplot(1, len(panels), number)
            for name, points in sorted(curves.items()):
                whole = name in ("loss", "all")
                axes.plot(*zip(*points, strict=True), label=name, marker=".", linewidth=2 if whole else 0.8)
            axes.set(title=title, xlabel="tokens")
            if len(curves) <= _MOST:
                axes.legend(fontsize=6)
        held = io.BytesIO()
        figure.savefig(held, format="svg", metadata={"Date": None})
    write_bytes(location, held.getvalue())


def _points(lines: Iterable[Mapping[str, Any]]) -> tuple[Points, Points]:
    """Losses of training and on rows held out, and bits per byte, by name: tokens seen, and value."""
    losses: Points = defaultdict(list)
    bits: Points = defaultdict(list)
    for line in lines:
        for name, value in line.items():
            if name == "loss" or name.startswith("loss/"):
                losses[name].append((line["tokens"], value))
        for name, found in line.get("evaluation", {}).items():
            if "loss" in found:
                losses[f"{name}, held out"].append((line["tokens"], found["loss"]))
            for measure in ("bits_per_byte", "pseudo_bits_per_byte"):
                for language, facts in found.get(measure, {}).items():
                    bits[language].append((line["tokens"], facts[measure]))
    return losses, bits
