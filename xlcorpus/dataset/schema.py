"""Load the versioned schema files of `schemas/` as Arrow schemas, and check tables against them."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import yaml

from xlcorpus.dataset import storage
from xlcorpus.errors import IntegrityError

_SCALARS: dict[str, pa.DataType] = {
    "string": pa.string(),
    "binary": pa.binary(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "bool": pa.bool_(),
}


def parse_type(text: str) -> pa.DataType:
    """Arrow type of a type name as written in a schema file, e.g. `list<struct<lang: string>>` or `binary[16]`.

    Raises ValueError where the name is not understood.
    """
    text = text.strip()
    if text in _SCALARS:
        return _SCALARS[text]
    if text.startswith("binary[") and text.endswith("]"):
        return pa.binary(int(text[7:-1]))
    if text.startswith("list<") and text.endswith(">"):
        return pa.list_(parse_type(text[5:-1]))
    if text.startswith("struct<") and text.endswith(">"):
        fields = (part.split(":", 1) for part in text[7:-1].split(","))
        return pa.struct([pa.field(name.strip(), parse_type(kind)) for name, kind in fields])
    raise ValueError(f"unknown column type {text!r}")


@dataclass(frozen=True)
class DatasetSchema:
    """One schema file: its name, version and Arrow fields in their fixed order.

    also: columns that steps of ours make and users may bring as well, in any type: neither reserved nor checked.
    """

    name: str
    version: int
    fields: tuple[pa.Field, ...]
    required: frozenset[str]
    step_of: dict[str, str]
    also: tuple[pa.Field, ...] = ()

    @property
    def label(self) -> str:
        """Name and version as manifests hold it, e.g. `document-1`."""
        return f"{self.name}-{self.version}"

    @property
    def arrow(self) -> pa.Schema:
        """All fields as one Arrow schema."""
        return pa.schema(self.fields)

    @property
    def names(self) -> frozenset[str]:
        """Column names that are ours."""
        return frozenset(field.name for field in self.fields)

    def plain(self, names: Sequence[str]) -> pa.Schema:
        """Columns of these names in this order, `also` among them, without their descriptions."""
        types = {field.name: field.type for field in (*self.fields, *self.also)}
        return pa.schema([(name, types[name]) for name in names])

    def columns_of(self, step: str) -> list[pa.Field]:
        """The fields that a step adds, in order."""
        return [field for field in (*self.fields, *self.also) if self.step_of.get(field.name) == step]

    def check(self, schema: pa.Schema, where: str) -> None:
        """Raise IntegrityError, naming file and column, unless `schema` has the required columns in the right types."""
        for field in self.fields:
            index = schema.get_field_index(field.name)
            if index < 0:
                if field.name in self.required:
                    raise IntegrityError(
                        f"{where}: column {field.name!r} ({field.type}) is missing; schema {self.label} requires it",
                        remedy="make the dataset with xlcorpus ingest, or rename the column",
                    )
                continue
            if schema.field(index).type != field.type:
                raise IntegrityError(
                    f"{where}: column {field.name!r} is {schema.field(index).type}, "
                    f"schema {self.label} says {field.type}",
                    remedy="run the step that writes this column again, with this version of xlcorpus",
                )


@functools.cache
def load_schema(name: str, version: int = 1) -> DatasetSchema:
    """The schema `name` of `schemas/NAME-VERSION.yaml`; raises IntegrityError where there is none."""
    file = storage.packaged("xlcorpus.schemas", f"{name}-{version}.yaml")
    if not storage.is_file(file):
        raise IntegrityError(
            f"there is no schema {name}-{version}", remedy="use the xlcorpus version that wrote the dataset"
        )
    content: dict[str, Any] = yaml.safe_load(storage.read_text(file))
    columns: list[dict[str, Any]] = content["columns"]
    also: list[dict[str, Any]] = content.get("also", [])
    return DatasetSchema(
        name=content["name"],
        version=content["version"],
        fields=tuple(map(_field, columns)),
        required=frozenset(column["name"] for column in columns if column.get("required")),
        step_of={column["name"]: column["step"] for column in (*columns, *also) if "step" in column},
        also=tuple(map(_field, also)),
    )


def _field(column: dict[str, Any]) -> pa.Field:
    return pa.field(column["name"], parse_type(column["type"]), metadata={"description": column["description"]})
