"""The funnel of a run for the terminal: what became of the rows, step by step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from xlcorpus.dataset.by_file import loss_lines, losses_in
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.tally import Tally
from xlcorpus.text.tables import table_lines

_REASONS = 4  # most that are named


def _reasons(counts: Counter[str]) -> str:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    shown = [f"{name} {count:,}" for name, count in ordered[:_REASONS]]
    more = len(counts) - len(shown)
    return ", ".join(shown) + (f", {more} more reasons" if more > 0 else "")


def count_columns(tallies: Sequence[Tally]) -> list[str]:
    """The counts that are shown; merged, of packs alone, only where there are any."""
    names = ["rows_in", "rows_out", "removed", "rejected", "repeated"]
    return [*names, *(["merged"] if any(tally.merged for tally in tallies) else [])]


def count_cells(tally: Tally, columns: Sequence[str]) -> list[str]:
    """The counts of a step as cells."""
    numbers = {"removed": tally.removed_rows, "rejected": tally.rejected_rows}
    return [f"{numbers[name] if name in numbers else getattr(tally, name):,}" for name in columns]


def funnel_lines(datasets: Sequence[tuple[str, Dataset]], asked: Sequence[str] = ()) -> list[str]:
    """The funnel of a run: what each step was given, kept, removed and rejected; then what steps noted, what language
    models were asked (lines), and files."""
    columns = count_columns([tally for _, dataset in datasets for tally in dataset.manifest.tallies])
    rows = [["dataset", "step", *columns, "reasons"]]
    tables: list[str] = []
    files: list[str] = []
    for name, dataset in datasets:
        for tally in dataset.manifest.tallies:
            rows.append([name, tally.step, *count_cells(tally, columns), _reasons(tally.reasons + tally.rejected)])
        tables.extend(dataset.manifest.notes.get("table", []))
        files += ["", *loss_lines(losses)] if (losses := losses_in(dataset.manifest.notes)) else []
    lines = table_lines(rows, right=range(2, 2 + len(columns)))
    if tables:
        lines += ["", *tables]
    lines += ["", *asked] if asked else []
    lines += files
    where = [f"  {name}: {dataset.folder}" for name, dataset in datasets]
    return [
        *lines,
        "",
        "every row is accounted for: rows_in + repeated = rows_out + removed + rejected"
        f"{' + merged' if 'merged' in columns else ''} at every step",
        *where,
    ]
