"""Shards: their bytes follow from the rows alone, they roll over at fixed places, and nothing half-written shows."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.dataset.dataset_helpers import documents, varied, weights_of, write_shard
from tests.rows import cut
from xlcorpus.dataset import shards
from xlcorpus.dataset.shards import ShardWriter, row_weights, schema_of
from xlcorpus.errors import IntegrityError

ROWS = varied(60)


def hashes(root: Path) -> dict[str, str]:
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def small_limits(patch: pytest.MonkeyPatch, group: int, shard: int, rows: int) -> None:
    patch.setattr(shards, "ROW_GROUP_BYTES", group)
    patch.setattr(shards, "SHARD_BYTES", shard)
    patch.setattr(shards, "ROW_GROUP_ROWS", rows)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shards")


@pytest.fixture(scope="module")
def once(folder: Path) -> dict[str, str]:
    """The files that ROWS give when they come in one batch, with small limits."""
    with pytest.MonkeyPatch.context() as patch:
        small_limits(patch, 900, 2500, 5)
        write_shard(folder / "once", [ROWS])
    found = hashes(folder / "once")
    assert len(found) >= 3
    return found


@given(cuts=st.lists(st.integers(0, 60), max_size=12), copied=st.booleans())
@example(cuts=[], copied=True)
@example(cuts=list(range(60)), copied=False)
@example(cuts=list(range(60)), copied=True)
def test_bytes_do_not_depend_on_the_batches(folder: Path, once: dict[str, str], cuts: list[int], copied: bool) -> None:
    batches = cut(ROWS, cuts)
    if copied:  # arrays of their own, as after a trip through a runner
        batches = [pa.RecordBatch.from_pylist(batch.to_pylist(), schema=ROWS.schema) for batch in batches]
    with pytest.MonkeyPatch.context() as patch:
        small_limits(patch, 900, 2500, 5)
        written = write_shard(folder / "again", batches)
    found = hashes(folder / "again")
    assert found == once
    assert {shard.name: shard.sha256 for shard in written} == once


def test_full_size_shards_have_the_same_bytes_too(tmp_path: Path) -> None:
    """Several pages a column: they must not break where the batches do."""
    rows = documents([f"{row * 7919 % 104729} neno " * 30 for row in range(9000)])
    write_shard(tmp_path / "one", [rows])
    write_shard(tmp_path / "two", cut(rows, [1, 4096, 8192]))
    assert hashes(tmp_path / "one") == hashes(tmp_path / "two")
    assert list(hashes(tmp_path / "one")) == ["data/part-00000-000.parquet"]


def test_other_rows_have_other_bytes(tmp_path: Path) -> None:
    write_shard(tmp_path / "one", [ROWS])
    write_shard(tmp_path / "two", [ROWS.take(pa.array([1, 0, *range(2, 60)]))])
    assert hashes(tmp_path / "one") != hashes(tmp_path / "two")


@given(
    lengths=st.lists(st.integers(0, 400), max_size=25),
    group=st.integers(64, 1500),
    times=st.integers(1, 4),
    rows=st.integers(1, 12),
)
@settings(max_examples=50)
@example(lengths=[10, 5000, 10, 10], group=300, times=2, rows=12)
@example(lengths=[0] * 12, group=64, times=1, rows=1)
@example(lengths=[36] * 8, group=300, times=2, rows=12)  # three rows fill a group to the byte
def test_groups_and_shards_end_with_the_row_that_fills_them(
    folder: Path, lengths: list[int], group: int, times: int, rows: int
) -> None:
    batch = documents(["x" * length for length in lengths])
    with pytest.MonkeyPatch.context() as patch:
        small_limits(patch, group, group * times, rows)
        written = write_shard(folder / "rolled", [batch])
    weights = weights_of(batch)
    assert row_weights(batch).tolist() == weights
    place = 0
    for number, shard in enumerate(written):
        assert shard.name == f"data/part-00000-{number:03d}.parquet"
        meta = pq.read_metadata(folder / "rolled" / shard.name)
        assert meta.num_rows == shard.rows
        start, last = place, number == len(written) - 1
        for index in range(meta.num_row_groups):
            size = meta.row_group(index).num_rows
            inside = weights[place : place + size]
            place += size
            full = sum(inside) >= group or size == rows or sum(weights[start:place]) >= group * times
            assert full or (last and place == len(lengths))
            assert sum(inside[:-1]) < group
            assert 0 < size <= rows
        assert sum(weights[start : place - 1]) < group * times
        assert sum(weights[start:place]) >= group * times or last
    assert place == len(lengths)
    found = [text for shard in written for text in pq.read_table(folder / "rolled" / shard.name)["text"].to_pylist()]
    assert found == ["x" * length for length in lengths]


LISTS = st.lists(st.none() | st.lists(st.none() | st.integers(0, 100), max_size=6), max_size=12)


@given(LISTS, LISTS, st.integers(0, 3))
def test_lists_of_numbers_weigh_their_bytes(ids: list[Any], flags: list[Any], start: int) -> None:
    rows = min(len(ids), len(flags))
    columns = {
        "ids": pa.array(ids[:rows], pa.list_(pa.int32())),
        "scores": pa.array(flags[:rows], pa.list_(pa.float64())),
        "flags": pa.array([None if row is None else [bool(value) for value in row] for row in flags[:rows]]),
        "names": pa.array([["abc"]] * rows, pa.list_(pa.string())),  # of what is no number the weight is that of a row
    }
    columns["flags"] = columns["flags"].cast(pa.list_(pa.bool_()))
    batch = pa.RecordBatch.from_pydict(columns)
    due = [64 + 4 * len(one or ()) + (8 + 1) * len(two or ()) for one, two in zip(ids, flags, strict=False)]
    assert row_weights(batch).tolist() == due
    assert row_weights(batch.slice(start)).tolist() == due[start:]


def test_rows_of_numbers_are_cut_into_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_limits(monkeypatch, 1000, 100_000, 100)
    lengths = [200, 200, 1, 500, 3]
    batch = pa.RecordBatch.from_pydict({"ids": pa.array([[7] * size for size in lengths], pa.list_(pa.int32()))})
    (shard,) = write_shard(tmp_path / "one", [batch])
    meta = pq.read_metadata(tmp_path / "one" / shard.name)
    assert [meta.row_group(group).num_rows for group in range(meta.num_row_groups)] == [2, 2, 1]
    (again,) = write_shard(tmp_path / "two", cut(batch, [1, 3]))
    assert again.sha256 == shard.sha256


def test_a_row_larger_than_a_group_is_a_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_limits(monkeypatch, 1000, 100_000, 100)
    (shard,) = write_shard(tmp_path, [documents(["a" * 900, "b" * 5000, "c", "d"])])
    meta = pq.read_metadata(tmp_path / shard.name)
    assert [meta.row_group(index).num_rows for index in range(meta.num_row_groups)] == [2, 2]
    small_limits(monkeypatch, 1000, 3000, 100)
    written = write_shard(tmp_path, [documents(["b" * 5000, "c" * 5000, "d"])], "part-00001")
    assert [shard.rows for shard in written] == [1, 1, 1]


def test_rows_come_back_as_they_were(tmp_path: Path) -> None:
    (shard,) = write_shard(tmp_path, [ROWS])
    path = tmp_path / shard.name
    table = pq.read_table(path)
    assert table.schema.equals(ROWS.schema)
    assert table.to_pylist() == ROWS.to_pylist()
    assert (shard.rows, shard.bytes, shard.sha256) == (60, path.stat().st_size, hashes(tmp_path)[shard.name])


NOTHING = [[[None, None], None, [], [None] * 3], [{"x": None, "y": [[]]}, None], [[{"x": None}] * 3, []], [None, None]]


@pytest.mark.parametrize("values", NOTHING, ids=str)
def test_lists_and_structs_of_nothing_come_back(tmp_path: Path, values: list[Any]) -> None:
    """Arrow (25) casts a list<null> to one that is too short; a column that a user keeps may be one."""
    batch = pa.RecordBatch.from_pydict({"x": pa.array(values), "y": pa.array([[value] for value in values])})
    for rows in (batch, batch.slice(1)):
        folder = tmp_path / f"{rows.num_rows}"
        write_shard(folder, [rows])
        (path,) = (folder / "data").iterdir()
        assert pq.read_table(path).to_pylist() == rows.to_pylist()


def test_duckdb_and_pandas_open_a_shard_as_it_is(tmp_path: Path) -> None:
    (shard,) = write_shard(tmp_path, [ROWS])
    found = duckdb.sql(f"select count(*), count(lang), sum(count), min(origin.file) from '{tmp_path / shard.name}'")
    counts = [row for row in ROWS.column("count").to_pylist() if row is not None]
    assert found.fetchall() == [(60, 45, sum(counts), "/0")]
    frame = pd.read_parquet(tmp_path / shard.name)
    assert frame["text"].tolist() == ROWS.column("text").to_pylist()
    assert frame["origin"][3] == {"file": "l0_Latn/3", "offset": 0}


def test_nothing_has_a_name_before_close(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_limits(monkeypatch, 500, 1000, 10)
    writer = ShardWriter(tmp_path, "data", "part-00000", ROWS.schema)
    writer.write(ROWS)
    begun = list((tmp_path / "data").iterdir())
    assert len(begun) >= 3
    assert all(path.name.startswith(".") and path.suffix == ".tmp" for path in begun)
    names = [shard.name for shard in writer.close()]
    assert sorted(hashes(tmp_path)) == names == sorted(names)


def test_abandon_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_limits(monkeypatch, 500, 1000, 10)
    writer = ShardWriter(tmp_path, "data", "part-00000", ROWS.schema)
    writer.write(ROWS)
    assert hashes(tmp_path)
    writer.abandon()
    assert hashes(tmp_path) == {}
    assert writer.close() == []
    ShardWriter(tmp_path, "data", "part-00001", ROWS.schema).abandon()
    assert hashes(tmp_path) == {}


def test_an_exception_abandons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_limits(monkeypatch, 500, 1000, 10)
    with ShardWriter(tmp_path, "data", "part-00000", ROWS.schema) as finished:
        finished.write(ROWS)
        finished.close()
    kept = hashes(tmp_path)

    def fail() -> None:
        with ShardWriter(tmp_path, "data", "part-00001", ROWS.schema) as writer:
            writer.write(ROWS)
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        fail()
    assert hashes(tmp_path) == kept


def test_keep_empty(tmp_path: Path) -> None:
    for rows in ([], [ROWS.slice(0, 0)]):
        with ShardWriter(tmp_path, "data", "part-00000", ROWS.schema) as writer:
            for batch in rows:
                writer.write(batch)
            assert writer.close() == []
    assert hashes(tmp_path) == {}
    with ShardWriter(tmp_path, "data", "part-00000", ROWS.schema) as writer:
        (shard,) = writer.close(keep_empty=True)
    assert (shard.name, shard.rows) == ("data/part-00000-000.parquet", 0)
    assert pq.read_table(tmp_path / shard.name).schema.equals(ROWS.schema)
    with ShardWriter(tmp_path, "data", "part-00001", ROWS.schema) as writer:
        writer.write(ROWS.slice(0, 2))
        assert [shard.rows for shard in writer.close(keep_empty=True)] == [2]


def test_a_batch_of_another_schema_is_refused(tmp_path: Path) -> None:
    with ShardWriter(tmp_path, "data", "part-00000", ROWS.schema) as writer:
        with pytest.raises(ValueError, match="differs from the shard's"):
            writer.write(ROWS.drop_columns(["flag"]))
        writer.write(ROWS)
        assert [shard.rows for shard in writer.close()] == [60]


def test_schema_of_names_the_shard_that_differs(tmp_path: Path) -> None:
    (one,) = write_shard(tmp_path, [ROWS], "part-00000")
    (two,) = write_shard(tmp_path, [ROWS], "part-00001")
    (odd,) = write_shard(tmp_path, [ROWS.drop_columns(["flag"])], "part-00002")
    paths = [tmp_path / shard.name for shard in (one, two, odd)]
    assert schema_of(paths[:2]).equals(ROWS.schema)
    with pytest.raises(IntegrityError, match=r"part-00002-000\.parquet has other columns"):
        schema_of(paths)
