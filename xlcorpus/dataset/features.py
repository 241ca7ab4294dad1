"""What Hugging Face's `datasets` knows of columns beyond their types: pictures, sounds, names of classes.

It stands as JSON in the metadata of a Parquet schema, under the key `huggingface`. Features that say no more than
types do (Value, lists and structs of it) are left out: `load_dataset` finds these by itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from xlcorpus.dataset.united import nullable

KEY = b"huggingface"
_DIFFERING = "differing"  # beside the features: columns whose files say different things
_PLAIN = ("Value", "List", "LargeList", "Sequence")
_SMALL = {"large_string": "string", "large_binary": "binary", "LargeList": "List"}  # as ingest makes the types


@dataclass(frozen=True)
class Feature:
    """What is said of a column (JSON) of this type."""

    said: str
    type: pa.DataType

    @classmethod
    def of(cls, said: str, kind: pa.DataType) -> Feature:
        """What is said, without lengths where lists have none: else `datasets` takes it for nothing."""
        return cls(_text(_of_any_length(json.loads(said))) if kind == nullable(kind) else said, kind)

    @property
    def listed(self) -> str:
        """What is said of a column of lists of such values; datasets before 4.0 know `Sequence` alone, which of structs
        would mean structs of lists."""
        one = json.loads(self.said)
        return _text({"feature": one, "length": -1, "_type": "Sequence" if "_type" in one else "List"})


Features = Mapping[str, Feature]


def said_in(metadata: Mapping[bytes, bytes] | None) -> dict[str, str]:
    """What the metadata of a schema says of columns beyond their types: JSON by column; of no known form: nothing."""
    return {name: _text(_small(one)) for name, one in _said(metadata, "features").items() if _says_more(one)}


def metadata_of(said: Mapping[str, str | None]) -> dict[bytes, bytes]:
    """The metadata of a schema. said: JSON by column, None: files say different things; nothing: no metadata."""
    if not said:
        return {}
    features = {name: json.loads(one) for name, one in said.items() if one is not None}
    differing = [name for name, one in said.items() if one is None]
    info: dict[str, Any] = {"features": features} | ({_DIFFERING: differing} if differing else {})
    return {KEY: _text({"info": info}).encode()}


def features_of(schemas: Sequence[pa.Schema]) -> tuple[dict[str, Feature], list[str]]:
    """The features that all inputs which have the column agree on, and a line for each column where they do not."""
    found: dict[str, Feature] = {}
    remarks = []
    said = [said_in(schema.metadata) for schema in schemas]
    differing = {name for schema in schemas for name in _said(schema.metadata, _DIFFERING)}
    for name in dict.fromkeys([*(name for one in said for name in one), *sorted(differing)]):
        having = [number for number, schema in enumerate(schemas) if _holds(schema, name)]
        sayings = {said[number].get(name) for number in having}
        if len(sayings) == 1 and name not in differing:
            found[name] = Feature.of(said[having[0]][name], schemas[having[0]].field(name).type)
        elif having:
            remarks.append(
                f"column {name!r}: its inputs say different things of it to Hugging Face's datasets ({KEY.decode()} "
                "features, names of classes, say): the values stay, what was said of them does not"
            )
    return found, remarks


def metadata_for(features: Features, columns: Iterable[pa.Field]) -> dict[bytes, bytes]:
    """The metadata of a file with these columns: what is said of those that are of the type it was said of, of lists of
    any length in the place of fixed ones, or lists of this type."""
    said: dict[str, str | None] = {}
    for field in columns:
        one = features.get(field.name)
        if one is None:
            continue
        if field.type == one.type:
            said[field.name] = one.said
        elif field.type == nullable(one.type):
            said[field.name] = Feature.of(one.said, field.type).said
        elif pa.types.is_list(field.type) and field.type.value_type == one.type:
            said[field.name] = one.listed
    return metadata_of(said)


def renamed(metadata: Mapping[bytes, bytes] | None, names: Iterable[tuple[str, str]]) -> dict[bytes, bytes]:
    """The metadata of columns of another schema. names: of each column that stays, what it was called and is called."""
    said = said_in(metadata) | dict.fromkeys(_said(metadata, _DIFFERING))
    return metadata_of({now: said[before] for before, now in names if before in said})


def only_features(metadata: Mapping[bytes, bytes] | None) -> dict[bytes, bytes]:
    """Of the metadata of a schema that of features."""
    return {key: value for key, value in (metadata or {}).items() if key == KEY}


def _holds(schema: pa.Schema, name: str) -> bool:
    at = schema.get_field_index(name)
    return at >= 0 and not pa.types.is_null(schema.field(at).type)


def _said(metadata: Mapping[bytes, bytes] | None, part: str) -> Any:
    try:
        found = json.loads((metadata or {})[KEY])["info"].get(part) or {}
    except (KeyError, ValueError, TypeError, AttributeError):
        return {}
    return found if isinstance(found, dict if part == "features" else list) else {}


def _says_more(said: Any) -> bool:
    if isinstance(said, list):
        return any(map(_says_more, said))
    if not isinstance(said, dict):
        return False
    kind = said.get("_type")
    return (isinstance(kind, str) and kind not in _PLAIN) or any(map(_says_more, said.values()))


def _small(said: Any) -> Any:
    """With the small types that ingest makes of large ones."""
    if isinstance(said, list):
        return [_small(one) for one in said]
    if not isinstance(said, dict):
        return said
    return {
        key: _SMALL.get(one, one) if key in ("dtype", "_type") and isinstance(one, str) else _small(one)
        for key, one in said.items()
    }


def _of_any_length(said: Any) -> Any:
    if isinstance(said, list):
        return [_of_any_length(one) for one in said]
    if not isinstance(said, dict):
        return said
    listed = said.get("_type") in ("List", "LargeList", "Sequence")
    return {key: -1 if listed and key == "length" else _of_any_length(one) for key, one in said.items()}


def _text(said: Any) -> str:
    return json.dumps(said, ensure_ascii=False, sort_keys=False, separators=(",", ":"))
