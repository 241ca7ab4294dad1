"""Small dictionaries for the tests of lexicons."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from xlcorpus.lexicon.build import build_index
from xlcorpus.lexicon.entries import entry_schema, merge_entries, place_in_file
from xlcorpus.lexicon.index import Direction, LexiconIndex

WORDS = st.sampled_from(
    [
        "house",
        "House",
        "water",
        "I",
        "ı",
        "Σοφός",
        "ΣΟΦΌΣ",
        "घर",
        "पानी",
        "เรือ",
        "家",
        "Straße",
        "ice cream",
        "ﬁ",
        "Å",
        "ß",
    ]
)
LANGS = st.sampled_from(["eng_Latn", "deu_Latn", "tur_Latn", "hin_Deva"])
SCORES = st.sampled_from([None, 0.0, -0.0, 0.25, 0.5, 3.0])
SOURCES = st.sampled_from(["a", "b", "c", "a|c"])
ROWS = st.tuples(WORDS, WORDS, LANGS, LANGS, SCORES, SOURCES)

Row = tuple[str, str, str, str, float | None, str]


def entries(rows: Iterable[Row]) -> pa.Table:
    """Entries (src, tgt, src_lang, tgt_lang, score, source) as the table of one file, in the order given."""
    names = ("src", "tgt", "src_lang", "tgt_lang", "score", "source")
    table = pa.Table.from_pylist(
        [dict(zip(names, row, strict=True)) | {"induced": row[-1] == "induced"} for row in rows], schema=entry_schema()
    )
    return table.set_column(table.column_names.index("rank"), "rank", pa.array(place_in_file(table)))


def canonical(rows: Iterable[Row]) -> pa.Table:
    """The same as a canonical table."""
    return merge_entries([entries(rows)])[0]


def index_of(table: pa.Table, **options: Any) -> LexiconIndex:
    """The index of a table of entries."""
    return build_index(*(table[name] for name in ("src", "tgt", "src_lang", "tgt_lang")), **options)


def found_in(index: LexiconIndex, words: list[str] | pa.Array, src: str, tgt: str) -> list[list[str]]:
    """The candidates of each word as the index has them."""
    keys = index.find(words if isinstance(words, pa.Array) else pa.array(words, pa.string()), Direction(src, tgt))
    return [
        index.targets.slice(int(index.first[key]), int(index.counts[key])).to_pylist() if key >= 0 else []
        for key in keys.tolist()
    ]


def write(folder: Path, name: str, content: str | bytes) -> Path:
    """A file with this content."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def pairs(table: pa.Table) -> list[tuple[Any, ...]]:
    """(src, tgt) of each row."""
    return list(zip(table["src"].to_pylist(), table["tgt"].to_pylist(), strict=True))


def langs(table: pa.Table) -> set[tuple[str, str]]:
    """(src_lang, tgt_lang) that occur."""
    return set(zip(table["src_lang"].to_pylist(), table["tgt_lang"].to_pylist(), strict=True))


def merged(*tables: pa.Table) -> pa.Table:
    return merge_entries(tables)[0]


TABLES = st.lists(ROWS, max_size=12).map(entries)
