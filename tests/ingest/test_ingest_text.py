"""Plain text by line, paragraph and document."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ingest.ingest_helpers import TEXTS, read_all
from xlcorpus.raw.options import ReadOptions


def write(path: Path, data: bytes | str) -> Path:
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def test_lines(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "\n".join(TEXTS.values()))
    result = read_all(path)
    assert result.texts == list(TEXTS.values())
    assert result.offsets == [path.read_bytes().index(text.encode()) for text in TEXTS.values()]
    assert result.schema is not None
    assert result.schema.names == ["doc_id", "text", "source", "origin", "url", "timestamp", "license", "kind"]


def test_blank_lines_are_no_records_but_other_white_space_is_decided_on(tmp_path: Path) -> None:
    result = read_all(write(tmp_path / "a.txt", "\ufeffa\r\n\r\n \t\n\u3000\nb"))
    assert result.texts == ["a", "b"]
    assert result.reasons == {"empty_text": 1}
    assert result.offsets == [0, 15]


def test_invalid_utf8_rejects_only_that_line(tmp_path: Path) -> None:
    result = read_all(write(tmp_path / "a.txt", "हिन्दी\n".encode() + b"caf\xe9\nx\0y\n" + "ไทย\n".encode()))
    assert result.texts == ["हिन्दी", "ไทย"]
    assert [(row["reason"], row["excerpt"]) for row in result.rejects] == [
        ("invalid_utf8", "caf\ufffd"),
        ("nul_bytes", "x\0y"),
    ]


def test_paragraphs(tmp_path: Path) -> None:
    data = "\n\n  \nएक\nदो\r\nतीन\n\n\t\n四\n\n\n\nfive\n"
    result = read_all(write(tmp_path / "a.txt", data), sample_by="paragraph")
    assert result.texts == ["एक\nदो\r\nतीन", "四", "five"]
    assert result.offsets == [data.encode().index(text.encode()) for text in result.texts]


def test_a_document_is_the_whole_file(tmp_path: Path) -> None:
    data = "\ufeffएक\n\nदो\r\n"
    result = read_all(write(tmp_path / "a.txt", data), sample_by="document", target_bytes=5)
    assert result.texts == [data[1:]]
    assert result.offsets == [0]


@pytest.mark.parametrize("sample_by", ["line", "paragraph", "document"])
def test_records_over_the_limit(tmp_path: Path, sample_by: str) -> None:
    path = write(tmp_path / "a.txt", "x" * 100 + "\n" + "y" * 100 + "\n\nzz\n")
    result = read_all(path, sample_by=sample_by, max_record_bytes=90)
    assert result.reasons == {"record_too_large": {"line": 2, "paragraph": 1, "document": 1}[sample_by]}
    assert result.texts == ([] if sample_by == "document" else ["zz"])
    assert all(row["excerpt"].startswith("xx") for row in result.rejects[:1])


@pytest.mark.parametrize("sample_by", ["line", "paragraph", "document"])
def test_empty_files(tmp_path: Path, sample_by: str) -> None:
    assert read_all(write(tmp_path / "a.txt", b""), sample_by=sample_by).records == 0


def test_white_space_alone_as_a_document_is_decided_on(tmp_path: Path) -> None:
    assert read_all(write(tmp_path / "a.txt", b" \n\n"), sample_by="document").reasons == {"empty_text": 1}


def test_options_are_checked() -> None:
    with pytest.raises(ValueError, match="sample_by"):
        ReadOptions(sample_by="sentence")
    with pytest.raises(ValueError, match="max_record_bytes"):
        ReadOptions(max_record_bytes=0)
