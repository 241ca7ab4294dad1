"""Dictionary files of all kinds: MUSE, TSV, CSV, mined Parquet and built lexicons, bent and damaged; look-ups."""

from __future__ import annotations

import csv
import gzip
import io
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.fuzz import chaos as chaotic
from tests.fuzz.reading import REASONS
from tests.fuzz.target import Case, Target, Violation
from tests.fuzz.targets.parquet import column
from tests.fuzz.texts import LABELS, WORDS
from xlcorpus.dataset.storage import locate
from xlcorpus.errors import UserError
from xlcorpus.lexicon.contents import sizes_of, translations
from xlcorpus.lexicon.dictionaries import open_index, read_entries, write_lexicon

TOKENS = (
    b"\t",
    b"\t\t",
    b",",
    b";",
    b'"',
    b'""',
    b" (verb)",
    b"src\ttgt",
    b"src,tgt,score",
    b"score",
    b"1e999",
    b"nan",
    b"-inf",
    b"eng_Latn",
    b"en-de",
    b"\r",
    b"\n\n",
    b" ",
    b"\xc2\xa0",
    b"\xe2\x80\xa8",
    b"\xef\xbb\xbf",
    b"PAR1",
    b"|",
    b"((((",
    b"0",
    b"\xcc\x81",
)
NAMES = (
    "en-de",
    "eng_Latn-tha_Thai",
    "words",
    "en-en",
    "zh-yue",
    "zho_Hans-zho_Hant",
    "sr-hr",
    "pa-Arab-en",
    "x",
    "en-de.0-5000",
    "日本",
)
HEADERS = (
    "src",
    "tgt",
    "src_lang",
    "tgt_lang",
    "score",
    "rank",
    "source",
    "word",
    "translation",
    "en",
    "de",
    "zh",
    "",
    "other",
    "SRC",
)
_FORMATS = ("auto", "auto", "auto", "muse", "tsv", "csv", "mined", "lexicon")


def word(chaos: random.Random) -> str:
    """A word, seldom an odd one."""
    if chaos.random() < 0.98:
        return chaos.choice(WORDS)
    return chaos.choice(
        (
            "",
            " ",
            "two words",
            "word (note)",
            "word ((",
            chaotic.clean(chaos),
            "ſ",
            "İ",
            "I\u0307",
            "\u0301",
            "a|b",
            "ﬁ",
        )
    )


def cell(chaos: random.Random, name: str) -> str:
    """A value for a column."""
    if name in ("score", "rank"):
        return chaos.choice(("0.5", "1", "7", "", "1e-400", "-3", "1e308", "x" if chaos.random() < 0.02 else "2"))
    if name.endswith("_lang"):
        return chaos.choice((*LABELS, "en", "zh", "und") if chaos.random() < 0.99 else ("xx_", "eng-Latn-x", "1"))
    return word(chaos)


def make(chaos: random.Random) -> Case:
    """A file of entries."""
    kind = chaos.choice(("muse", "muse", "tsv", "csv", "parquet", "built"))
    rows = chaos.randint(0, 40)
    suffix = {"muse": chaos.choice(("txt", "tsv", "")), "parquet": "parquet", "built": "parquet"}.get(kind, kind)
    name = f"{chaos.choice(NAMES)}.{suffix}"
    if kind == "muse":
        gap = chaos.choice((" ", "\t", "\t", "  "))
        scored = chaos.random() < 0.3
        data = "".join(
            f"{word(chaos)}{gap}{word(chaos)}{gap + '0.5' if scored else ''}\n" for _ in range(rows)
        ).encode()
    elif kind in ("parquet", "built"):
        data = _parquet(chaos, rows, built=kind == "built")
    else:
        names = (
            ["src", "tgt"]
            if chaos.random() < 0.7
            else chaos.choice((["en", "de"], ["word", "translation"], ["expression", "trans"]))
        )
        names = [*names, *chaos.sample(HEADERS, chaos.randint(0, 4))]
        table = [names, *([cell(chaos, one) for one in names] for _ in range(rows))]
        if kind == "tsv":
            data = "\n".join("\t".join(row) for row in table).encode()
        else:
            sink = io.StringIO(newline="")
            csv.writer(sink, delimiter=chaos.choice(",,;")).writerows(table)
            data = sink.getvalue().encode()
    if chaos.random() < 0.3:
        data = chaotic.damage(chaos, data, TOKENS)
    if chaos.random() < 0.1:
        data, name = gzip.compress(data, 1, mtime=0), name + ".gz"
        data = chaotic.damage(chaos, data) if chaos.random() < 0.3 else data
    if chaos.random() < 0.5:
        return Case({name: data}, {"options": {"src": "eng_Latn", "tgt": "deu_Latn"} if kind == "muse" else {}})
    languages: dict[str, Any] = chaos.choice(
        (
            {},
            {"src": "eng_Latn", "tgt": "deu_Latn"},
            {"src": "zh", "tgt": "tr"},
            {"src": "x!", "tgt": ""},
            {"tgt": "swh"},
        )
    )
    return Case({name: data}, {"options": {**languages, "format": chaos.choice(_FORMATS)}})


def _parquet(chaos: random.Random, rows: int, *, built: bool) -> bytes:
    columns: dict[str, Any] = {
        name: pa.array([word(chaos) for _ in range(rows)], pa.string()) for name in ("src", "tgt")
    }
    if built or chaos.random() < 0.7:
        columns |= {name: pa.array(chaos.choices(LABELS, k=rows), pa.string()) for name in ("src_lang", "tgt_lang")}
    if built or chaos.random() < 0.5:
        columns["score"] = pa.array([chaos.choice((0.5, None, -2.0, 1e300)) for _ in range(rows)], pa.float64())
    if built:
        columns["source"] = pa.array(["x"] * rows, pa.string())
        columns["rank"] = pa.array([chaos.choice((1, 2, None)) for _ in range(rows)], pa.int32())
        columns["induced"] = pa.array([chaos.choice((True, False)) for _ in range(rows)])
    if chaos.random() < 0.2:
        columns[chaos.choice(list(columns))] = column(chaos, rows)
    table = pa.table(columns)
    if built:
        table = table.replace_schema_metadata({b"xlcorpus.schema": b"lexicon-2"})
    sink = io.BytesIO()
    try:
        pq.write_table(table, sink)
    except (pa.ArrowException, OSError):
        pq.write_table(pa.table({"src": ["a"], "tgt": ["b"]}), sink)
    return sink.getvalue()


def run(case: Case, folder: Path) -> int:
    """Read, count, look up, index, write and read back the same."""
    path = locate(str(folder / next(iter(case.files))))
    options = case.about["options"]
    try:
        read = read_entries([path], **options)
    except UserError as error:
        if len(str(error)) > 5000:
            raise Violation(f"long-message: {str(error)[:300]} ({len(str(error)):,} characters)") from None
        REASONS["refused"] += 1
        return 1
    REASONS["read"] += 1
    read.table.validate(full=True)
    try:
        sizes = sizes_of(read.table, None, where="x")
        for size in sizes:
            list(translations(read.table, read.table["src"][0].as_py(), [size.direction]))
        index = open_index([path], **options)
        for direction in index.directions:
            index.find(pa.array(["the", "ё", ""]), direction)
    except UserError as error:
        REASONS[f"no index: {str(error).partition(': ')[2].partition(' ')[0]}"] += 1
    written = folder / "written.parquet"
    write_lexicon(read.table, locate(str(written)))
    again = read_entries([locate(str(written))])
    if not again.table.equals(read.table):
        raise Violation(f"lexicon: {read.table.num_rows} entries come back as {again.table.num_rows} or others")
    return read.rows


TARGET = Target("dictionaries", make, run)
