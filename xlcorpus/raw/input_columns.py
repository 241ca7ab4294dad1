"""Columns of the input: what one is before all are put together, and what a field of the schema remembers of it."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError

EXTRA = "extra"  # string column of every JSONL dataset: JSON object of the fields that have no column or do not fit it
ADOPTED = ("url", "timestamp", "license", "kind")  # string columns of the input that become ours
INPUT_KEY, JSON_KEY = b"input", b"json"


@dataclass(frozen=True)
class Column:
    """A column of input files.

    where: the first file that has it; json: its values had no common type, its strings are JSON; unknown: only nulls
    were seen.
    """

    type: pa.DataType
    where: Location
    json: bool = False
    unknown: bool = False


def conflict(name: str, one: Column, other: Column) -> UserError:
    """What to say where a column is of two types."""
    return UserError(
        f"column {name!r} is {one.type} in {one.where} and {'JSON' if other.json else other.type} in {other.where}",
        remedy="ingest these files separately, or rewrite the column to one type in all of them",
    )


def input_name(field: pa.Field) -> str | None:
    """The input column that fills a column of the schema; None where it is not filled from the input."""
    value = (field.metadata or {}).get(INPUT_KEY)
    return None if value is None else value.decode("utf-8")


def fields_by_input(schema: pa.Schema) -> dict[str, pa.Field]:
    """Columns of the schema by the input column that fills them."""
    return {name: field for field in schema if (name := input_name(field)) is not None}


def holds_json(field: pa.Field) -> bool:
    """Whether the strings of a column are JSON text (its values had no common type)."""
    return JSON_KEY in (field.metadata or {})
