"""Entries: lookup keys, merging, inverting, limits."""

from __future__ import annotations

import unicodedata

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.lexicon.lexicon_files import TABLES, Row, canonical, entries, merged, pairs
from xlcorpus.lexicon.entries import (
    invert_entries,
    limit_entries,
    lookup_keys,
    merge_entries,
)

ROW = {"src": "dog", "src_lang": "eng_Latn", "tgt_lang": "deu_Latn", "induced": False}


@pytest.mark.parametrize(
    ("word", "lang", "key"),
    [
        ("HOUSE", "eng_Latn", "house"),
        ("IĞDIR", "tur_Latn", "ığdır"),
        ("İstanbul", "tur_Latn", "istanbul"),
        ("I\u0307stanbul", "tur_Latn", "istanbul"),
        ("IĞDIR", "eng_Latn", "iğdir"),
        ("ΛΌΓΟΣ", "ell_Grek", "λόγος"),
        ("Cafe\u0301", "fra_Latn", "café"),
        ("ՀԱՅ", "hye_Armn", "հայ"),
        ("ДОМ", "rus_Cyrl", "дом"),
        ("𐐀𐐁", "eng_Dsrt", "𐐨𐐩"),
        ("क़लम", "hin_Deva", "क़लम"),
        ("ประเทศ", "tha_Thai", "ประเทศ"),
        ("STRASSE", "deu_Latn", "strasse"),
        ("Straße", "deu_Latn", "straße"),
    ],
)
def test_lookup_keys_follow_the_language(word: str, lang: str, key: str) -> None:
    assert lookup_keys(pa.array([word, None, ""]), lang).to_pylist() == [unicodedata.normalize("NFC", key), None, ""]


@given(st.lists(st.text()))
def test_lookup_keys_are_stable(words: list[str]) -> None:
    keys = lookup_keys(pa.array(words, pa.string()), "eng_Latn")
    assert lookup_keys(keys, "eng_Latn").equals(keys)
    assert all(unicodedata.is_normalized("NFC", key) for key in keys.to_pylist())
    apart = pa.array([unicodedata.normalize("NFD", word) for word in words], pa.string())
    assert lookup_keys(apart, "eng_Latn").equals(keys)


def test_equal_entries_become_one() -> None:
    table, left_out = merge_entries(
        [
            entries(
                [("dog", "Hund", "eng_Latn", "deu_Latn", None, "b"), ("dog", "Dog", "eng_Latn", "deu_Latn", 1, "b")]
            ),
            entries(
                [("dog", "Hund", "eng_Latn", "deu_Latn", 0.5, "c|a"), ("dog", "Köter", "eng_Latn", "deu_Latn", 2, "a")]
            ),
        ]
    )
    assert table.to_pylist() == [
        ROW | {"tgt": "Köter", "rank": 1, "score": 2.0, "source": "a"},
        ROW | {"tgt": "Hund", "rank": 2, "score": 0.5, "source": "a|b|c"},
    ]
    assert left_out == {"identical": 1, "repeated": 1}


@given(TABLES, TABLES, TABLES)
def test_merging_is_commutative_associative_and_idempotent(one: pa.Table, two: pa.Table, three: pa.Table) -> None:
    together = merged(one, two, three)
    assert merged(three, two, one).equals(together)
    assert merged(merged(two, three), one).equals(together)
    assert merged(together, together, one).equals(together)
    assert all(str(score) != "-0.0" for score in together["score"].to_pylist())


@given(TABLES)
def test_inverting_twice_changes_nothing(table: pa.Table) -> None:
    once = merged(table)
    turned = invert_entries(once)
    assert invert_entries(turned).equals(once)
    assert merged(turned).equals(turned)
    assert sorted(pairs(turned)) == sorted((tgt, src) for src, tgt in pairs(once))


@given(TABLES, st.integers(1, 3))
def test_the_best_candidates_of_each_word_stay(table: pa.Table, most: int) -> None:
    table = merged(table)
    limited = limit_entries(table, max_candidates=most)
    expected = []
    seen: dict[tuple[str, str, str], list[str]] = {}
    for row in table.to_pylist():
        key = lookup_keys(pa.array([row["src"]]), row["src_lang"])[0].as_py()
        targets = seen.setdefault((row["src_lang"], row["tgt_lang"], key), [])
        if row["tgt"] not in targets:
            targets.append(row["tgt"])
        if targets.index(row["tgt"]) < most:
            expected.append(row)
    assert limited.to_pylist() == expected
    assert merged(limited).equals(limited)


def test_limits_of_score_and_length() -> None:
    rows: list[Row] = [
        ("ice", "Eis", "eng_Latn", "deu_Latn", 0.9, "a"),
        ("ice", "gefrorenes Wasser", "eng_Latn", "deu_Latn", 0.8, "a"),
        ("ice", "Glace", "eng_Latn", "deu_Latn", 0.1, "a"),
        ("ice", "Hagel", "eng_Latn", "deu_Latn", None, "a"),
    ]
    table = canonical(rows)
    assert pairs(limit_entries(table, min_score=0.5))[-1] == ("ice", "Hagel")
    assert [tgt for _, tgt in pairs(limit_entries(table, min_score=0.5))] == ["Eis", "gefrorenes Wasser", "Hagel"]
    assert [tgt for _, tgt in pairs(limit_entries(table, single_word_targets=True))] == ["Eis", "Glace", "Hagel"]
    assert [tgt for _, tgt in pairs(limit_entries(table, single_word_targets=True, max_candidates=2))] == [
        "Eis",
        "Glace",
    ]


def test_the_order_of_a_file_is_the_rank_and_what_a_program_found_comes_last() -> None:
    pair = ("eng_Latn", "deu_Latn")
    listed = entries([("house", tgt, *pair, None, "hand") for tgt in ("Haus", "Heim", "Gebäude", "Anwesen")])
    scored = entries([("House", "Bau", *pair, 3.0, "panlex"), ("house", "Haus", *pair, 7.0, "panlex")])
    induced = entries([("house", "Garten", *pair, 0.9, "induced"), ("house", "Heim", *pair, 0.8, "induced")])
    together = [tgt for _, tgt in pairs(merged(induced, scored, listed))]
    assert together == ["Haus", "Heim", "Bau", "Gebäude", "Anwesen", "Garten"]
    assert merged(listed, scored)["rank"].to_pylist() == [1, 2, 2, 3, 4]
    assert merged(listed, induced)["induced"].to_pylist() == [False] * 4 + [True]


def test_a_turned_dictionary_keeps_the_first_places() -> None:
    rows: list[Row] = [("abode", tgt, "eng_Latn", "swe_Latn", None, "w") for tgt in ("boning", "bostad", "hus")] + [
        ("house", tgt, "eng_Latn", "swe_Latn", None, "w") for tgt in ("hus", "boning")
    ]
    turned = invert_entries(canonical(rows))
    assert pairs(turned)[-2:] == [("hus", "house"), ("hus", "abode")]
