"""Rows of any kind as decisions name them."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.columns import column_or_null, row_language, row_text
from xlcorpus.dataset.decisions import DECISION
from xlcorpus.errors import UserError


def row_ids(batch: pa.RecordBatch) -> pa.Array:
    """What names each row: its pair_id, of a mix where it has one, else its doc_id. Raises UserError without both."""
    found = [batch.column(name) for name in ("pair_id", "doc_id") if name in batch.schema.names]
    if not found:
        raise UserError("there is neither pair_id nor doc_id here", remedy="give a dataset that xlcorpus made")
    return pc.coalesce(*found) if len({ids.type for ids in found}) == 1 else found[0]


def for_decisions(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The columns of decisions; a pair without doc_id or origin has its pair_id, and no origin; of sentence pairs both
    languages and both texts."""
    origin = column_or_null(batch, "origin", DECISION.field("origin").type)
    return pa.RecordBatch.from_pydict(
        {"doc_id": document_ids(batch), "origin": origin, "lang": row_language(batch), "text": row_text(batch)}
    )


def document_ids(batch: pa.RecordBatch) -> pa.Array:
    """The doc_id of each row, or its pair_id."""
    return batch.column("doc_id") if "doc_id" in batch.schema.names else row_ids(batch)
