"""The index that words are found in, against a loop over the entries: any case, many scripts, equal hashes."""

from __future__ import annotations

import pickle
import unicodedata
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.lexicon.lexicon_files import LANGS, TABLES, WORDS, Row, canonical, found_in, index_of, merged, write
from xlcorpus.errors import UserError
from xlcorpus.lexicon import build
from xlcorpus.lexicon import index as module
from xlcorpus.lexicon.dictionaries import open_index
from xlcorpus.lexicon.index import Direction, LexiconIndex
from xlcorpus.text.labels import is_dotless

HOUSES: list[Row] = [
    ("house", "casa", "eng_Latn", "spa_Latn", None, "m"),
    ("house", "Haus", "eng_Latn", "deu_Latn", 0.9, "w"),
    ("house", "Gebäude", "eng_Latn", "deu_Latn", 0.7, "m"),
    ("house", "unter Dach bringen", "eng_Latn", "deu_Latn", 0.7, "m"),
    ("house of cards", "Kartenhaus", "eng_Latn", "deu_Latn", 1.0, "m"),
    ("घर", "house", "hin_Deva", "eng_Latn", None, "m"),
    ("บ้าน", "house", "tha_Thai", "eng_Latn", None, "m"),
    ("房子", "house", "zho_Hans", "eng_Latn", None, "m"),
    ("ቤት", "house", "amh_Ethi", "eng_Latn", None, "m"),
    ("Σπίτι", "house", "ell_Grek", "eng_Latn", None, "m"),
    ("Işık", "light", "tur_Latn", "eng_Latn", None, "m"),
]


@pytest.fixture(scope="module")
def houses() -> LexiconIndex:
    return index_of(canonical(HOUSES))


def _folded(word: str, lang: str) -> str:
    """A word in lower case, letter by letter: what an index finds it under."""
    if is_dotless(lang):
        word = word.replace("I", "ı")
    letters = (one.casefold() if len(one.casefold()) == 1 else one.lower() for one in word)
    return "".join(one[0] for one in letters)


def reference(table: pa.Table, word: str, src_lang: str, tgt_lang: str) -> list[str]:
    """The same with a loop over the rows: those spelled like the word, else those in any case."""
    rows = [row for row in table.to_pylist() if (row["src_lang"], row["tgt_lang"]) == (src_lang, tgt_lang)]
    rows = [row for row in rows if _folded(row["src"], src_lang) != _folded(row["tgt"], "eng_Latn")]
    exact = [row["tgt"] for row in rows if row["src"] == word and _folded(word, src_lang) != word]
    key = _folded(word, src_lang)
    return list(dict.fromkeys(exact or [row["tgt"] for row in rows if _folded(row["src"], src_lang) == key]))


def test_candidates_in_the_order_of_the_entries(houses: LexiconIndex) -> None:
    found = found_in(houses, ["HOUSE", "mouse", "house of cards", "", "house"], "eng_Latn", "deu_Latn")
    every = ["Haus", "Gebäude", "unter Dach bringen"]
    assert found == [every, [], [], [], every]
    assert found_in(index_of(canonical(HOUSES), candidates=1), ["house"], "eng_Latn", "deu_Latn") == [["Haus"]]
    assert houses.unused["not_one_word"] == 1


@pytest.mark.parametrize(
    ("word", "lang"),
    [("घर", "hin_Deva"), ("บ้าน", "tha_Thai"), ("房子", "zho_Hans"), ("ቤት", "amh_Ethi"), ("ΣΠΊΤΙ", "ell_Grek")],
)
def test_scripts(houses: LexiconIndex, word: str, lang: str) -> None:
    assert found_in(houses, [word], lang, "eng_Latn") == [["house"]]


def test_turkish_capitals(houses: LexiconIndex) -> None:
    assert found_in(houses, ["IŞIK", "ışık", "işik"], "tur_Latn", "eng_Latn") == [["light"], ["light"], []]


@given(TABLES, LANGS, LANGS, st.lists(WORDS, max_size=8))
def test_look_ups_agree_with_a_loop(table: pa.Table, src: str, tgt: str, words: list[str]) -> None:
    table = merged(table)
    try:
        index = index_of(table, candidates=100)
    except UserError:
        assume(False)
    assume(Direction(src, tgt) in index.directions)
    single = [word for word in words if " " not in word]
    expected = [reference(table, word, src, tgt) for word in single]
    assert found_in(index, single, src, tgt) == expected
    sliced = pa.array(["x", *single], pa.string())[1:]
    assert found_in(index, sliced, src, tgt) == expected


def test_words_with_one_hash_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    letters = "abcdefghijklmnop"
    rows: list[Row] = [(f"{a}{b}", f"{b}{a}x", "eng_Latn", "deu_Latn", None, "m") for a in letters for b in letters]
    whole, kept = module.hash_words, np.uint64(0x3F << 58)
    for one in (module, build):
        monkeypatch.setattr(one, "hash_words", lambda *spans: whole(*spans) & kept)
    monkeypatch.setattr(build, "_salts", lambda pairs: np.zeros((len(pairs), 2), dtype=np.uint64))
    index = index_of(canonical(rows))
    words = [f"{a}{b}{c}" for a in letters for b in letters for c in ("", "q")]
    found = found_in(index, words, "eng_Latn", "deu_Latn")
    assert 10 < len(index.keys) <= 64  # of words with one hash the first stays
    assert len(index.keys) + index.unused["same_hash"] + index.unused["same_on_both_sides"] == len(rows)
    assert sum(map(bool, found)) == len(index.keys)
    known = {src: [tgt] for src, tgt, *_ in rows}
    assert all(one in ([], known.get(word)) for word, one in zip(words, found, strict=True))


def test_keys_that_are_no_words_are_found_as_they_are_written() -> None:
    rows = [("\u2581May", "\u2581mai"), ("\u2581may", "\u2581darf"), (" ", "2"), ("e\u0301", "f"), ("x", "x")]
    columns = [pa.array(column) for column in zip(*((*row, "eng_Latn", "deu_Latn") for row in rows), strict=True)]
    index = build.build_index(*columns, words=False)
    sought = ["\u2581May", "\u2581may", "\u2581MAY", " ", "e\u0301", "\u00e9", "x"]
    found = found_in(index, sought, "eng_Latn", "deu_Latn")
    assert found == [["\u2581mai"], ["\u2581darf"], [], ["2"], ["f"], [], []]
    assert index.unused["same_on_both_sides"] == 1


def test_nothing_to_look_up(houses: LexiconIndex) -> None:
    assert found_in(houses, [], "eng_Latn", "deu_Latn") == []
    assert found_in(houses, pa.array([None], pa.string()), "eng_Latn", "deu_Latn") == [[]]


def test_an_index_follows_the_contents_and_can_be_pickled(tmp_path: Path) -> None:
    path = write(tmp_path, "en-de.txt", "dog Hund\n")
    assert found_in(open_index([path]), ["dog"], "eng_Latn", "deu_Latn") == [["Hund"]]
    write(tmp_path, "en-de.txt", f"dog {unicodedata.normalize('NFD', 'Köter')}\n")
    other = open_index([path])
    again = pickle.loads(pickle.dumps(other))
    assert found_in(again, ["DOG"], "eng_Latn", "deu_Latn") == [["Köter"]]


def test_an_empty_dictionary_is_refused() -> None:
    with pytest.raises(UserError, match="no entry of the dictionary can be used: it is empty"):
        index_of(canonical([]))
