"""Reading shards back, and columns in files beside them."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xxhash
from hypothesis import example, given
from hypothesis import strategies as st

from tests.dataset.dataset_helpers import documents, make_dataset, varied, weights_of, write_shard
from xlcorpus.beam.read import read_shard
from xlcorpus.dataset import dataset, storage
from xlcorpus.dataset.beside import read_beside, read_each, write_beside, write_each
from xlcorpus.dataset.columns import append_columns, append_slices
from xlcorpus.dataset.dataset import Dataset, read_batches, split_batch
from xlcorpus.dataset.workspace import Task
from xlcorpus.errors import IntegrityError, UserError


@given(st.lists(st.integers(0, 900), max_size=30), st.integers(1, 1500), st.integers(1, 12))
@example([0, 5000, 0], 200, 12)
@example([36] * 6, 200, 12)  # two rows fill a piece to the byte
def test_pieces_keep_to_both_limits_and_are_as_large_as_they_may(lengths: list[int], limit: int, rows: int) -> None:
    batch = documents(["x" * length for length in lengths])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dataset, "BATCH_BYTES", limit)
        patch.setattr(dataset, "BATCH_ROWS", rows)
        pieces = list(split_batch(batch))
    assert [row for piece in pieces for row in piece.to_pylist()] == batch.to_pylist()
    sizes = [piece.num_rows for piece in pieces]
    weights = [weights_of(piece) for piece in pieces]
    assert all(0 < size <= rows for size in sizes)
    assert all(sum(piece) <= limit or len(piece) == 1 for piece in weights)
    assert all(len(one) == rows or sum(one) + two[0] > limit for one, two in pairwise(weights))


def test_batches_have_at_most_4096_rows(tmp_path: Path) -> None:
    rows = varied(9000)
    (shard,) = write_shard(tmp_path, [rows])
    found = list(read_batches(tmp_path / shard.name))
    assert [batch.num_rows for batch in found] == [4096, 4096, 808]
    assert pa.Table.from_batches(found).equals(pa.Table.from_batches([rows]))


def test_batches_have_at_most_16_mb_and_a_larger_row_stands_alone(tmp_path: Path) -> None:
    texts = ["a" * (6 << 20), "b" * (6 << 20), "c" * (6 << 20), "d" * (17 << 20), "e", "f"]
    (shard,) = write_shard(tmp_path, [documents(texts)])
    found = [batch.column("text").to_pylist() for batch in read_batches(tmp_path / shard.name)]
    assert [text for batch in found for text in batch] == texts
    heavy = [batch for batch in found if sum(map(len, batch)) > 16 << 20]
    assert heavy == [["d" * (17 << 20)]]
    assert [len(batch) for batch in found] == [2, 1, 1, 2]


def test_only_the_columns_asked_for_are_read(tmp_path: Path) -> None:
    (shard,) = write_shard(tmp_path, [varied(5)])
    (found,) = read_batches(tmp_path / shard.name, ["text", "doc_id"])
    assert found.schema.names == ["text", "doc_id"]
    assert found.column("text").to_pylist() == varied(5).column("text").to_pylist()


def test_an_empty_shard_has_no_batches(tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_batches([varied(3).slice(0, 0)]), tmp_path / "empty.parquet")
    assert list(read_batches(tmp_path / "empty.parquet")) == []


@pytest.mark.parametrize("content", [None, b"", b"PAR1", b"not Parquet at all, but long enough to look"])
def test_a_file_that_is_no_parquet_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "bad.parquet"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(IntegrityError, match=r"bad\.parquet: cannot be read: .*[\s\S]*remedy: restore the file"):
        list(read_batches(path))


def test_a_damaged_page_is_an_integrity_error(tmp_path: Path) -> None:
    (shard,) = write_shard(tmp_path, [varied(2000)])
    path = tmp_path / shard.name
    content = bytearray(path.read_bytes())
    content[4:400] = bytes(396)
    path.write_bytes(content)
    with pytest.raises(IntegrityError, match=r"parquet: cannot be read"):
        list(read_batches(path))


@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_of_a_shard_is_noticed_where_it_is_read(
    tmp_path_factory: pytest.TempPathFactory, place: float, bit: int
) -> None:
    """In text, dictionaries, page headers and the footer alike; whichever columns are wanted."""
    folder = _flipped(tmp_path_factory, place, bit)
    (shard,) = Dataset.open(folder).shards
    for columns in (None, ["doc_id"]):
        with pytest.raises(IntegrityError, match=r"part-00000-000\.parquet was changed after .*\n.*restore the file"):
            list(read_batches(shard, columns))
    with pytest.raises(IntegrityError, match=r"part-00000-000\.parquet(.|\n)*restore the file"):
        list(read_shard(Task(0, 1, shard)))  # as the steps do, which ask for the columns first


def _flipped(factory: pytest.TempPathFactory, place: float, bit: int) -> Path:
    folder = factory.mktemp("flipped")
    make_dataset(folder, [varied(50)])
    path = folder / "data" / "part-00000-000.parquet"
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= 1 << bit
    path.write_bytes(content)
    return folder


@pytest.mark.parametrize("column", ["text", "lang", "score", "alts", "image"])
def test_pages_carry_checksums_that_other_readers_verify(tmp_path: Path, column: str) -> None:
    """pyarrow, Spark and parquet-java verify them; a location alone, without a manifest, is read with them too."""
    (shard,) = write_shard(tmp_path, [varied(3000)])
    path = tmp_path / shard.name
    group = pq.read_metadata(path).row_group(0)
    chunks = [group.column(number) for number in range(group.num_columns)]
    chunk = next(chunk for chunk in chunks if chunk.path_in_schema.split(".")[0] == column)
    content = bytearray(path.read_bytes())
    end = (chunk.dictionary_page_offset or chunk.data_page_offset) + chunk.total_compressed_size
    content[(chunk.data_page_offset + end) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(OSError, match="CRC checksum verification failed"):
        pq.read_table(path, page_checksum_verification=True)
    with pytest.raises(IntegrityError, match="CRC checksum verification failed"):
        list(read_batches(path))


def test_columns_beside_come_back(tmp_path: Path) -> None:
    columns = varied(30).select(["doc_id", "alts", "lang", "image"])
    path = tmp_path / "deep" / "00000.marks.arrow"
    write_beside(path, columns)
    found = read_beside(path)
    path.unlink()  # what was read stays readable
    assert found.equals(columns)
    write_beside(path, columns.slice(5, 3))
    assert read_beside(path).to_pylist() == columns.slice(5, 3).to_pylist()
    write_beside(path, columns.slice(0, 0))
    assert read_beside(path).num_rows == 0
    assert [file.name for file in path.parent.iterdir()] == [path.name]  # no temporary file is left


@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7), cut=st.booleans())
def test_a_damaged_file_beside_is_named(
    tmp_path_factory: pytest.TempPathFactory, place: float, bit: int, cut: bool
) -> None:
    path = tmp_path_factory.mktemp("beside") / "00000.arrow"
    write_each(path, varied(9).schema, [varied(9), varied(4)])
    assert [batch.num_rows for batch in read_each(path)] == [9, 4]
    content = bytearray(path.read_bytes())
    at = int(place * len(content))
    content[at] ^= 1 << bit
    path.write_bytes(content[:at] if cut else content)
    for read in (read_beside, lambda path: list(read_each(path))):
        with pytest.raises(IntegrityError, match=r"00000\.arrow was damaged .*\n.*--overwrite"):
            read(path)


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "marks.arrow"
    write_beside(path, varied(3))
    storage.write_json(tmp_path / "state.json", {"a": 1})

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(storage.os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        write_beside(path, varied(4))
    with pytest.raises(OSError, match="disk full"):
        storage.write_json(tmp_path / "state.json", {"a": 2})
    assert read_beside(path).num_rows == 3
    assert storage.read_json(tmp_path / "state.json") == {"a": 1}
    assert sorted(file.name for file in tmp_path.iterdir()) == ["marks.arrow", "state.json"]


def test_added_columns_take_the_place_of_ours_and_never_of_the_users() -> None:
    batch = varied(4)
    new = pa.RecordBatch.from_pydict({"lang": pa.array(list("wxyz")), "fresh": pa.array(list("abcd"))})
    found = append_columns(batch, new)
    assert found.schema.names == [name for name in batch.schema.names if name != "lang"] + ["lang", "fresh"]
    assert found.column("lang").to_pylist() == list("wxyz")
    assert found.column("text").equals(batch.column("text"))
    with pytest.raises(UserError, match="'flag'"):
        append_columns(batch, pa.RecordBatch.from_pydict({"flag": pa.array([9, 8, 7, 6])}))


@given(st.lists(st.integers(0, 20), max_size=6))
def test_columns_beside_are_added_row_by_row(cuts: list[int]) -> None:
    batch = varied(20)
    marks = pa.RecordBatch.from_pydict({"mark": pa.array(range(20))})
    places = [0, *sorted(cuts), 20]
    pieces = [batch.slice(a, b - a) for a, b in pairwise(places)]
    found = list(append_slices(iter(pieces), marks))
    assert [piece.num_rows for piece in found] == [piece.num_rows for piece in pieces]
    assert pa.Table.from_batches(found).equals(pa.Table.from_batches([append_columns(batch, marks)]))
    assert list(append_slices(iter(pieces), None)) == pieces


def test_too_few_rows_beside_are_not_taken() -> None:
    marks = pa.RecordBatch.from_pydict({"mark": pa.array(range(19))})
    with pytest.raises(ValueError, match="not all the same length"):
        list(append_slices(iter([varied(20)]), marks))


def test_fingerprints_follow_the_value_alone(tmp_path: Path) -> None:
    assert storage.fingerprint({"b": [1, None], "a": "ключ"}) == storage.fingerprint({"a": "ключ", "b": (1, None)})
    assert storage.fingerprint({"a": 1}) != storage.fingerprint({"a": "1"})
    assert storage.fingerprint({"a": 1}) == xxhash.xxh3_128_hexdigest(b'{"a":1}')
    path = tmp_path / "file"
    path.write_bytes(b"x" * (3 << 20))
    same, other = tmp_path / "same", tmp_path / "other"
    same.write_bytes(path.read_bytes())
    other.write_bytes(path.read_bytes()[:-1] + b"y")
    assert storage.fingerprint_of_file(path) == storage.fingerprint_of_file(same)
    assert storage.fingerprint_of_file(path) != storage.fingerprint_of_file(other)
