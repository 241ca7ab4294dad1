"""Printed tables: rows of cells in columns for the terminal, and long lists in lines."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def table_lines(rows: Sequence[Sequence[str]], right: Collection[int] = ()) -> list[str]:
    """Rows of cells in columns; `right`: numbers of the columns that are aligned to the right."""
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    return [
        "  ".join(
            cell.rjust(width) if index in right else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def in_lines(names: Sequence[str], most: int = 20) -> list[str]:
    """Names with commas between them, at most so many a line."""
    return [", ".join(names[start : start + most]) for start in range(0, len(names), most)]
