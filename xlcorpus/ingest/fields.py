"""What a field of an ingested dataset's schema remembers about the input: its metadata, and names that are ours."""

from __future__ import annotations

import pyarrow as pa

EXTRA = "extra"  # string column of every JSONL dataset: JSON object of the fields that have no column or do not fit it
ADOPTED = ("url", "timestamp", "license", "kind")  # string columns of the input that become ours
INPUT_KEY, JSON_KEY = b"input", b"json"


def input_name(field: pa.Field) -> str | None:
    """The input column that fills a column of the schema; None where it is not filled from the input."""
    value = (field.metadata or {}).get(INPUT_KEY)
    return None if value is None else value.decode("utf-8")


def holds_json(field: pa.Field) -> bool:
    """Whether the strings of a column are JSON text (its values had no common type)."""
    return JSON_KEY in (field.metadata or {})
