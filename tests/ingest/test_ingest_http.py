"""Header fields and codings of HTTP messages, as the standards name them and as servers write them."""

from __future__ import annotations

import contextlib
import gzip
import zlib
from pathlib import Path

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from tests.ingest.ingest_helpers import TEXTS, chunked, page, raw_deflate, read_all, record, write
from xlcorpus.ingest.header_fields import parse_fields, split_header
from xlcorpus.ingest.http_message import (
    BodyTooLarge,
    BodyUnreadable,
    HttpMessage,
    charset_of,
    decode_body,
    media_type_of,
    parse_http,
)

BODY = page(TEXTS["Ethi"])


def message(fields: str, body: bytes) -> HttpMessage:
    found = parse_http(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n" + fields.encode() + b"\r\n\r\n" + body)
    assert found is not None
    return found


GZIP, ZLIB, ZSTD = gzip.compress(BODY, mtime=0), zlib.compress(BODY), zstandard.ZstdCompressor().compress(BODY)
HALF = len(BODY) // 2
WRITTEN = {
    "chunked, upper case": ("Transfer-Encoding: Chunked", chunked(BODY, line="{:X}")),
    "chunk extensions": ("Transfer-Encoding: chunked", chunked(BODY, line='{:x} ; a=b;c="d e"')),
    "long chunk extension": ("Transfer-Encoding: chunked", chunked(BODY, line="{:x};a=" + "x" * 5000)),
    "padded chunk sizes": ("transfer-encoding:chunked", chunked(BODY, line="{:08x}   ")),
    "trailer": ("TRANSFER-ENCODING:\tchunked", chunked(BODY, trailer=b"X-Sum: 1\r\n")),
    "LF for line ends": ("Transfer-Encoding: chunked", chunked(BODY, end=b"\n")),
    "transfer gzip": ("Transfer-Encoding: gzip, chunked", chunked(GZIP)),
    "two lines of transfer codings": ("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked", chunked(GZIP)),
    "transfer and content": (
        "Transfer-Encoding: deflate, chunked\r\nContent-Encoding: br",
        chunked(zlib.compress(brotli.compress(BODY))),
    ),
    "two content codings": ("Content-Encoding: gzip, br", brotli.compress(GZIP)),
    "two content codings, odd spacing": ("content-encoding: GZip ,\tBr", brotli.compress(GZIP)),
    "two lines of content codings": (
        "Content-Encoding: br\r\nX: y\r\ncontent-ENCODING: gzip",
        gzip.compress(brotli.compress(BODY)),
    ),
    "folded": ("Content-Encoding:\r\n gzip,\r\n\tzstd", zstandard.ZstdCompressor().compress(GZIP)),
    "folded with LF": ("Content-Encoding: gzip\n , br", brotli.compress(GZIP)),
    "identity and unknown": ("Content-Encoding: identity, none, utf-8, gzip", GZIP),
    "the same twice": ("Content-Encoding: gzip, gzip", gzip.compress(GZIP)),
    "said twice, done once": ("Content-Encoding: gzip, gzip", GZIP),
    "done twice, said once": ("Content-Encoding: gzip", gzip.compress(GZIP)),
    "gzip that nothing says": ("X: y", GZIP),
    "gzip called deflate": ("Content-Encoding: deflate", GZIP),
    "zlib called gzip": ("Content-Encoding: gzip", ZLIB),
    "zlib": ("Content-Encoding: deflate", ZLIB),
    "raw deflate": ("Content-Encoding: deflate", raw_deflate(BODY)),
    "gzip of two members": ("Content-Encoding: x-gzip", gzip.compress(BODY[:HALF]) + gzip.compress(BODY[HALF:])),
    "gzip with bytes behind": ("Content-Encoding: gzip", GZIP + b"\0\0\0junk"),
    "zstd of two frames": (
        "Content-Encoding: zstd",
        b"".join(zstandard.ZstdCompressor().compress(part) for part in (BODY[:HALF], BODY[HALF:])),
    ),
    "gzip of 3,000 members": (
        "Content-Encoding: gzip",
        b"".join(gzip.compress(BODY[at : at + 1]) for at in range(len(BODY))) + gzip.compress(b"") * 2500,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRITTEN)
def test_codings_however_they_are_written(name: str) -> None:
    fields, body = WRITTEN[name]
    assert decode_body(message(fields, body), 1 << 20) == BODY


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "x-gzip", "chunked"])
@pytest.mark.parametrize("beginning", [b"", b"\n", b"\r\n", b"\t\n", b"a", b"\xef\xbb\xbf", b"x\n\n", b"{", b" "])
def test_a_body_that_was_unpacked_already_is_taken_as_it_is(coding: str, beginning: bytes) -> None:
    """Some beginnings of text are valid beginnings of deflate or brotli data."""
    field = "Transfer-Encoding" if coding == "chunked" else "Content-Encoding"
    assert decode_body(message(f"{field}: {coding}", beginning + BODY), 1 << 20) == beginning + BODY


@pytest.mark.parametrize("body", [GZIP, ZLIB, raw_deflate(BODY * 40), ZSTD, brotli.compress(BODY * 40)])
def test_a_body_that_breaks_off_counts_as_far_as_it_goes(body: bytes) -> None:
    coding = {GZIP: "gzip", ZSTD: "zstd"}.get(body, "br" if body == brotli.compress(BODY * 40) else "deflate")
    got = decode_body(message(f"Content-Encoding: {coding}", body[:-3]), 1 << 20)
    assert (BODY * 40).startswith(got[: len(BODY) // 2])


@pytest.mark.parametrize(
    ("fields", "media", "charset"),
    [
        ("Content-Type: TEXT/HTML; Charset=EUC-KR", "text/html", "EUC-KR"),
        ('content-type:text/html;charset="gbk"', "text/html", "gbk"),
        ("Content-Type: text/html\r\n ; charset = big5", "text/html", "big5"),
        ("Content-Type: text/html; x=y; charset='koi8-r'", "text/html", "koi8-r"),
        ("Content-Type: text/html\r\nContent-Type: text/html; charset=gbk", "text/html", "gbk"),
        ("Content-Type: text/html; charset=gbk\r\nContent-Type: text/html", "text/html", "gbk"),
        ("Content-Type: text/plain; charset=gbk\r\nContent-Type: text/html", "text/html", None),
        ("Content-Type: text/html; charset=gbk, nonsense", "text/html", "gbk"),
        ('Content-Type: text/html; x="a, b/c; charset=big5"; charset=gbk', "text/html", "gbk"),
        ("Content-Type: text/html; mycharset=gbk", "text/html", None),
        ("Content-Type : application/xhtml+xml", "application/xhtml+xml", None),
        ("Content-Type:", "", None),
        ("X: y", "", None),
    ],
)
def test_media_types_and_charsets(fields: str, media: str, charset: str | None) -> None:
    found = parse_http(f"HTTP/1.0 200\r\n{fields}\r\n\r\n".encode())
    assert found is not None
    assert (media_type_of(found.fields), charset_of(found.fields)) == (media, charset)


NO_ENDS = ["\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029", "\r", "\0", "\x1f", "\xa0"]


@pytest.mark.parametrize("odd", NO_ENDS)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_lines_end_where_the_standard_says_and_nowhere_else(odd: str, end: str) -> None:
    """Python's str.splitlines ends lines at ten other characters."""
    header = end.join(
        ["HTTP/1.1 200 OK", f"X-A: one{odd}Content-Type: image/png", f"X-B:{odd}y", "Content-Type: text/html"]
    )
    found = parse_http(f"{header}{end}{end}body{end}{end}more".encode())
    assert found is not None
    assert found.fields == {"x-a": f"one{odd}Content-Type: image/png", "x-b": f"{odd}y", "content-type": "text/html"}
    assert found.body == f"body{end}{end}more".encode()


@pytest.mark.parametrize("odd", NO_ENDS)
def test_records_keep_what_their_header_says(tmp_path: Path, odd: str) -> None:
    address = f"https://example.org/a{odd}WARC-Type: request{odd}{odd}b"
    records = [record("conversion", f"ok{odd}WARC/1.0".encode(), "text/plain", WARC_Target_URI=address)] * 2
    result = read_all(write(tmp_path / "a.wet", *records))
    if odd == "\0":
        assert result.reasons == {"nul_bytes": 2}
        return
    assert [row["url"] for row in result.documents] == [address] * 2
    assert result.texts == [f"ok{odd}WARC/1.0"] * 2


def test_fields_that_come_twice_and_lines_that_go_on() -> None:
    header = b"X\r\na: 1\r\nA : 2\r\n folded\r\nb:\r\n\tc\r\nno field\r\n goes on\r\n: nameless\r\nc: d: e"
    assert parse_fields(header) == {"a": "1", "b": "c", "": "nameless", "c": "d: e"}
    assert parse_fields(header, lists=frozenset({"a"}))["a"] == "1, 2 folded"
    assert split_header(b"a\r\nb\n\r\nc") == (b"a\r\nb", 7)
    assert split_header(b"a\r\rb\r\x85\r") is None


@pytest.mark.parametrize(
    "start", ["HTTP/1.1 200 OK", "http/1.0 200", "HTTP/2 200 ", "ICY 200 OK", "\r\nHTTP/1.1 200 OK"]
)
def test_status_lines(start: str) -> None:
    found = parse_http(f"{start}\r\nA: b\r\n\r\nc".encode())
    assert found is not None
    assert (found.status, found.fields, found.body) == (200, {"a": "b"}, b"c")


@pytest.mark.parametrize("start", ["", "200 OK", "HTTP/1.1 2000", "HTTP/1.1", "<html>", "HTTP/1.1\t\n200"])
def test_what_is_no_status_line(start: str) -> None:
    assert parse_http(f"{start}\r\n\r\n".encode()) is None


@given(st.binary(max_size=200), st.sampled_from(["gzip", "deflate", "br", "zstd", "gzip, br, deflate"]), st.booleans())
def test_no_body_raises_anything_else(data: bytes, coding: str, with_chunks: bool) -> None:
    transfer = "\r\nTransfer-Encoding: chunked" if with_chunks else ""
    with contextlib.suppress(BodyTooLarge, BodyUnreadable):
        assert len(decode_body(message(f"Content-Encoding: {coding}{transfer}", data), 1000)) <= 1000


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_bodies_that_grow_without_end_are_stopped(coding: str) -> None:
    zeros = bytes(50 << 20)
    pack = {
        "gzip": lambda: gzip.compress(zeros, 1),
        "deflate": lambda: zlib.compress(zeros, 1),
        "br": lambda: brotli.compress(zeros, quality=1),
        "zstd": lambda: zstandard.ZstdCompressor().compress(zeros),
    }
    with pytest.raises(BodyTooLarge):
        decode_body(message(f"Content-Encoding: {coding}", pack[coding]()), 1 << 20)


def test_chunks_of_nothing_and_sizes_beyond_all_bounds() -> None:
    for size in ("ffffffffffffffff", "f" * 32, "7fffffff"):
        assert decode_body(message("Transfer-Encoding: chunked", f"{size}\r\n".encode() + BODY), 1 << 20) == BODY
    assert decode_body(message("Transfer-Encoding: chunked", b"1\r\nx\r\n" * 200_000), 1 << 20) == b"x" * 200_000
