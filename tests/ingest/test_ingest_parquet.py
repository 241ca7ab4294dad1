"""Parquet rows: what is rejected, and damage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.ingest.ingest_helpers import TEXTS, find_files, read_all
from tests.rows import rows_of, write_dataset
from xlcorpus.errors import UserError
from xlcorpus.ingest.columns import output_schema
from xlcorpus.ingest.read import read_range
from xlcorpus.raw.options import ReadOptions
from xlcorpus.raw.ranges import FileRange


def test_bad_rows_are_named_and_the_others_kept(tmp_path: Path) -> None:
    values = [b"one", None, b"", b"caf\xe9", b"a\0b", b"y" * 200, " \u3000".encode(), "ፊደል".encode()]
    text = pa.array(values, pa.binary())
    text = pa.Array.from_buffers(
        pa.string(), len(text), text.buffers()
    )  # strings that are not UTF-8, as Spark may write
    pq.write_table(pa.table({"text": text, "n": list(range(8))}), tmp_path / "a.parquet")
    result = read_all(tmp_path / "a.parquet", max_record_bytes=100, keep_text=True)
    assert [(row["text"], row["n"]) for row in result.documents] == [("one", 0), ("ፊደል", 7)]
    assert result.offsets == [0, 7]
    assert [(row["reason"], row["origin"]["offset"]) for row in result.rejects] == [
        ("missing_text", 1),
        ("invalid_utf8", 3),
        ("nul_bytes", 4),
        ("record_too_large", 5),
    ]
    assert [row["origin"]["offset"] for row in result.decisions] == [2, 6]
    assert result.decisions[1]["text"] == " \u3000"
    assert result.rejects[1]["message"].startswith("a.parquet, row 3: ")
    assert result.records == 8


def test_ranges_give_the_same_as_the_whole(tmp_path: Path) -> None:
    texts = list(TEXTS.values()) * 20
    pq.write_table(pa.table({"text": texts}), tmp_path / "a.parquet", row_group_size=7)
    whole, parts = read_all(tmp_path), read_all(tmp_path, target_bytes=1)
    assert whole.documents == parts.documents
    assert whole.texts == texts
    assert whole.offsets == list(range(len(texts)))


@pytest.mark.parametrize("other", [{}, {"fixed": pa.nulls(1)}, {"scene": pa.array([{"tag": "x"}])}])
def test_lists_of_a_fixed_size_that_not_all_files_have_can_be_read_back(tmp_path: Path, other: dict[str, Any]) -> None:
    """pyarrow writes null ones and cannot read them."""
    fixed = pa.array([[1.0, 2.0], [3.0, 4.0]], pa.list_(pa.float32(), 2))
    scene = pa.StructArray.from_arrays([fixed, pa.array(["a", "b"])], names=["at", "tag"])
    pq.write_table(pa.table({"text": ["one", "ሁለት"], "fixed": fixed, "scene": scene}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"text": ["ba"], **other}), tmp_path / "b.parquet")
    whole = read_all(tmp_path / "a.parquet")
    assert whole.schema is not None
    assert whole.schema.field("fixed").type == fixed.type
    schema = output_schema(find_files([str(tmp_path)]), ReadOptions())
    batches = [
        batch.rows for name in "ab" for batch in read_range(part(tmp_path / f"{name}.parquet"), ReadOptions(), schema)
    ]
    rows = rows_of(write_dataset(tmp_path / "made", batches))
    assert [row["fixed"] for row in rows] == [[1, 2], [3, 4], None]
    assert [row["scene"] and (row["scene"]["at"], row["scene"]["tag"]) for row in rows] == [
        ([1, 2], "a"), ([3, 4], "b"), (other and "scene" in other and (None, "x")) or None,
    ]  # fmt: skip


def part(path: Path) -> FileRange:
    (file,) = find_files([str(path)])
    return FileRange(file, 0, 1)


def test_large_values_come_in_small_batches(tmp_path: Path) -> None:
    images = [bytes([number]) * (6 << 20) for number in range(6)]
    table = pa.table({"text": [str(number) for number in range(6)], "image": images})
    pq.write_table(table, tmp_path / "a.parquet", use_dictionary=False)
    (file,) = find_files([str(tmp_path)])
    schema = output_schema([file], ReadOptions())
    parts = list(read_range(FileRange(file, 0, 1), ReadOptions(), schema))
    assert [part.rows.num_rows for part in parts] == [2, 2, 2]
    assert [image for part in parts for image in part.rows.column("image").to_pylist()] == images


@pytest.mark.parametrize("checksums", [True, False])
def test_row_groups_behind_a_damaged_one_are_read(tmp_path: Path, checksums: bool) -> None:
    path = tmp_path / "a.parquet"
    texts = [f"{number} {'मूल ' * 50}" for number in range(300)]
    options = {"row_group_size": 100, "use_dictionary": False, "write_page_checksum": checksums}
    pq.write_table(pa.table({"text": texts}), path, compression="zstd", **options)
    column = pq.read_metadata(path).row_group(1).column(0)
    data = bytearray(path.read_bytes())
    start = column.data_page_offset + (column.total_compressed_size - 60 if checksums else 0)  # page or its header
    data[start : start + 40] = b"\xff" * 40
    path.write_bytes(data)
    result = read_all(path)
    assert result.texts == texts[:100] + texts[200:]
    assert result.reasons == {"corrupt_file": 100}
    assert [row["origin"]["offset"] for row in result.rejects] == list(range(100, 200))
    assert {"100 rows of row group 1 cannot be read" in row["message"] for row in result.rejects} == {True}
    assert result.records == 300


@pytest.mark.parametrize("cut", [4, 20, 200, -4, -20])
def test_a_truncated_file_is_one_reject(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": list(TEXTS.values())}), path)
    path.write_bytes(path.read_bytes()[:cut])
    result = read_all(path)
    assert result.reasons == {"corrupt_file": 1}
    assert result.records == 1
    assert result.rejects[0]["origin"] == {"file": "a.parquet", "offset": 0}


def test_a_damaged_file_does_not_hide_the_others(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["a"], "n": [1]}), tmp_path / "b.parquet")
    (tmp_path / "a.parquet").write_bytes(b"PAR1\x15 this is not Parquet")
    (tmp_path / "c.parquet").write_bytes(b"")
    result = read_all(tmp_path)
    assert [(row["text"], row["n"]) for row in result.documents] == [("a", 1)]
    assert result.reasons == {"corrupt_file": 1}


def unchecked(values: list[bytes]) -> pa.Array:
    """Strings that may not be UTF-8, as Spark may write them."""
    text = pa.array(values, pa.binary())
    return pa.Array.from_buffers(pa.string(), len(text), text.buffers())


def test_strings_of_every_column_are_utf8(tmp_path: Path) -> None:
    texts = list(TEXTS.values())[:6]
    cut = "ዛሬ".encode()[:-1]
    wrong = [[cut if row == bad else b"x" for row in range(6)] for bad in range(4)]
    columns = {
        "url": unchecked(wrong[0]),
        "k": unchecked(wrong[1]).dictionary_encode(),
        "l": pa.ListArray.from_arrays(list(range(7)), unchecked(wrong[2])),
        "s": pa.StructArray.from_arrays([unchecked(wrong[3])], ["a"]),
    }
    pq.write_table(pa.table({"text": texts, **columns}), tmp_path / "a.parquet")
    result = read_all(tmp_path)
    assert result.texts == texts[4:]
    assert [row["reason"] for row in result.rejects] == ["invalid_utf8"] * 4
    assert [row["message"].rpartition("column ")[2] for row in result.rejects] == [
        f"{name!r} is not UTF-8" for name in columns
    ]


def test_any_flipped_bit_of_a_footer_is_no_traceback(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": list(TEXTS.values()), "номер": list(range(len(TEXTS)))}), path, store_schema=False)
    whole = path.read_bytes()
    size = int.from_bytes(whole[-8:-4], "little")
    for place in range(len(whole) - 8 - size, len(whole), 3):
        data = bytearray(whole)
        data[place] ^= 0x80
        path.write_bytes(data)
        try:
            result = read_all(path)
        except UserError:
            continue
        assert result.records == len(result.documents) + len(result.rejects)


@pytest.mark.parametrize("zone", ["AsYa/Kathmandu", "Nowhere", "+99:99", "\u00e9"])
def test_instants_of_an_unknown_time_zone_are_in_utc(zone: str, tmp_path: Path) -> None:
    kind = pa.timestamp("s", zone)
    times = {"seen": pa.array([1_700_000_000], kind), "all": pa.array([[1_700_000_000]], pa.list_(kind))}
    pq.write_table(pa.table({"text": ["Habari ya asubuhi"], **times}), tmp_path / "a.parquet")
    row = read_all(tmp_path / "a.parquet").documents[0]
    assert (row["seen"].isoformat(), row["all"]) == ("2023-11-14T22:13:20+00:00", [row["seen"]])


@pytest.mark.parametrize(
    "values",
    [
        pa.array([[None, None], [None] * 3]),
        pa.ExtensionArray.from_storage(pa.json_(), pa.array(['{"a": 1}', "[]"])),
        pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"0" * 16, b"1" * 16], pa.binary(16))),
    ],
    ids=["nothing", "json", "uuid"],
)
def test_values_without_a_type_of_their_own(tmp_path: Path, values: pa.Array) -> None:
    """Lists of nothing were called corrupt; types of other packages are what they are stored as."""
    stored = values.storage if isinstance(values, pa.ExtensionArray) else values
    pq.write_table(pa.table({"text": ["a", "б"], "extra": values}), tmp_path / "a.parquet")
    assert [row["extra"] for row in read_all(tmp_path / "a.parquet").documents] == stored.to_pylist()


def test_instants_of_a_known_time_zone_stay_in_it(tmp_path: Path) -> None:
    for zone in ("Asia/Kathmandu", "+05:45", None):
        times = pa.array([1_700_000_000], pa.timestamp("s", zone))
        pq.write_table(pa.table({"text": ["नमस्ते"], "seen": times}), tmp_path / "a.parquet")
        assert read_all(tmp_path / "a.parquet").documents[0]["seen"] == times[0].as_py()
