"""Columns of several types become one: in any order, no value lost, JSON text where no type holds them all."""

from __future__ import annotations

import datetime
import itertools
import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlcorpus.dataset.united import JSON, can_hold, holds_json, in_type, united_field

NOON = datetime.datetime(2024, 2, 29, 12, 0, 0, 123456)
S, I = pa.string(), pa.int64()  # noqa: E741


def unite(*columns: pa.Array) -> tuple[pa.Field, list[Any]]:
    """The united field of columns, and all of their values in it."""
    fields = [pa.field("id", column.type) for column in columns]
    found = united_field(dict(enumerate(fields)), lambda number, kind: can_hold(columns[number], kind))
    parts = [in_type(column, field, found) for column, field in zip(columns, fields, strict=True)]
    assert {part.type for part in parts} == {found.type}
    return found, [value for part in parts for value in part.to_pylist()]


@pytest.mark.parametrize(
    ("columns", "kind"),
    [
        ([pa.array([1], pa.int8()), pa.array([2**40])], I),
        ([pa.array([1], pa.uint8()), pa.array([-1], pa.int8())], pa.int16()),
        ([pa.array([1], pa.uint64()), pa.array([-1])], I),
        ([pa.array([2**53]), pa.array([0.5])], pa.float64()),
        ([pa.array([0.5], pa.float32()), pa.array([0.1])], pa.float64()),
        ([pa.nulls(2), pa.array(["ቤት"])], S),
        ([pa.nulls(1), pa.nulls(2)], pa.null()),
        ([pa.array(["መ"]), pa.array(["я"], pa.large_string())], pa.large_string()),
        ([pa.array(["ნ", "ა", None]).dictionary_encode(), pa.array(["水"])], S),
        ([pa.array([NOON], pa.timestamp("us")), pa.array([NOON], pa.timestamp("ns"))], pa.timestamp("ns")),
        ([pa.array([[1], None]), pa.array([[0.5, None]])], pa.list_(pa.float64())),
        ([pa.array([[]], pa.list_(pa.null())), pa.array([["ក"]])], pa.list_(S)),
        ([pa.array([{"a": 1}]), pa.array([{"a": 2, "b": "อ"}, None])], pa.struct([("a", I), ("b", S)])),
        ([pa.array([{"a": None}]), pa.array([{"a": [1]}])], pa.struct([("a", pa.list_(I))])),
    ],
)
def test_types_with_a_common_one(columns: Sequence[pa.Array], kind: pa.DataType) -> None:
    for ordered in itertools.permutations(columns):
        found, values = unite(*ordered)
        if not pa.types.is_struct(kind):  # its fields stand in the order of appearance
            assert found.type == kind
        assert not holds_json(found)
        before = [value for column in ordered for value in column.to_pylist()]
        assert [_bare(value) for value in values] == [_bare(value) for value in before]


def _bare(value: Any) -> Any:
    """A struct without the fields that are null: one that lacks a field has null there."""
    return {name: one for name, one in value.items() if one is not None} if isinstance(value, dict) else value


@pytest.mark.parametrize(
    ("columns", "texts"),
    [
        ([pa.array([1, None]), pa.array(["1", "x1"])], ["1", None, '"1"', '"x1"']),
        ([pa.array([2**53 + 1]), pa.array([0.5])], ["9007199254740993", "0.5"]),
        ([pa.array([2**64 - 1], pa.uint64()), pa.array([-1])], ["18446744073709551615", "-1"]),
        ([pa.array([True]), pa.array([1])], ["true", "1"]),
        ([pa.array([["ቤት", None]]), pa.array(["ቤት"])], ['["ቤት",null]', '"ቤት"']),
        ([pa.array([{"σ": 'a"b'}]), pa.array([3])], ['{"σ":"a\\"b"}', "3"]),
        ([pa.array([{"a": 1}]), pa.array([{"a": "x"}])], ['{"a":1}', '{"a":"x"}']),
        ([pa.array([float("nan"), float("inf"), 1.5]), pa.array(["นา"])], ['"NaN"', '"Infinity"', "1.5", '"นา"']),
        ([pa.array([NOON], pa.timestamp("ns")), pa.array(["soon"])], ['"2024-02-29 12:00:00.123456000"', '"soon"']),
        ([pa.array([NOON.date()]), pa.array([20240229])], ['"2024-02-29"', "20240229"]),
        ([pa.array([[NOON]], pa.list_(pa.timestamp("s"))), pa.array([0])], ['["2024-02-29 12:00:00"]', "0"]),
        ([pa.array([Decimal("0.10")]), pa.array([0.1])], ['"0.10"', "0.1"]),
        ([pa.array([b"\xff"]), pa.array([1])], ['"/w=="', "1"]),
        ([pa.nulls(1), pa.array([1]), pa.array(["水"])], [None, "1", '"水"']),
        ([pa.array(["ა"]).dictionary_encode(), pa.array([7])], ['"ა"', "7"]),
    ],
)
def test_types_without_a_common_one_become_json_text(columns: Sequence[pa.Array], texts: list[str | None]) -> None:
    found, values = unite(*columns)
    assert (found.type, holds_json(found), values) == (S, True, texts)
    for text in filter(None, texts):
        json.loads(text)
    _, turned = unite(*reversed(columns))
    assert sorted(map(str, turned)) == sorted(map(str, texts))


def test_what_is_json_text_stays_as_it_is_and_what_is_beside_it_becomes_so() -> None:
    """A column of ingest, or of an earlier mix, whose strings are JSON: they are not quoted once more."""
    json_field = pa.field("id", S, metadata=JSON)
    plain = pa.field("id", S)
    found = united_field(dict(enumerate([json_field, plain, pa.field("id", I), pa.field("id", pa.null())])))
    assert holds_json(found)
    assert in_type(pa.array(['"a"', "1"]), json_field, found).to_pylist() == ['"a"', "1"]
    assert in_type(pa.array(["a", "1"]), plain, found).to_pylist() == ['"a"', '"1"']
    assert in_type(pa.nulls(1), pa.field("id", pa.null()), found).to_pylist() == [None]
    assert holds_json(united_field({3: pa.field("id", pa.null()), 8: json_field}))


KINDS = [
    pa.null(), pa.int8(), I, pa.uint64(), pa.float32(), pa.float64(), pa.bool_(), S, pa.binary(), pa.date32(),
    pa.timestamp("s"), pa.timestamp("us", "UTC"), pa.decimal128(9, 2), pa.list_(I), pa.list_(S), pa.struct([("a", I)]),
]  # fmt: skip


@given(st.lists(st.sampled_from(KINDS), min_size=1, max_size=5), st.randoms())
def test_the_order_decides_nothing(kinds: list[pa.DataType], chaos: Any) -> None:
    found = united_field({at: pa.field("x", kind) for at, kind in enumerate(kinds)})
    chaos.shuffle(kinds)
    assert united_field({at: pa.field("x", kind) for at, kind in enumerate(kinds)}) == found
