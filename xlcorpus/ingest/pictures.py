"""Pictures (the feature `Image` of Hugging Face's datasets, within lists and structs too) whose bytes begin like none:
counted and said, the rows stay. Only the first bytes are looked at."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.features import said_in
from xlcorpus.text.tables import table_lines

NO_PICTURE = "no_picture"
# PNG, JPEG, GIF, WebP, BMP, TIFF, JPEG 2000, JPEG XL, ICO, PSD, netpbm, OpenEXR, DDS, AVIF, HEIC. Sounds are RIFF and
# films `ftyp` as well: what stands behind tells them apart.
_BEGINNING = (
    r"(?s)^(?:\x89PNG|\xff\xd8\xff|GIF8|RIFF....WEBP|BM|II[*+]\x00|MM\x00[*+]|\x00\x00\x00\x0c(?:jP|JXL)|\xffO\xffQ|\xff\n|"
    r"\x00\x00\x01\x00|8BPS|P[1-7]\s|v/1\x01|DDS |....ftyp(?:avi[fs]|hei[cfmsx]|hev[cmsx]|mif1|msf1))"
)
_LONGEST = 12
_LISTS = (pa.types.is_list, pa.types.is_fixed_size_list)


def pictures_of(schema: pa.Schema) -> dict[str, Any]:
    """What is said of the columns that may hold pictures, by name."""
    return {name: json.loads(one) for name, one in said_in(schema.metadata).items() if '"Image"' in one}


def count_others(columns: Mapping[str, pa.Array], said: Mapping[str, Any], file: str) -> dict[str, Any]:
    """Counts of values that begin like no picture, by column and file; null bytes (a path alone) are not looked at."""
    found = {}
    for name in said.keys() & columns.keys():
        number = sum(map(_others, _pictures(columns[name], said[name])))
        if number:
            found[f"{name} of {file}"] = number
    return {NO_PICTURE: dict(sorted(found.items()))} if found else {}


def _pictures(values: pa.Array, said: Any) -> Iterator[pa.Array]:
    """The bytes of all pictures in a column: binary[n] each."""
    is_picture = isinstance(said, dict) and said.get("_type") == "Image"
    if pa.types.is_binary(values.type):
        yield from [values] if is_picture else []
    elif pa.types.is_struct(values.type):
        within = {"bytes": said} if is_picture else said
        for field in values.type if isinstance(within, dict) else ():
            if field.name in within:
                yield from _pictures(pc.struct_field(values, field.name), within[field.name])
    elif any(is_kind(values.type) for is_kind in _LISTS):
        yield from _pictures(values.flatten(), said[0] if isinstance(said, list) else said.get("feature"))


def _others(data: pa.Array) -> int:
    known = pc.match_substring_regex(pc.binary_slice(data, 0, _LONGEST), pattern=_BEGINNING)
    return int(pc.sum(pc.invert(known)).as_py() or 0)


def lines_of(counts: Mapping[str, Any]) -> list[str]:
    """What the closing table says of them."""
    found = counts.get(NO_PICTURE, {})
    rows = [[name, f"{number:,}"] for name, number in sorted(found.items())]
    return table_lines([["begin like no picture", "values"], *rows], right=(1,)) if rows else []
