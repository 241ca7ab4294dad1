"""Print rows of cells as a table."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import click


def print_table(rows: Sequence[Sequence[str]], right: Collection[int] = ()) -> None:
    """Rows of cells in columns; `right`: numbers of the columns that are aligned to the right."""
    from xlcorpus.text.tables import table_lines

    for line in table_lines(rows, right=right):
        click.echo(line)
