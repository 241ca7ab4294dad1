"""Rows to evaluate on, in the order of their dataset, some or all; every choice in a row follows from its number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from xlcorpus.dataset import storage
from xlcorpus.errors import UserError
from xlcorpus.loader.rows import TokenRows
from xlcorpus.text.hashes import hash_text, mix
from xlcorpus.text.labels import UNKNOWN_LANGUAGE

HOLD_OUT_MORE = "hold out more: xlcorpus pack --holdout 2%"


def open_packs(name: str, columns: Sequence[str], what: str) -> TokenRows:
    """Packs with these columns; what: what reads them, for errors. Raises UserError for a view, or no row."""
    rows = TokenRows.open(storage.locate(name))
    if rows.view is not None:
        raise UserError(
            f"{name} holds rows of the view {rows.view}; {what} reads packs",
            remedy="make packs of held-out documents: xlcorpus pack, without --view",
        )
    rows.require(columns, what)
    rows.require_rows(HOLD_OUT_MORE)
    return rows


def packed_languages(rows: TokenRows) -> list[str]:
    """Labels of the languages that packing counted."""
    return sorted(lang or UNKNOWN_LANGUAGE for lang in rows.manifest.notes.get("counts", {}).get("languages", {}))


def longest_first(sizes: np.ndarray, size: int) -> Iterator[np.ndarray]:
    """Rows (int64) in batches of `size`, the longest first, so that those of a batch are alike. sizes: int64[rows]."""
    order = np.argsort(-sizes, kind="stable")
    for start in range(0, len(order), size):
        yield order[start : start + size]


def batches(
    rows: TokenRows, columns: Sequence[str] | None, size: int, limit: int | None = None
) -> Iterator[tuple[pa.RecordBatch, np.ndarray]]:
    """At most `size` rows at a time, all of one row group, and their keys (uint64[rows], see `Objective.collate`).

    limit: at most so many rows, evenly from all. Raises UserError where there is no row.
    """
    rows.require_rows(HOLD_OUT_MORE)
    count = min(rows.count, limit or rows.count)
    chosen = np.arange(count) * rows.count // count
    keys = mix(chosen.astype(np.uint64) ^ hash_text("choices in a row that is evaluated"))
    for group, first in enumerate(rows.firsts[:-1].tolist()):
        start, stop = np.searchsorted(chosen, [first, rows.firsts[group + 1]]).tolist()
        if start < stop:
            here = rows.read(group, columns).take(pa.array(chosen[start:stop] - first))
            for at in range(0, stop - start, size):
                yield here.slice(at, size), keys[start + at : min(start + at + size, stop)]
