"""JSON Lines: what comes out, what is rejected and why, and that the fast path changes nothing."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ingest.ingest_helpers import COMPRESS, TEXTS, ReadRows, find_files, jsonl, read_all
from tests.rows import records
from xlcorpus.ingest.columns import output_schema
from xlcorpus.ingest.formats import jsonl as module
from xlcorpus.ingest.formats.jsonl import read_jsonl
from xlcorpus.raw.input_files import InputFile
from xlcorpus.raw.options import ReadOptions
from xlcorpus.raw.ranges import FileRange


def rows(text: list[str]) -> list[dict[str, Any]]:
    return [{"text": one, "n": number} for number, one in enumerate(text)]


def test_texts_in_many_scripts_come_out_as_they_are(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "a.jsonl", *rows(list(TEXTS.values())))
    result = read_all(path)
    assert result.texts == list(TEXTS.values())
    assert [row["n"] for row in result.documents] == list(range(len(TEXTS)))
    lines = path.read_bytes().splitlines(keepends=True)
    assert result.offsets == [sum(map(len, lines[:index])) for index in range(len(lines))]
    assert {row["origin"]["file"] for row in result.documents} == {"a.jsonl"}
    assert {row["source"] for row in result.documents} == {"test"}
    assert result.bytes == path.stat().st_size


BAD = {
    b'{"text": "a"': "invalid_json",
    b'{"text": "a"} x': "invalid_json",
    b'{"text": "a"}{"text": "b"}': "invalid_json",
    b"{'text': 'a'}": "invalid_json",
    b'{"text": "a",}': "invalid_json",
    b"hello": "invalid_json",
    b'["text"]': "not_an_object",
    b'"text"': "not_an_object",
    b"17": "not_an_object",
    b"null": "not_an_object",
    b'{"id": 1}': "missing_text",
    b'{"text": null}': "missing_text",
    b'{"text": 5}': "text_not_string",
    b'{"text": ["a"]}': "text_not_string",
    b'{"text": "\xff\xfe"}': "invalid_utf8",
    b'{"text": "\xed\xa0\x80"}': "invalid_utf8",
    b'{"text": "\\ud83d"}': "invalid_unicode",
    b'{"text": "a\\u0000b"}': "nul_bytes",
    b'{"text": "a\0b"}': "nul_bytes",
    b"\0\0\0\0": "nul_bytes",
    b'{"text": "a", "deep": ' + b"[" * 300 + b"]" * 300 + b"}": "invalid_json",
    b'{"text": "a", "deep": ' + b'{"x":' * 100_000 + b"1" + b"}" * 100_000 + b"}": "invalid_json",
    b'{"text": ""}': "empty_text",
    b'{"text": " \\t\\n\\u00a0\\u3000"}': "empty_text",
}


@pytest.mark.parametrize("line", BAD, ids=lambda line: line[:24].decode("utf-8", "replace"))
def test_a_bad_line_is_named_and_its_neighbours_are_kept(tmp_path: Path, line: bytes) -> None:
    path = jsonl(tmp_path / "a.jsonl", {"text": TEXTS["Deva"]}, line, {"text": TEXTS["Thai"]})
    result = read_all(path)
    assert result.texts == [TEXTS["Deva"], TEXTS["Thai"]]
    assert result.reasons == {BAD[line]: 1}
    assert result.records == 3
    (row,) = result.rejects or result.decisions
    offset = len(path.read_bytes().split(b"\n")[0]) + 1
    assert row["origin"] == {"file": "a.jsonl", "offset": offset}
    assert row["step"] == "ingest"
    if result.rejects:
        assert row["message"].startswith(f"a.jsonl, byte {offset}: ")
        assert row["excerpt"] == line.decode("utf-8", "replace")[:200] or len(row["excerpt"]) <= 200


KEPT = {
    b'{"text": "a\tb"}': "a\tb",
    b'{"text": "a", "text": "b"}': "b",
    b'{"te\\u0078t": "x"}': "x",
    b'  {"text": "x"}  ': "x",
    b'{"text": "x", "n": NaN, "m": -Infinity}': "x",
    b'{"text": "\\ud83d\\ude00"}': "😀",
    b'{"text": "x", "n": 99999999999999999999999}': "x",
    b'{"text": "x", "n": ' + b"9" * 5000 + b"}": "x",
    b'{"text": "x", "deep": ' + b"[" * 150 + b"]" * 150 + b"}": "x",
}


@pytest.mark.parametrize("line", KEPT, ids=lambda line: line[:40].decode())
def test_odd_but_readable_lines_are_kept(tmp_path: Path, line: bytes) -> None:
    result = read_all(jsonl(tmp_path / "a.jsonl", {"text": "before"}, line, {"text": "after"}))
    assert result.texts == ["before", KEPT[line], "after"]


def test_missing_text_names_the_columns_that_are_there(tmp_path: Path) -> None:
    (row,) = read_all(jsonl(tmp_path / "a.jsonl", {"content": "x", "id": 1})).rejects
    assert "content, id" in row["message"]


def test_crlf_blank_lines_bom_and_no_last_newline(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"text": "a"}\r\n\r\n \t\r\n{"text": "b"}\r\n\n{"text": "c"}')
    result = read_all(path)
    assert result.texts == ["a", "b", "c"]
    assert result.offsets == [0, 24, 40]
    assert result.records == 3


def test_empty_files_give_nothing(tmp_path: Path) -> None:
    for data in (b"", b"\n\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\r\n"):
        (tmp_path / "a.jsonl").write_bytes(data)
        assert read_all(tmp_path / "a.jsonl").records == 0


def test_a_line_over_the_limit_is_stepped_over(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "a.jsonl", {"text": "a"}, {"text": "x" * 1000}, {"text": "b"})
    result = read_all(path, max_record_bytes=500)
    assert result.texts == ["a", "b"]
    assert result.reasons == {"record_too_large": 1}
    assert result.rejects[0]["excerpt"].startswith('{"text": "xxx')
    assert "1,012 bytes" in result.rejects[0]["message"]


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_a_line_of_many_blocks_takes_constant_memory(tmp_path: Path, suffix: str) -> None:
    import tracemalloc

    path = tmp_path / f"a.jsonl{suffix}"
    size = 200 << 20
    if suffix:
        piece = COMPRESS[suffix](b"x" * (20 << 20))
        path.write_bytes(COMPRESS[suffix](b'{"text": "') + piece * 10 + COMPRESS[suffix](b'"}\n{"text": "b"}\n'))
    else:
        with path.open("wb") as stream:  # a sparse file: the line costs no disk
            stream.write(b'{"text": "a"}\n')
            stream.seek(size)
            stream.write(b'"}\n{"text": "b"}\n')
    tracemalloc.start()
    result = read_all(path, max_record_bytes=1 << 20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert result.texts[-1] == "b"
    assert result.reasons == {"record_too_large": 1}
    assert peak < 64 << 20


def test_a_large_document_is_alone_in_its_batch(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "a.jsonl", {"text": "a"}, {"text": "ب" * (9 << 20)}, {"text": "b"}, {"text": "c"})
    files = find_files([str(path)])
    schema = output_schema(files, ReadOptions())
    parts = read_jsonl(FileRange(files[0], 0, files[0].size), ReadOptions(), schema)
    assert [part.rows.num_rows for part in parts if part.rows_in] == [1, 1, 2]


def test_keep_text_keeps_the_text_of_decisions(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "a.jsonl", {"text": "\u3000"}, {"text": "a"})
    assert read_all(path, keep_text=True).decisions[0]["text"] == "\u3000"
    assert read_all(path).decisions[0]["text"] is None


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(st.characters(), max_size=8)
    | st.sampled_from(list(TEXTS.values())),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(
    st.sampled_from(["text", "n", "lang", "meta", "url", "extra", "é", ""]), json_values, max_size=4
)
lines = (
    objects.map(lambda record: json.dumps(record).encode())
    | st.builds(lambda text, n: json.dumps({"text": text, "n": n}, ensure_ascii=False).encode("utf-8", "surrogatepass"),
                st.text(st.characters(), max_size=20), st.integers(0, 9))
    | st.sampled_from([line for line in BAD if len(line) < 1000])
    | st.sampled_from([*KEPT, b"", b" ", b'{"text": "a", "n": Inf}', b'{"text":'])
    | st.binary(max_size=12).map(lambda data: data.replace(b"\n", b""))
)  # fmt: skip

# What the fast path takes: one shape, so that Arrow's reading of values is compared with Python's.
numbers = (
    (st.floats() | st.integers(-(2**64), 2**64) | st.none()).map(json.dumps)
    | st.sampled_from(["-0", "-0.0", "0e0", "-0e-5", "1E2", "1e400", "-1e-400", "5e-324", "9007199254740993", "1e22"])
    | st.sampled_from(["0.1000000000000000055511151231257827", "123456789012345678.5", "9007199254740993.0", "1e23"])
    | st.decimals(allow_nan=False, allow_infinity=False).map(lambda one: str(one).lower())
)
clean = st.builds(
    lambda text, n, x, m, i: (
        json.dumps({"text": text, "x": x, "i": i}, ensure_ascii=False)[:-1] + f', "n": {n}, "m": {{"a": [{m}]}}}}'
    ).encode(),
    st.text(max_size=20) | st.sampled_from(list(TEXTS.values())) | st.none(),
    numbers,
    st.lists(st.none() | st.text(max_size=3), max_size=3),
    numbers,
    st.integers(-(2**63), 2**63 - 1) | st.none(),
)


def everything(file: InputFile, schema: Any, fast: bool) -> ReadRows:
    result = ReadRows()
    with pytest.MonkeyPatch.context() as patch:
        if not fast:
            patch.setattr(module.Reader, "parse", lambda reader, lines: None)
        for part in read_jsonl(FileRange(file, 0, file.size), ReadOptions(), schema):
            result.add(part, schema)
    return result


def same(one: Any, other: Any) -> bool:
    """Equality in which NaN equals NaN."""
    if isinstance(one, float) and isinstance(other, float):
        return repr(one) == repr(other)  # of zeros the sign too
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and one == other


@settings(max_examples=60, deadline=None)
@given(*[st.lists(lines, max_size=6) | st.lists(clean, max_size=6) for _ in range(2)])
def test_the_fast_path_equals_the_slow_path(sampled: list[bytes], later: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.jsonl")
        sampled = [b'{"text": "first"}', *sampled]  # a file whose records have no text at all is refused
        path.write_bytes(b"\n".join(sampled))
        files = find_files([str(path)], format="jsonl")
        schema = output_schema(files, ReadOptions())  # from the first lines alone, so that the later ones may not fit
        path.write_bytes(b"\n".join([*sampled, *later]))
        (file,) = find_files([str(path)], format="jsonl")
        fast, slow = everything(file, schema, True), everything(file, schema, False)
        assert same(fast.documents, slow.documents)
        assert fast.decisions == slow.decisions
        assert fast.rejects == slow.rejects
        data = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
        there = [line for line in data.split(b"\n") if line.strip(b" \t\r\f\v")]
        assert fast.records == len(there)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.builds(lambda record, text: {**record, "text": text}, objects, st.text(min_size=1)), max_size=6))
def test_no_value_of_the_input_is_lost(values: list[dict[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        result = read_all(jsonl(Path(folder) / "a.jsonl", *(json.dumps(value).encode() for value in values)))
        names = {}
        for field in result.schema:
            if b"input" in (field.metadata or {}):
                names[field.name] = (field.metadata[b"input"].decode(), b"json" in field.metadata)
        by_offset = {row["origin"]["offset"]: row for row in result.documents}
        offset = 0
        for value in values:
            row = by_offset.get(offset)
            offset += len(json.dumps(value)) + 1
            if row is None:
                continue
            left = json.loads(row["extra"] or "{}")
            for name, expected in value.items():
                if name == "text":
                    assert row["text"] == expected
                    continue
                column = next((output for output, (given, _) in names.items() if given == name), None)
                got = left.get(name, row.get(column))
                if name not in left and column and names[column][1] and got is not None:
                    got = json.loads(got)
                assert compatible(got, expected), (name, got, expected)


def compatible(got: Any, expected: Any) -> bool:
    """Equal but for what is documented: integers in double columns, NaN as text in JSON, absent as null in structs."""
    if isinstance(expected, float) and isinstance(got, str):
        return got in ("NaN", "Infinity", "-Infinity")
    if isinstance(expected, dict) and isinstance(got, dict):
        return all(compatible(got.get(key), expected.get(key)) for key in got.keys() | expected.keys())
    if isinstance(expected, list) and isinstance(got, list):
        return len(got) == len(expected) and all(map(compatible, got, expected))
    if isinstance(expected, int) and isinstance(got, float):
        return got == float(expected)
    return same(got, expected)


def test_fast_path_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = list(TEXTS.values()) * 5
    path = jsonl(tmp_path / "a.jsonl", *({"text": text, "n": None, "x": [1], "m": {"a": 1.5}} for text in texts))
    monkeypatch.setattr(module, "parse_line", None)
    assert read_all(path).texts == texts


def test_a_small_file_is_read_without_the_fast_path_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records = [
        {"text": text, "n": n, "x": [-0.0, 1e300, n], "t": "2020-01-01"} for n, text in enumerate(TEXTS.values())
    ]
    path = jsonl(tmp_path / "a.jsonl", *records)
    small = read_all(path)
    monkeypatch.setattr(module, "_FEW_LINES", 0)
    assert read_all(path).documents == small.documents
    assert len(small.documents) == len(TEXTS)


def test_crawl_is_read_whole(tmp_path: Path, shared_data: Path) -> None:
    path = shared_data / "crawl" / "docs.jsonl.gz"
    expected = records(path)
    result = read_all(path)
    assert not result.rejects
    assert not result.decisions
    assert result.texts == [row["text"] for row in expected]
    for ours, theirs in (
        ("input_lang", "lang"),
        ("url", "url"),
        ("license", "license"),
        ("input_source", "source"),
        ("id", "id"),
    ):
        assert [row[ours] for row in result.documents] == [row[theirs] for row in expected]
    assert {row["extra"] for row in result.documents} == {None}
