"""Formats are found by name: what each says of itself, and what one more takes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from tests.ingest.ingest_helpers import find_files, jsonl, read_all
from xlcorpus.dataset.result import Result
from xlcorpus.errors import UserError
from xlcorpus.ingest.format import FORMATS, Format, formats_of
from xlcorpus.raw.assemble import Assembler
from xlcorpus.raw.lines import Lines, read_lines
from xlcorpus.raw.options import ReadOptions
from xlcorpus.raw.ranges import FileRange, cut_lines


def read_shouts(part: FileRange, options: ReadOptions, schema: pa.Schema) -> Iterator[Result]:
    """A line is a document in capitals."""
    assembler = Assembler(part.file, options, schema)
    for lines in read_lines(part, options.max_record_bytes):
        assert isinstance(lines, Lines)
        texts = [lines.data[a:b].decode().upper() for a, b in zip(lines.starts, lines.ends, strict=True)]
        yield from assembler.rows(lines.offsets, {"text": pa.array(texts)}, {}, size=lines.size)


SHOUT = Format(name="shout", kinds=("documents",), suffixes=("shout",), cut=cut_lines, read=read_shouts)


def test_a_format_is_one_object(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.shout").write_text("one\ntwo\n\nthree\n")
    (tmp_path / "b.txt").write_text("four\n")
    with pytest.raises(UserError, match="unknown format"):
        find_files([str(tmp_path / "a.shout")])
    monkeypatch.setitem(FORMATS.all, "shout", SHOUT)
    assert [file.format for file in find_files([str(tmp_path)])] == ["shout", "text"]
    assert find_files([str(tmp_path / "a.shout")])[0].source == "a"
    for target in (1, 1 << 20):
        read = read_all(tmp_path, target_bytes=target)
        assert read.texts == ["ONE", "TWO", "THREE", "four"]
        assert read.reasons == {"empty_text": 1}
    assert read_all(tmp_path / "b.txt", format="shout").texts == ["FOUR"]


def test_every_module_of_the_folder_is_a_format() -> None:
    assert list(FORMATS.all) == ["arc", "conll", "csv", "jsonl", "moses", "parquet", "text", "tmx", "tsv", "warc"]
    assert list(formats_of("documents")) == ["arc", "conll", "jsonl", "parquet", "text", "warc"]
    assert list(formats_of("pairs")) == ["csv", "jsonl", "parquet", "tmx", "tsv"]
    suffixes = [suffix for format in FORMATS.all.values() for suffix in format.suffixes]
    assert len(set(suffixes)) == len(suffixes)
    with pytest.raises(UserError, match="did you mean 'jsonl'"):
        FORMATS.find("json-l")


def test_typed_columns_come_before_sampled_ones(tmp_path: Path) -> None:
    for name, header in (("b.csv", "src,tgt,b,a"), ("a.tsv", "src\ttgt\tz\ta")):
        (tmp_path / name).write_text(header + "\n")
    jsonl(tmp_path / "0.jsonl", {"src": "x", "tgt": "y", "json": 1, "a": "text"})
    read = read_all(tmp_path, kind="pairs", src_lang="eng_Latn", tgt_lang="deu_Latn")
    assert read.schema is not None
    assert read.schema.names[-5:] == ["z", "a", "b", "json", "extra"]


def test_the_html_extractor_is_loaded_for_pages_alone(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "a.jsonl", {"text": "x"})
    code = (
        "import sys; from tests.ingest.ingest_helpers import read_all; "
        f"assert read_all({str(path)!r}).texts == ['x']; assert 'resiliparse' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
