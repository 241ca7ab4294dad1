"""Columns of pictures (the feature `Image` of Hugging Face's datasets) whose bytes begin like no picture: counted and
said, the rows stay. Only the first bytes are looked at."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.features import said_in
from xlcorpus.text.tables import table_lines

NO_PICTURE = "no_picture"
# PNG, JPEG, GIF, RIFF (WebP), BMP, TIFF, JPEG 2000, JPEG XL, ICO, PSD, netpbm, OpenEXR, DDS
_BEGINNINGS: tuple[bytes, ...] = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"BM", b"II*\0", b"MM\0*")
_BEGINNINGS += (b"\0\0\0\x0cjP", b"\xffO\xffQ", b"\xff\n", b"\0\0\0\x0cJXL", b"\0\0\1\0", b"8BPS", b"v/1\x01", b"DDS ")
_BEGINNINGS += tuple(b"P%d" % number for number in range(1, 8))
_BOX = b"ftyp"  # at 4: AVIF, HEIC
_LONGEST = 12


def picture_columns(schema: pa.Schema) -> tuple[str, ...]:
    """The columns that hold pictures as bytes, or as struct<bytes, path>."""
    said = {name: json.loads(one) for name, one in said_in(schema.metadata).items()}
    return tuple(name for name, one in said.items() if one.get("_type") == "Image" and _bytes_type(schema, name))


def _bytes_type(schema: pa.Schema, name: str) -> bool:
    kind = schema.field(name).type
    if pa.types.is_struct(kind):
        at = kind.get_field_index("bytes")
        return at >= 0 and pa.types.is_binary(kind.field(at).type)
    return bool(pa.types.is_binary(kind))


def count_others(columns: Mapping[str, pa.Array], names: tuple[str, ...], file: str) -> dict[str, Any]:
    """Counts of values that begin like no picture, by column and file; null bytes (a path alone) are not looked at."""
    found = {}
    for name in names:
        if name not in columns:
            continue
        values = columns[name]
        data = pc.struct_field(values, "bytes") if pa.types.is_struct(values.type) else values
        heads = pc.binary_slice(data, 0, _LONGEST)
        known = pc.equal(pc.binary_slice(heads, 4, 8), _BOX)
        for beginning in _BEGINNINGS:
            known = pc.or_(known, pc.starts_with(heads, pattern=beginning))
        number = pc.sum(pc.invert(known)).as_py() or 0
        if number:
            found[f"{name} of {file}"] = number
    return {NO_PICTURE: found} if found else {}


def lines_of(counts: Mapping[str, Any]) -> list[str]:
    """What the closing table says of them."""
    found = counts.get(NO_PICTURE, {})
    rows = [[name, f"{number:,}"] for name, number in sorted(found.items())]
    return table_lines([["begin like no picture", "values"], *rows], right=(1,)) if rows else []
