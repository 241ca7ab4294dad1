"""Ranges of a file yield together exactly the records of the whole file; compression changes nothing."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ingest.ingest_helpers import COMPRESS, TEXTS, ReadRows, jsonl, read_all
from xlcorpus.raw import lines as lines_module
from xlcorpus.raw import streams


def everything(result: ReadRows) -> list[Any]:
    return [
        [(row["doc_id"], row["text"], row["origin"]) for row in result.documents],
        sorted((row["doc_id"], row["reason"]) for row in result.decisions),
        [(row["reason"], row["origin"], row["message"], row["excerpt"]) for row in result.rejects],
        result.records,
    ]


def all_but_ids(result: ReadRows) -> list[Any]:
    """The same without ids, which are of the file's bytes as they lie on the disk."""
    documents = [{name: value for name, value in row.items() if name != "doc_id"} for row in result.documents]
    decisions = sorted((row["reason"], row["origin"]["offset"]) for row in result.decisions)
    return [documents, decisions, *everything(result)[2:]]


words = st.sampled_from([*TEXTS.values(), "a", "", "\u3000"])
json_lines = (
    words.map(lambda text: json.dumps({"text": text}, ensure_ascii=False).encode())
    | st.sampled_from([b"", b" ", b"{", b'{"id": 1}', b"\r", b"\xff"])
)  # fmt: skip
text_lines = words.map(str.encode) | st.sampled_from([b"", b" ", b"\t ", b"\r", b"x\r", b"\xff", b"a\0"])
line_ends = st.sampled_from([b"\n", b"\r\n", b"\r", b""])


@pytest.mark.parametrize("small_blocks", [False, True])
@settings(max_examples=25, deadline=None)
@given(
    st.lists(json_lines, max_size=8),
    st.booleans(),
    st.booleans(),
    st.integers(1, 90),
    st.sampled_from([30, 1000]),
    st.sampled_from([b"\n", b"\r\n", b"\r"]),
)
def test_ranges_of_jsonl(
    small_blocks: bool, lines: list[bytes], bom: bool, newline: bool, target: int, limit: int, end: bytes
) -> None:
    data = b"\xef\xbb\xbf" * bom + end.join(lines) + end * newline
    check(data, "jsonl", target, small_blocks, max_record_bytes=limit)


@pytest.mark.parametrize("sample_by", ["line", "paragraph", "document"])
@pytest.mark.parametrize("small_blocks", [False, True])
@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(text_lines, line_ends), max_size=10),
    st.booleans(),
    st.integers(1, 90),
    st.sampled_from([30, 1000]),
)
def test_ranges_of_text(
    small_blocks: bool, sample_by: str, lines: list[tuple[bytes, bytes]], bom: bool, target: int, limit: int
) -> None:
    data = b"\xef\xbb\xbf" * bom + b"".join(line + end for line, end in lines)
    check(data, "text", target, small_blocks, sample_by=sample_by, max_record_bytes=limit)


def check(data: bytes, format: str, target: int, small_blocks: bool, **options: Any) -> None:
    sizes = lines_module.BLOCK, streams.PIECE
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "a")
            path.write_bytes(data)
            whole = read_all(path, format=format, **options)
            if small_blocks:
                lines_module.BLOCK, streams.PIECE = 7, 5
            parts = read_all(path, format=format, target_bytes=target, **options)
            assert everything(parts) == everything(whole)
    finally:
        lines_module.BLOCK, streams.PIECE = sizes


def test_bytes_of_the_ranges_add_up(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "a.jsonl", *({"text": text * 20} for text in TEXTS.values()))
    assert read_all(path, target_bytes=100).bytes == path.stat().st_size


@pytest.mark.parametrize("sample_by", ["line", "paragraph", "document"])
@pytest.mark.parametrize("suffix", [one for one in COMPRESS if one])
def test_compressed_text_gives_the_same(tmp_path: Path, suffix: str, sample_by: str) -> None:
    data = "\n\n".join("\n".join([text] * 3) for text in TEXTS.values()).encode()
    (tmp_path / "a.txt").write_bytes(data)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "a.txt").write_bytes(COMPRESS[suffix](data))  # magic bytes count, not the name
    plain = read_all(tmp_path / "a.txt", sample_by=sample_by)
    packed = read_all(tmp_path / "b" / "a.txt", sample_by=sample_by)
    assert all_but_ids(packed) == all_but_ids(plain)
    assert plain.records == {"line": 45, "paragraph": 15, "document": 1}[sample_by]


@pytest.mark.parametrize("suffix", [one for one in COMPRESS if one])
def test_compressed_jsonl_gives_the_same(tmp_path: Path, suffix: str) -> None:
    path = jsonl(tmp_path / "a.jsonl", *({"text": text, "n": [n]} for n, text in enumerate(TEXTS.values())), b"{", {})
    (tmp_path / "b").mkdir()
    packed = tmp_path / "b" / "a.jsonl"
    data = path.read_bytes()
    # Several members, frames or streams, one of them in the middle of a line.
    packed.write_bytes(COMPRESS[suffix](data[:100]) + COMPRESS[suffix](b"") + COMPRESS[suffix](data[100:]))
    one, other = read_all(path), read_all(packed)
    assert all_but_ids(one) == all_but_ids(other)
    assert one.records == len(TEXTS) + 2
