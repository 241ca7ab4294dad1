"""Partitions as Hive has them: the column in the path alone, read back by xlcorpus as it was, and by other readers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pandas
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.pack.pack_runs import packing
from tests.recipe.test_whose_files import ingest
from tests.running import digests, run_nodes
from xlcorpus.beam import write
from xlcorpus.dataset.dataset import Dataset, read_batches
from xlcorpus.dataset.partition import HIVE_NULL
from xlcorpus.errors import UserError
from xlcorpus.recipe.single import nodes_of_step

VALUES: dict[str, list[Any]] = {
    "text in many scripts": ["swh_Latn", "ትግርኛ", "ไทย", "ᐃᓄᒃᑎᑐᑦ", "中文"],
    "signs of paths": ["a/b", "a=b", "100%", "..", ".", " ", "a\\b", "a b:c*?", "lang=x/y"],
    "empty, null, and the name of null": ["", None, HIVE_NULL, "null", "None", "%20"],
    "one letter in two normal forms": ["caf\u00e9", "cafe\u0301", "\u1112\u1161\u11ab", "한"],
    "whole numbers": [2023, 2024, None, 0, -7, 2**53 + 1],
    "numbers with zeros before them": ["007", "7", "07.0", "1e3"],
    "truth": [True, False, None],
    "fractions": [0.1, 1e300, -0.0, 0.0, 2.5],
    "dates": ["2024-02-29", "2024-02-29T12:00:00Z"],
}


def plant(folder: Path, values: list[Any], copies: int = 3) -> Path:
    """Documents whose column `k` has these values, in turn."""
    folder.mkdir()
    rows = [{"text": f"document {number} ދިވެހި", "k": value} for number, value in enumerate(values * copies)]
    (folder / "a.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return folder


def rows_of(dataset: Dataset) -> list[dict[str, Any]]:
    return sorted(dataset.to_arrow().to_pylist(), key=lambda row: row["doc_id"])


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_rows_come_back_as_they_were(tmp_path: Path, values: list[Any]) -> None:
    raw = plant(tmp_path / "raw", values)
    plain = ingest(raw, tmp_path / "plain").dataset
    made = ingest(raw, tmp_path / "made", partition_by="k").dataset
    assert made.to_arrow().schema.equals(plain.to_arrow().schema)
    assert repr(rows_of(made)) == repr(rows_of(plain))  # -0.0 is not 0.0
    assert made.manifest.arrow_schema.equals(plain.manifest.arrow_schema)
    folders = {shard.name.split("/")[1] for shard in made.manifest.shards}
    assert len(folders) == len({repr(value) for value in values})
    assert all(folder.isascii() and len(folder) < 256 for folder in folders)
    for shard in made.shards:
        assert "k" not in pq.read_schema(shard.location).names
        (one,) = {repr(value) for batch in read_batches(shard, ["k"]) for value in batch.column("k").to_pylist()}
        assert [batch.schema.names for batch in read_batches(shard, ["k", "text"])] == [["k", "text"]]
        assert {repr(v) for b in read_batches(shard, ["text", "k"]) for v in b.column("k").to_pylist()} == {one}
    Dataset.open(made.folder, verify=True)


@pytest.mark.parametrize("values", [["eng_Latn", "tha_Thai", None], [2023, 2024], ["a/b", "c=d", "é%"]])
def test_other_readers_find_the_column_in_the_path(tmp_path: Path, values: list[Any]) -> None:
    made = ingest(plant(tmp_path / "raw", values), tmp_path / "made", partition_by="k").dataset
    data = made.folder / "data"
    expected = sorted((row["text"], row["k"]) for row in rows_of(made))
    polars = pytest.importorskip("polars", reason="polars is not installed")
    found: dict[str, Any] = {
        "pyarrow": pq.read_table(data).to_pylist(),
        "duckdb": duckdb.sql(f"SELECT text, k FROM read_parquet('{data}/**/*.parquet', hive_partitioning=true)")
        .to_arrow_table()
        .to_pylist(),
        "polars": polars.read_parquet(data, hive_partitioning=True).to_dicts(),
    }
    if None not in values:  # of text and nulls pyarrow makes dictionaries that it cannot turn into pandas' own
        found["pandas"] = pandas.read_parquet(data).astype({"k": object}).to_dict("records")
    for name, rows in found.items():
        read = sorted((row["text"], None if pandas.isna(row["k"]) else row["k"]) for row in rows)
        assert read == expected, name


def test_the_next_steps_do_not_see_how_the_rows_lie(tmp_path: Path) -> None:
    """Score, dedup by a partition column, and a mix of it: the same rows with the same values."""
    raw = plant(tmp_path / "raw", ["ዜና", "ไทย", None, ""], copies=20)
    found = []
    for name, settings in (("plain", {}), ("made", {"partition_by": "k"})):
        dataset = ingest(raw, tmp_path / name, **settings).dataset
        scored = run_nodes(nodes_of_step("score", [str(dataset.folder)], {}, "test"), tmp_path / name)["score"].dataset
        again = nodes_of_step("dedup", [str(scored.folder)], {"within": "k"}, "test")
        found.append(rows_of(run_nodes(again, tmp_path / name, **settings)["dedup"].dataset))
    assert found[0] == found[1]


@pytest.mark.parametrize("value", ["x" * 300, "ა" * 30, "/" * 90])
def test_a_value_that_is_too_long_for_a_folder_is_named(tmp_path: Path, value: str) -> None:
    raw = plant(tmp_path / "raw", ["short", value])
    with pytest.raises(UserError, match=r"--partition-by k: a value names a folder of \d+ bytes, 255 are allowed"):
        ingest(raw, tmp_path / "made", partition_by="k")
    assert not (tmp_path / "made" / "ingest").exists()


def test_a_column_that_packs_have_as_lists_names_no_folder(tmp_path: Path) -> None:
    made = ingest(plant(tmp_path / "raw", [1, 2]), tmp_path / "made").dataset
    with pytest.raises(UserError, match=r"--partition-by k: it holds list<.*>, which names no folder"):
        run_nodes([packing(made.folder, keep="k")], tmp_path / "packs", partition_by="k")


def test_too_many_values_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "MOST_PARTITIONS", 20)
    raw = plant(tmp_path / "raw", list(range(21)), copies=1)
    with pytest.raises(UserError, match="--partition-by k: more than 20 values"):
        ingest(raw, tmp_path / "made", partition_by="k")


def test_300_values_in_little_memory_with_one_file_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same bytes, however little may wait in memory and in whatever batches the rows come."""
    raw = plant(tmp_path / "raw", [f"x{number % 300}" for number in range(4200)], copies=1)
    whole = ingest(raw, tmp_path / "whole", partition_by="k").dataset
    assert len(whole.manifest.shards) == 300
    aside, held, files = [], [], []
    set_aside, opened = write.ShardWriter.set_aside, write.ShardWriter._open

    def spy(self: write.ShardWriter, folder: Path) -> None:
        aside.append(self.bytes_in_memory)
        set_aside(self, folder)
        assert self.bytes_in_memory == 0

    def open_one(self: write.ShardWriter) -> Any:
        files.append(self)
        held.append(sum(writer._writer is not None for writer in files))
        return opened(self)

    monkeypatch.setattr(write.ShardWriter, "set_aside", spy)
    monkeypatch.setattr(write.ShardWriter, "_open", open_one)
    monkeypatch.setattr(write, "MOST_BYTES", 100_000)
    monkeypatch.setattr("xlcorpus.dataset.dataset.BATCH_ROWS", 700)
    ingest(raw, tmp_path / "made", partition_by="k")
    assert digests(tmp_path / "made") == digests(tmp_path / "whole")
    assert sum(aside) > 100_000
    assert max(held) == 0  # no other file is open when one is opened


def test_no_rows_at_all_are_one_empty_shard_that_readers_open(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "a.jsonl").write_text('{"text": "", "k": "a"}\n')
    made = ingest(tmp_path / "raw", tmp_path / "made", partition_by="k").dataset
    assert [shard.name for shard in made.manifest.shards] == ["data/part-00000-000.parquet"]
    assert made.to_arrow().schema.field("k").type == pa.string()
    assert pq.read_table(made.folder / "data").num_rows == 0


def test_a_first_task_without_rows_leaves_no_empty_shard_beside_the_partitions(tmp_path: Path) -> None:
    raw = plant(tmp_path / "raw", ["አማርኛ", "ქართული"])
    (raw / "A.jsonl").write_text('{"text": "", "k": "a"}\n' * 3)
    made = ingest(raw, tmp_path / "made", partition_by="k").dataset
    assert all("/k=" in shard.name for shard in made.manifest.shards)
    assert pq.read_table(made.folder / "data").num_rows == 6
    Dataset.open(made.folder, verify=True)


def test_a_column_of_bytes_is_no_partition(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"doc_id: it holds fixed_size_binary\[16\], which names no folder"):
        ingest(plant(tmp_path / "raw", ["a"]), tmp_path / "made", partition_by="doc_id")


def test_a_column_whose_name_names_no_folder_is_encoded_too(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "a.jsonl").write_text('{"text": "x y z", "a/b=ü": "v"}\n', "utf-8")
    made = ingest(tmp_path / "raw", tmp_path / "made", partition_by="a/b=ü").dataset
    assert [shard.name for shard in made.manifest.shards] == ["data/a%2Fb%3D%C3%BC=v/part-00000-000.parquet"]
    assert made.to_arrow()["a/b=ü"].to_pylist() == ["v"]
