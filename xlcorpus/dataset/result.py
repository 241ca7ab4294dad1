"""What a kernel makes of rows, whatever the method: rows that stay, why the others do not, and what it counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import pyarrow as pa

# Whole numbers by name, or by name and name: {"words": 5} or {"replaced": {"eng_Latn": 3}}.
Counts: TypeAlias = dict[str, Any]


def add_counts(total: Counts, more: Mapping[str, Any]) -> None:
    """Add counts of the same shape to `total`, name by name."""
    for name, value in more.items():
        if isinstance(value, Mapping):
            add_counts(total.setdefault(name, {}), value)
        else:
            total[name] = total.get(name, 0) + int(value)


@dataclass(frozen=True)
class Result:
    """Rows that stay, decision rows (decision-1) and reject rows (reject-1) for the others, and counts.

    rows_in: what went in; None where the caller knows it (a kernel of one batch). bytes_in: its bytes, of readers of
    raw files. repeated: rows made beyond the first of each row that went in; merged: rows that share one with others.
    """

    rows: pa.RecordBatch
    decisions: pa.RecordBatch | None = None
    rejects: pa.RecordBatch | None = None
    counts: Counts = field(default_factory=dict)
    rows_in: int | None = None
    bytes_in: int = 0
    repeated: int = 0
    merged: int = 0


def concat_results(results: Sequence[Result]) -> Result:
    """Several results, of rows that follow one another, as one. rows_in: None where one has none."""
    counts: Counts = {}
    for result in results:
        add_counts(counts, result.counts)
    known = [result.rows_in for result in results if result.rows_in is not None]
    return Result(
        rows=pa.concat_batches([result.rows for result in results]),
        decisions=_concat([result.decisions for result in results]),
        rejects=_concat([result.rejects for result in results]),
        counts=counts,
        rows_in=sum(known) if len(known) == len(results) else None,
        bytes_in=sum(result.bytes_in for result in results),
        repeated=sum(result.repeated for result in results),
        merged=sum(result.merged for result in results),
    )


def _concat(batches: Sequence[pa.RecordBatch | None]) -> pa.RecordBatch | None:
    some = [batch for batch in batches if batch is not None]
    return pa.concat_batches(some) if some else None
