"""What paths, folders and globs mean: every file once under a name of its own, and a word for all that is not read."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from tests.ingest.ingest_helpers import find_files, jsonl, read_all
from xlcorpus.errors import UserError
from xlcorpus.raw import search
from xlcorpus.raw.names import clean_name


def names(*inputs: Path | str) -> list[str]:
    return [file.name for file in find_files([str(one) for one in inputs])]


def remarks(*inputs: Path | str) -> list[str]:
    return find_files([str(one) for one in inputs]).remarks.lines()


def skipped(*inputs: Path | str) -> dict[str, list[str]]:
    found = find_files([str(one) for one in inputs]).remarks.skipped
    return {reason.partition(":")[0]: [path.name for path in paths] for reason, paths in found.items()}


def put(folder: Path, *paths: str) -> Path:
    for number, path in enumerate(paths):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        jsonl(folder / path, {"text": f"{number} {path}".encode("utf-8", "replace").decode()})
    return folder


SIX_FORMS = [
    ("caf\u00e9", "cafe\u0301"),  # Latin
    ("\u0439", "\u0438\u0306"),  # Cyrillic
    ("\u0958", "\u0915\u093c"),  # Devanagari: NFC is the longer form
    ("\uac00", "\u1100\u1161"),  # Hangul
    ("\u304c", "\u304b\u3099"),  # kana
    ("\u1e69", "s\u0323\u0307"),  # two marks
]


@pytest.mark.parametrize(("one", "other"), SIX_FORMS)
def test_names_of_two_unicode_forms_are_told_apart(tmp_path: Path, one: str, other: str) -> None:
    put(tmp_path, f"{one}.jsonl", f"{other}.jsonl", "plain.jsonl")
    found = names(tmp_path)
    assert len(set(found)) == 3
    assert clean_name(f"{one}.jsonl") in found  # the composed one is called as it would be alone
    assert {clean_name(name) for name in found} == {clean_name(f"{one}.jsonl"), "plain.jsonl"}
    assert len(read_all(tmp_path).texts) == 3


def test_folders_of_two_unicode_forms_are_told_apart(tmp_path: Path) -> None:
    put(tmp_path, "e\u0301/a.jsonl", "\u00e9/a.jsonl", "e\u0301/only.jsonl")
    assert sorted(names(tmp_path)) == sorted(["e\u0301/a.jsonl", "\u00e9/a.jsonl", "\u00e9/only.jsonl"])


@pytest.mark.parametrize("encoding", ["latin-1", "cp1251", "shift_jis", "gb18030"])
def test_names_that_are_no_utf8_are_told_apart(tmp_path: Path, encoding: str) -> None:
    raw = {"latin-1": "éè", "cp1251": "жш", "shift_jis": "山川", "gb18030": "山川"}[encoding]
    for letter in raw:
        path = os.fsencode(tmp_path) + b"/" + letter.encode(encoding) + b".jsonl"
        Path(os.fsdecode(path)).write_bytes(b'{"text": "x"}\n')
    found = names(tmp_path)
    assert len(set(found)) == 2
    assert "".join(found).isprintable()
    assert len(read_all(tmp_path).texts) == 2


def test_two_given_files_with_one_name_have_their_folders_in_it(tmp_path: Path) -> None:
    put(tmp_path, "A/data/train.jsonl", "B/data/train.jsonl", "C/other.jsonl")
    given = [tmp_path / "B/data/train.jsonl", tmp_path / "A/data/train.jsonl"]
    assert names(*given) == names(*given[::-1]) == ["A/data/train.jsonl", "B/data/train.jsonl"]
    assert names(*given, tmp_path / "C/other.jsonl") == ["A/data/train.jsonl", "B/data/train.jsonl", "other.jsonl"]
    assert names(tmp_path / "A/data", tmp_path / "B/data") == ["A/data/train.jsonl", "B/data/train.jsonl"]
    assert len({row["doc_id"] for row in read_all(*given).documents}) == 2


@pytest.mark.parametrize(
    "name", ["a\nb", "a'b\"c", "🌧️", "-rf", "lang=de", "a#b", "a b", "a%20b", "manifest", "part-00000-000", "a|b"]
)
def test_names_of_any_characters(tmp_path: Path, name: str) -> None:
    put(tmp_path, f"in/{name}.jsonl")
    assert names(tmp_path / "in") == names(tmp_path / "in" / f"{name}.jsonl") == [f"{name}.jsonl"]
    assert read_all(tmp_path / "in").documents[0]["origin"]["file"] == f"{name}.jsonl"


def test_all_that_is_not_read_is_named(tmp_path: Path) -> None:
    put(tmp_path, "a.jsonl", ".hidden.jsonl", "_tmp.jsonl", ".git/b.jsonl", "sub/_work/c.jsonl")
    (tmp_path / "notes.docx").write_bytes(b"x")
    (tmp_path / "gone.jsonl").symlink_to(tmp_path / "nothing")
    (tmp_path / "itself.jsonl").symlink_to(tmp_path / "itself.jsonl")
    os.mkfifo(tmp_path / "pipe.jsonl")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(tmp_path / "socket.jsonl"))
    assert names(tmp_path) == ["a.jsonl"]
    assert skipped(tmp_path) == {
        "hidden": [".git", ".hidden.jsonl", "_tmp.jsonl", "_work"],
        "a link to nothing": ["gone.jsonl", "itself.jsonl"],
        "not a regular file": ["pipe.jsonl", "socket.jsonl"],
        "unknown format": ["notes.docx"],
    }
    assert f"skipped (a link to nothing): {tmp_path / 'gone.jsonl'}" in remarks(tmp_path)
    with pytest.raises(UserError, match="is a link to nothing"):
        find_files([str(tmp_path / "gone.jsonl")])
    with pytest.raises(UserError, match="is not a regular file"):
        find_files([str(tmp_path / "pipe.jsonl")])


def test_of_many_the_first_are_named_and_the_others_counted(tmp_path: Path) -> None:
    put(tmp_path, "a.jsonl", *(f".h{number:02d}" for number in range(30)))
    lines = remarks(tmp_path)
    assert len(lines) == 21
    assert lines[-1].endswith(": 10 more")


def test_an_input_with_nothing_to_read_is_named(tmp_path: Path) -> None:
    put(tmp_path, "a/a.jsonl", "b/.hidden")
    (tmp_path / "empty").mkdir()
    assert f"skipped (nothing to read in it): {tmp_path / 'empty'}" in remarks(tmp_path / "a", tmp_path / "empty")
    assert f"skipped (nothing to read in it): {tmp_path / 'x*'}" in remarks(tmp_path / "a", tmp_path / "x*")
    with pytest.raises(UserError, match=r"no input file: (.|\n)*skipped \(hidden.*\): .*\.hidden"):
        find_files([str(tmp_path / "b")])


def test_links_out_of_the_input_are_followed_and_named(tmp_path: Path) -> None:
    put(tmp_path, "blobs/1", "other/b.jsonl", "in/c.jsonl", "in/sub/d.jsonl")
    (tmp_path / "in" / "a.jsonl").symlink_to("../blobs/1")  # as the cache of a hub has it
    (tmp_path / "in" / "other").symlink_to(tmp_path / "other")
    (tmp_path / "in" / "sub" / "up.jsonl").symlink_to(tmp_path / "in" / "c.jsonl")  # this one stays inside
    found = find_files([str(tmp_path / "in")])
    assert [file.name for file in found] == ["a.jsonl", "c.jsonl", "other/b.jsonl", "sub/d.jsonl"]
    assert [path.name for path in found.remarks.noted["a link out of the input, which is followed"]] == [
        "a.jsonl",
        "other",
    ]


@pytest.mark.parametrize("pattern", ["", "*", "**", "**/*.jsonl"])
def test_loops_of_links_end(tmp_path: Path, pattern: str) -> None:
    put(tmp_path, "in/a.jsonl", "in/sub/b.jsonl")
    for number in range(5):  # glob alone would go through 5^40 folders
        (tmp_path / "in" / f"loop{number}").symlink_to(tmp_path / "in")
        (tmp_path / "in" / "sub" / f"up{number}").symlink_to("..")
    (tmp_path / "in" / "this").symlink_to(".")
    given = tmp_path / "in" / pattern
    assert names(given) == ["a.jsonl", "sub/b.jsonl"]
    assert len(read_all(given).texts) == 2
    assert any("loop0" in line for line in remarks(given))


def test_a_file_reached_twice_is_read_once_under_the_longest_name(tmp_path: Path) -> None:
    put(tmp_path, "in/sub/a.jsonl", "in/b.jsonl")
    (tmp_path / "link").symlink_to(tmp_path / "in")
    inside = [tmp_path / "in", tmp_path / "in" / "sub", tmp_path / "in" / "sub" / "a.jsonl", f"{tmp_path}/in/./b.jsonl"]
    for inputs in (inside, inside[::-1], [tmp_path / "in"] * 2):
        assert names(*inputs) == ["b.jsonl", "sub/a.jsonl"]
        assert remarks(*inputs) == []
    assert names(tmp_path / "link", tmp_path / "in") == names(tmp_path / "in")
    assert len(remarks(tmp_path / "link", tmp_path / "in")) == 2  # one for each file that has a second path
    (tmp_path / "in" / "copy.jsonl").symlink_to("b.jsonl")
    assert [line.rpartition("/")[2] for line in remarks(tmp_path / "in")] == ["copy.jsonl"]


def test_patterns_that_ask_for_hidden_files_get_them(tmp_path: Path) -> None:
    put(tmp_path, "_a.jsonl", ".b.jsonl", "c.jsonl")
    assert names(tmp_path / "_*.jsonl") == ["_a.jsonl"]
    assert names(tmp_path / ".*.jsonl") == [".b.jsonl"]
    assert names(tmp_path / "*.jsonl") == ["c.jsonl"]
    assert skipped(tmp_path / "*.jsonl") == {"hidden": ["_a.jsonl"]}


def test_a_folder_that_cannot_be_read_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "a.jsonl", "secret/b.jsonl")
    scan = search.storage.scan

    def refuse(folder: Path) -> list[search.storage.Entry]:  # the tests may run as root, whom nothing is refused
        if folder.name == "secret":
            raise PermissionError(13, "Permission denied", str(folder))
        return scan(folder)

    monkeypatch.setattr(search.storage, "scan", refuse)
    with pytest.raises(UserError, match=r"cannot read .*secret: Permission denied"):
        find_files([str(tmp_path)])


def test_deep_folders_and_folders_of_many_files(tmp_path: Path) -> None:
    deep = "/".join(["d"] * 300)
    put(tmp_path, f"in/{deep}/a.jsonl")
    assert names(tmp_path / "in") == [f"{deep}/a.jsonl"]


def test_an_empty_input_is_not_the_current_folder() -> None:
    with pytest.raises(UserError, match="an input is empty"):
        find_files([""])


def test_remarks_are_printable(tmp_path: Path) -> None:
    put(tmp_path, "a.jsonl", ".b\n\x1b[31m", "_\u202e")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/_\xff.jsonl")).write_bytes(b"")
    lines = remarks(tmp_path)
    assert all(line.isprintable() for line in lines)
    assert [line.rpartition("/")[2] for line in lines] == [".b\\n\\x1b[31m", "_\\u202e", "_\\xff.jsonl"]
