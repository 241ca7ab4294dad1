"""Input that holds no record, and columns that hold no value: an empty dataset, never an error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import xlcorpus
from tests.ingest.ingest_helpers import COMPRESS, TEXTS, read_all, read_pairs


@pytest.mark.parametrize("suffix", COMPRESS)
def test_archives_of_nothing_make_an_empty_dataset(tmp_path: Path, suffix: str) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name, content in {"a.jsonl": b"", "b.txt": b"\n\n", "c.jsonl": b"\xef\xbb\xbf\r\n", "d.warc": b""}.items():
        (folder / f"{name}{suffix}").write_bytes(COMPRESS[suffix](content))
    dataset = xlcorpus.ingest(folder, output=tmp_path / "out")
    assert dataset.manifest.rows == 0
    assert [tally.rows_in for tally in dataset.manifest.tallies] == [0]
    assert pq.read_table(tmp_path / "out" / "data" / "part-00000-000.parquet").num_rows == 0
    assert xlcorpus.score(dataset, output=tmp_path / "scored").manifest.rows == 0


@pytest.mark.parametrize("groups", [0, 1, 3])
def test_row_groups_of_no_rows(tmp_path: Path, groups: int) -> None:
    schema = pa.schema([("text", pa.string()), ("n", pa.int64())])
    with pq.ParquetWriter(tmp_path / "a.parquet", schema) as writer:
        for _ in range(groups):
            writer.write_table(schema.empty_table())
    dataset = xlcorpus.ingest(tmp_path / "a.parquet", output=tmp_path / "out")
    assert dataset.manifest.rows == 0
    assert dataset.manifest.arrow_schema.field("n").type == pa.int64()


def test_empty_files_of_pairs(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    nothing = pa.nulls(0)
    pq.write_table(pa.table(dict.fromkeys(("src", "tgt", "src_lang", "tgt_lang"), nothing)), folder / "a.pq")
    for name in ("b.tsv.gz", "c.csv.zst", "d.jsonl.xz", "e.src", "e.tgt.bz2"):
        (folder / name).write_bytes(COMPRESS["." + name.rpartition(".")[2]](b"") if name.count(".") == 2 else b"")
    assert xlcorpus.ingest(folder, output=tmp_path / "out", kind="pairs").manifest.rows == 0


def write(path: Path, **columns: Any) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


@pytest.mark.parametrize("rows", [0, 3])
def test_a_text_column_of_type_null_has_no_texts(tmp_path: Path, rows: int) -> None:
    write(tmp_path / "a.parquet", text=list(TEXTS.values()), n=list(range(len(TEXTS))))
    write(tmp_path / "b.parquet", text=pa.nulls(rows), n=pa.nulls(rows))
    write(tmp_path / "c.parquet", n=pa.nulls(rows), text=pa.nulls(rows))
    result = read_all(tmp_path)
    assert result.texts == list(TEXTS.values())
    assert [(row["reason"], row["origin"]) for row in result.rejects] == [
        ("missing_text", {"file": name, "offset": row}) for name in ("b.parquet", "c.parquet") for row in range(rows)
    ]


def test_null_columns_take_the_type_that_another_file_knows(tmp_path: Path) -> None:
    inner = pa.struct([("a", pa.null()), ("b", pa.string())])
    typed = pa.struct([("a", pa.timestamp("us")), ("b", pa.string())])
    write(
        tmp_path / "a.parquet",
        text=["எழுத்து"],
        url=pa.nulls(1),
        lang=pa.nulls(1),
        j=pa.nulls(1),
        s=pa.array([{"a": None, "b": "x"}], inner),
        l=pa.array([[None]], pa.list_(pa.null())),
    )
    write(
        tmp_path / "b.parquet",
        text=["אות"],
        url=["https://example.org"],
        lang=["heb_Hebr"],
        j=pa.nulls(1),
        s=pa.array([{"a": 5, "b": None}], typed),
        l=[[1.5, None]],
    )
    (tmp_path / "c.jsonl").write_text('{"text": "буква", "j": 7, "s": null, "l": null, "url": null}\n')
    result = read_all(tmp_path)
    assert not result.rejects
    assert [row["url"] for row in result.documents] == [None, "https://example.org", None]
    assert [row["input_lang"] for row in result.documents] == [None, "heb_Hebr", None]
    assert [row["j"] for row in result.documents] == [None, None, 7]
    assert [row["l"] for row in result.documents] == [[None], [1.5, None], None]
    assert result.schema.field("s").type == typed


def test_sides_and_languages_of_pairs_may_be_of_type_null(tmp_path: Path) -> None:
    good = {"en": ["well"], "de": ["Brunnen"], "src_lang": ["eng_Latn"], "tgt_lang": ["deu_Latn"]}
    write(tmp_path / "a.parquet", **good)
    for number, name in enumerate(good):
        write(tmp_path / f"b{number}.parquet", **{**good, name: pa.nulls(1)})
    result = read_pairs(tmp_path, src_lang=None, tgt_lang=None)
    assert result.pairs == [("well", "Brunnen")]
    assert [row["reason"] for row in result.rejects] == [
        "missing_src",
        "missing_tgt",
        "missing_src_lang",
        "missing_tgt_lang",
    ]
