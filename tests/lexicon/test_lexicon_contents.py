"""What `lexicon inspect` shows, against a loop over the rows."""

from __future__ import annotations

from collections import defaultdict

import pyarrow as pa
import pytest
from hypothesis import assume, given

from tests.lexicon.lexicon_files import TABLES, WORDS, Row, canonical, entries, merged
from xlcorpus.errors import UserError
from xlcorpus.lexicon.contents import Size, Translation, sizes_of, translations
from xlcorpus.lexicon.entries import lookup_keys
from xlcorpus.lexicon.index import Direction

GERMAN = Direction("eng_Latn", "deu_Latn")
HOUSES: list[Row] = [
    ("house", "casa", "eng_Latn", "spa_Latn", None, "m"),
    ("House", "Haus", "eng_Latn", "deu_Latn", 0.5, "m"),
    ("house", "Haus", "eng_Latn", "deu_Latn", 0.9, "w"),
    ("house", "Gebäude", "eng_Latn", "deu_Latn", 0.7, "m"),
    ("house", "unter Dach bringen", "eng_Latn", "deu_Latn", 0.7, "m"),
    ("house of cards", "Kartenhaus", "eng_Latn", "deu_Latn", 1.0, "m"),
]


def test_translations_in_falling_order_of_score_then_text() -> None:
    table = canonical(HOUSES)
    assert translations(table, "HOUSE", [GERMAN]) == [
        Translation(GERMAN, 1, "Haus", 0.9, "w"),
        Translation(GERMAN, 2, "Gebäude", 0.7, "m"),
        Translation(GERMAN, 3, "unter Dach bringen", 0.7, "m"),
    ]
    both = translations(table, "house", [GERMAN, Direction("eng_Latn", "spa_Latn")])
    assert [one.direction.tgt for one in both] == ["deu_Latn"] * 3 + ["spa_Latn"]
    for word in ("mouse", "house of cards", ""):
        with pytest.raises(UserError, match="no stemming"):
            translations(table, word, [GERMAN])


def test_sizes() -> None:
    table = canonical(HOUSES)
    assert sizes_of(table) == [Size(GERMAN, 1, 3, 1), Size(Direction("eng_Latn", "spa_Latn"), 1, 1, 0)]
    assert sizes_of(table, "spa_Latn") == [Size(Direction("eng_Latn", "spa_Latn"), 1, 1, 0)]
    assert sizes_of(canonical(HOUSES[5:])) == [Size(GERMAN, 0, 0, 1)]
    with pytest.raises(UserError, match=r"en-de\.txt has no entry in deu_Latm; did you mean 'deu_Latn'"):
        sizes_of(table, "deu_Latm", where="en-de.txt")


@given(TABLES, WORDS)
def test_both_agree_with_a_loop(table: pa.Table, word: str) -> None:
    table = merged(table)
    assume(table.num_rows)
    words: dict[Direction, dict[str, dict[str, tuple[float | None, str]]]] = defaultdict(dict)
    phrases: dict[Direction, int] = defaultdict(int)
    for row in table.to_pylist():
        pair = Direction(row["src_lang"], row["tgt_lang"])
        if " " in row["src"]:
            phrases[pair] += 1
            words[pair] = words[pair]
            continue
        key = lookup_keys(pa.array([row["src"]]), pair.src)[0].as_py()
        words[pair].setdefault(key, {}).setdefault(row["tgt"], (row["score"], row["source"]))
    pairs = sorted(words, key=lambda pair: (pair.src, pair.tgt))
    assert sizes_of(table) == [
        Size(pair, len(words[pair]), sum(map(len, words[pair].values())), phrases[pair]) for pair in pairs
    ]
    expected = []
    for pair in pairs:
        key = lookup_keys(pa.array([word]), pair.src)[0].as_py()
        of_word = words[pair].get(key, {})
        expected += [Translation(pair, rank, tgt, *rest) for rank, (tgt, rest) in enumerate(of_word.items(), start=1)]
    if expected:
        assert translations(table, word, pairs) == expected
    else:
        with pytest.raises(UserError, match="not in the dictionary"):
            translations(table, word, pairs)


def test_rows_out_of_order_are_refused() -> None:
    words: list[Row] = [(word, word.upper() + "EN", "eng_Latn", "deu_Latn", None, "m") for word in ("b", "a")]
    with pytest.raises(UserError, match=r"not in order\n  remedy: build it again"):
        sizes_of(entries(words))
    with pytest.raises(UserError, match="not in order"):
        sizes_of(entries([HOUSES[2], HOUSES[0], HOUSES[2]]))
