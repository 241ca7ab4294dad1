"""Which files an input means, their names, sources, formats; and the tasks made of them."""

from __future__ import annotations

import gzip
import itertools
import json
import os
import pickle
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ingest.ingest_helpers import COMPRESS, find_files, jsonl, read_all
from xlcorpus.dataset.manifest import KEYS
from xlcorpus.errors import UserError
from xlcorpus.ingest.read import cut_files
from xlcorpus.raw.input_files import InputFile
from xlcorpus.raw.search import UNKNOWN_FORMAT


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "corpus"
    (root / "sub" / "deep").mkdir(parents=True)
    for name in ("b.jsonl", "a.txt", "sub/c.jsonl.gz", "sub/deep/d.ndjson", "sub/README.md", ".hidden.txt", "_tmp.txt"):
        data = b'{"text": "x"}\n'
        (root / name).write_bytes(gzip.compress(data, mtime=0) if name.endswith(".gz") else data)
    (root / "_work").mkdir()
    (root / "_work" / "e.txt").write_bytes(b"x")
    (root / ".git").mkdir()
    (root / ".git" / "f.txt").write_bytes(b"x")
    return root


def names(*inputs: Path | str, **options: str) -> list[str]:
    return [file.name for file in find_files([str(one) for one in inputs], **options)]


def test_a_folder_is_searched_and_names_are_relative_to_it(folder: Path) -> None:
    found = find_files([str(folder)])
    assert [file.name for file in found] == ["a.txt", "b.jsonl", "sub/c.jsonl.gz", "sub/deep/d.ndjson"]
    assert [file.format for file in found] == ["text", "jsonl", "jsonl", "jsonl"]
    assert [file.compression for file in found] == ["none", "none", "gzip", "none"]
    assert {file.source for file in found} == {"corpus"}
    assert [Path(one).name for one in found.remarks.skipped[UNKNOWN_FORMAT]] == ["README.md"]
    assert all(file.size == os.path.getsize(file.path) for file in found)


def test_files_are_plain_values(folder: Path) -> None:
    found = find_files([str(folder)])
    assert pickle.loads(pickle.dumps(list(found))) == found
    tasks = cut_files(found, target_bytes=1 << 20)
    assert pickle.loads(pickle.dumps(tasks)) == tasks


def test_globs(folder: Path) -> None:
    assert names(folder / "*.jsonl") == ["b.jsonl"]
    assert names(folder / "**" / "*.jsonl*") == ["b.jsonl", "sub/c.jsonl.gz"]
    assert names(folder / "**") == names(folder)
    assert names(folder / "s*") == ["sub/c.jsonl.gz", "sub/deep/d.ndjson"]
    assert names(folder / "sub" / "*") == ["c.jsonl.gz", "deep/d.ndjson"]
    assert {file.source for file in find_files([str(folder / "sub" / "*.gz")])} == {"sub"}


def test_a_file_with_glob_characters_is_that_file(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "a[1]*.jsonl", {"text": "x"})
    assert names(path) == ["a[1]*.jsonl"]


def test_the_order_of_the_inputs_does_not_matter(folder: Path) -> None:
    inputs = [str(folder / "b.jsonl"), str(folder / "sub"), str(folder), str(folder / "*.txt")]
    found = find_files(inputs)
    assert found == find_files(inputs[::-1]) == find_files([*inputs, *inputs])
    assert [file.name for file in found] == [file.name for file in find_files([str(folder)])]


def test_a_single_file_has_its_own_name_and_source(folder: Path) -> None:
    (file,) = find_files([str(folder / "sub" / "c.jsonl.gz")])
    assert (file.name, file.source) == ("c.jsonl.gz", "c")
    (file,) = find_files([str(folder / "sub" / "c.jsonl.gz")], source="mine")
    assert file.source == "mine"


def test_a_file_reached_through_a_link_is_read_once(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    (folder / "sub" / "loop").symlink_to(folder)
    assert len(find_files([str(folder), str(tmp_path / "link")])) == 4


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda root: root / "missing.jsonl", "does not exist"),
        (lambda root: root / "*.nothing", "no input file"),
        (lambda root: root / "empty", "no input file"),
        (lambda root: "gs://bucket/a.jsonl", "only files on this machine"),
        (lambda root: root / "notes.md", "unknown format"),
        (lambda root: root / "only-notes", "of unknown format"),
        (lambda root: root / "dataset", "is an xlcorpus dataset"),
        (lambda root: root / "above", "is an xlcorpus dataset"),
        (lambda root: root / "pretty.json", "one JSON document"),
        (lambda root: root / "p.parquet.gz", "cannot be read"),
    ],
)
def test_what_is_wrong_with_an_input_is_said(tmp_path: Path, make: object, message: str) -> None:
    for name in ("empty", "only-notes", "dataset", "above/inner"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("notes.md", "only-notes/a.csv"):
        (tmp_path / name).write_text("x\n")
    for name in ("dataset", "above/inner"):
        (tmp_path / name / "manifest.json").write_text(json.dumps(dict.fromkeys(KEYS)))
    (tmp_path / "pretty.json").write_text('{\n "text": "x"\n}\n')
    (tmp_path / "p.parquet.gz").write_bytes(gzip.compress(b"PAR1\x15\x04", mtime=0))
    with pytest.raises(UserError, match=message) as error:
        find_files([str(make(tmp_path))])  # type: ignore[operator]
    assert error.value.remedy


def test_format_says_what_files_are(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("one\ntwo\n")
    assert read_all(tmp_path / "notes.md", format="text").texts == ["one", "two"]
    assert read_all(tmp_path, format="txt").texts == ["one", "two"]
    with pytest.raises(UserError, match="unknown input format 'docx'"):
        find_files([str(tmp_path)], format="docx")
    with pytest.raises(UserError, match="documents cannot be read from --format csv"):
        find_files([str(tmp_path)], format="csv")


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("a.jsonl.gz", b'{"text": "x"}\n', ("jsonl", "none")),
        ("a.jsonl", gzip.compress(b'{"text": "x"}\n', mtime=0), ("jsonl", "gzip")),
        ("a.txt", COMPRESS[".zst"](b"x"), ("text", "zstd")),
        ("a.txt.gz", COMPRESS[".bz2"](b"x"), ("text", "bz2")),
        ("a.txt.gz", b"\x1e\x8b\x08\x00\x00\xff\xfe", ("text", "gzip")),
        ("part-00000", b'{"text": "x"}\n{"text": "y"}\n', ("jsonl", "none")),
        ("a.jsonl", b"WARC/1.0\r\nWARC-Type: warcinfo\r\n\r\n", ("warc", "none")),
        ("a.warc", b"filedesc://x 0.0.0.0 20200101000000 text/plain 0\n", ("arc", "none")),
        ("a.unknown", gzip.compress(b"WARC/1.0\r\n", mtime=0), ("warc", "gzip")),
        ("a.wet.zst", COMPRESS[".zst"](b"WARC/1.0\r\n"), ("warc", "zstd")),
        ("a.json", b'{"text": "x"}\n{"text": "y"}\n', ("jsonl", "none")),
        ("a.jsonl", b"", ("jsonl", "none")),
        ("a.txt", b"BZh is how bzip2 begins", ("text", "none")),
    ],
)
def test_magic_bytes_count_more_than_names(tmp_path: Path, name: str, data: bytes, expected: tuple[str, str]) -> None:
    (tmp_path / name).write_bytes(data)
    (file,) = find_files([str(tmp_path)])
    assert (file.format, file.compression) == expected


def file(name: str, size: int, format: str = "jsonl", compression: str = "none") -> InputFile:
    return InputFile(Path("/nowhere", name), name, "s", format, compression, size)


kinds = st.tuples(st.sampled_from(["jsonl", "text", "warc"]), st.sampled_from(["none", "gzip"]))


@given(st.lists(st.tuples(st.integers(0, 1000), kinds), max_size=20), st.integers(1, 500))
def test_tasks_cover_every_byte_once_and_in_order(sizes: list[tuple[int, tuple[str, str]]], target: int) -> None:
    files = [file(f"{number:03d}", size, *kind) for number, (size, kind) in enumerate(sizes)]
    tasks = cut_files(files, target_bytes=target)
    assert tasks == cut_files(files, target_bytes=target)
    ranges = [part for task in tasks for part in task]
    for one in files:
        mine = [part for part in ranges if part.file == one]
        assert [part.start for part in mine] == [0, *(part.end for part in mine[:-1])][: len(mine)]
        assert (mine[-1].end if mine else 0) == one.size
        if one.format == "warc" or one.compression != "none":
            assert len(mine) <= 1
    assert [part.file.name for part in ranges] == sorted(part.file.name for part in ranges)
    for task in tasks:
        size = sum(part.end - part.start for part in task)
        assert size <= target or len(task) == 1
    for one, other in itertools.pairwise(tasks):
        first = other[0]
        assert sum(part.end - part.start for part in one) + first.end - first.start > target


def test_parquet_is_cut_at_row_groups(tmp_path: Path) -> None:
    table = pa.table({"text": [f"{number} {'x' * 500}" for number in range(1000)]})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=100, compression="none", use_dictionary=False)
    tasks = cut_files(find_files([str(tmp_path)]), target_bytes=120_000)
    assert [(part.start, part.end) for task in tasks for part in task] == [
        (0, 2),
        (2, 4),
        (4, 6),
        (6, 8),
        (8, 10),
    ]
    assert read_all(tmp_path, target_bytes=1).texts == table.column("text").to_pylist()


def test_target_must_be_positive() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        cut_files([], target_bytes=0)


@pytest.mark.parametrize("name", ["a.jsonl", "b.txt", "c.warc.gz", "d.parquet"])
def test_files_without_bytes_are_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"")
    (tmp_path / "full.jsonl").write_text('{"text": "слово"}\n', encoding="utf-8")
    assert f"note (it has no bytes): {tmp_path / name}" in find_files([str(tmp_path)]).remarks.lines()
