"""Known languages and kinds: columns and options that say them, and values that say nothing."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import xlcorpus
from tests.ingest.ingest_helpers import jsonl, read_all, read_pairs
from tests.rows import rows_of
from tests.running import called
from xlcorpus.errors import UserError

ROWS: list[dict[str, Any]] = [
    {"text": "Habari ya asubuhi.", "language": "sw", "genre": "news"},
    {"text": "Добро јутро.", "language": "Serbian", "genre": "web"},
    {"text": "Dobro jutro.", "language": "sr", "genre": None},
    {"text": "繁體中文說。", "language": "zho", "genre": "book"},
    {"text": "नमस्ते दुनिया", "language": "hin_Deva", "genre": "web"},
    {"text": "ሰላም ለዓለም", "language": None, "genre": ""},
    {"text": "Bonjour le monde", "language": "und"},
]
LANGS = ["swh_Latn", "srp_Cyrl", "srp_Latn", "zho_Hant", "hin_Deva", None, None]


def write(path: Path, format: str, rows: list[dict[str, Any]] = ROWS) -> Path:
    if format == "jsonl":
        return jsonl(path / "a.jsonl", *rows)
    columns = {name: [row.get(name) for row in rows] for name in rows[0]}
    table = pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})
    if format == "dictionary":
        table = table.set_column(1, "language", table.column("language").dictionary_encode())
    pq.write_table(table, path / "a.parquet")
    return path / "a.parquet"


@pytest.mark.parametrize("format", ["jsonl", "parquet", "dictionary"])
@pytest.mark.parametrize("target", [1, 1 << 20])
def test_a_column_of_languages_becomes_labels_and_stays_as_it_is(tmp_path: Path, format: str, target: int) -> None:
    result = read_all(write(tmp_path, format), lang_column="language", kind_column="genre", target_bytes=target)
    assert [row["lang"] for row in result.documents] == LANGS
    assert [row["language"] for row in result.documents] == [row["language"] for row in ROWS]
    assert [row["kind"] for row in result.documents] == [row.get("genre") for row in ROWS]
    assert "genre" not in result.documents[0]
    assert not result.rejects


def test_a_column_called_lang_and_one_called_kind(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "a.jsonl", {"text": "Habari", "lang": "sw", "kind": 7, "sort": "news"})
    (row,) = read_all(path, lang_column="lang", kind_column="sort").documents
    assert (row["lang"], row["input_lang"], row["kind"], row["input_kind"]) == ("swh_Latn", "sw", "news", 7)
    other = jsonl(tmp_path / "b.jsonl", {"text": "Habari", "kind": "mine", "sort": "news"})
    (row,) = read_all(other, kind_column="sort").documents
    assert (row["kind"], row["input_kind"]) == ("news", "mine")


@pytest.mark.parametrize("lang", ["swh_Latn", "sw-KE", "Swahili"])
def test_one_language_for_all(tmp_path: Path, lang: str) -> None:
    (tmp_path / "a.txt").write_text("Habari\n١٢٣\n", encoding="utf-8")
    assert [row["lang"] for row in read_all(tmp_path / "a.txt", lang=lang).documents] == ["swh_Latn"] * 2


def test_one_language_where_the_column_says_none(tmp_path: Path) -> None:
    result = read_all(write(tmp_path, "jsonl"), lang_column="language", lang="am")
    assert [row["lang"] for row in result.documents] == [*LANGS[:5], "amh_Ethi", None]


def test_wrong_languages_are_rejects_with_the_candidates_and_counted_by_value(tmp_path: Path) -> None:
    values = ["sw", "als", "klingonese", "zap", "als", "sw", "luhya"]
    path = jsonl(tmp_path / "a.jsonl", *({"text": f"text {n}", "l": value} for n, value in enumerate(values)))
    result = read_all(path, lang_column="l", lang_map="luhya=lwg")
    assert [row["lang"] for row in result.documents] == ["swh_Latn", "swh_Latn", "lwg_Latn"]
    assert Counter(row["reason"] for row in result.rejects) == {"ambiguous_lang": 3, "invalid_lang": 1}
    messages = [row["message"] for row in result.rejects]
    assert "lang is 'als': it may be als_Latn (Tosk Albanian) or gsw_Latn (Alemannic)" in messages[0]
    assert "lang is 'klingonese': no language is known by this code or name; --lang-map" in messages[1]
    assert "zai, zaa" in messages[2]
    assert result.counts == {"ambiguous_lang": {"als": 2, "zap": 1}, "invalid_lang": {"klingonese": 1}}


def test_a_column_of_anything_but_languages_does_not_fill_the_manifest(tmp_path: Path) -> None:
    rows = [{"text": "Habari", "id": f"number {n:05d} " + "x" * 100} for n in range(1000)]
    result = read_all(jsonl(tmp_path / "a.jsonl", *rows), lang_column="id")
    (counts,) = result.counts.values()
    assert len(counts) == 101
    assert counts["(other values)"] == 900
    assert max(map(len, counts)) == 40


@pytest.mark.parametrize("option", ["lang_column", "kind_column"])
def test_a_column_that_is_not_there_or_holds_no_strings(tmp_path: Path, option: str) -> None:
    rows = [{"text": "x", "languages": ["sw"], "n": n, "mixed": [1, "a"][n % 2]} for n in range(4)]
    path = jsonl(tmp_path / "a.jsonl", *rows)
    flag = f"--{option.replace('_', '-')}"
    with pytest.raises(UserError, match="no input file has a column 'language': did you mean 'languages'") as caught:
        read_all(path, **{option: "language"})
    assert flag in str(caught.value.remedy)
    for name in ("languages", "n", "mixed"):
        with pytest.raises(UserError, match=f"column '{name}' of .* holds .*, not strings"):
            read_all(path, **{option: name})


def test_sides_of_pairs_in_any_code(tmp_path: Path) -> None:
    rows = [{"en": "one", "de": "један", "src_lang": "English", "tgt_lang": "sr", "sort": "mined"}]
    (row,) = read_pairs(jsonl(tmp_path / "a.jsonl", *rows), src_lang=None, tgt_lang=None, kind_column="sort").documents
    assert (row["src_lang"], row["tgt_lang"], row["kind"]) == ("eng_Latn", "srp_Cyrl", "mined")
    (row,) = read_pairs(tmp_path / "a.jsonl", src_lang="en", tgt_lang="sr-Latn").documents
    assert (row["src_lang"], row["tgt_lang"]) == ("eng_Latn", "srp_Latn")


def test_the_step_counts_languages_and_names_wrong_ones_at_the_end(tmp_path: Path) -> None:
    rows = [*ROWS * 5, {"text": "x", "language": "sw-unknown1", "genre": "web"}]
    path = jsonl(tmp_path / "a.jsonl", *rows)
    done = called("ingest", path, "--lang-column", "language", "--kind-column", "genre", "--output", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "languages that were not understood" in done.stdout
    assert "sw-unknown1" in done.stdout
    shown = called("inspect", tmp_path / "out").stdout
    assert "kinds" in shown
    assert "news" in shown
    mixed = xlcorpus.mix(tmp_path / "out", output=tmp_path / "mix", rule="proportional", by="kind", unit="docs")
    assert {row["kind"] for row in rows_of(mixed)} == {"news", "web", "book", "mono"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lang": "als"}, "'als' is no language: it may be als_Latn"),
        ({"lang": "nonsense"}, "'nonsense' is no language"),
        ({"lang": "und"}, "'und' is no language: it says that none is known"),
        ({"lang_map": "a=nonsense"}, "'a=nonsense' says of no value"),
        ({"kind": "code", "lang": "sw"}, "--lang is an option of --kind documents"),
        ({"kind": "pairs", "lang_column": "l"}, "--lang-column is an option of --kind documents"),
    ],
)
def test_mistaken_options(tmp_path: Path, options: dict[str, str], message: str) -> None:
    path = jsonl(tmp_path / "a.jsonl", {"text": "x"})
    with pytest.raises(UserError, match=message):
        xlcorpus.ingest(path, output=tmp_path / "out", **options)
