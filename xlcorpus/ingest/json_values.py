"""JSON records one by one: parse a line or say what is wrong with it, infer column types, fit values into them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa

from xlcorpus.text.json_numbers import DECODER, EXACT, Literal, encodable

# Python's parser gives up near 1,000 minus the caller's own depth; a fixed limit is the same everywhere.
MAX_DEPTH = 200
MAX_TYPE_DEPTH = 16  # deeper values are kept as JSON text: no query engine opens such a struct
_INT64 = range(-(2**63), 2**63)
_NAMES = {
    list: "array",
    str: "string",
    int: "number",
    float: "number",
    Literal: "number",
    bool: "boolean",
    type(None): "null",
}


class BadLine(Exception):
    """A line that is no record: named reason and what is wrong, in words."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(reason, message)
        self.reason = reason
        self.message = message


class Misfit(Exception):
    """A value that its column cannot hold."""


def parse_line(line: bytes) -> dict[str, Any]:
    """The JSON object of a line; of a key that occurs twice the last value counts, NaN and Infinity are numbers.

    Numbers that neither int nor float holds exactly are `Literal`s.
    Raises BadLine (nul_bytes, invalid_utf8, invalid_json, not_an_object).
    """
    if b"\0" in line:
        raise BadLine("nul_bytes", "the line holds NUL bytes, as after a disk that was full or a crash")
    try:
        value = DECODER.decode(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise BadLine(
            "invalid_utf8", f"the line is not UTF-8: {error.reason} at byte {error.start:,} of the line"
        ) from None
    except json.JSONDecodeError as error:
        raise BadLine(
            "invalid_json", f"not valid JSON: {error.msg} at character {error.pos + 1:,} of the line"
        ) from None
    except RecursionError:
        raise BadLine("invalid_json", f"values are nested more than {MAX_DEPTH} deep") from None
    if not isinstance(value, dict):
        raise BadLine("not_an_object", f"the line is a JSON {json_name(value)}, not an object")
    if line.count(b"[") + line.count(b"{") > MAX_DEPTH and deeper_than(value, MAX_DEPTH):
        raise BadLine("invalid_json", f"values are nested more than {MAX_DEPTH} deep")
    return value


def json_name(value: Any) -> str:
    """What JSON calls the type of a value: object, array, string, number, boolean, null."""
    return _NAMES.get(type(value), "object")


def deeper_than(value: Any, limit: int) -> bool:
    """Whether lists and objects are nested more than `limit` deep."""
    level, depth = [value], 0
    while level:
        level = [
            child
            for one in level
            for child in (one.values() if isinstance(one, dict) else one)
            if isinstance(child, dict | list)
        ]
        depth += 1
        if depth > limit:
            return True
    return False


# Types: "null", "bool", "int", "long" (integers, some of which no double holds), "float", "string", "json",
# ("list", type), ("struct", ((name, type), ...)).
JsonType = Any


def infer(value: Any, depth: int = 0) -> JsonType:
    """The narrowest type that holds a value; "json" where no Arrow type does."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return ("int" if _fits_float(value) else "long") if value in _INT64 else "json"
    if isinstance(value, float):
        return "float"
    if isinstance(value, Literal):
        return "int" if value.zero else "float" if value.nearest is not None else "json"
    if isinstance(value, str):
        return "string"
    if depth >= MAX_TYPE_DEPTH:
        return "json"
    if isinstance(value, list):
        inner: JsonType = "null"
        for one in value:
            inner = unify(inner, infer(one, depth + 1))
        return "json" if inner == "json" else ("list", inner)
    fields = tuple((name, infer(one, depth + 1)) for name, one in value.items())
    # Parquet has no struct without fields.
    usable = fields and all(name and encodable(name) and type != "json" for name, type in fields)
    return ("struct", fields) if usable else "json"


def unify(one: JsonType, other: JsonType) -> JsonType:
    """The type that holds the values of both exactly: int and float make float, long and float make "json"."""
    if one == other or other == "null":
        return one
    if one == "null":
        return other
    if {one, other} in ({"int", "float"}, {"int", "long"}):
        return one if other == "int" else other
    if not (isinstance(one, tuple) and isinstance(other, tuple) and one[0] == other[0]):
        return "json"
    if one[0] == "list":
        inner = unify(one[1], other[1])
        return "json" if inner == "json" else ("list", inner)
    left, right = dict(one[1]), dict(other[1])
    if left.keys() != right.keys():
        return "json"
    fields = tuple((name, unify(type, right[name])) for name, type in one[1])
    return "json" if any(type == "json" for _, type in fields) else ("struct", fields)


_ARROW = {
    "null": pa.string(),
    "bool": pa.bool_(),
    "int": pa.int64(),
    "long": pa.int64(),
    "float": pa.float64(),
    "string": pa.string(),
    "json": pa.string(),
}


def arrow_type(type: JsonType) -> pa.DataType:
    """The Arrow type of a type; a column that was always null is a string column."""
    if isinstance(type, str):
        return _ARROW[type]
    if type[0] == "list":
        return pa.list_(arrow_type(type[1]))
    return pa.struct([pa.field(name, arrow_type(inner)) for name, inner in type[1]])


def from_json(type: pa.DataType) -> bool:
    """Whether a column of this type can be filled from JSON without a second thought."""
    if pa.types.is_struct(type):
        return all(from_json(field.type) for field in type)
    if pa.types.is_list(type):
        return from_json(type.value_type)
    return type in (pa.string(), pa.bool_(), pa.int64(), pa.float64())


def holds_float(type: pa.DataType) -> bool:
    """Whether doubles are among what a column of this type holds."""
    if pa.types.is_struct(type) or pa.types.is_list(type):
        return any(holds_float(type.field(number).type) for number in range(type.num_fields))
    return bool(pa.types.is_floating(type))


def fitter(type: pa.DataType) -> Callable[[Any], Any]:
    """A function that returns a JSON value as the type holds it, None for null, or raises Misfit."""
    if pa.types.is_struct(type):
        return _struct_fitter({field.name: fitter(field.type) for field in type})
    if pa.types.is_list(type):
        return _list_fitter(fitter(type.value_type))
    if type == pa.float64():
        return _float
    return _integer if type == pa.int64() else _scalar_fitter(_FITS.get(type, lambda value: False))


_FITS: dict[pa.DataType, Callable[[Any], bool]] = {
    pa.string(): lambda value: isinstance(value, str) and (value.isascii() or encodable(value)),
    pa.bool_(): lambda value: isinstance(value, bool),
}


def _scalar_fitter(fits: Callable[[Any], bool]) -> Callable[[Any], Any]:
    def fit(value: Any) -> Any:
        if value is None or fits(value):
            return value
        raise Misfit

    return fit


def _fits_float(value: int) -> bool:
    """Whether a double holds the integer exactly."""
    return -EXACT <= value <= EXACT or (value in _INT64 and int(float(value)) == value)


def _float(value: Any) -> Any:
    if value is None or type(value) is float:
        return value
    if type(value) is int and _fits_float(value):
        return float(value)
    if isinstance(value, Literal) and value.nearest is not None:
        return value.nearest
    raise Misfit


def _integer(value: Any) -> Any:
    if value is None or (type(value) is int and value in _INT64):
        return value
    if isinstance(value, Literal) and value.zero:
        return 0
    raise Misfit


def _list_fitter(inner: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def fit(value: Any) -> Any:
        if value is None:
            return None
        if not isinstance(value, list):
            raise Misfit
        return [inner(one) for one in value]

    return fit


def _struct_fitter(fields: Mapping[str, Callable[[Any], Any]]) -> Callable[[Any], Any]:
    def fit(value: Any) -> Any:
        if value is None:
            return None
        if not isinstance(value, dict) or not value.keys() <= fields.keys():
            raise Misfit
        return {name: inner(value.get(name)) for name, inner in fields.items()}

    return fit
