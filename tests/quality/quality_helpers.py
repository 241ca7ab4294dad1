"""Batches of documents for the tests of quality."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from tests import rows


def documents(texts: list[str | None], **columns: Any) -> pa.RecordBatch:
    """Documents named by their rows; further columns as given."""
    names = [str(row) for row in range(len(texts))]
    script = columns.pop("script", None)
    made = rows.documents(texts, names=names, **{"source": None, **columns})
    return made if script is None else made.append_column("script", pa.array(script))
