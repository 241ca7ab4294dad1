"""Broken WARC and ARC files: never an exception, never a hang, never silence."""

from __future__ import annotations

import gzip
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ingest.ingest_helpers import TEXTS, arc, page, read_all, response, wet, write
from xlcorpus.ingest import warc_records

BROKEN = {
    "length too short": (lambda one: one.replace(b"Content-Length: 1", b"Content-Length: "), "corrupt_record"),
    "length too long": (lambda one: one.replace(b"Content-Length: 1", b"Content-Length: 2"), "corrupt_record"),
    "length beyond the file": (
        lambda one: one.replace(b"Content-Length: ", b"Content-Length: 999"),
        "corrupt_record",
    ),
    "length enormous": (lambda one: one.replace(b"Content-Length: ", b"Content-Length: 9999999999"), "corrupt_record"),
    "length no number": (lambda one: one.replace(b"Content-Length: ", b"Content-Length: x"), "corrupt_record"),
    "length negative": (lambda one: one.replace(b"Content-Length: ", b"Content-Length: -"), "corrupt_record"),
    "no length": (lambda one: one.replace(b"Content-Length", b"X-Length"), "corrupt_record"),
    "no version": (lambda one: one.replace(b"WARC/1.0", b"MARC/1.0"), "corrupt_record"),
    "cut in the block": (lambda one: one[:-60], "corrupt_record"),
    "cut in the header": (lambda one: one[:70], "corrupt_record"),
    "junk behind": (lambda one: one + b"junk " * 30 + b"\r\n", ""),
    "no newlines behind": (lambda one: one[:-4], ""),
    "one newline behind": (lambda one: one[:-2], ""),
    "many newlines behind": (lambda one: one + b"\r\n" * 4000, ""),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_record_is_named_and_the_next_ones_are_read(tmp_path: Path, name: str) -> None:
    damage, reason = BROKEN[name]
    middle = wet(("मध्य " * 9)[:40])
    assert b"Content-Length: 1" in middle
    records = [wet("one"), damage(middle), wet("two"), wet("three")]
    result = read_all(write(tmp_path / "a.warc", *records))
    assert result.texts[-2:] == ["two", "three"]
    assert result.texts[0] == "one"
    if reason:
        assert len(result.texts) == 3
        (row,) = result.rejects
        assert row["reason"] == reason
        assert row["origin"]["offset"] == len(records[0])
        assert row["message"].startswith(f"a.warc, byte {len(records[0]):,}: ")
    else:
        assert len(result.texts) == 4
        assert result.reasons == ({"corrupt_record": 1} if "junk" in name else {})


@pytest.mark.parametrize("limit", [1 << 20, 200])
def test_a_file_that_ends_too_early(tmp_path: Path, limit: int) -> None:
    whole = wet("one") + wet("two" * 150)
    result = read_all(write(tmp_path / "a.warc", whole[:-60]), max_record_bytes=limit)
    assert result.texts == ["one"]
    assert result.reasons == {"truncated_file": 1}
    assert result.rejects[0]["origin"]["offset"] == len(wet("one"))


def test_a_damaged_gzip_member_costs_its_record_only(tmp_path: Path) -> None:
    texts = [f"{number} {text * 20}" for number, text in enumerate(TEXTS.values())]
    members = [bytearray(gzip.compress(wet(text), mtime=0)) for text in texts]
    members[3][len(members[3]) // 2] ^= 0x5A
    members[7] = members[7][:-40]
    result = read_all(write(tmp_path / "a.wet.gz", *members))
    assert [text for text in texts if text not in result.texts] in ([texts[3], texts[7]], [texts[7]], [texts[3]])
    assert len(result.rejects) == 2
    assert {row["reason"] for row in result.rejects} <= {"corrupt_file", "truncated_file", "corrupt_record"}


seed = b"".join(gzip.compress(one, mtime=0) for one in (wet("एक" * 30), response(page("два")), wet("三" * 50)))
plain_seed = wet("एक" * 30) + response(page("два")) + wet("三" * 50)
arc_seed = arc(
    ("http://example.org/ 1.2.3.4 20140216050221 text/html", b"HTTP/1.0 200 OK\n\n<html>x"),
    ("dns:x 1 20140216 t", b"x"),
)


@settings(max_examples=120, deadline=None)
@given(st.sampled_from([seed, plain_seed, arc_seed]), st.data())
def test_damage_anywhere_never_raises_and_is_never_silent(whole: bytes, data: st.DataObject) -> None:
    damaged = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(damaged) - 1))
        if data.draw(st.booleans()):
            damaged[at] = data.draw(st.integers(0, 255))
        else:
            del damaged[at : at + data.draw(st.integers(1, 80))]
    with tempfile.TemporaryDirectory() as folder:
        result = read_all(write(Path(folder, "a.warc"), damaged), format="warc", max_record_bytes=1000)
        assert result.records > 0 or not bytes(damaged).strip(b"\r\n\0")


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40))
def test_small_steps_change_nothing(step: int) -> None:
    junk = b"junk\n" * 9
    data = plain_seed + junk + plain_seed.replace(b"Content-Length: ", b"Content-Length: 9", 1) + plain_seed
    sizes = warc_records.STEP
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder, "a.warc"), data)
        whole = read_all(path)
        try:
            warc_records.STEP = step
            assert read_all(path) == whole
        finally:
            warc_records.STEP = sizes
    assert whole.reasons == {"corrupt_record": 2}


def test_many_broken_records_do_not_take_quadratic_time(tmp_path: Path) -> None:
    one = wet("x" * 50).replace(b"Content-Length: 50", b"Content-Length: 60000000")
    result = read_all(write(tmp_path / "a.warc", one * 3000))
    assert result.reasons == {"corrupt_record": 2999, "truncated_file": 1}


def test_pages_that_are_hostile_to_parsers(tmp_path: Path) -> None:
    bodies = [
        b"<div>" * 100_000 + b"deep",
        b"<a " + b" ".join(b"a%d=1" % number for number in range(40_000)) + b">attributes",
        b"<" * 100_000 + b"angles",
        b"<table><tr><td>" * 20_000 + b"tables",
        b"<script>" + b"x" * 100_000,
        b"<!--" * 1000,
    ]
    result = read_all(write(tmp_path / "a.warc", *(response(body) for body in bodies), wet("end")))
    assert result.records == len(bodies) + 1
    assert [
        word for word in ("deep", "attributes", "angles", "tables", "end") if any(word in text for text in result.texts)
    ]


EXPECTED: dict[str, dict[str, int]] = {
    "bad.arc": {"corrupt_record": 3, "content_type": 1},
    "example-bad.warc.gz.bad": {
        "warc_type_warcinfo": 1,
        "warc_type_request": 2,
        "warc_type_revisit": 1,
        "http_status": 1,
    },
    "example-bad-non-chunked.warc.gz": {"warc_type_warcinfo": 2, "warc_type_request": 2, "warc_type_revisit": 1},
    "example-trunc.warc": {"warc_type_warcinfo": 2, "warc_type_request": 1, "corrupt_record": 1},
    "example-space-in-url.arc": {"warc_type_filedesc": 1, "truncated_file": 1},
}


@pytest.mark.parametrize("name", EXPECTED)
def test_broken_files_say_what_is_broken(name: str, shared_data: Path) -> None:
    result = read_all(shared_data / "warc" / "warcio" / name)
    assert result.reasons == EXPECTED[name]
    assert result.records == {"bad.arc": 4, "example-trunc.warc": 4, "example-space-in-url.arc": 2}.get(name, 6)
