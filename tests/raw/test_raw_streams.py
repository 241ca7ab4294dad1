"""Decompression: everything before the damage comes out, then one row; bombs take constant memory."""

from __future__ import annotations

import gzip
import tempfile
import tracemalloc
import zlib
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ingest.ingest_helpers import COMPRESS, TEXTS, read_all
from xlcorpus.raw.streams import Damage, read_head, read_stream

NAMES = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2", ".xz": "xz"}
DATA = "".join(f"{number} {text}\n" for number in range(1000) for text in TEXTS.values()).encode()


def read(path: Path, compression: str, **options: bool) -> tuple[bytes, list[str]]:
    pieces = list(read_stream(path, compression, **options))
    assert not any(isinstance(piece, bytes) and len(piece) > 32 << 20 for piece in pieces)
    text = b"".join(piece for piece in pieces if isinstance(piece, bytes))
    return text, [piece.reason for piece in pieces if isinstance(piece, Damage)]


@pytest.mark.parametrize("suffix", NAMES)
def test_members_frames_and_streams_follow_one_another(tmp_path: Path, suffix: str) -> None:
    compress = COMPRESS[suffix]
    path = tmp_path / "a"
    path.write_bytes(compress(DATA[:1000]) + compress(b"") + compress(DATA[1000:]) + b"\0" * 5000 + compress(b"end"))
    assert read(path, NAMES[suffix]) == (DATA + b"end", [])
    path.write_bytes(compress(DATA) + b"\0" * 512)
    assert read(path, NAMES[suffix]) == (DATA, [])
    path.write_bytes(b"")
    assert read(path, NAMES[suffix]) == (b"", [])
    assert read_head(path, NAMES[suffix], 10) == b""


@pytest.mark.parametrize("suffix", NAMES)
@settings(max_examples=25, deadline=None)
@given(st.data())
def test_truncation_anywhere(suffix: str, data: st.DataObject) -> None:
    packed = COMPRESS[suffix](DATA[:100_000])
    cut = data.draw(st.integers(1, len(packed) - 1))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a")
        path.write_bytes(packed[:cut])
        text, damage = read(path, NAMES[suffix])
        assert damage == ["truncated_file"]
        assert DATA.startswith(text)
        if suffix == ".gz":
            assert text == zlib.decompressobj(wbits=31).decompress(packed[:cut])


@pytest.mark.parametrize("suffix", NAMES)
@settings(max_examples=25, deadline=None)
@given(st.data())
def test_damage_anywhere_never_raises_and_is_told_once(suffix: str, data: st.DataObject) -> None:
    packed = bytearray(COMPRESS[suffix](DATA[:100_000]) + COMPRESS[suffix](DATA[:1000]))
    at = data.draw(st.integers(0, len(packed) - 1))
    packed[at] ^= data.draw(st.integers(1, 255))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a")
        path.write_bytes(packed)
        text, damage = read(path, NAMES[suffix])
        assert len(damage) <= 1  # some bits of a header carry nothing
        if not damage and suffix in (".bz2", ".xz"):
            assert text == DATA[:100_000] + DATA[:1000]


@pytest.mark.parametrize("suffix", NAMES)
def test_what_is_whole_before_the_damage_comes_out(tmp_path: Path, suffix: str) -> None:
    packed = COMPRESS[suffix](DATA)
    path = tmp_path / f"a.txt{suffix}"
    path.write_bytes(packed + b"this is no compressed data")
    result = read_all(path)
    assert len(result.texts) == DATA.count(b"\n")
    assert result.reasons == {"corrupt_file": 1}
    assert result.rejects[0]["origin"] == {"file": f"a.txt{suffix}", "offset": len(DATA)}
    path.write_bytes(packed[:-6])
    result = read_all(path)
    assert result.reasons["truncated_file"] == 1
    if suffix in (".gz", ".zst"):
        assert len(result.texts) >= DATA.count(b"\n") * 0.8


def test_the_line_that_the_damage_cuts_off_is_in_the_reject_row(tmp_path: Path) -> None:
    packed = gzip.compress('{"text": "एक"}\n{"text": "दो"}\n{"text": "तीन'.encode(), mtime=0)
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(packed[:-8])
    result = read_all(path)
    assert result.texts == ["एक", "दो"]
    assert result.reasons == {"truncated_file": 1}
    assert result.rejects[0]["excerpt"] == '{"text": "तीन'
    assert result.rejects[0]["origin"]["offset"] == 2 * len('{"text": "एक"}\n'.encode())
    path.write_bytes(gzip.compress('{"text": "एक"}\n{"text": "दो"}'.encode(), mtime=0)[:-8])
    result = read_all(path)
    assert result.texts == ["एक", "दो"]  # the last object is whole, although the file is not
    assert result.reasons == {"truncated_file": 1}


@pytest.mark.parametrize("sample_by", ["paragraph", "document"])
def test_a_truncated_paragraph_or_document_is_one_reject(tmp_path: Path, sample_by: str) -> None:
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress("एक\nदो\n\nतीन\nचार\nपाँच".encode(), mtime=0)[:-8])
    result = read_all(path, sample_by=sample_by)
    assert result.texts == (["एक\nदो"] if sample_by == "paragraph" else [])
    assert result.reasons == {"truncated_file": 1}


@pytest.mark.parametrize("suffix", NAMES)
def test_a_bomb_takes_constant_memory(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.txt{suffix}"
    path.write_bytes(COMPRESS[suffix](b"\0" * (10 << 20)) * 12)
    tracemalloc.start()
    result = read_all(path, max_record_bytes=1 << 20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert result.reasons == {"record_too_large": 1}
    assert "125,829,120 bytes" in result.rejects[0]["message"]
    assert peak < 100 << 20


def test_gzip_goes_on_behind_a_damaged_member_when_asked(tmp_path: Path) -> None:
    members = [gzip.compress(DATA[: 1000 * (number + 1)], mtime=0) for number in range(5)]
    broken = bytearray(members[2])
    broken[len(broken) // 2] ^= 0xFF
    path = tmp_path / "a"
    path.write_bytes(b"".join([*members[:2], bytes(broken), *members[3:]]))
    pieces = list(read_stream(path, "gzip", resync=True))
    assert [piece for piece in pieces if isinstance(piece, bytes)][-2:] == [DATA[:4000], DATA[:5000]]
    assert sum(isinstance(piece, Damage) for piece in pieces) == 1


def test_zstd_frames_with_a_dictionary_in_front(tmp_path: Path) -> None:
    dictionary = zstandard.train_dictionary(4096, [DATA[at : at + 300] for at in range(0, 60_000, 300)])
    packed = zstandard.ZstdCompressor(dict_data=dictionary).compress(DATA[:5000])
    content = dictionary.as_bytes()
    for one in (content, zstandard.ZstdCompressor().compress(content)):
        path = tmp_path / "a"
        path.write_bytes(b"\x5d\x2a\x4d\x18" + len(one).to_bytes(4, "little") + one + packed + packed)
        assert read(path, "zstd") == (DATA[:5000] * 2, [])


def test_zstd_long_windows_are_read(tmp_path: Path) -> None:
    parameters = zstandard.ZstdCompressionParameters.from_level(1, window_log=28, write_content_size=False)
    path = tmp_path / "a"
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    path.write_bytes(compressor.compress(DATA) + compressor.flush())
    assert read(path, "zstd") == (DATA, [])
