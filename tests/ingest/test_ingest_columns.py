"""Which columns of the input pass through, in which type, and that what has no column is not lost."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.ingest.ingest_helpers import TEXTS, find_files, jsonl, read_all
from xlcorpus.dataset.schema import load_schema
from xlcorpus.dataset.united import holds_json
from xlcorpus.errors import UserError
from xlcorpus.ingest.columns import output_schema
from xlcorpus.raw.input_columns import input_name
from xlcorpus.raw.options import ReadOptions

OURS = ["doc_id", "text", "source", "origin", "url", "timestamp", "license", "kind"]


def types(*inputs: Path, **options: Any) -> dict[str, str]:
    """Columns beyond ours with their types."""
    schema = output_schema(find_files([str(one) for one in inputs]), ReadOptions(**options))
    assert schema.names[: len(OURS)] == OURS
    assert [schema.field(name).type for name in OURS] == [
        load_schema("document").arrow.field(name).type for name in OURS
    ]
    assert len(set(schema.names)) == len(schema)
    return {field.name: str(field.type) for field in schema if field.name not in OURS}


CASES: list[tuple[list[Any], str]] = [
    ([1, 2], "int64"),
    ([1, 2.5], "double"),
    ([True, None], "bool"),
    (["a", None], "string"),
    (["2024-01-01", "2024-01-02T00:00:00Z"], "string"),
    ([None, None], "string"),
    ([["a"], []], "list<item: string>"),
    ([[1], [2.5]], "list<item: double>"),
    ([{"a": 1, "b": "x"}, {"b": "y", "a": None}], "struct<a: int64, b: string>"),
    ([{"a": [{"b": 1}]}], "struct<a: list<item: struct<b: int64>>>"),
    ([1, "a"], "json"),
    ([1, True], "json"),
    ([2**64], "json"),
    ([["a", 1]], "json"),
    ([{"a": 1}, {"b": 1}], "json"),
    ([{}], "json"),
    ([{"a": 1}, [1]], "json"),
]


@pytest.mark.parametrize(("values", "expected"), CASES)
def test_types_of_json_columns(tmp_path: Path, values: list[Any], expected: str) -> None:
    path = jsonl(tmp_path / "a.jsonl", *({"text": "x", "c": value} for value in values))
    assert types(path) == {"c": "string" if expected == "json" else expected, "extra": "string"}
    result = read_all(path)
    assert result.schema is not None
    assert holds_json(result.schema.field("c")) == (expected == "json")
    back = [row["c"] for row in result.documents]
    if expected == "json":
        back = [json.loads(value) for value in back]
    assert back == values
    assert {row["extra"] for row in result.documents} == {None}


def test_types_are_unified_over_files_in_any_order(tmp_path: Path) -> None:
    jsonl(tmp_path / "a.jsonl", {"text": "x", "n": 1, "m": "1", "only_a": 1})
    jsonl(tmp_path / "b.jsonl", {"text": "x", "n": 1.5, "m": 1, "only_b": [True]})
    expected = {"m": "string", "n": "double", "only_a": "int64", "only_b": "list<item: bool>", "extra": "string"}
    assert types(tmp_path) == types(tmp_path / "b.jsonl", tmp_path / "a.jsonl") == expected
    assert [row["m"] for row in read_all(tmp_path).documents] == ['"1"', "1"]


def test_what_the_sample_did_not_show_goes_to_extra(tmp_path: Path) -> None:
    records: list[Any] = [{"text": "x", "n": number} for number in range(1000)]
    records += [
        {"text": "x", "n": 1.5},
        {"text": "x", "n": 5, "new": {"ключ": [1, None]}},
        {"text": "x", "n": 2**70},
        {"text": "x", "n": "7", "other": "\ud800"},
    ]
    result = read_all(jsonl(tmp_path / "a.jsonl", *(json.dumps(record).encode() for record in records)))
    last = result.documents[1000:]
    assert [row["n"] for row in last] == [None, 5, None, None]
    assert [json.loads(row["extra"]) for row in last] == [
        {"n": 1.5},
        {"new": {"ключ": [1, None]}},
        {"n": 2**70},
        {"n": "7", "other": "\ud800"},
    ]
    assert "ключ" in last[1]["extra"]


def test_names_of_ours_are_kept_beside(tmp_path: Path) -> None:
    record = {
        "text": "x",
        "lang": "sw",
        "source": "s",
        "input_lang": "y",
        "doc_id": 7,
        "extra": "z",
        "input_extra": "w",
    }
    path = jsonl(tmp_path / "a.jsonl", record)
    result = read_all(path)
    row = result.documents[0]
    assert row["input_input_lang"] == "sw"
    assert row["input_lang"] == "y"
    assert row["input_source"] == "s"
    assert row["source"] == "test"
    assert row["input_doc_id"] == 7
    assert row["input_input_extra"] == "z"
    assert row["input_extra"] == "w"
    assert row["extra"] is None
    assert result.schema is not None
    given = {input_name(field): field.name for field in result.schema if input_name(field)}
    assert given["lang"] == "input_input_lang"


def test_url_timestamp_license_and_kind_are_adopted_when_they_are_strings(tmp_path: Path) -> None:
    record = {"text": "x", "url": "http://a", "timestamp": 1700000000, "license": "CC0", "kind": "code"}
    path = jsonl(tmp_path / "a.jsonl", record)
    row = read_all(path).documents[0]
    assert (row["url"], row["timestamp"], row["license"], row["kind"]) == ("http://a", None, "CC0", "code")
    assert row["input_timestamp"] == 1700000000


def test_another_text_column(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "a.jsonl", *({"content": text, "text": "label", "id": 1} for text in TEXTS.values()))
    result = read_all(path, text_column="content")
    assert result.texts == list(TEXTS.values())
    assert {row["input_text"] for row in result.documents} == {"label"}
    assert read_all(jsonl(tmp_path / "b.jsonl", {"url": "x"}), text_column="url").texts == ["x"]


def test_a_wrong_text_column_is_noticed_before_the_run(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "a.jsonl", *({"txet": "x", "id": 1} for _ in range(20)))
    with pytest.raises(UserError, match="did you mean 'txet'") as error:
        read_all(path)
    assert error.value.remedy is not None
    assert "--text-column" in error.value.remedy


def test_a_long_first_line_is_sampled_all_the_same(tmp_path: Path) -> None:
    assert types(jsonl(tmp_path / "a.jsonl", {"text": "x" * (3 << 20), "n": 1})) == {"n": "int64", "extra": "string"}


def test_objects_keyed_by_ids_do_not_make_a_thousand_columns(tmp_path: Path) -> None:
    records = [{"text": "x", f"id{number}": number, "n": 1} for number in range(900)]
    result = read_all(jsonl(tmp_path / "a.jsonl", *records))
    assert result.schema is not None
    assert len(result.schema) == len(OURS) + 500 + 1
    for number, row in enumerate(result.documents):
        assert row["n"] == 1
        assert row.get(f"id{number}") == number or json.loads(row["extra"]) == {f"id{number}": number}


def test_deep_values_are_kept_as_json(tmp_path: Path) -> None:
    value: Any = 1
    for _ in range(50):
        value = {"a": value}
    row = read_all(jsonl(tmp_path / "a.jsonl", {"text": "x", "deep": value})).documents[0]
    assert json.loads(row["deep"]) == value


# Parquet


def table(path: Path, **columns: Any) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


def test_parquet_columns_keep_their_type_and_order(tmp_path: Path) -> None:
    image = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    columns = {
        "z": pa.array([1, 2], pa.int16()),
        "text": pa.array(["a", "b"]),
        "when": pa.array([0, 1], pa.timestamp("us")),
        "lang": pa.array(["x", "y"]),
        "audio": pa.array([b"\x00\xff", None], pa.binary()),
        "image": pa.array([{"bytes": b"\x89PNG", "path": "a"}, None], image),
        "a": pa.array([["x"], []], pa.list_(pa.string())),
    }
    path = table(tmp_path / "a.parquet", **columns)
    assert list(types(path)) == ["z", "when", "input_lang", "audio", "image", "a"]
    result = read_all(path)
    for name, column in columns.items():
        assert [row[{"lang": "input_lang"}.get(name, name)] for row in result.documents] == column.to_pylist()
    assert result.offsets == [0, 1]


def test_parquet_schemas_are_united(tmp_path: Path) -> None:
    table(tmp_path / "a.parquet", text=["a"], n=[1], k=pa.array(["x"]).dictionary_encode(), void=pa.nulls(1))
    table(
        tmp_path / "b.parquet", text=pa.array(["b"], pa.large_string()), k=pa.array(["y"], pa.large_string()), void=[2]
    )
    table(tmp_path / "c.parquet", text=pa.array(["c"]).dictionary_encode(), new=[1.5])
    assert types(tmp_path) == {"n": "int64", "k": "string", "void": "int64", "new": "double"}
    result = read_all(tmp_path)
    assert result.texts == ["a", "b", "c"]
    assert [(row["n"], row["k"], row["void"], row["new"]) for row in result.documents] == [
        (1, "x", None, None),
        (None, "y", 2, None),
        (None, None, None, 1.5),
    ]


BIG = 2**53 + 1
UNITED: list[tuple[str, Any, Any, str, list[Any]]] = [
    ("int and float", [1, None], [1.5], "double", [1.0, None, 1.5]),
    ("int beyond a double", [BIG, 3], [0.5], "json", [str(BIG), "3", "0.5"]),
    ("int and string", [1], ["1", "ሰላም"], "json", ["1", '"1"', '"ሰላም"']),
    ("one and several", ["นา"], [["ක", None]], "json", ['"นา"', '["ක",null]']),
    ("wider int", pa.array([7], pa.int16()), [BIG], "int64", [7, BIG]),
    ("structs", [{"a": 1}], [{"b": "ы"}], "struct<a: int64, b: string>", [{"a": 1, "b": None}, {"a": None, "b": "ы"}]),
    ("decimals", pa.array([Decimal("0.10")]), [0.1], "json", ['"0.10"', "0.1"]),
    ("times", pa.array([date(2020, 2, 29)]), ["2020"], "json", ['"2020-02-29"', '"2020"']),
    ("coded", pa.array(["x"]).dictionary_encode(), [True], "json", ['"x"', "true"]),
    ("bytes", [b"\xff"], [["a"]], "json", ['"/w=="', '["a"]']),
]


@pytest.mark.parametrize(
    ("one", "other", "expected", "values"), [case[1:] for case in UNITED], ids=[case[0] for case in UNITED]
)
def test_columns_of_two_types_hold_all_values(
    tmp_path: Path, one: Any, other: Any, expected: str, values: list[Any]
) -> None:
    table(tmp_path / "a.parquet", text=["x"] * len(one), c=one)
    table(tmp_path / "b.parquet", text=["y"] * len(other), c=other)
    assert types(tmp_path) == {"c": "string" if expected == "json" else expected}
    result = read_all(tmp_path)
    assert result.schema is not None
    assert holds_json(result.schema.field("c")) == (expected == "json")
    assert [row["c"] for row in result.documents] == values
    assert types(tmp_path / "b.parquet", tmp_path / "a.parquet") == types(tmp_path)


def test_a_damaged_part_of_a_column_of_two_types_is_a_reject(tmp_path: Path) -> None:
    table(tmp_path / "a.parquet", text=["ὕδωρ"], c=["1"])
    broken = table(tmp_path / "b.parquet", text=["ջուր", "წყალი"], c=[1, 2])
    raw = bytearray(broken.read_bytes())
    raw[4:40] = b"\xff" * 36
    broken.write_bytes(raw)
    table(tmp_path / "c.parquet", text=["水"], c=pa.array([b"\xff"]).view(pa.string()))
    result = read_all(tmp_path)
    assert [row["c"] for row in result.documents] == ['"1"']
    assert [row["reason"] for row in result.rejects] == ["corrupt_file", "corrupt_file", "invalid_utf8"]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"txt": ["a"], "id": [1]}, "has no column 'text': did you mean 'txt'.*columns: txt, id"),
        ({"text": [1], "id": [1]}, "column 'text' of .* is int64, not string; columns: text, id"),
        ({"text": [b"a"]}, "is binary, not string"),
    ],
)
def test_a_parquet_file_needs_a_text_column(tmp_path: Path, columns: dict[str, Any], message: str) -> None:
    path = table(tmp_path / "a.parquet", **columns)
    with pytest.raises(UserError, match=message) as error:
        types(path)
    assert str(path) in error.value.message
    assert error.value.remedy is not None
    assert "--text-column" in error.value.remedy


def test_jsonl_and_parquet_together(tmp_path: Path) -> None:
    table(tmp_path / "a.parquet", text=["a"], z=[1], extra=["mine"])
    jsonl(tmp_path / "b.jsonl", {"text": "b", "z": 2, "y": True})
    (tmp_path / "c.txt").write_text("c\n")
    assert types(tmp_path) == {"z": "int64", "input_extra": "string", "y": "bool", "extra": "string"}
    result = read_all(tmp_path)
    assert result.texts == ["a", "b", "c"]
    assert [row["z"] for row in result.documents] == [1, 2, None]
    assert [row["input_extra"] for row in result.documents] == ["mine", None, None]
    jsonl(tmp_path / "d.jsonl", {"text": "b", "z": "2"})
    assert types(tmp_path) == {"z": "string", "input_extra": "string", "y": "bool", "extra": "string"}
    assert [row["z"] for row in read_all(tmp_path).documents] == ["1", "2", None, '"2"']


def test_what_json_cannot_be_read_as_is_text(tmp_path: Path) -> None:
    table(tmp_path / "a.parquet", text=["a"], raw=[b"\x00"], n=pa.array([1], pa.int32()), f=pa.array([3], pa.int8()))
    jsonl(tmp_path / "b.jsonl", {"text": "b", "raw": "ঘ", "n": 2**40, "f": 0.5})
    assert types(tmp_path) == {"raw": "string", "n": "int64", "f": "double", "extra": "string"}
    rows = read_all(tmp_path).documents
    assert [(row["raw"], row["n"], row["f"], row["extra"]) for row in rows] == [
        ('"AA=="', 1, 3.0, None),
        ('"ঘ"', 2**40, 0.5, None),
    ]
