"""Numbers come out as they were written: in their column where it holds them exactly, else in `extra` or as JSON."""

from __future__ import annotations

import json
import struct
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import xlcorpus.ingest.formats.jsonl as module
from tests.ingest.ingest_helpers import TEXTS, ReadRows, jsonl, read_all, read_pairs
from xlcorpus.text.json_numbers import DECODER, Literal, may_round, spell


def lines(*values: str, name: str = "n") -> list[bytes]:
    """A record for each JSON text of a value, each with a text in another script."""
    texts = list(TEXTS.values())
    return [
        b'{"text": "%s %d", "%s": %s}' % (texts[row % len(texts)].encode(), row, name.encode(), value.encode())
        for row, value in enumerate(values)
    ]


def written(row: dict[str, Any], name: str = "n") -> Decimal | Any:
    """The value of a row as exactly as it can be had: of `extra`, else of the column."""
    extra = json.loads(row["extra"] or "{}", parse_float=Decimal, parse_int=Decimal)
    if name in extra:
        return extra[name]
    value = row[name]
    return json.loads(value, parse_float=Decimal, parse_int=Decimal) if isinstance(value, str) else value


INTEGERS = [str(one) for one in (2**53 + 1, -(2**53) - 3, 2**64 - 1, 2**63 - 1, 10**30 + 1)] + ["7" * 5000]


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("seen", [True, False])
@pytest.mark.parametrize("shape", ["{}", "[{}, 2]", '{{"a": {}, "b": [1.5]}}', '[{{"a": {}}}]'])
def test_integers_beside_fractions_are_exact(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shape: str, seen: bool, fast: bool
) -> None:
    if not fast:
        monkeypatch.setattr(module.Reader, "parse", lambda reader, lines: None)
    if not seen:
        monkeypatch.setattr("xlcorpus.ingest.json_columns.SAMPLE_LINES", 2)
    values = [shape.format(one) for one in ["1.5", "-0.25", *INTEGERS]]
    result = read_all(jsonl(tmp_path / "a.jsonl", *lines(*values)))
    assert not result.rejects
    exact = {"parse_float": Decimal, "parse_int": Decimal}
    for row, value in zip(result.documents, values, strict=True):
        assert written(row) == json.loads(value, **exact)  # type: ignore[call-overload]


def test_a_column_of_ids_with_one_fraction_is_json(tmp_path: Path) -> None:
    result = read_all(jsonl(tmp_path / "a.jsonl", *lines("1", "9007199254740993", "1.5")))
    assert [row["n"] for row in result.documents] == ["1", "9007199254740993", "1.5"]
    assert [row["extra"] for row in result.documents] == [None, None, None]


@pytest.mark.parametrize("value", ["9007199254740993", "9007199254740993.0", "900719925474099.3e1", "1e400", "-1e-400"])
def test_what_no_double_holds_goes_to_extra_as_it_is_written(tmp_path: Path, value: str) -> None:
    path = jsonl(tmp_path / "a.jsonl", *lines(*["0.5"] * 1000, value))  # the sample ends before it
    row = read_all(path).documents[-1]
    assert (row["n"], row["extra"]) == (None, f'{{"n":{value}}}')


def test_decimals_of_many_digits_are_in_their_column_nearly_and_in_extra_exactly(tmp_path: Path) -> None:
    values = ["0.12345678901234567890123", "12345678901.234567890123", "0.1", "1E2", "3.0000000000000000000000000001"]
    result = read_all(jsonl(tmp_path / "a.jsonl", *lines(*values)))
    assert [row["n"] for row in result.documents] == [float(value) for value in values]
    assert [row["extra"] and row["extra"][5:-1] for row in result.documents] == [*values[:2], None, None, values[4]]


@pytest.mark.parametrize("value", [0.1, 1 / 3, -(2.0**52) - 0.5, 0.30000000000000004, 1e-5, 1e23 / 7])
@pytest.mark.parametrize("spelling", [repr, "{:.17g}".format, "{:.15g}".format, "{:.6e}".format, Decimal])
def test_what_programs_print_of_doubles_is_a_double(tmp_path: Path, value: float, spelling: Any) -> None:
    """repr and %.17g give the double back; the exact decimal expansion (Decimal) is it."""
    spelled = str(spelling(value)).lower()
    spelled += "" if {".", "e"} & set(spelled) else ".0"
    row = read_all(jsonl(tmp_path / "a.jsonl", *lines("0.5", spelled))).documents[1]
    assert row["n"] == float(spelled)
    assert row["extra"] is None


@pytest.mark.parametrize("fast", [True, False])
def test_the_sign_of_zero_is_the_same_on_both_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fast: bool
) -> None:
    if not fast:
        monkeypatch.setattr(module.Reader, "parse", lambda reader, lines: None)
    doubles = ["-0", "-0.0", "0", "0.0", "-0e5", "-0.000"]
    table = {"d": doubles, "i": ["-0", "0", "1", "-0", "0", "-0"], "l": ["[-0, 1.5]"] * 6, "s": ['{"a": -0}'] * 6}
    records = [
        b'{"text": "x", %s}' % b", ".join(b'"%s": %s' % (name.encode(), table[name][row].encode()) for name in table)
        for row in range(6)
    ]
    result = read_all(jsonl(tmp_path / "a.jsonl", *records))
    signs = [struct.pack("<d", row["d"]) == struct.pack("<d", -0.0) for row in result.documents]
    assert signs == [True, True, False, False, True, True]
    assert [row["i"] for row in result.documents] == [0, 0, 1, 0, 0, 0]
    assert repr(result.documents[0]["l"]) == "[-0.0, 1.5]"
    assert [row["extra"] for row in result.documents] == [None] * 6


def test_minus_zero_in_json_text_keeps_its_sign(tmp_path: Path) -> None:
    result = read_all(jsonl(tmp_path / "a.jsonl", *lines("-0", '"x"', "[-0]")))
    assert [row["n"] for row in result.documents] == ["-0", '"x"', "[-0]"]


@settings(max_examples=300, deadline=None)
@given(st.decimals(allow_nan=False, allow_infinity=False) | st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_exact_or_a_literal(number: Decimal | float) -> None:
    text = str(number).lower()
    value = DECODER.decode(text)
    exact = Decimal(spell(value)) == Decimal(text)
    if isinstance(value, float):
        digits = len(Decimal(text).as_tuple().digits)
        assert exact or Decimal(value) == Decimal(text) or (digits <= 17 and abs(value) < 2**53)
    else:
        assert exact
    if isinstance(value, Literal) and value.nearest is not None and not value.zero:
        assert may_round(b'{"n": ' + text.encode() + b"}"), "the fast path must see what the slow one does"


def test_parquet_files_of_integers_and_doubles_are_exact(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["a"], "n": [2**53 + 1], "m": [2**53]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"text": ["b"], "n": [1.5], "m": [1.5]}), tmp_path / "b.parquet")
    rows = read_all(tmp_path).documents
    assert [(row["n"], row["m"]) for row in rows] == [(str(2**53 + 1), 2.0**53), ("1.5", 1.5)]


def test_wide_types_of_parquet_pass_through(tmp_path: Path) -> None:
    columns = {
        "u": pa.array([2**64 - 1, None], pa.uint64()),
        "d": pa.array([Decimal("12345678901234567890.123456789"), Decimal("-0.000000001")], pa.decimal128(38, 9)),
        "w": pa.array([Decimal(10**60), None], pa.decimal256(70, 0)),
        "l": pa.array([[2**63 - 1], [-(2**63)]], pa.list_(pa.int64())),
        "z": pa.array([-0.0, 0.0], pa.float64()),
    }
    pq.write_table(pa.table({"text": ["a", "b"], **columns}), tmp_path / "a.parquet")
    result = read_all(tmp_path)
    assert {name: [row[name] for row in result.documents] for name in columns} == {
        name: column.to_pylist() for name, column in columns.items()
    }
    assert repr(result.documents[0]["z"]) == "-0.0"


@pytest.mark.parametrize("suffix", ["csv", "tsv"])
def test_tables_keep_numbers_as_they_are_written(tmp_path: Path, suffix: str) -> None:
    values = ["9007199254740993", "1E2", "-0", "0.10", "1e400", "007", ""]
    rows = [["en", "de", "n"], *([f"a{value}", f"b{value}", value] for value in values)]
    text = "\n".join(("," if suffix == "csv" else "\t").join(row) for row in rows)
    (tmp_path / f"a.{suffix}").write_text(text + "\n")
    result: ReadRows = read_pairs(tmp_path / f"a.{suffix}")
    assert [row["n"] for row in result.documents] == values
