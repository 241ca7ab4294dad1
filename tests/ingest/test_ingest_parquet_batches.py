"""Row groups whose values are packed well come in batches of bounded memory, with the same rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import xlcorpus.ingest.parquet_batches as module
from tests.ingest.ingest_helpers import TEXTS, find_files, read_all
from xlcorpus.dataset.columns import value_bytes
from xlcorpus.ingest.columns import output_schema
from xlcorpus.ingest.read import read_range
from xlcorpus.raw.options import ReadOptions
from xlcorpus.raw.ranges import FileRange

LONG = TEXTS["Taml"] * 2000  # 170 KB
ROWS = 1500  # 250 MB once it is unfolded


SHAPES: dict[str, Any] = {
    "text": lambda: {"text": [LONG] * ROWS},
    "categories": lambda: {"text": pa.array([LONG] * ROWS).dictionary_encode()},
    "large_string": lambda: {"text": pa.array([LONG] * ROWS, pa.large_string())},
    "string_view": lambda: {"text": pa.array([LONG] * ROWS, pa.string_view())},
    "column": lambda: {"text": ["x"] * ROWS, "b": pa.array([LONG.encode()] * ROWS, pa.binary())},
    "lists": lambda: {"text": ["x"] * ROWS, "l": [[LONG]] * ROWS},
    "structs": lambda: {"text": ["x"] * ROWS, "s": [{"a": LONG, "n": 1}] * ROWS},
    "lists of structs": lambda: {"text": ["x"] * ROWS, "s": [[{"a": [LONG]}]] * ROWS},
}


@pytest.mark.parametrize("shape", SHAPES)
def test_few_bytes_that_unfold_to_many_come_bit_by_bit(tmp_path: Path, shape: str) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table(SHAPES[shape]()), path, dictionary_pagesize_limit=1 << 22)
    assert path.stat().st_size < 1 << 20
    files = find_files([str(path)])
    schema = output_schema(files, ReadOptions())
    before, rows, most, unfolded = pa.total_allocated_bytes(), 0, 0, 0
    for result in read_range(FileRange(files[0], 0, 1), ReadOptions(), schema):
        rows += result.rows.num_rows
        most = max(most, pa.total_allocated_bytes() - before)
        unfolded += sum(int(value_bytes(column).sum()) for column in result.rows.columns)
    assert rows == ROWS
    assert unfolded > 200 << 20
    assert most < 80 << 20


def test_a_large_row_group_is_read_in_fewer_rows_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CODED", 0)
    monkeypatch.setattr(module, "_MOST", 1 << 20)
    monkeypatch.setattr(module, "BATCH_BYTES", 1 << 20)
    noise = np.random.default_rng(0).integers(33, 127, 100_000, dtype=np.uint8).tobytes().decode()
    pq.write_table(pa.table({"text": [noise] * 100}), tmp_path / "a.parquet")
    with module.RowGroups(tmp_path / "a.parquet") as groups:
        sizes = [batch.num_rows for batch in groups.batches(0, {"text"})]
    assert sum(sizes) == 100
    assert max(sizes) <= 10


nested = st.recursive(
    st.sampled_from([pa.string(), pa.binary(), pa.int16(), pa.bool_(), pa.float64(), pa.large_string()]),
    lambda inner: (
        inner.map(pa.list_)
        | inner.map(lambda one: pa.struct([("a", one), ("b", pa.string())]))
        | inner.map(lambda one: pa.map_(pa.string(), one))
    ),
    max_leaves=3,
)


def value_of(draw: Any, kind: pa.DataType) -> Any:
    if draw(st.integers(0, 5)) == 0:
        return None
    if pa.types.is_map(kind):
        return [(draw(st.text(max_size=3)), value_of(draw, kind.item_type)) for _ in range(draw(st.integers(0, 2)))]
    if pa.types.is_list(kind):
        return [value_of(draw, kind.value_type) for _ in range(draw(st.integers(0, 3)))]
    if pa.types.is_struct(kind):
        return {field.name: value_of(draw, field.type) for field in kind}
    if pa.types.is_boolean(kind):
        return draw(st.booleans())
    if pa.types.is_floating(kind):
        return draw(st.floats(allow_nan=False))
    if pa.types.is_integer(kind):
        return draw(st.integers(-(2**15), 2**15 - 1))
    text = draw(st.sampled_from([*TEXTS.values(), "", "x"]))
    return text.encode() if pa.types.is_binary(kind) else text


def size_of(value: Any, kind: pa.DataType) -> int:
    if pa.types.is_struct(kind):
        return sum(size_of(value and value[field.name], field.type) for field in kind)
    if pa.types.is_primitive(kind):
        return max(1, kind.bit_width // 8)
    if value is None:
        return 0
    if pa.types.is_map(kind):
        return sum(len(key.encode()) + size_of(item, kind.item_type) for key, item in value)
    if pa.types.is_list(kind):
        return sum(size_of(one, kind.value_type) for one in value)
    return len(value.encode() if isinstance(value, str) else value)


@settings(max_examples=60, deadline=None)
@given(st.data(), nested)
def test_bytes_of_values(data: st.DataObject, kind: pa.DataType) -> None:
    values = [value_of(data.draw, kind) for _ in range(data.draw(st.integers(0, 6)))]
    column = pa.array(values, kind)
    expected = [size_of(value, kind) for value in values]
    assert value_bytes(column).tolist() == expected
    cut = data.draw(st.integers(0, len(values)))
    assert value_bytes(column.slice(cut)).tolist() == expected[cut:]
    if not pa.types.is_nested(kind) and not pa.types.is_primitive(kind):
        assert value_bytes(column.dictionary_encode().slice(cut)).tolist() == expected[cut:]


@pytest.mark.parametrize("most", [1, 300, 16 << 20])
def test_every_type_comes_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(module, "BATCH_BYTES", most)
    texts = list(TEXTS.values())
    columns = {
        "text": pa.array(texts).dictionary_encode(),
        "v": pa.array([None, *texts[1:]], pa.string_view()),
        "l": pa.array([[text, None] for text in texts]),
        "s": pa.array([{"a": text, "b": [text]} if row % 3 else None for row, text in enumerate(texts)]),
        "m": pa.array([[(text, text)] for text in texts], pa.map_(pa.string(), pa.string())),
        "d": pa.array([b"\0" * 16] * len(texts), pa.binary(16)),
        "n": list(range(len(texts))),
    }
    pq.write_table(pa.table(columns), tmp_path / "a.parquet", row_group_size=7)
    result = read_all(tmp_path)
    assert result.offsets == list(range(len(texts)))
    for name, column in columns.items():
        expected = column if isinstance(column, list) else column.to_pylist()
        assert [row[name] for row in result.documents] == expected, name
