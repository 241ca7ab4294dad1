"""One type for a column that several datasets, or files of the input, have: the rule of every step that unites them.

1. A column that is null throughout takes the type that the others know.
2. Where Arrow has a type that holds the values of all (numbers and times of several widths, lists of them, structs with
   other fields, dictionaries) it is that one, if the values that are there fit it exactly: integers above 2^53 beside
   fractions do not.
3. Everything else becomes JSON text, as ingest does with a JSONL field of several types: a number beside a string, a
   list beside a single value. Strings get their quotes, so that 1 and "1" stay apart; times and decimals are strings,
   bytes base64. The field's metadata says so (`json`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence

import pyarrow as pa

from xlcorpus.text.json_numbers import dump

_JSON_KEY = b"json"
JSON = {_JSON_KEY: b"1"}  # metadata of a field: its strings are JSON text
_PRINTED = (pa.types.is_integer, pa.types.is_boolean)  # as Arrow prints them they are JSON


def holds_json(field: pa.Field) -> bool:
    """Whether the strings of a column are JSON text (its values had no common type)."""
    return _JSON_KEY in (field.metadata or {})


def united_field(fields: Mapping[int, pa.Field], fits: Callable[[int, pa.DataType], bool] | None = None) -> pa.Field:
    """The nullable field that holds the values of all fields of one name, by dataset, in any order of them.

    fits: whether the values of the field of a dataset can be cast to a type without loss; none: not looked at.
    """
    known = [field for field in fields.values() if not pa.types.is_null(field.type)] or list(fields.values())[:1]
    kinds = [field.type for field in known]
    if any(map(holds_json, known)):
        return _json(known[0].name)
    found = functools.reduce(_common, kinds)
    if found is not None and any(field.type != found for field in fields.values()):
        found = nullable(found)  # a null, or a field of a struct that one of them lacks
    if found is not None and fits is not None:
        wrong = (
            number
            for number, field in fields.items()
            if field.type != found and not pa.types.is_null(field.type) and not fits(number, found)
        )
        found = None if next(wrong, None) is not None else found
    return _json(known[0].name) if found is None else pa.field(known[0].name, found)


Fits = Callable[[str, int, pa.DataType], bool]


def united_schema(schemas: Sequence[pa.Schema], fits: Fits | None = None) -> pa.Schema:
    """All columns of several schemas in the order of first appearance, each as `united_field` says.

    fits: whether the values of a column can be cast without loss, in the schema of a number. Nulls stand where a
    schema lacks a column, even one that another says is never null.
    """
    fields: dict[str, dict[int, pa.Field]] = {}
    for number, schema in enumerate(schemas):
        for field in schema:
            fields.setdefault(field.name, {})[number] = field
    united = []
    for name, found in fields.items():
        field = united_field(found, fits and functools.partial(fits, name))
        united.append(field if len(found) == len(schemas) else field.with_type(nullable(field.type)))
    return pa.schema(united)


def conform(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """The batch with exactly the columns of `schema`, in its order and types (`in_type`); missing ones are null."""
    columns = []
    for field in schema:
        own = batch.schema.get_field_index(field.name)
        missing = pa.nulls(batch.num_rows, field.type)
        columns.append(missing if own < 0 else in_type(batch.column(own), batch.schema.field(own), field))
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def in_type(values: pa.Array, field: pa.Field, wanted: pa.Field) -> pa.Array:
    """The values of a column of `field` as those of the united one. Raises pa.ArrowInvalid where one would be lost."""
    if values.type == wanted.type and holds_json(field) == holds_json(wanted):
        return values
    if not holds_json(wanted) or pa.types.is_null(values.type):
        return values.cast(wanted.type)
    if any(check(values.type) for check in _PRINTED):
        return values.cast(pa.string())
    # 1 microsecond a value, of columns alone that several datasets have in types that have nothing in common.
    plain = values.cast(_printable(values.type)).to_pylist()
    return pa.array([None if value is None else dump(value) for value in plain], pa.string())


def nullable(kind: pa.DataType) -> pa.DataType:
    """The type for a column of which some rows are null: lists in the place of lists of a fixed size.

    pyarrow (25) writes these to Parquet, and cannot read them where one is null.
    """
    if pa.types.is_fixed_size_list(kind) or pa.types.is_list(kind):
        return pa.list_(kind.value_field.with_type(nullable(kind.value_type)))
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(nullable(field.type)) for field in kind])
    return kind


def can_hold(values: pa.Array, kind: pa.DataType) -> bool:
    """Whether a cast to the type loses nothing."""
    try:
        values.cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return False
    return True


def _json(name: str) -> pa.Field:
    return pa.field(name, pa.string(), metadata=JSON)


def _common(one: pa.DataType | None, other: pa.DataType) -> pa.DataType | None:
    """The type that holds the values of both; None: there is none, or one where a value would read otherwise."""
    if one is None or one == other:
        return one
    if _has_decimal(one) != _has_decimal(other):  # a double is none of 0.1
        return None
    try:
        schemas = [pa.schema([("", kind)]) for kind in (one, other)]
        return pa.unify_schemas(schemas, promote_options="permissive").field(0).type
    except pa.ArrowTypeError:
        pass
    plain = [kind.value_type if pa.types.is_dictionary(kind) else kind for kind in (one, other)]
    return None if plain == [one, other] else _common(plain[0], plain[1])


def _has_decimal(kind: pa.DataType) -> bool:
    return "decimal" in str(kind)


def _printable(kind: pa.DataType) -> pa.DataType:
    """The type with times and decimals as strings, at any depth: as Arrow prints them, to the last digit."""
    if pa.types.is_temporal(kind) or pa.types.is_decimal(kind):
        return pa.string()
    if pa.types.is_dictionary(kind):
        return _printable(kind.value_type)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return pa.list_(_printable(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_printable(field.type)) for field in kind])
    if pa.types.is_map(kind):
        return pa.map_(_printable(kind.key_type), _printable(kind.item_type))
    return kind
