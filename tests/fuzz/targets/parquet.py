"""Parquet files of many writers and types, whole, cut and with bits flipped."""

from __future__ import annotations

import datetime
import decimal
import io
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.fuzz import chaos as chaotic
from tests.fuzz.reading import check_cuts, check_outcome, read_files
from tests.fuzz.target import Case, Target
from tests.fuzz.texts import LABELS

TOKENS = (b"PAR1", b"PARE", b"ARROW:schema", b"\x15\x00", b"\xff\xff\xff\x7f", b"\x80\x80\x80\x80\x08")
_TYPES: tuple[tuple[Any, tuple[Any, ...]], ...] = (
    (pa.null(), (None,)),
    (pa.int64(), (0, -1, 2**63 - 1, None)),
    (pa.uint64(), (2**64 - 1, 0)),
    (pa.int8(), (-128, None)),
    (pa.float32(), (0.5, float("nan"), -0.0)),
    (pa.float16(), (0.5, None)),
    (pa.float64(), (float("inf"), 1e-320)),
    (pa.bool_(), (True, None)),
    (pa.decimal128(20, 3), (decimal.Decimal("1.5"), None)),
    (pa.decimal256(60, 3), (decimal.Decimal("1.5"),)),
    (pa.date32(), (datetime.date(1, 1, 1),)),
    (pa.timestamp("ns", "Asia/Kathmandu"), (0, 2**62)),
    (pa.timestamp("us"), (datetime.datetime(9999, 12, 31),)),
    (pa.time64("us"), (datetime.time(1, 2),)),
    (pa.duration("s"), (5, None)),
    (pa.binary(), (b"\xff\0", b"")),
    (pa.binary(16), (b"x" * 16, None)),
    (pa.large_string(), ("ü", None)),
    (pa.string_view(), ("ü" * 40, None)),
    (pa.dictionary(pa.int8(), pa.string()), ("a", "b", None)),
    (pa.dictionary(pa.int32(), pa.large_string()), ("a", None)),
    (pa.list_(pa.string()), ([], ["a", None], None)),
    (pa.large_list(pa.int16()), ([1], None)),
    (pa.list_(pa.int64(), 2), ([1, 2], [3, 4])),  # pyarrow cannot read back its own with nulls
    (pa.list_view(pa.int64()), ([1, 2], None)),
    (pa.list_(pa.struct([("a", pa.list_(pa.string()))])), ([{"a": ["x"]}], [{"a": None}], None)),
    (
        pa.struct([("a", pa.int64()), ("b", pa.struct([("c", pa.string())]))]),
        ({"a": 1, "b": {"c": "x"}}, {"a": None, "b": None}, None),
    ),
    (pa.map_(pa.string(), pa.int64()), ([("k", 1)], [], None)),
    (pa.struct([]), ({}, None)),
)
NAMES = (
    "id",
    "url",
    "meta",
    "doc_id",
    "origin",
    "source",
    "lang",
    "timestamp",
    "kind",
    "license",
    "text2",
    "a.b",
    "ж",
    "__x",
    "input_doc_id",
    "",
)


def column(chaos: random.Random, rows: int) -> pa.Array:
    """A column of any type."""
    kind, values = chaos.choice(_TYPES)
    found = [chaos.choice(values) for _ in range(rows)]
    if pa.types.is_float16(kind):
        import numpy as np

        return pa.array([None if one is None else np.float16(one) for one in found], kind)
    return pa.array(found, kind)


def text_column(chaos: random.Random, rows: int) -> pa.Array:
    """A column of texts in any encoding of Arrow; sometimes none at all."""
    values: list[str | None] = [
        chaotic.clean(chaos) if chaos.random() < 0.95 else chaos.choice((None, "", " ", "a\0b")) for _ in range(rows)
    ]
    kind = chaos.choice(
        (pa.string(), pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string()))
    )
    if chaos.random() < 0.04:
        return pa.nulls(rows)
    if chaos.random() < 0.04:
        return pa.array([None if one is None else one.encode() for one in values], pa.binary())
    return pa.array(values, kind)


def write(chaos: random.Random, table: pa.Table) -> bytes:
    """The table as a Parquet file of one of the usual kinds."""
    sink = io.BytesIO()
    pq.write_table(
        table,
        sink,
        version=chaos.choice(("1.0", "2.4", "2.6")),
        data_page_version=chaos.choice(("1.0", "2.0")),
        compression=chaos.choice(("none", "snappy", "zstd", "gzip", "brotli", "lz4")),
        row_group_size=chaos.choice((1, 3, 1000)),
        write_page_checksum=chaos.random() < 0.5,
        use_dictionary=chaos.random() < 0.7,
        store_schema=chaos.random() < 0.7,
        data_page_size=chaos.choice((64, 1 << 20)),
    )
    return sink.getvalue()


def make(chaos: random.Random) -> Case:
    """A file, most often damaged."""
    rows = chaos.choice((0, 1, 2, 7, 30))
    pairs = chaos.random() < 0.2
    columns: dict[str, Any] = {name: text_column(chaos, rows) for name in (("src", "tgt") if pairs else ("text",))}
    if pairs:
        columns |= {name: pa.array(chaos.choices(LABELS, k=rows), pa.string()) for name in ("src_lang", "tgt_lang")}
    for name in chaos.sample(NAMES, chaos.randint(0, 3)):
        columns[name] = column(chaos, rows)
    names = list(columns)
    chaos.shuffle(names)
    about: dict[str, object] = {"records": rows, "pairs": pairs}
    try:
        data = write(chaos, pa.table({name: columns[name] for name in names}))
    except (pa.ArrowException, OSError):  # a type that this version of the format cannot write
        data = write(
            chaos, pa.table({name: text_column(chaos, rows).cast(pa.string()) for name in ("text", "src", "tgt")})
        )
    if chaos.random() < 0.7:
        data, about = chaotic.damage(chaos, data, TOKENS), {"pairs": pairs}
        if chaos.random() < 0.3:  # the footer: types and sizes that lie
            tail = min(len(data), chaos.choice((8, 100, 1000)))
            data = data[:-tail] + chaotic.damage(chaos, data[-tail:], TOKENS)
    return Case({"docs.parquet": data}, about)


def run(case: Case, folder: Path) -> int:
    """All rows accounted for, and the same by row groups."""
    path = folder / "docs.parquet"
    options = {"kind": "pairs"} if case.about.get("pairs") else {}
    outcome = read_files([path], **options)
    check_outcome(outcome, case.about)
    check_cuts([path], outcome, random.Random(path.stat().st_size), **options)
    return outcome.records


TARGET = Target("parquet", make, run)
