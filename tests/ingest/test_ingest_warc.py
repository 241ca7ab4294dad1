"""WARC, WET and ARC: every record accounted for, also in broken files; text of pages in many scripts and charsets."""

from __future__ import annotations

import gzip
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ingest.ingest_helpers import (
    COMPRESS,
    TEXTS,
    ReadRows,
    arc,
    chunked,
    page,
    raw_deflate,
    read_all,
    record,
    response,
    wet,
    write,
)


def test_records_become_documents_and_decisions(tmp_path: Path) -> None:
    records = {
        record("warcinfo", b"software: x\r\n", "application/warc-fields"): "warc_type_warcinfo",
        record("request", b"GET / HTTP/1.1\r\n\r\n"): "warc_type_request",
        response(page("सरल पाठ")): "",
        record("metadata", b"x: y", "application/warc-fields"): "warc_type_metadata",
        record("revisit", b"HTTP/1.1 200 OK\r\n\r\n"): "warc_type_revisit",
        response(b"\x89PNG", content_type="image/png"): "content_type",
        response(b"User-agent: *", content_type="text/plain; charset=utf-8"): "content_type",
        response(page("gone"), "404 Not Found"): "http_status",
        response(page("moved"), "301 Moved"): "http_status",
        response(page("untyped"), content_type=""): "",
        response(b"\x00\x01", content_type=""): "content_type",
        response(b"<html><body> </body></html>"): "empty_text",
        record("resource", b"\xff\xd8", "image/jpeg"): "warc_type_resource",
        record("resource", "የጽሑፍ ናሙና".encode(), "text/plain"): "",
        record("resource", page("resource page"), "text/html"): "",
        wet("ข้อความ\nสองบรรทัด"): "",
        record("continuation", b"..."): "warc_type_continuation",
        record("../odd type", b"..."): "warc_type____odd_type",
        record("", b"..."): "warc_type_unknown",
    }
    path = write(tmp_path / "a.warc", *records)
    result = read_all(path)
    offsets = [sum(map(len, list(records)[:number])) for number in range(len(records))]
    got = {row["origin"]["offset"]: row["reason"] for row in result.decisions} | dict.fromkeys(result.offsets, "")
    assert got == dict(zip(offsets, records.values(), strict=True))
    assert not result.rejects
    assert result.texts[0].split("\n")[0] == "सरल पाठ"
    assert result.texts[-1] == "ข้อความ\nสองบรรทัด"
    assert result.documents[0]["url"] == "https://example.org/response"
    assert result.documents[0]["timestamp"] == "2024-05-18T01:58:10Z"
    assert result.documents[0]["license"] is None
    assert [row["score"] for row in result.decisions if row["reason"] == "http_status"] == [404.0, 301.0]
    assert result.bytes >= path.stat().st_size - 8


CHARSETS = [
    ("Cyrl", "windows-1251"),
    ("Cyrl", "koi8-r"),
    ("Grek", "iso-8859-7"),
    ("Hebr", "windows-1255"),
    ("Jpan", "shift_jis"),
    ("Jpan", "euc-jp"),
    ("Jpan", "iso-2022-jp"),
    ("Hans", "gb18030"),
    ("Kore", "euc-kr"),
    ("Thai", "tis-620"),
    ("Arab", "windows-1256"),
    *((script, "utf-8") for script in TEXTS),
]


@pytest.mark.parametrize(("script", "charset"), CHARSETS)
def test_charsets_from_header_meta_or_neither(tmp_path: Path, script: str, charset: str) -> None:
    text = TEXTS[script] * 3
    body = page(text, charset)
    meta = body.replace(b"<title>", f'<meta charset="{charset}"><title>'.encode())
    old = body.replace(
        b"<title>", f"<meta http-equiv='content-type' content='text/html; charset={charset}'><title>".encode()
    )
    records = [
        response(body, content_type=f"text/html; charset={charset}"),
        response(body, content_type=f'text/html;charset="{charset.upper()}"'),
        response(meta),
        response(old),
        response(meta, content_type="text/html; charset=nonsense"),
    ]
    if charset == "utf-8":
        records.append(response(body))
        records.append(response(body, content_type="text/html; charset=iso-8859-1"))  # wrong, as so often
        records.append(response(b"\xef\xbb\xbf" + body))
        records.append(response(b"\xff\xfe" + page(text, "utf-16-le")))
    result = read_all(write(tmp_path / "a.warc", *records))
    squeezed = {re.sub(r"\s", "", one) for one in result.texts}
    assert squeezed == {re.sub(r"\s", "", f"{text}{text} {text}")}
    assert len(result.texts) == len(records)


def test_charset_is_detected_where_nothing_says_it(tmp_path: Path) -> None:
    text = TEXTS["Cyrl"] * 5
    assert text in read_all(write(tmp_path / "a.warc", response(page(text, "windows-1251")))).texts[0]


def test_transfer_and_content_codings_are_undone(tmp_path: Path) -> None:
    import brotli

    text = TEXTS["Beng"]
    body = page(text)
    records = [
        response(chunked(body, line="{:x}; x=y"), Transfer_Encoding="chunked"),
        response(body, Transfer_Encoding="chunked"),  # undone by the crawler, the field left
        response(chunked(body, line="{:x}; x=y")[:-20], Transfer_Encoding="chunked"),
        response(gzip.compress(body, mtime=0), Content_Encoding="gzip"),
        response(body, Content_Encoding="gzip"),
        response(
            chunked(gzip.compress(body, mtime=0), line="{:x}; x=y"),
            Content_Encoding="x-gzip",
            Transfer_Encoding="chunked",
        ),
        response(zlib.compress(body), Content_Encoding="deflate"),
        response(raw_deflate(body), Content_Encoding="deflate"),
        response(brotli.compress(body), Content_Encoding="br"),
        response(body, Content_Encoding="br"),
        response(COMPRESS[".zst"](body), Content_Encoding="zstd"),
        response(gzip.compress(body, mtime=0)[:-12], Content_Encoding="gzip"),
    ]
    result = read_all(write(tmp_path / "a.warc", *records))
    assert len(result.texts) == len(records)
    assert all(text in one for one in result.texts)
    result = read_all(write(tmp_path / "a.warc", response(b"\x1f\x8b\x08" + b"\xff" * 50, Content_Encoding="gzip")))
    assert result.reasons == {"corrupt_record": 1}


def test_too_large_records_are_stepped_over(tmp_path: Path) -> None:
    big = b"<p>" + b"x" * 5000
    records = [
        wet("before"),
        wet("x" * 3000),
        response(big),
        response(gzip.compress(b"x" * 100_000, mtime=0), Content_Encoding="gzip"),
        response(b"\0" * 5000, content_type="video/mp4"),
        response(big, "500 Oops"),
        record("request", b"x" * 5000),
        wet("after"),
    ]
    result = read_all(write(tmp_path / "a.warc", *records), max_record_bytes=2000)
    assert result.texts == ["before", "after"]
    assert result.reasons == {"record_too_large": 3, "content_type": 1, "http_status": 1, "warc_type_request": 1}


@pytest.mark.parametrize("suffix", COMPRESS)
def test_compression_changes_nothing_but_the_ids(tmp_path: Path, suffix: str) -> None:
    records = [wet(text) for text in TEXTS.values()]
    plain = read_all(write(tmp_path / "a.warc", *records))
    (tmp_path / "b").mkdir()
    packed = read_all(write(tmp_path / "b" / "a.warc", *map(COMPRESS[suffix], records)))
    whole = read_all(write(tmp_path / "b" / "a.warc", COMPRESS[suffix](b"".join(records))))
    for read in (plain, packed, whole):
        ids = [row.pop("doc_id") for row in read.documents]  # of the file's bytes as they lie on the disk
        assert len(set(ids)) == len(TEXTS)
    assert plain.documents == packed.documents == whole.documents
    assert plain.texts == list(TEXTS.values())


def test_nul_characters_are_rejected_and_latin1_is_read(tmp_path: Path) -> None:
    result = read_all(write(tmp_path / "a.wet", wet("a\0b"), record("conversion", b"caf\xe9", "text/plain"), wet("ok")))
    assert result.texts == ["café", "ok"]
    assert result.reasons == {"nul_bytes": 1}


def test_empty_files_and_files_of_something_else(tmp_path: Path) -> None:
    assert read_all(write(tmp_path / "a.warc", b"")).records == 0
    assert read_all(write(tmp_path / "a.warc", b"\r\n\r\n")).records == 0
    assert read_all(write(tmp_path / "a.warc", b"hello\n" * 10)).reasons == {"corrupt_record": 1}
    assert read_all(write(tmp_path / "a.arc", b"hello\n" * 10)).reasons == {"corrupt_record": 1}


def test_arc_records(tmp_path: Path) -> None:
    http = b"HTTP/1.0 200 OK\nContent-Type: text/html\n\n" + page(TEXTS["Taml"])
    data = arc(
        ("http://example.org/a b?c=d e 1.2.3.4 20140216050221 text/html", http),
        ("dns:example.org 1.2.3.4 20140216 text/dns", b"x"),
        ("http://example.org/2 1.2.3.4 20140216050222 text/html 200 - - 0 x.arc", http),
        ("http://example.org/3 1.2.3.4 20140216050222 text/html", b"<html><body>plain</body></html>"),
    )
    result = read_all(write(tmp_path / "a.arc", data))
    assert result.reasons == {"warc_type_filedesc": 1, "content_type": 1}
    assert [row["url"] for row in result.documents] == [
        "http://example.org/a b?c=d e",
        "http://example.org/2",
        "http://example.org/3",
    ]
    assert result.documents[0]["timestamp"] == "2014-02-16T05:02:21Z"
    assert TEXTS["Taml"] in result.texts[0]
    broken = data.replace(f" {len(http)}\n".encode(), b" 12x\n", 1)
    result = read_all(write(tmp_path / "a.arc", broken))
    assert result.reasons == {"warc_type_filedesc": 1, "content_type": 1, "corrupt_record": 1}
    assert len(result.texts) == 2


# The shared files


def good_files(shared_data: Path) -> Iterator[Path]:
    broken = {"bad.arc", "example-bad.warc.gz.bad", "example-trunc.warc", "example-bad-non-chunked.warc.gz"}
    for path in sorted((shared_data / "warc").rglob("*")):
        if path.is_file() and path.suffix != ".md" and path.name not in broken:
            yield path


def headers(path: Path) -> int:
    """Records by an independent count: version lines of WARC, header lines of ARC."""
    data, raw = b"", path.read_bytes()
    while raw.startswith(b"\x1f\x8b"):
        member = zlib.decompressobj(wbits=31)
        data += member.decompress(raw)
        raw = member.unused_data
    data += raw
    return len(re.findall(rb"(?m)^WARC/1\.[01]\r?$|^(?:https?|filedesc)://.* \d{14} \S+ \d+$", data))


def test_the_wet_sample_is_accounted_for(shared_data: Path) -> None:
    path = shared_data / "crawl" / "sample.warc.wet.gz"
    result = read_all(path)
    assert result.records == 281 == headers(path)
    assert result.reasons == {"warc_type_warcinfo": 1}
    assert all(row["url"] and row["timestamp"] for row in result.documents)
    assert not any("\r\n\r\nWARC/" in text for text in result.texts)


def test_good_files_have_as_many_rows_as_records(shared_data: Path) -> None:
    for path in good_files(shared_data):
        result = read_all(path)
        assert result.records == headers(path), path.name
        assert set(result.reasons) - {"http_status", "content_type", "truncated_file"} <= {
            f"warc_type_{kind}" for kind in ("warcinfo", "request", "metadata", "revisit", "filedesc", "resource")
        }, path.name


def test_all_shared_archives_at_once(shared_data: Path) -> None:
    result = read_all(shared_data / "warc")
    assert result.records == 63
    files = Counter(row["origin"]["file"] for row in [*result.documents, *result.decisions, *result.rejects])
    assert len(files) == 17


def test_the_real_page_has_its_text_and_not_its_menus(shared_data: Path) -> None:
    (row,) = read_all(shared_data / "warc" / "whirlwind.warc.gz").documents
    assert row["url"] == "https://an.wikipedia.org/wiki/Escopete"
    assert "Escopete ye un municipio d'a provincia de Guadalachara" in row["text"]
    assert "Menú principal" not in row["text"]
    whole: ReadRows = read_all(shared_data / "warc" / "whirlwind.warc.wet.gz")
    assert "Menú principal" in whole.texts[0]
