"""Parallel text in two files: which files belong together, what happens where they do not fit, and cutting them."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ingest.ingest_helpers import COMPRESS, TEXTS, find_files, jsonl, read_files, read_pairs
from xlcorpus.errors import UserError
from xlcorpus.ingest.columns import output_schema
from xlcorpus.ingest.read import cut_files, read_range
from xlcorpus.raw.input_files import InputFile
from xlcorpus.raw.options import ReadOptions
from xlcorpus.raw.search import UNKNOWN_FORMAT

OPTIONS = ReadOptions(kind="pairs", src_lang="eng_Latn", tgt_lang="deu_Latn")


def sides(folder: Path, stem: str, one: bytes, other: bytes) -> tuple[Path, Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = folder / f"{stem}.en", folder / f"{stem}.de"
    paths[0].write_bytes(one)
    paths[1].write_bytes(other)
    return paths


def find(*inputs: Path, source: str | None = None) -> list[InputFile]:
    return list(find_files([str(one) for one in inputs], kind="pairs", src_column="en", tgt_column="de", source=source))


def test_two_files_are_one_input_whatever_their_order(tmp_path: Path) -> None:
    one, other = sides(tmp_path, "news", b"One\nTwo\n", b"Eins\nZwei\n")
    (file,) = find(one, other)
    assert find(other, one) == [file]
    assert (file.name, file.source, file.format, file.size) == ("news.en|news.de", "news", "moses", 18)
    assert tuple(side.path for side in file.sides) == (one, other)
    assert find(tmp_path)[0].source == tmp_path.name
    result = read_pairs(other, one)
    assert result.pairs == [("One", "Eins"), ("Two", "Zwei")]
    assert [row["origin"] for row in result.documents] == [
        {"file": "news.en|news.de", "offset": 0},
        {"file": "news.en|news.de", "offset": 4},
    ]


def test_a_folder_holds_many_texts_and_other_files(tmp_path: Path) -> None:
    sides(tmp_path / "a", "x", b"1\n", b"2\n")
    sides(tmp_path / "b", "x", b"3\n", b"4\n")
    sides(tmp_path / "b", "y.v2", b"5\n", b"6\n")
    (tmp_path / "b" / "x.fr").write_bytes(b"9\n")
    (tmp_path / "README.txt").write_bytes(b"hello\n")
    jsonl(tmp_path / "z.jsonl", {"en": "7", "de": "8"})
    assert [file.name for file in find(tmp_path)] == ["a/x.en|x.de", "b/x.en|x.de", "b/y.v2.en|y.v2.de", "z.jsonl"]
    found = find_files([str(tmp_path)], kind="pairs", src_column="en", tgt_column="de")
    assert sorted(Path(one).name for one in found.remarks.skipped[UNKNOWN_FORMAT]) == ["README.txt", "x.fr"]
    result = read_pairs(tmp_path)
    assert result.pairs == [("1", "2"), ("3", "4"), ("5", "6"), ("7", "8")]
    assert result.documents[0]["extra"] is None


def test_each_side_may_be_compressed_by_itself(tmp_path: Path) -> None:
    lines = list(TEXTS.values()) * 3
    one, other = ("\n".join(part).encode() for part in (lines, lines[::-1]))
    for number, (first, second) in enumerate([("", ""), (".gz", ""), ("", ".zst"), (".xz", ".bz2")]):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / f"t.en{first}").write_bytes(COMPRESS[first](one))
        (folder / f"t.de{second}").write_bytes(COMPRESS[second](other))
        assert read_pairs(folder, target_bytes=100).pairs == list(zip(lines, lines[::-1], strict=True))


@pytest.mark.parametrize(
    ("one", "other", "counts"),
    [(b"a\nb\n", b"a\n", (2, 1)), (b"a\nb\nc", b"a\nb", (3, 2)), (b"", b"a\n", (0, 1)), (b"a\n\n", b"a\n", (2, 1))],
)
def test_files_of_different_length_are_refused(
    tmp_path: Path, one: bytes, other: bytes, counts: tuple[int, int]
) -> None:
    paths = sides(tmp_path, "x", one, other)
    with pytest.raises(UserError) as error:
        read_pairs(tmp_path)
    assert f"{paths[0]} has {counts[0]} lines and {paths[1]} has {counts[1]}" in error.value.message
    assert error.value.remedy


def test_only_newlines_end_lines(tmp_path: Path) -> None:
    odd = "a\u2028b\x0bc\x85d\x1ee"
    sides(tmp_path, "x", f"\ufeff{odd}\r\nTwo".encode(), b"\xef\xbb\xbfEins\nZwei\r\n")
    assert read_pairs(tmp_path).pairs == [(odd, "Eins"), ("Two", "Zwei")]


def test_empty_lines_are_decisions_and_bad_ones_rejects(tmp_path: Path) -> None:
    one = b"one\n\nthree\n \nfi\xffve\nsix\n" + b"s" * 90 + b"\neight\nnine\n"
    other = b"eins\nzwei\n\n\n" + b"f\n" + b"s\0chs\nsieben\n" + b"a" * 90 + b"\nneun\n"
    sides(tmp_path, "x", one, other)
    for target in (1 << 20, 1):
        result = read_pairs(tmp_path, max_record_bytes=80, keep_text=True, target_bytes=target)
        assert result.pairs == [("one", "eins"), ("nine", "neun")]
        assert [(row["reason"], row["text"]) for row in result.decisions] == [
            ("empty_src", "\nzwei"),
            ("empty_tgt", "three\n"),
            ("empty_src", " \n"),
        ]
        assert [(row["reason"], row["message"].split(": ")[1][:15]) for row in result.rejects] == [
            ("invalid_utf8", "the source side"),
            ("nul_bytes", "the target side"),
            ("record_too_large", "the source side"),
            ("record_too_large", "the target side"),
        ]
        assert result.records == 9


# No NUL, and nothing that a compressed file could begin with.
line = st.binary(max_size=9).map(lambda value: value.translate(None, b"\n\0\x1f\x28\xfdB"))


@given(st.lists(st.tuples(line, line), max_size=30), st.booleans(), st.booleans(), st.integers(1, 60))
def test_cuts_fall_at_the_same_line_in_both(
    rows: list[tuple[bytes, bytes]], one_ends: bool, other_ends: bool, target: int
) -> None:
    def content(values: list[bytes], ends: bool) -> bytes:
        whole = b"".join(value + b"\n" for value in values)
        # Only a line that is not empty is still a line without its newline, and carriage returns end lines where there
        # is no newline at all.
        return whole if ends or len(values) < 2 or not values[-1] else whole[:-1]

    with tempfile.TemporaryDirectory() as folder:
        one, other = sides(
            Path(folder), "x", content([a for a, _ in rows], one_ends), content([b for _, b in rows], other_ends)
        )
        (file,) = find(one, other)
        tasks = cut_files([file], target_bytes=target)
        ranges = [part for task in tasks for part in task]
        for part in ranges:
            first, second = one.read_bytes()[: part.start], other.read_bytes()[: part.twin_start]
            assert first.count(b"\n") == second.count(b"\n")
            assert first == b"" or first.endswith(b"\n")
            assert second == b"" or second.endswith(b"\n")
        assert [part.start for part in ranges] == [0, *(part.end for part in ranges)][: len(ranges)]
        whole, cut = read_files([file], OPTIONS), read_files([file], OPTIONS, target)
        assert whole.records == len(rows)
        assert (whole.documents, whole.decisions, whole.rejects) == (cut.documents, cut.decisions, cut.rejects)


def test_large_files_are_cut(tmp_path: Path) -> None:
    lines = [f"line {number} {'x' * (number % 50)}" for number in range(2000)]
    sides(tmp_path, "x", "\n".join(lines).encode(), "\n".join(lines[::-1]).encode())
    (file,) = find(tmp_path)
    tasks = cut_files([file], target_bytes=10_000)
    assert 12 <= len(tasks) <= 18
    assert read_pairs(tmp_path, target_bytes=10_000).pairs == list(zip(lines, lines[::-1], strict=True))


def test_a_side_without_the_other_is_an_error(tmp_path: Path) -> None:
    one, _ = sides(tmp_path, "x", b"a\n", b"b\n")
    with pytest.raises(UserError, match=r"x\.de is not among the inputs"):
        find(one)
    (tmp_path / "x.en.gz").write_bytes(COMPRESS[".gz"](b"a\n"))
    with pytest.raises(UserError, match="both the side 'en'"):
        find(tmp_path)


@pytest.mark.parametrize("name", ["notes.txt", "a.warc", "a.pdf"])
def test_a_file_without_pairs_is_refused_by_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"WARC/1.0\r\n" if name == "a.warc" else b"x\n")
    with pytest.raises(UserError, match="no sentence pairs") as error:
        find(tmp_path / name)
    assert "NAME.en" in (error.value.remedy or "")
    with pytest.raises(UserError, match="no input file of a known format"):
        find(tmp_path)


def test_a_damaged_side_stops_the_plan(tmp_path: Path) -> None:
    (tmp_path / "x.en.gz").write_bytes(COMPRESS[".gz"](b"a\n" * 5000)[:-9])
    (tmp_path / "x.de").write_bytes(b"a\n" * 5000)
    with pytest.raises(UserError, match=r"x\.en\.gz is damaged"):
        read_pairs(tmp_path)


def test_files_that_changed_after_the_plan_are_noticed(tmp_path: Path) -> None:
    _, other = sides(tmp_path, "x", b"a\nb\nc\n", b"a\nb\nc\n")
    (file,) = find(tmp_path)
    tasks = cut_files([file], target_bytes=1 << 20)
    assert len(file.fingerprints) == 2  # as the launcher takes them
    other.write_bytes(b"a\n")
    with pytest.raises(UserError, match="has changed since"):
        list(read_range(tasks[0][0], OPTIONS, output_schema([file], OPTIONS)))
