"""The restore view: rows of switched text and its original, and the sides of pairs."""

from __future__ import annotations

import pyarrow as pa
import pytest

from tests import rows
from tests.codeswitch.switch_helpers import Entry, direction, documents, index_of, parts_of
from xlcorpus.codeswitch.dict_word import switch_words
from xlcorpus.codeswitch.options import CodeswitchOptions
from xlcorpus.codeswitch.restore import choose_sides, restore_batch
from xlcorpus.dataset.schema import load_schema
from xlcorpus.errors import UserError

ENTRIES = direction("eng_Latn", "deu_Latn", water="Wasser") + direction("deu_Latn", "eng_Latn", Wasser="water")
ENTRIES += direction("eng_Latn", "fra_Latn", water="eau")


def pair_rows(count: int) -> pa.RecordBatch:
    return rows.pairs([("cold water", "kaltes Wasser")] * count, "eng_Latn", "deu_Latn")


def test_rows() -> None:
    made = switch_words(documents(["cold water", "x"]), index_of(ENTRIES[:1]), CodeswitchOptions()).rows
    restored = restore_batch(made)
    load_schema("restore").check(restored.schema, "rows")
    assert restored.to_pylist() == [
        {
            "doc_id": rows.doc_id("eng_Latn/0"),
            "inputs": "cold Wasser",
            "targets": "cold water",
            "lang": "eng_Latn",
            "cs_langs": ["deu_Latn"],
            "cs_ratio": 0.5,
            "cs_operator": "dict_word",
        }
    ]
    with pytest.raises(UserError, match="cs_source"):
        restore_batch(documents(["x"]))


def test_sides_of_pairs_are_switched_into_each_other() -> None:
    sides = choose_sides(pair_rows(400), 3, index_of(ENTRIES).directions)
    assert 150 < sides["cs_side"].to_pylist().count("src") < 250
    made, decisions = parts_of(switch_words(sides, index_of(ENTRIES), CodeswitchOptions()))
    assert decisions.num_rows == 0
    both = {(row["inputs"], row["targets"], row["lang"]) for row in restore_batch(made).to_pylist()}
    assert both == {
        ("cold Wasser", "cold water", "eng_Latn"),
        ("kaltes water", "kaltes Wasser", "deu_Latn"),
    }
    assert choose_sides(pair_rows(400).slice(100), 3, index_of(ENTRIES).directions).equals(sides.slice(100))


@pytest.mark.parametrize(("entries", "side"), [(ENTRIES[:1], "src"), (ENTRIES[1:2], "tgt")])
def test_the_side_with_the_dictionary_is_switched(entries: list[Entry], side: str) -> None:
    index = index_of(entries)
    sides = choose_sides(pair_rows(40), 3, index.directions)
    assert set(sides["cs_side"].to_pylist()) == {side}
    made, decisions = parts_of(switch_words(sides, index, CodeswitchOptions()))
    assert (made.num_rows, decisions.num_rows) == (40, 0)


def test_each_pair_has_its_own_side() -> None:
    """Of pairs of other languages than the dictionary's, or with the languages turned round."""
    turned = rows.pairs([("kaltes Wasser", "cold water")] * 20, "deu_Latn", "eng_Latn")
    other = rows.pairs([("agua fria", "cold water")] * 40, "spa_Latn", "eng_Latn")
    directions = index_of(ENTRIES[:1]).directions
    assert set(choose_sides(turned, 3, directions)["cs_side"].to_pylist()) == {"tgt"}
    assert set(choose_sides(other, 3, directions)["cs_side"].to_pylist()) == {"src", "tgt"}


def test_sides_without_a_language_are_refused() -> None:
    with pytest.raises(UserError, match="src_lang"):
        choose_sides(pair_rows(1).drop_columns(["src_lang"]), 0, ())
