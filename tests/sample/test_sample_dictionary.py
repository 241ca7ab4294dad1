"""The dictionary that ships with the sample corpus: it reads, is clean, and covers the English documents."""

from __future__ import annotations

import csv
import functools
import gzip
import json
import re
import unicodedata
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from xlcorpus.codeswitch.dict_word import switch_words
from xlcorpus.codeswitch.options import CodeswitchOptions
from xlcorpus.lexicon.build import build_index
from xlcorpus.lexicon.dictionaries import Entries, read_entries
from xlcorpus.lexicon.entries import is_multiword, keys_of
from xlcorpus.sample import read_gold, sample_folder
from xlcorpus.text.labels import han_variant
from xlcorpus.text.script import main_script

TARGETS = ("deu_Latn", "hin_Deva", "swh_Latn", "yor_Latn", "zho_Hans")
LEAST_COVERAGE = 0.45
ORIGIN = pa.struct([("file", pa.string()), ("offset", pa.int64())])


def dictionary_path() -> Path:
    return sample_folder() / "dictionary" / "eng.csv"


@functools.cache
def entries() -> Entries:
    return read_entries([dictionary_path()])


def into(lang: str) -> pa.Table:
    """The entries into a language."""
    table = entries().table
    return table.filter(pc.equal(table["tgt_lang"], lang))


def rows() -> list[dict[str, str]]:
    """Rows of the file itself, before the reader cleans and merges them."""
    with dictionary_path().open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, strict=True))


@functools.cache
def english_documents() -> pa.RecordBatch:
    folder, files, texts = sample_folder(), {}, []
    for row in read_gold():
        if row["lang"] != "eng_Latn":
            continue
        if row["file"] not in files:
            data = (folder / row["file"]).read_bytes()
            files[row["file"]] = (gzip.decompress(data) if row["file"].endswith(".gz") else data).splitlines()
        texts.append(json.loads(files[row["file"]][int(row["line"]) - 1])["text"])
    count = len(texts)
    return pa.RecordBatch.from_pydict(
        {
            "doc_id": pa.array([f"{number:016d}".encode() for number in range(count)], pa.binary(16)),
            "text": pa.array(texts, pa.string()),
            "lang": pa.array(["eng_Latn"] * count, pa.string()),
            "origin": pa.array([{"file": "sample", "offset": number} for number in range(count)], ORIGIN),
        }
    )


def test_it_reads_without_options_and_nothing_is_left_out() -> None:
    read = entries()
    assert read.formats == ("csv",)
    assert not +read.left_out  # neither repeated nor equal on both sides, no notes in brackets
    assert read.rows == read.table.num_rows == len(rows())


def test_it_has_the_five_pairs_from_english() -> None:
    table = entries().table
    assert pc.unique(table["src_lang"]).to_pylist() == ["eng_Latn"]
    assert tuple(pc.unique(table["tgt_lang"]).to_pylist()) == TARGETS
    assert {row["tgt_lang"] for row in rows()} == set(TARGETS)


def test_every_text_is_nfc_and_trimmed() -> None:
    content = dictionary_path().read_bytes().decode("utf-8")
    assert unicodedata.is_normalized("NFC", content)
    assert "\r" not in content
    assert content.endswith("\n")
    for row in rows():
        assert all(value and value == value.strip() for value in row.values())


def test_no_entry_is_there_twice_or_equal_on_both_sides() -> None:
    found = Counter((row["tgt_lang"], row["src"].casefold(), row["tgt"].casefold()) for row in rows())
    assert [entry for entry, count in found.items() if count > 1] == []
    assert [row for row in rows() if row["src"].casefold() == row["tgt"].casefold()] == []


def test_every_word_is_spelled_in_one_way() -> None:
    spellings = {row["src"] for row in rows()}
    assert len({word.casefold() for word in spellings}) == len(spellings)


def test_both_sides_of_every_entry_are_one_word() -> None:
    table = entries().table
    src, tgt = table["src"], table["tgt"]
    assert not pc.any(is_multiword(tgt.combine_chunks())).as_py()
    for index in (
        build_index(src, tgt, table["src_lang"], table["tgt_lang"]),
        build_index(tgt, src, table["tgt_lang"], table["src_lang"], candidates=10_000),
    ):
        assert +Counter(index.unused) == Counter()


def test_words_have_one_to_three_translations_ranked_from_1() -> None:
    ranks: dict[tuple[str, str], list[int]] = {}
    for row in rows():
        ranks.setdefault((row["tgt_lang"], row["src"]), []).append(int(row["rank"]))
    assert all(found == [1, 2, 3][: len(found)] for found in ranks.values())


def test_best_translation_comes_first_in_the_table() -> None:
    table = entries().table
    best: dict[tuple[str, str], str] = {}
    for entry in table.to_pylist():
        best.setdefault((entry["tgt_lang"], entry["src"]), entry["tgt"])
    for row in rows():
        if row["rank"] == "1":
            assert best[row["tgt_lang"], row["src"]] == row["tgt"]


def test_rows_are_in_the_order_of_language_word_and_rank() -> None:
    languages = list(dict.fromkeys(row["tgt_lang"] for row in rows()))
    keys = [(languages.index(row["tgt_lang"]), row["src"].casefold(), int(row["rank"])) for row in rows()]
    assert keys == sorted(keys)


@pytest.mark.parametrize("lang", TARGETS)
def test_targets_are_in_the_script_of_their_language(lang: str) -> None:
    targets = into(lang)["tgt"].combine_chunks()
    expected = lang.partition("_")[2].replace("Hans", "Hani")  # Unicode sees no variants of Han
    assert pc.unique(main_script(targets)[0]).to_pylist() == [expected]
    if lang == "zho_Hans":
        assert "Hant" not in han_variant(targets).tolist()


def test_yoruba_has_tone_marks_and_underdots() -> None:
    targets = into("yor_Latn")["tgt"].to_pylist()
    marks = Counter(
        mark for word in targets for mark in set(unicodedata.normalize("NFD", word)) & {"\u0300", "\u0301", "\u0323"}
    )
    assert set(marks) == {"\u0300", "\u0301", "\u0323"}
    marked = [word for word in targets if not word.isascii()]
    assert len(marked) / len(targets) > 0.8  # words on the mid tone alone, such as ti and omi, have none
    by_word = {(entry["src"], entry["tgt"]) for entry in entries().table.to_pylist() if entry["tgt_lang"] == "yor_Latn"}
    assert {("of", "ti"), ("who", "tí"), ("your", "rẹ"), ("her", "rẹ̀"), ("us", "wa"), ("come", "wá")} <= by_word


def test_every_source_word_occurs_in_the_english_documents() -> None:
    texts = english_documents().column("text").to_pylist()
    spoken = {word for text in texts for word in re.findall(r"[a-z]+", text.casefold())}
    table = entries().table
    assert set(keys_of(table).to_pylist()) - spoken == set()


@pytest.mark.parametrize("lang", TARGETS)
def test_it_covers_the_english_documents(lang: str) -> None:
    table = into(lang)
    index = build_index(table["src"], table["tgt"], table["src_lang"], table["tgt_lang"])
    switched = switch_words(english_documents(), index, CodeswitchOptions())
    documents = switched.rows
    assert switched.decisions is not None
    assert switched.decisions.num_rows == 0
    assert documents.num_rows == english_documents().num_rows
    words = documents.column("cs_words").to_pylist()
    known = [share * count for share, count in zip(documents.column("cs_coverage").to_pylist(), words, strict=True)]
    assert sum(known) / sum(words) >= LEAST_COVERAGE
    assert {one for langs in documents.column("cs_langs").to_pylist() for one in langs} == {lang}


def test_readme_states_the_counts_of_the_dictionary() -> None:
    readme = (sample_folder() / "README.md").read_text(encoding="utf-8")
    stated = {
        lang: (int(words), int(count))
        for lang, words, count in re.findall(r"^\| \w[\w ,]* \| `(\w+)` \| (\d+) \| (\d+) \|$", readme, re.MULTILINE)
    }
    counts = Counter(row["tgt_lang"] for row in rows())
    words = {lang: len({row["src"] for row in rows() if row["tgt_lang"] == lang}) for lang in TARGETS}
    assert stated == {lang: (words[lang], counts[lang]) for lang in TARGETS}
    assert f"{len(rows()):,} entries for {len({row['src'] for row in rows()})} English words" in readme
