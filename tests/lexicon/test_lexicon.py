"""Look-ups: against a plain dict, in many scripts, shared, refused."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.lexicon.lexicon_files import TABLES, WORDS, Row, canonical, entries, merged, write
from xlcorpus.errors import UserError
from xlcorpus.lexicon import lexicon as module
from xlcorpus.lexicon.entries import lookup_keys
from xlcorpus.lexicon.lexicon import Lexicon, load_lexicon

HOUSES: list[Row] = [
    ("house", "casa", "eng_Latn", "spa_Latn", None, "m"),
    ("House", "Haus", "eng_Latn", "deu_Latn", 0.5, "m"),
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
def houses() -> Lexicon:
    return Lexicon(canonical(HOUSES))


def reference(table: pa.Table, word: str | None, src_lang: str, tgt_lang: str) -> list[str]:
    """The same with a loop over the rows."""
    if word is None:
        return []
    found = []
    for row in table.to_pylist():
        if (row["src_lang"], row["tgt_lang"]) == (src_lang, tgt_lang) and " " not in row["src"]:
            key, other = lookup_keys(pa.array([row["src"], word]), src_lang).to_pylist()
            if key == other:
                score = row["score"]
                found.append((score is None, -(score or 0), row["tgt"].encode()))
    return list(dict.fromkeys(text.decode() for _, _, text in sorted(found)))


def test_candidates_in_falling_order_of_score_then_text(houses: Lexicon) -> None:
    found = houses.entries(["HOUSE", "mouse", "house of cards", None, "house"], "eng_Latn", "deu_Latn")
    assert found.to_pylist() == [
        ["Haus", "Gebäude", "unter Dach bringen"],
        [],
        [],
        [],
        ["Haus", "Gebäude", "unter Dach bringen"],
    ]
    assert found.limit(1).to_pylist() == [["Haus"], [], [], [], ["Haus"]]
    first = int(found.first[0])
    assert (found.scores[first].as_py(), found.sources[first].as_py()) == (0.9, "w")
    assert found.choose(np.array([0, 0, 0, 0, 4], dtype=np.uint64)).to_pylist() == ["Haus", None, None, None, "Gebäude"]
    largest = np.full(5, 2**64 - 1, dtype=np.uint64)
    assert found.choose(largest).to_pylist()[0] == ["Haus", "Gebäude", "unter Dach bringen"][(2**64 - 1) % 3]
    assert houses.index("eng_Latn", "deu_Latn").multiword_sources == 1
    assert houses.index("eng_Latn", "deu_Latn").entries == 3


@pytest.mark.parametrize(
    ("word", "lang"),
    [("घर", "hin_Deva"), ("บ้าน", "tha_Thai"), ("房子", "zho_Hans"), ("ቤት", "amh_Ethi"), ("ΣΠΊΤΙ", "ell_Grek")],
)
def test_scripts(houses: Lexicon, word: str, lang: str) -> None:
    assert houses.entries([word], lang, "eng_Latn").to_pylist() == [["house"]]


def test_turkish_capitals(houses: Lexicon) -> None:
    assert houses.entries(["IŞIK", "ışık", "işik"], "tur_Latn", "eng_Latn").to_pylist() == [["light"], ["light"], []]


@given(TABLES, st.lists(st.one_of(st.none(), WORDS), max_size=8))
def test_look_ups_agree_with_a_loop(table: pa.Table, words: list[str | None]) -> None:
    table = merged(table)
    lexicon = Lexicon(table)
    for src, tgt in lexicon.pairs:
        expected = [reference(table, word, src, tgt) for word in words]
        assert lexicon.entries(words, src, tgt).to_pylist() == expected
        sliced = pa.array(["x", *words], pa.string())[1:]
        assert lexicon.entries(sliced, src, tgt).to_pylist() == expected
        assert lexicon.entries(pa.chunked_array([sliced]), src, tgt).to_pylist() == expected
    single = [row for row in table.to_pylist() if " " not in row["src"]]
    assert sum(lexicon.index(*pair).entries for pair in lexicon.pairs) == len(lexicon) <= len(single)


def test_words_with_one_hash_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[Row] = [(f"word{number}", f"Wort{number}", "eng_Latn", "deu_Latn", None, "m") for number in range(50)]
    monkeypatch.setattr(module, "_hashes", lambda keys: np.full(len(keys), 7 << 60, dtype=np.uint64))
    lexicon = Lexicon(canonical(rows))
    words = [f"word{number}" for number in range(60)]
    expected = [[f"Wort{number}"] if number < 50 else [] for number in range(60)]
    assert lexicon.entries(words, "eng_Latn", "deu_Latn").to_pylist() == expected


def test_nothing_to_look_up(houses: Lexicon) -> None:
    assert len(houses.entries([], "eng_Latn", "deu_Latn")) == 0
    assert houses.entries([None], "eng_Latn", "deu_Latn").to_pylist() == [[]]
    only_phrases = Lexicon(canonical([HOUSES[5]]))
    assert only_phrases.pairs == [("eng_Latn", "deu_Latn")]
    assert only_phrases.entries(["house"], "eng_Latn", "deu_Latn").to_pylist() == [[]]


def test_languages(houses: Lexicon) -> None:
    assert ("eng_Latn", "deu_Latn") in houses
    assert ("deu_Latn", "eng_Latn") not in houses
    assert houses.targets_of("eng_Latn") == ["deu_Latn", "spa_Latn"]
    assert houses.targets_of("fra_Latn") == []
    with pytest.raises(UserError, match=r"no dictionary from eng_Latn to deu_Latin; did you mean 'eng_Latn:deu_Latn'"):
        houses.entries(["a"], "eng_Latn", "deu_Latin")


def test_rows_out_of_order_are_refused() -> None:
    words: list[Row] = [(word, word.upper() + "EN", "eng_Latn", "deu_Latn", None, "m") for word in ("b", "a")]
    with pytest.raises(UserError, match=r"not in order\n  remedy: build it again"):
        Lexicon(entries(words))
    with pytest.raises(UserError, match="not in order"):
        Lexicon(entries([HOUSES[2], HOUSES[0], HOUSES[2]]))


def test_a_lexicon_follows_the_contents_and_can_be_pickled(tmp_path: Path) -> None:
    path = write(tmp_path, "en-de.txt", "dog Hund\n")
    one = load_lexicon([path], max_candidates=3)
    assert load_lexicon([str(path)], max_candidates=3).fingerprint == one.fingerprint
    assert load_lexicon([path], max_candidates=2).fingerprint != one.fingerprint
    write(tmp_path, "en-de.txt", "dog Köter\n")
    other = load_lexicon([path], max_candidates=3)
    assert other.entries(["dog"], "eng_Latn", "deu_Latn").to_pylist() == [["Köter"]]
    assert other.fingerprint != one.fingerprint
    assert load_lexicon([path], max_candidates=3).fingerprint == other.fingerprint
    again = pickle.loads(pickle.dumps(other))
    assert again.entries(["DOG"], "eng_Latn", "deu_Latn").to_pylist() == [["Köter"]]
