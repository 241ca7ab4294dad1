"""Sentence pairs from tables: JSONL, Parquet, TSV and CSV give the same rows; what is left out or wrong is named."""

from __future__ import annotations

import csv
import gzip
import io
import json
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from tests.ingest.ingest_helpers import COMPRESS, TEXTS, jsonl, read_pairs
from xlcorpus.dataset.schema import load_schema
from xlcorpus.dataset.shards import canonical_type
from xlcorpus.errors import UserError
from xlcorpus.ingest.columns import output_schema
from xlcorpus.ingest.formats.jsonl import Reader, read_jsonl
from xlcorpus.pairs.side_tokens import ALIGN
from xlcorpus.pairs.swap import other_side
from xlcorpus.raw.input_files import InputFile
from xlcorpus.raw.options import ReadOptions
from xlcorpus.raw.ranges import FileRange

PAIRS = [(one, other) for one in list(TEXTS.values())[:5] for other in list(TEXTS.values())[5:]]


def tsv(path: Path, *lines: str | bytes) -> Path:
    path.write_bytes(b"".join((one if isinstance(one, bytes) else one.encode()) + b"\n" for one in lines))
    return path


def write_pairs(folder: Path, format: str) -> Path:
    """PAIRS in one format, with a number beside each."""
    path = folder / f"a.{format}"
    if format == "jsonl":
        return jsonl(path, *({"de": tgt, "n": str(n), "en": src} for n, (src, tgt) in enumerate(PAIRS)))
    if format == "parquet":
        columns = {"n": [str(n) for n in range(len(PAIRS))], "en": [a for a, _ in PAIRS], "de": [b for _, b in PAIRS]}
        pq.write_table(pa.table(columns), path)
        return path
    if format == "csv":
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([["en", "n", "de"], *([a, str(n), b] for n, (a, b) in enumerate(PAIRS))])
        return path
    return tsv(path, "n\tde\ten", *(f"{n}\t{tgt}\t{src}" for n, (src, tgt) in enumerate(PAIRS)))


def test_the_schema_file_has_the_columns_that_the_steps_write() -> None:
    schema = load_schema("pair")
    assert schema.required == {"doc_id", "src", "tgt", "src_lang", "tgt_lang", "source", "origin"}
    documents = load_schema("document")
    for name in ("doc_id", "source", "origin"):
        assert schema.arrow.field(name).type == documents.arrow.field(name).type
    assert [field.name for field in schema.columns_of("align")] == ["align", "pair_align_score"]
    assert canonical_type(schema.arrow.field("align").type) == canonical_type(ALIGN)


@pytest.mark.parametrize("format", ["jsonl", "parquet", "tsv", "csv"])
def test_every_format_gives_the_same_pairs(tmp_path: Path, format: str) -> None:
    path = write_pairs(tmp_path, format)
    result = read_pairs(path)
    assert result.pairs == PAIRS
    assert [row["n"] for row in result.documents] == [str(n) for n in range(len(PAIRS))]
    assert {(row["src_lang"], row["tgt_lang"], row["source"]) for row in result.documents} == {
        ("eng_Latn", "deu_Latn", "test")
    }
    assert {row["origin"]["file"] for row in result.documents} == {path.name}
    for row in result.documents:
        content = xxhash.xxh3_128_hexdigest(path.read_bytes())
        key = "\0".join(("test", path.name, content, "en", "de", str(row["origin"]["offset"])))
        assert row["doc_id"] == xxhash.xxh3_128_digest(key.encode())
    assert result.schema is not None
    load_schema("pair").check(result.schema, "here")
    assert result.records == len(PAIRS)


@pytest.mark.parametrize("format", ["jsonl", "tsv", "csv"])
def test_offsets_point_at_the_record_and_compression_changes_nothing(tmp_path: Path, format: str) -> None:
    plain = read_pairs(path := write_pairs(tmp_path, format))
    data = path.read_bytes()
    for row in plain.documents:
        offset = row["origin"]["offset"]
        assert offset == 0 or data[offset - 1 : offset] == b"\n"
        assert row["src"].encode() in data[offset:].partition(b"\n")[0]
    for suffix in (".gz", ".zst", ".xz"):
        packed = tmp_path / f"{path.name}{suffix}"
        packed.write_bytes(COMPRESS[suffix](data))
        other = read_pairs(packed)
        assert (other.pairs, other.offsets) == (plain.pairs, plain.offsets)


@pytest.mark.parametrize("format", ["jsonl", "parquet", "tsv", "csv"])
def test_cutting_into_tasks_changes_nothing(tmp_path: Path, format: str) -> None:
    path = write_pairs(tmp_path, format)
    whole = read_pairs(path)
    for target in (60, 997):
        assert read_pairs(path, target_bytes=target).documents == whole.documents


def test_what_is_empty_is_a_decision_and_what_is_malformed_a_reject(tmp_path: Path) -> None:
    path = jsonl(
        tmp_path / "a.jsonl",
        {"en": "one", "de": "eins"},
        {"en": " \u3000", "de": "zwei"},
        {"en": "three", "de": ""},
        {"en": "", "de": ""},
        {"en": "five", "de": None},
        {"de": "sechs"},
        {"en": "seven", "de": 7},
        {"en": "eight", "de": "a\0b"},
        b'{"en": "nine", "de": "\\ud800"}',
        b"no JSON",
        b'{"en": "eleven", "de": "\xff"}',
        {"en": "twelve", "de": "zwölf\nund mehr"},
    )
    for target in (1 << 20, 1):
        result = read_pairs(path, keep_text=True, target_bytes=target)
        assert result.pairs == [("one", "eins"), ("twelve", "zwölf\nund mehr")]
        assert [(row["reason"], row["text"]) for row in result.decisions] == [
            ("empty_src", " \u3000\nzwei"),
            ("empty_tgt", "three\n"),
            ("empty_src", "\n"),
        ]
        assert {row["lang"] for row in result.decisions} == {"eng_Latn-deu_Latn"}
        assert [row["reason"] for row in result.rejects] == [
            "missing_tgt",
            "missing_src",
            "tgt_not_string",
            "nul_bytes",
            "invalid_unicode",
            "invalid_json",
            "invalid_utf8",
        ]
        assert result.records == 12


def test_parquet_rows_are_checked_on_both_sides(tmp_path: Path) -> None:
    def strings(*values: bytes | None) -> pa.Array:
        raw = pa.array(values, pa.binary())
        return pa.Array.from_buffers(pa.string(), len(raw), raw.buffers())

    table = pa.table(
        {
            "en": strings(b"one", None, b"three", b"four", b"", b"y" * 200),
            "de": strings(b"eins", b"zwei", b"dr\xff", b"vi\0r", b"\xff", b"sechs"),
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    result = read_pairs(tmp_path / "a.parquet", max_record_bytes=100)
    assert result.pairs == [("one", "eins")]
    assert [(row["reason"], row["origin"]["offset"]) for row in result.rejects] == [
        ("missing_src", 1),
        ("invalid_utf8", 2),
        ("nul_bytes", 3),
        ("invalid_utf8", 4),
        ("record_too_large", 5),
    ]
    assert "target side" in result.rejects[1]["message"]
    assert result.records == 6


def test_tsv_knows_no_quotes_and_counts_fields(tmp_path: Path) -> None:
    path = tsv(
        tmp_path / "a.tsv",
        b"\xef\xbb\xbfen\tde\tnote\r",
        'She said "no\tSie sagte „nein\t"open',
        "",
        "too\tfew",
        "one\ttoo\tmany\tfields",
        b"bad\tgut\t\xff",
        b"nul\tn\0l\tx",
        "x" * 300,
        "\tleer\t",
        "last\tletzte\tx\r",
    )
    result = read_pairs(path, max_record_bytes=200)
    assert result.pairs == [('She said "no', "Sie sagte „nein"), ("last", "letzte")]
    assert [row["note"] for row in result.documents] == ['"open', "x"]
    assert [row["reason"] for row in result.rejects] == [
        "wrong_field_count",
        "wrong_field_count",
        "invalid_utf8",
        "nul_bytes",
        "record_too_large",
    ]
    assert [row["reason"] for row in result.decisions] == ["empty_src"]
    assert result.records == 8
    assert read_pairs(path, max_record_bytes=200, target_bytes=7).documents == result.documents


def test_a_quotation_mark_that_is_never_closed_costs_one_line(tmp_path: Path) -> None:
    path = tsv(
        tmp_path / "a.csv",
        "en,de",
        '"one, with ""marks""","eins',
        'auf zwei Zeilen"',
        'two,"never closed',
        "three,drei",
        '"four","vier"',
        '"five" x,fünf',
        '5" nails,5-Zoll-Nägel',
        "",
        "six,sechs,7",
        b"seven,sieb\xffn",
        'eight,"never closed',
        "nine,neun",
    )
    result = read_pairs(path)
    assert result.pairs == [
        ('one, with "marks"', "eins\nauf zwei Zeilen"),
        ("three", "drei"),
        ("four", "vier"),
        ('5" nails', "5-Zoll-Nägel"),
        ("nine", "neun"),
    ]
    assert [row["reason"] for row in result.rejects] == [
        "invalid_csv",
        "invalid_csv",
        "wrong_field_count",
        "invalid_utf8",
        "invalid_csv",
    ]
    assert result.rejects[0]["excerpt"].startswith('two,"never')
    assert result.records == 10
    small = read_pairs(path, max_record_bytes=45)  # a record that goes on too long is given up as well
    assert (small.pairs, small.reasons) == (result.pairs, result.reasons)


@pytest.mark.parametrize("format", ["tsv", "csv"])
def test_a_damaged_file_gives_what_can_be_read_and_one_reject(tmp_path: Path, format: str) -> None:
    data = write_pairs(tmp_path, format).read_bytes()
    path = tmp_path / f"b.{format}.gz"
    path.write_bytes(COMPRESS[".gz"](data)[:-40])
    result = read_pairs(path)
    assert result.pairs == PAIRS[: len(result.pairs)]
    assert result.rejects[-1]["reason"] == "truncated_file"
    assert result.records == len(result.pairs) + 1


text = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n\t"), min_size=1, max_size=12).filter(
    lambda value: not value.isspace()
)


@given(st.lists(st.tuples(text, text), min_size=1, max_size=8), st.integers(1, 60))
def test_any_text_comes_through_every_table(rows: list[tuple[str, str]], target: int) -> None:
    written = io.StringIO(newline="")
    csv.writer(written, quoting=csv.QUOTE_ALL).writerows([("en", "de"), *rows])
    contents = {
        "a.csv": written.getvalue(),
        "a.tsv": "".join(f"{src}\t{tgt}\n" for src, tgt in [("en", "de"), *rows]),
        "a.jsonl": "".join(json.dumps({"en": src, "de": tgt}, ensure_ascii=False) + "\n" for src, tgt in rows),
    }
    with tempfile.TemporaryDirectory() as folder:
        for name, content in contents.items():
            path = Path(folder, name)
            path.write_bytes(content.encode())
            assert read_pairs(path, target_bytes=target).pairs == rows, name


def test_fast_and_slow_json_agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [{"en": f"s{n}", "de": None if n % 7 == 3 else f"t{n}" if n % 5 else " "} for n in range(60)]
    path = jsonl(tmp_path / "a.jsonl", *lines)
    file = InputFile(path, "a.jsonl", "test", "jsonl", "none", path.stat().st_size)
    options = ReadOptions(kind="pairs", src_column="en", tgt_column="de", src_lang="eng_Latn", tgt_lang="deu_Latn")
    schema = output_schema([file], options)
    whole = FileRange(file, 0, file.size)
    (fast,) = read_jsonl(whole, options, schema)
    monkeypatch.setattr(Reader, "parse", lambda reader, lines: None)
    (slow,) = read_jsonl(whole, options, schema)
    assert fast == slow
    assert (fast.rows.num_rows, fast.decisions.num_rows, fast.rejects.num_rows) == (41, 10, 9)


def test_columns_of_the_input_that_bear_our_names_are_kept(tmp_path: Path) -> None:
    record = {"en": "a", "de": "b", "src": 1, "doc_id": "x", "align": [1], "src_lang": "mine", "url": "u"}
    record |= {"text": "t", "lang": "l", "cs_side": "s"}  # names that codeswitch makes, or tells documents by
    (row,) = read_pairs(jsonl(tmp_path / "a.jsonl", record)).documents
    assert (row["src"], row["src_lang"]) == ("a", "eng_Latn")
    assert row["input_src"] == 1
    assert (row["input_doc_id"], row["input_align"], row["input_src_lang"]) == ("x", [1], "mine")
    assert (row["input_text"], row["input_lang"], row["input_cs_side"], row["url"]) == ("t", "l", "s", "u")
    assert not {"align", "text", "lang", "cs_side"} & row.keys()


def test_languages_may_come_from_the_input(tmp_path: Path) -> None:
    path = tsv(
        tmp_path / "a.tsv",
        "en\tde\tsrc_lang\ttgt_lang",
        "one\teins\teng_Latn\tdeu_Latn",
        "two\tdivi\teng_Latn\tlvs_Latn",
        "three\tdrei\ten\tGerman",
        "six\tsechs\tenglisch2\tdeu_Latn",
        "\tvier\teng_Latn\tdeu_Latn",
        "five\tfünf\teng_Latn\tde_Latin",
    )
    result = read_pairs(path, src_lang=None, tgt_lang=None)
    assert [(row["src_lang"], row["tgt_lang"]) for row in result.documents] == [
        ("eng_Latn", "deu_Latn"),
        ("eng_Latn", "lvs_Latn"),
        ("eng_Latn", "deu_Latn"),
    ]
    assert [row["reason"] for row in result.rejects] == ["invalid_src_lang", "invalid_tgt_lang"]
    assert [(row["reason"], row["lang"]) for row in result.decisions] == [("empty_src", "eng_Latn-deu_Latn")]
    half = read_pairs(path, src_lang="nob_Latn", tgt_lang=None)
    assert {row["src_lang"] for row in half.documents} == {"nob_Latn"}
    assert half.documents[0]["input_src_lang"] == "eng_Latn"
    assert "input_tgt_lang" not in half.documents[0]


@pytest.mark.parametrize("format", ["jsonl", "parquet", "tsv", "csv"])
def test_what_belongs_to_a_side_turns_round_with_it(tmp_path: Path, format: str) -> None:
    names = ("src", "tgt", "src_lang", "tgt_lang", "src_note", "tgt_score", "srcs", "pair")
    rows = [(src, tgt, "eng_Latn", "deu_Latn", f"n{n}", f"s{n}", "x", "y") for n, (src, tgt) in enumerate(PAIRS)]
    path = tmp_path / f"a.{format}"
    if format == "jsonl":
        jsonl(path, *(dict(zip(names, row, strict=True)) for row in rows))
    elif format == "parquet":
        pq.write_table(pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows]), path)
    elif format == "csv":
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([names, *rows])
    else:
        tsv(path, *("\t".join(row) for row in [names, *rows]))
    sides = {"src_lang": None, "tgt_lang": None}
    there = read_pairs(path, src_column="src", tgt_column="tgt", **sides).documents
    back = read_pairs(path, src_column="tgt", tgt_column="src", **sides).documents
    assert [back[0][name] for name in ("tgt_note", "src_score", "srcs", "pair")] == ["n0", "s0", "x", "y"]
    for row, other in zip(there, back, strict=True):
        assert {other_side(name): value for name, value in row.items() if name != "doc_id"} == {
            name: value for name, value in other.items() if name != "doc_id"
        }


def test_a_language_that_nobody_says_is_asked_for(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "a.jsonl", {"en": "a", "de": "b", "tgt_lang": 5})
    with pytest.raises(UserError, match="language of the source side") as error:
        read_pairs(path, src_lang=None)
    assert error.value.remedy is not None
    assert "--src-lang" in error.value.remedy
    with pytest.raises(UserError, match="'tgt_lang' of the input is int64"):
        read_pairs(path, tgt_lang=None)
    lines = [{"en": "a", "de": "b", "src_lang": "eng_Latn"}] * 2 + [{"en": "c", "de": "d"}]
    result = read_pairs(jsonl(path, *lines), src_lang=None)
    assert [row["reason"] for row in result.rejects] == ["missing_src_lang"]


@pytest.mark.parametrize(
    ("name", "content", "message", "remedy"),
    [
        ("a.tsv", "en\tge\nx\ty\n", "has no column 'de': did you mean 'ge'", "--tgt-column"),
        ("a.tsv", "en\tde\tn\tn\nx\ty\t\t\n", "more than one column 'n'", "rename"),
        ("a.csv", "en;de\nx;y\n", "columns by its first line: en;de", "--src-column"),
        ("a.csv", 'en,"de\nx,y\n', "no header", "UTF-8"),
        ("a.jsonl", '{"en": "a", "ge": "b"}\n' * 20, "has no column 'de': did you mean 'ge'", "--tgt-column"),
    ],
)
def test_a_missing_side_is_named_before_anything_is_read(
    tmp_path: Path, name: str, content: str, message: str, remedy: str
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(UserError, match=message) as error:
        read_pairs(tmp_path / name)
    assert remedy in (error.value.remedy or "")


def test_files_of_several_formats_make_one_dataset(tmp_path: Path) -> None:
    jsonl(tmp_path / "a.jsonl", {"en": "a", "de": "b", "score": "0.5", "z": 1})
    tsv(tmp_path / "b.tsv", "de\tscore\ten\t", "d\t0.7\tc\tnameless")
    result = read_pairs(tmp_path)
    assert result.pairs == [("a", "b"), ("c", "d")]
    assert [row["score"] for row in result.documents] == ["0.5", "0.7"]
    assert result.documents[1]["column_4"] == "nameless"
    jsonl(tmp_path / "c.jsonl", {"en": "a", "de": "b", "score": 1})
    assert [row["score"] for row in read_pairs(tmp_path).documents] == ['"0.5"', '"0.7"', "1"]


def test_an_empty_table_has_no_rows(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_bytes(b"")
    (tmp_path / "b.csv").write_bytes(b"en,de\n")
    (tmp_path / "c.tsv.gz").write_bytes(COMPRESS[".gz"](b""))
    result = read_pairs(tmp_path)
    assert (result.pairs, result.records) == ([], 0)


def test_tatoeba_is_read_whole(shared_data: Path) -> None:
    path = shared_data / "tatoeba" / "amh-eng.tsv.gz"
    result = read_pairs(path, src_column="text", tgt_column="eng", src_lang="amh_Ethi", tgt_lang="eng_Latn")
    lines = gzip.decompress(path.read_bytes()).decode().rstrip("\n").split("\n")[1:]
    assert len(lines) > 50
    assert [[row["id"], row["src"], row["tgt"]] for row in result.documents] == [line.split("\t") for line in lines]
