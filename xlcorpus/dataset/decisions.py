"""Decision and reject rows: what became of every document that does not reach the output."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from xlcorpus.dataset.columns import batch_of, row_language, row_text
from xlcorpus.dataset.schema import load_schema

DECISION = load_schema("decision").arrow
REJECT = load_schema("reject").arrow
EXCERPT_CHARACTERS = 200
DAMAGE = ("corrupt_file", "truncated_file")  # reasons of rejects for parts of a file that cannot be read any more


def repeat(value: str | None, count: int) -> pa.Array:
    """string[count] of one value. (`pa.repeat` makes fewer buffers, and manifests hold the bytes of batches.)"""
    if value is None or not count:
        return pa.nulls(count, pa.string())
    data = value.encode()
    offsets = np.arange(count + 1, dtype=np.int64) * len(data)
    valid = pa.py_buffer(b"\xff" * ((count + 7) // 8))
    return pa.StringArray.from_buffers(
        count, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(data * count), valid, 0
    )


def decide(
    batch: pa.RecordBatch,
    step: str,
    reason: str | pa.Array,
    *,
    score: pa.Array | np.ndarray | None = None,
    threshold: pa.Array | np.ndarray | float | None = None,
    dup_of: pa.Array | None = None,
    similarity: pa.Array | np.ndarray | None = None,
    keep_text: bool = False,
) -> pa.RecordBatch:
    """Decision rows (decision-1) for every row of `batch`: documents or sentence pairs that a step removes.

    batch: rows with doc_id and origin; of pairs lang is the direction, text both sides (`row_text`).
    reason: one for all or string[rows]; score, threshold: float64[rows].
    """
    count = batch.num_rows
    if isinstance(threshold, float | int):
        threshold = np.full(count, float(threshold))
    values: dict[str, pa.Array] = {
        "doc_id": batch.column("doc_id"),
        "step": repeat(step, count),
        "reason": repeat(reason, count) if isinstance(reason, str) else reason,
        "lang": row_language(batch),
        "origin": batch.column("origin"),
    }
    for name, given in (("score", score), ("threshold", threshold), ("dup_of", dup_of), ("similarity", similarity)):
        if given is not None:
            values[name] = pa.array(given).cast(DECISION.field(name).type)
    if keep_text:
        values["text"] = row_text(batch)
    return batch_of(DECISION, values, count)


def reject(batch: pa.RecordBatch, step: str, reasons: Sequence[str], messages: Sequence[str]) -> pa.RecordBatch:
    """Reject rows (reject-1) for every row of `batch`: documents that a step failed on."""
    text = row_text(batch)
    excerpts = [None if value is None else value[:EXCERPT_CHARACTERS] for value in text.to_pylist()]
    return pa.RecordBatch.from_arrays(
        [
            batch.column("doc_id"),
            repeat(step, batch.num_rows),
            pa.array(reasons, pa.string()),
            pa.array(messages, pa.string()),
            batch.column("origin"),
            pa.array(excerpts, pa.string()),
        ],
        schema=REJECT,
    )


def empty(schema: pa.Schema) -> pa.RecordBatch:
    """A batch of no rows."""
    return pa.RecordBatch.from_arrays([pa.array([], field.type) for field in schema], schema=schema)
