"""Schema files and their checks."""

from __future__ import annotations

from importlib import resources

import pyarrow as pa
import pytest

from xlcorpus.dataset.schema import load_schema, parse_type
from xlcorpus.errors import IntegrityError

ORIGIN = pa.struct([("file", pa.string()), ("offset", pa.int64())])


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("string", pa.string()),
        (" int32 ", pa.int32()),
        ("int64", pa.int64()),
        ("float", pa.float32()),
        ("double", pa.float64()),
        ("bool", pa.bool_()),
        ("binary[16]", pa.binary(16)),
        ("list<binary>", pa.list_(pa.binary())),
        ("list<string>", pa.list_(pa.string())),
        ("list<list<int64>>", pa.list_(pa.list_(pa.int64()))),
        ("struct<file: string, offset: int64>", ORIGIN),
        ("list<struct<lang:string,n:float>>", pa.list_(pa.struct([("lang", pa.string()), ("n", pa.float32())]))),
    ],
)
def test_parse_type(text: str, kind: pa.DataType) -> None:
    assert parse_type(text) == kind


@pytest.mark.parametrize(
    "text",
    ["", "text", "String", "bytes", "binary[x]", "binary[16", "list<>", "list<text>", "struct<a>", "struct<a: b>"],
)
def test_parse_type_refuses(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (any will do: schema files are ours)
        parse_type(text)


def test_every_schema_file_is_sound() -> None:
    files = [file.name for file in resources.files("xlcorpus.schemas").iterdir() if file.name.endswith(".yaml")]
    assert {"document-1.yaml", "decision-1.yaml", "reject-1.yaml", "quality-1.yaml"} <= set(files)
    for file in files:
        name, _, version = file.removesuffix(".yaml").rpartition("-")
        schema = load_schema(name, int(version))
        assert schema.label == file.removesuffix(".yaml")
        assert len(schema.names) == len(schema.fields)  # no name twice
        assert schema.required <= schema.names
        assert all(field.metadata[b"description"] for field in schema.fields)
        schema.check(schema.arrow, "itself")


def test_unknown_schemas_are_refused() -> None:
    for name, version in (("document", 99), ("letter", 1)):
        with pytest.raises(IntegrityError, match=rf"there is no schema {name}-{version}\n.*remedy: use the xlcorpus"):
            load_schema(name, version)


def test_steps_own_their_columns() -> None:
    document = load_schema("document")
    assert [field.name for field in document.columns_of("dedup")] == ["dup_cluster", "dup_size"]
    assert [field.name for field in document.columns_of("mix")] == ["mix_class", "mix_epoch", "mix_units"]
    assert document.columns_of("no such step") == []
    steps = {step for name in document.names for step in [document.step_of[name]]}
    assert sum(len(document.columns_of(step)) for step in steps) == len(document.fields)


def document_schema(**changes: pa.DataType | None) -> pa.Schema:
    columns = {"doc_id": pa.binary(16), "text": pa.string(), "source": pa.string(), "origin": ORIGIN, **changes}
    return pa.schema([(name, kind) for name, kind in columns.items() if kind is not None])


def test_check_accepts_more_columns_in_any_order_and_missing_optional_ones() -> None:
    document = load_schema("document")
    document.check(document_schema(), "here")
    document.check(document_schema(audio=pa.binary(), lang=pa.string()), "here")
    document.check(pa.schema(list(reversed(list(document_schema())))), "here")


@pytest.mark.parametrize("name", ["doc_id", "text", "source", "origin"])
def test_check_names_file_column_and_remedy_of_a_missing_column(name: str) -> None:
    with pytest.raises(IntegrityError) as caught:
        load_schema("document").check(document_schema(**{name: None}), "/data/web")
    message = str(caught.value)
    assert f"/data/web: column '{name}'" in message
    assert "is missing" in message
    assert "document-1" in message
    assert "remedy: make the dataset with xlcorpus ingest" in message


@pytest.mark.parametrize(
    ("name", "kind"),
    [("text", pa.large_string()), ("doc_id", pa.binary()), ("lang_score", pa.float64()), ("dup_size", pa.int64())],
)
def test_check_names_file_column_types_and_remedy_of_another_type(name: str, kind: pa.DataType) -> None:
    with pytest.raises(IntegrityError) as caught:
        load_schema("document").check(document_schema(**{name: kind}), "/data/web")
    message = str(caught.value)
    assert f"/data/web: column '{name}' is {kind}, schema document-1 says" in message
    assert "remedy: run the step that writes this column again" in message


def test_columns_that_users_bring_too_are_described_and_neither_reserved_nor_checked() -> None:
    schema = load_schema("pair")
    made = {field.name: field.type for field in schema.columns_of("mine")}
    assert made["demo_ids"] == pa.list_(pa.binary(16))
    assert made["shots"] == pa.list_(pa.struct([("src", pa.string()), ("tgt", pa.string())]))
    assert not made.keys() & schema.names
    schema.check(schema.arrow.append(pa.field("sim", pa.float64())).append(pa.field("kind", pa.int8())), "a user's")
