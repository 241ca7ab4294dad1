"""Damaged files and files that are not what they seem: the run fails, says which and what is lost, and how to go on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import xlcorpus
from tests.ingest.ingest_helpers import COMPRESS, TEXTS, jsonl, page, read_all, response, wet
from xlcorpus.errors import UserError

ROWS = 2000
LINES = b"".join(json.dumps({"text": f"{number} {text}"}, ensure_ascii=False).encode() + b"\n"
                 for number in range(20) for text in TEXTS.values())  # fmt: skip
PAGES = [response(page(text)) for text in TEXTS.values()]


def parquet(path: Path, **settings: object) -> bytes:
    table = pa.table({"text": [f"{row} {list(TEXTS.values())[row % len(TEXTS)]}" for row in range(ROWS)]})
    pq.write_table(table, path, row_group_size=ROWS // 2, write_page_checksum=True, **settings)
    return path.read_bytes()


def page_flipped(path: Path) -> bytes:
    """The last byte of the second row group's only column chunk, and with it a page's checksum, is wrong."""
    data = bytearray(parquet(path, use_dictionary=False, compression="none"))
    column = pq.read_metadata(path).row_group(1).column(0)
    data[column.data_page_offset + column.total_compressed_size - 1] ^= 1
    return bytes(data)


def crc_flipped(data: bytes) -> bytes:
    return data[:-8] + bytes([data[-8] ^ 1]) + data[-7:]


# By file name, its damaged content, and what the message says besides the name.
DAMAGES: dict[str, tuple[Callable[[Path], bytes], str]] = {
    "a.jsonl.gz": (lambda path: COMPRESS[".gz"](LINES)[:-300], "what came after is not known"),
    "b.jsonl.gz": (lambda path: crc_flipped(COMPRESS[".gz"](LINES)), "incorrect data check"),
    "a.jsonl.zst": (lambda path: COMPRESS[".zst"](LINES)[:-40], "zstd data"),
    "a.txt.bz2": (lambda path: COMPRESS[".bz2"](LINES)[:-20], "bz2 data"),
    "a.txt.xz": (lambda path: COMPRESS[".xz"](LINES)[:-200], "xz data"),
    "a.warc": (lambda path: b"".join(PAGES)[:-50], "truncated_file"),
    "b.warc": (lambda path: b"".join(PAGES) + PAGES[0][:40], "truncated_file"),  # within a header
    "c.warc": (lambda path: b"".join(PAGES) + PAGES[0][:3], "truncated_file"),
    "a.warc.gz": (lambda path: b"".join(map(COMPRESS[".gz"], PAGES))[:-30], "truncated_file"),
    "b.warc.gz": (lambda path: crc_flipped(COMPRESS[".gz"](PAGES[0])) + COMPRESS[".gz"](PAGES[1]), "corrupt_file"),
    "a.wet.zst": (lambda path: COMPRESS[".zst"](wet("ሰላም ለዓለም") * 9)[:-9], "zstd data"),
    "a.parquet": (lambda path: parquet(path)[:-8], "not readable as Parquet"),
    "b.parquet": (lambda path: page_flipped(path), "1,000 rows of row group 1 cannot be read"),
    "c.parquet": (lambda path: parquet(path)[:4] + b"\0" * 5000 + parquet(path)[5004:], "1,000 rows of row group 0"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_file_fails_the_run_unless_it_is_allowed(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    jsonl(folder / "good.jsonl", *({"text": f"{number} {TEXTS['Thai']}"} for number in range(300)))
    make, message = DAMAGES[name]
    (folder / name).write_bytes(make(folder / name))
    with pytest.raises(UserError) as error:
        xlcorpus.ingest(folder, output=tmp_path / "out", max_error_rate=1.0)  # no share of bad records makes up for it
    assert name in error.value.message
    assert message in error.value.message
    assert "--resume --allow-damaged" in (error.value.remedy or "")
    assert not (tmp_path / "out" / "manifest.json").exists()
    dataset = xlcorpus.ingest(folder, output=tmp_path / "out", resume=True, allow_damaged=True, max_error_rate=0.0)
    assert dataset.manifest.rows >= 300
    with pytest.raises(UserError, match="cannot be read"):
        xlcorpus.ingest(folder, output=tmp_path / "out")  # nor is it accepted later without being asked


def test_rows_that_a_footer_promises_are_all_counted(tmp_path: Path) -> None:
    (tmp_path / "b.parquet").write_bytes(page_flipped(tmp_path / "b.parquet"))
    result = read_all(tmp_path)
    assert len(result.documents) == ROWS // 2
    assert [row["origin"]["offset"] for row in result.rejects] == list(range(ROWS // 2, ROWS))
    assert result.reasons == {"corrupt_file": ROWS // 2}
    assert result.records == ROWS


def write_lines(path: Path, lines: list[bytes]) -> None:
    path.write_bytes(b"".join(line + b"\n" for line in lines))


GOOD = [json.dumps({"text": f"{number} {TEXTS['Deva']}"}).encode() for number in range(1000)]
# Three records or more that fall to one cause, under a name that promises others.
STRANGE = {
    "python.jsonl": ([repr({"text": text}).encode() for text in TEXTS.values()], "not valid JSON"),
    "lists.jsonl": ([json.dumps([text]).encode() for text in TEXTS.values()], "array, not one JSON object"),
    "strings.jsonl": ([json.dumps(text).encode() for text in TEXTS.values()], "JSON string, not an object"),
    "tokens.jsonl": ([b'{"text": ["a", "b"]}'] * 3, "holds a JSON array, not a string"),
    "numbers.ndjson": ([b'{"text": 1.5}', b'{"text": -0}', b'{"text": 1e400}'], "holds a JSON number, not a string"),
    "latin1.jsonl": ([b'{"text": "caf\xe9"}'] * 2, "not UTF-8"),
    "half16.jsonl": ("\n".join('{"text": "ﺏ"}' for _ in range(4)).encode("utf-16-le").split(b"\n"), "NUL bytes"),
    "commas.jsonl": ([b'{"text": "a",},'] * 3, "not valid JSON"),
    "pretty.jsonl": (json.dumps({"text": "a", "n": [1]}, indent=1).encode().split(b"\n"), "not valid JSON"),
    "comments.jsonl": ([b'// {"text": "a"}'] * 3, "not valid JSON"),
    "joined.jsonl": ([b'{"text": "a"}{"text": "b"}'] * 3, "not valid JSON"),
    "deep.jsonl": ([b'{"text": "a", "x": ' + b"[" * 10_000 + b"]" * 10_000 + b"}"] * 2, "more than 200 deep"),
}


@pytest.mark.parametrize("name", STRANGE)
def test_a_file_whose_records_all_fall_to_one_cause_fails_the_run(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    write_lines(folder / "good.jsonl", GOOD)
    lines, message = STRANGE[name]
    write_lines(folder / name, lines)
    with pytest.raises(UserError, match=name) as error:
        xlcorpus.ingest(folder, output=tmp_path / "out")
    assert message in error.value.message
    if "jq" not in (error.value.remedy or ""):
        assert "--allow-damaged" in (error.value.remedy or "")
        assert xlcorpus.ingest(folder, output=tmp_path / "out", resume=True, allow_damaged=True).manifest.rows == 1000


def test_bad_records_among_good_ones_are_no_lost_file(tmp_path: Path) -> None:
    write_lines(tmp_path / "a.jsonl", [*GOOD, *STRANGE["python.jsonl"][0]])
    write_lines(tmp_path / "b.jsonl", [b"{"])  # one record says nothing about its file
    write_lines(tmp_path / "c.jsonl", [b"{", b'{"text": 5}'])  # two causes
    assert xlcorpus.ingest(tmp_path, output=tmp_path.parent / f"{tmp_path.name}-out").manifest.rows == 1000


@pytest.mark.parametrize(
    ("columns", "hint"),
    [
        (("content", "id"), "did you mean 'content'"),
        (("txet",), "did you mean 'txet'"),
        (("matn", "sarlavha"), "most text is in 'matn'"),
        (("本文", "題"), "most text is in '本文'"),
    ],
)
@pytest.mark.parametrize("suffix", COMPRESS)
def test_a_file_without_the_column_is_named_before_anything_is_read(
    tmp_path: Path, columns: tuple[str, ...], hint: str, suffix: str
) -> None:
    write_lines(tmp_path / "good.jsonl", GOOD)
    records = [dict.fromkeys(columns, "x") | {columns[0]: text} for text in TEXTS.values()]
    for number in range(6):
        data = b"".join(json.dumps(record, ensure_ascii=False).encode() + b"\n" for record in records)
        (tmp_path / f"other{number}.jsonl{suffix}").write_bytes(COMPRESS[suffix](data))
    with pytest.raises(UserError, match=rf"other0.jsonl{suffix} has no column 'text' \(nor have 5 more files") as error:
        read_all(tmp_path)
    assert hint in error.value.message
    assert "--text-column" in (error.value.remedy or "")


def test_records_of_null_are_rejected_one_by_one(tmp_path: Path) -> None:
    write_lines(tmp_path / "good.jsonl", GOOD)
    write_lines(tmp_path / "null.jsonl", [b'{"text": null, "id": 1}'] * 20)
    dataset = xlcorpus.ingest(tmp_path, output=tmp_path.parent / f"{tmp_path.name}-out")
    assert dataset.manifest.rows == 1000
    assert dataset.manifest.tallies[0].rejected == {"missing_text": 20}
    (file,) = dataset.manifest.notes["files"]
    assert file == {"file": "null.jsonl", "records": 20, "kept": 0, "lost": {"rejected missing_text": 20}}


def test_arrays_and_utf16_are_told_what_to_do(tmp_path: Path) -> None:
    write_lines(tmp_path / "good.jsonl", GOOD)
    (tmp_path / "array.jsonl").write_text(json.dumps([{"text": text} for text in TEXTS.values()], ensure_ascii=False))
    with pytest.raises(UserError, match=r"array\.jsonl is one JSON array"):
        read_all(tmp_path)
    (tmp_path / "array.jsonl").write_text('{"text": "буква"}\n' * 9, encoding="utf-16")
    with pytest.raises(UserError, match="is UTF-16") as error:
        read_all(tmp_path)
    assert "iconv" in (error.value.remedy or "")


def test_an_encrypted_file_is_called_so(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PARE" + b"\0" * 40 + b"PARE")
    with pytest.raises(UserError, match="is encrypted"):
        read_all(tmp_path)


def test_a_file_that_is_one_bad_record_is_named(tmp_path: Path) -> None:
    write_lines(tmp_path / "a.jsonl", GOOD)
    write_lines(tmp_path / "joined.jsonl", [b'{"text": "a"}' * 50])
    dataset = xlcorpus.ingest(tmp_path, output=tmp_path.parent / f"{tmp_path.name}-out")
    assert [one["file"] for one in dataset.manifest.notes["files"]] == ["joined.jsonl"]
