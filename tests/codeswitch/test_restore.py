"""The restore view: rows of switched text and its original, and the sides of pairs."""

from __future__ import annotations

import pyarrow as pa
import pytest

from tests.codeswitch.switch_helpers import ORIGIN, documents, index_of, pairs
from xlcorpus.codeswitch.restore import choose_sides, restore_batch
from xlcorpus.codeswitch.switch import Settings, switch_batch
from xlcorpus.dataset.schema import load_schema
from xlcorpus.errors import UserError

ENTRIES = pairs("eng_Latn", "deu_Latn", water="Wasser") + pairs("deu_Latn", "eng_Latn", Wasser="water")
ENTRIES += pairs("eng_Latn", "fra_Latn", water="eau")


def pair_rows(count: int) -> pa.RecordBatch:
    columns = {"src": "cold water", "tgt": "kaltes Wasser", "src_lang": "eng_Latn", "tgt_lang": "deu_Latn"}
    return pa.RecordBatch.from_pydict(
        {
            "doc_id": pa.array([f"{row:016d}".encode() for row in range(count)], pa.binary(16)),
            "origin": pa.array([{"file": "p", "offset": row} for row in range(count)], ORIGIN),
            **{name: pa.array([value] * count) for name, value in columns.items()},
        }
    )


def test_rows() -> None:
    made, _, _ = switch_batch(documents(["cold water", "x"]), index_of(ENTRIES[:1]), Settings())
    rows = restore_batch(made)
    load_schema("restore").check(rows.schema, "rows")
    assert rows.to_pylist() == [
        {
            "doc_id": b"0" * 16,
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
    sides = choose_sides(pair_rows(400), seed=3)
    assert 150 < sides["cs_side"].to_pylist().count("src") < 250
    made, decisions, _ = switch_batch(sides, index_of(ENTRIES), Settings())
    assert decisions.num_rows == 0
    both = {(row["inputs"], row["targets"], row["lang"]) for row in restore_batch(made).to_pylist()}
    assert both == {
        ("cold Wasser", "cold water", "eng_Latn"),
        ("kaltes water", "kaltes Wasser", "deu_Latn"),
    }
    assert choose_sides(pair_rows(400).slice(100), seed=3).equals(sides.slice(100))


def test_sides_in_turn() -> None:
    assert choose_sides(pair_rows(4), 0, first=7)["cs_side"].to_pylist() == ["tgt", "src", "tgt", "src"]
    with pytest.raises(UserError, match="src_lang"):
        choose_sides(pair_rows(1).drop_columns(["src_lang"]), 0)
