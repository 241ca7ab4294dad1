"""Columns of the input: what one is before all are put together, and what a field of the schema remembers of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pyarrow as pa

from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError

EXTRA = "extra"  # string column of every JSONL dataset: JSON object of the fields that have no column or do not fit it
ADOPTED = ("url", "timestamp", "license", "kind")  # string columns of the input that become ours
INPUT_KEY = b"input"


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


def united(name: str, one: Column, other: Column) -> Column:
    """What a column is of which two files know something; raises UserError where their types differ.

    A column that is null throughout (type null, or unknown), or null somewhere within lists and structs, takes the type
    that the other file knows.
    """
    if other.unknown or (one.type == other.type and one.json == other.json):
        return one
    if one.unknown:
        return other
    both = None if one.json or other.json else _without_nulls(one.type, other.type)
    if both is None:
        raise conflict(name, one, other)
    return one if both == one.type else replace(other, type=both)


def _without_nulls(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    """The type of both where they differ in parts that are null in one of them; None where they differ otherwise."""
    if one == other or pa.types.is_null(other):
        return one
    if pa.types.is_null(one):
        return other
    if pa.types.is_list(one) and pa.types.is_list(other):
        inner = _without_nulls(one.value_type, other.value_type)
        return None if inner is None else pa.list_(one.value_field.with_type(inner))
    if pa.types.is_struct(one) and pa.types.is_struct(other) and one.names == other.names:
        parts = [_without_nulls(left.type, right.type) for left, right in zip(one, other, strict=True)]
        if None not in parts:
            return pa.struct([field.with_type(part) for field, part in zip(one, parts, strict=True)])
    return None


def input_name(field: pa.Field) -> str | None:
    """The input column that fills a column of the schema; None where it is not filled from the input."""
    value = (field.metadata or {}).get(INPUT_KEY)
    return None if value is None else value.decode("utf-8")


def fields_by_input(schema: pa.Schema) -> dict[str, pa.Field]:
    """Columns of the schema by the input column that fills them."""
    return {name: field for field in schema if (name := input_name(field)) is not None}
