"""What is a picture by its first bytes: all that Pillow writes; sounds, films and pages are not; within lists too."""

from __future__ import annotations

import io
import json
from typing import Any

import pyarrow as pa
import pytest

from xlcorpus.dataset.features import KEY
from xlcorpus.ingest.pictures import NO_PICTURE, count_others, pictures_of

FILE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
IMAGE = {"_type": "Image"}
OTHERS = [
    b"RIFF\x24\0\0\0WAVEfmt ",
    b"\0\0\0\x20ftypisom\0\0",
    b"\0\0\0\x1cftypM4A ",
    b"<svg>",
    b"%PDF-1.7",
    b"",
    b"\xff",
]


def count(kind: pa.DataType, said: Any, values: list[Any]) -> int:
    info = json.dumps({"info": {"features": {"image": said, "label": {"_type": "ClassLabel", "names": ["a"]}}}})
    schema = pa.schema([("image", kind), ("label", pa.int64())], metadata={KEY: info.encode()})
    columns = {"image": pa.array(values, kind), "label": pa.array([0] * len(values))}
    found = count_others(columns, pictures_of(schema), "a.parquet").get(NO_PICTURE, {})
    assert set(found) <= {"image of a.parquet"}
    return sum(found.values())


def test_what_pillow_writes_is_a_picture() -> None:
    pillow = pytest.importorskip("PIL.Image")
    pillow.init()
    written = []
    for name in ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "ICO", "JPEG2000", "PPM", "DDS", "AVIF"):
        if name in pillow.SAVE:
            pillow.new("RGB", (16, 16), (3, 200, 30)).save(data := io.BytesIO(), name)
            written.append(data.getvalue())
    assert len(written) >= 9
    assert count(pa.binary(), IMAGE, written) == 0
    assert count(pa.binary(), IMAGE, [*written, *OTHERS, None]) == len(OTHERS)


@pytest.mark.parametrize("other", OTHERS)
def test_pictures_within_lists_and_structs_are_looked_at(other: bytes) -> None:
    good, bad, path = ({"bytes": one, "path": "x"} for one in (b"\x89PNG", other, None))
    for kind, listed in ((pa.list_(FILE), "List"), (pa.list_(FILE, 2), "List"), (pa.list_(FILE), "Sequence")):
        said = {"feature": IMAGE, "length": -1, "_type": listed}
        assert count(kind, said, [[good, bad], [path, bad], [bad, None]]) == 3
        assert count(kind, said, [[good, path]]) == 0
    scene = pa.struct([("shots", pa.list_(FILE)), ("place", pa.string())])
    said = {"place": {"dtype": "string", "_type": "Value"}, "shots": [IMAGE]}
    assert count(scene, said, [{"shots": [good, bad], "place": "街"}, None, {"shots": None}, {"shots": []}]) == 1
