"""Lines that end with LF, CRLF or carriage returns alone, in every format that has lines."""

from __future__ import annotations

import io
import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ingest.ingest_helpers import COMPRESS, TEXTS, find_files, read_all, read_pairs
from xlcorpus.errors import UserError
from xlcorpus.lexicon.dictionary_file import read_dictionary

ENDS = {"newlines": "\n", "both": "\r\n", "returns": "\r"}
ends = pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
texts = list(TEXTS.values())


def write(path: Path, content: str, suffix: str = "") -> Path:
    path.write_bytes(COMPRESS[suffix](content.encode()))
    return path


@settings(max_examples=100, deadline=None)
@given(st.text(st.sampled_from("ab \rकб山\n"), max_size=30))
def test_lines_of_text_are_those_that_python_reads(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = read_all(write(Path(folder, "a.txt"), text))
        expected = [line.rstrip("\n") for line in io.StringIO(text, newline=None)]
        assert found.texts == [line for line in expected if line.strip()]
        data = text.encode()
        assert [data[at:].startswith(line.encode()) for at, line in zip(found.offsets, found.texts, strict=True)] == [
            True
        ] * len(found.texts)


@ends
@pytest.mark.parametrize("suffix", COMPRESS)
def test_text(tmp_path: Path, end: str, suffix: str) -> None:
    path = write(tmp_path / f"a.txt{suffix}", end.join(texts) + end, suffix)
    assert read_all(path).texts == texts
    both = read_all(write(tmp_path / "b.txt", end.join([*texts[:3], "", " ", *texts[3:]])), sample_by="paragraph")
    assert both.texts == [end.join(texts[:3]), end.join(texts[3:])]


@ends
@pytest.mark.parametrize("suffix", COMPRESS)
@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "part-00000"])
def test_jsonl(tmp_path: Path, end: str, suffix: str, name: str) -> None:
    records = [json.dumps({"text": text, "n": number}, ensure_ascii=False) for number, text in enumerate(texts)]
    found = read_all(write(tmp_path / f"{name}{suffix}", end.join(["", *records, ""]), suffix))
    assert found.texts == texts
    assert [row["n"] for row in found.documents] == list(range(len(texts)))


@ends
@pytest.mark.parametrize("suffix", COMPRESS)
def test_tables_of_pairs(tmp_path: Path, end: str, suffix: str) -> None:
    rows = [(text, text[::-1]) for text in texts]
    table = end.join(["en\tde", *("\t".join(row) for row in rows)])
    assert read_pairs(write(tmp_path / f"a.tsv{suffix}", table, suffix)).pairs == rows
    quoted = end.join(["en,de", *(f'"{one}","{other}"' for one, other in rows), '"a\nb",c', ""])
    assert read_pairs(write(tmp_path / f"b.csv{suffix}", quoted, suffix)).pairs == [*rows, ("a\nb", "c")]


@ends
@pytest.mark.parametrize("other_end", ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("target", [1, 50, 1 << 20])
def test_parallel_files(tmp_path: Path, end: str, other_end: str, target: int) -> None:
    write(tmp_path / "x.en", end.join([*texts, ""]))
    write(tmp_path / "x.de", other_end.join(text[::-1] for text in texts))
    assert read_pairs(tmp_path, target_bytes=target).pairs == [(text, text[::-1]) for text in texts]


def test_a_return_within_a_line_of_parallel_text_is_text(tmp_path: Path) -> None:
    write(tmp_path / "x.en", "a\rb\nc\n")
    write(tmp_path / "x.de", "d\ne\n")
    assert read_pairs(tmp_path).pairs == [("a\rb", "d"), ("c", "e")]


@ends
@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("eng-deu.txt", ["water\tWasser", "tree\tBaum"]),
        ("hin-eng.txt", ["पानी water", "पेड़ tree"]),
        ("d.tsv", ["src_lang\ttgt_lang\tsrc\ttgt", "rus_Cyrl\teng_Latn\tвода\twater", "rus_Cyrl\teng_Latn\tлес\ttree"]),
        ("d.csv", ["src_lang,tgt_lang,src,tgt", 'jpn_Jpan,eng_Latn,水,"water"', "jpn_Jpan,eng_Latn,木,tree"]),
    ],
)
def test_dictionaries(tmp_path: Path, end: str, name: str, lines: list[str]) -> None:
    found = read_dictionary(write(tmp_path / name, end.join([*lines, ""])))
    reference = read_dictionary(write(tmp_path / name, "\n".join(lines)))
    assert found.rows == 2
    assert found.entries.equals(reference.entries)


def test_a_fault_in_a_dictionary_with_returns_names_its_line(tmp_path: Path) -> None:
    path = write(tmp_path / "eng-deu.txt", "water\tWasser\rtree\tBaum\rbroken\rgo\tgehen\r")
    with pytest.raises(UserError, match="line 3: one column only"):
        read_dictionary(path)


@pytest.mark.parametrize("first", [10, 5_000, 2 << 20])
def test_returns_are_found_behind_a_long_first_line(tmp_path: Path, first: int) -> None:
    lines = [json.dumps({"text": "x" * first}), *(json.dumps({"text": text}) for text in texts)]
    path = write(tmp_path / "a.jsonl", "\r".join(lines))
    assert find_files([str(path)])[0].returns
    assert read_all(path, target_bytes=1000).texts == ["x" * first, *texts]
    assert not find_files([str(write(tmp_path / "b.jsonl", "\n".join(lines)))])[0].returns


def test_a_large_file_of_returns_is_read_in_ranges(tmp_path: Path) -> None:
    lines = [f"{number} {text}" for number in range(20_000) for text in texts[:4]]
    path = write(tmp_path / "a.txt", "\r".join(lines))
    found = read_all(path, target_bytes=1 << 20, max_record_bytes=1000)
    assert found.texts == lines
    assert found.bytes >= path.stat().st_size - 1


def test_records_between_returns_in_a_file_of_newlines(tmp_path: Path) -> None:
    mixed = (
        '{"text": "एक"}\r{"text": "दो"}\n{"text": "तीन"}\r\n{"text":\r"四"}\n{"text": "five\rsix"}\n{"text": "7"}\rx\n'
    )
    found = read_all(write(tmp_path / "a.jsonl", mixed))
    assert found.texts == ["एक", "दो", "तीन", "四", "five\rsix"]
    assert found.reasons == {"invalid_json": 1}
    assert found.offsets[:2] == [0, len('{"text": "एक"}\r'.encode())]
