"""Columns of the input: what one is before all are put together, and what a field of the schema remembers of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa

from xlcorpus.dataset.storage import Location
from xlcorpus.dataset.united import JSON, holds_json, united_field

EXTRA = "extra"  # string column of every JSONL dataset: JSON object of the fields that have no column or do not fit it
ADOPTED = ("url", "timestamp", "license", "kind")  # string columns of the input that become ours
INPUT_KEY = b"input"


def _takes_all(kind: pa.DataType) -> bool:
    return True


@dataclass(frozen=True)
class Column:
    """A column of input files.

    where: the first file that has it; json: its values had no common type, its strings are JSON; unknown: only nulls
    were seen. fits: whether its values can be cast to a type without loss, or its reader keeps elsewhere what cannot.
    feature: what the files say of it to Hugging Face's datasets (`dataset.features`), '' where they do not agree.
    files: how many have it, of those whose types are declared.
    """

    type: pa.DataType
    where: Location
    json: bool = False
    unknown: bool = False
    fits: Callable[[pa.DataType], bool] = _takes_all
    feature: str | None = None
    files: int = 1


def united(name: str, columns: Sequence[Column]) -> Column:
    """The column of one name that holds the values of all, by the rule of `dataset.united`."""
    known = [one for one in columns if not one.unknown and not pa.types.is_null(one.type)]
    if len(known) < 2:
        return (known or [one for one in columns if not one.unknown] or list(columns))[0]
    fields = {at: pa.field(name, one.type, metadata=JSON if one.json else None) for at, one in enumerate(known)}
    field = united_field(fields, lambda at, kind: known[at].fits(kind))
    fits = [one.fits for one in known]
    said = {one.feature if one.type == field.type else None for one in known}
    return Column(
        field.type,
        known[0].where,
        holds_json(field),
        fits=lambda kind: all(one(kind) for one in fits),
        feature=said.pop() if len(said) == 1 else "",
        files=sum(one.files for one in known),
    )


def input_name(field: pa.Field) -> str | None:
    """The input column that fills a column of the schema; None where it is not filled from the input."""
    value = (field.metadata or {}).get(INPUT_KEY)
    return None if value is None else value.decode("utf-8")


def fields_by_input(schema: pa.Schema) -> dict[str, pa.Field]:
    """Columns of the schema by the input column that fills them."""
    return {name: field for field in schema if (name := input_name(field)) is not None}
