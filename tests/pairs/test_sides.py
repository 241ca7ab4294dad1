"""A side of pairs is documents, what a kernel makes of them is columns of the side, and nothing else changes."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ingest.ingest_helpers import TEXTS
from tests.rows import documents, pairs
from xlcorpus.dataset.columns import direction, put_columns, row_language, row_text
from xlcorpus.dataset.decisions import decide, reject
from xlcorpus.dataset.result import Result
from xlcorpus.errors import UserError
from xlcorpus.pairs.sides import SIDES, each_side, is_pairs, put_side, side_languages, side_rows, side_schema

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
ROWS = list(zip(TEXTS.values(), list(TEXTS.values())[::-1], strict=True))


def some(**columns: Any) -> pa.RecordBatch:
    return pairs(ROWS, "eng_Latn", ["tha_Thai"] * len(ROWS), **columns)


def test_a_side_is_documents() -> None:
    numbers = pa.array(range(len(ROWS)))
    batch = some(src_n=numbers, tgt_text=numbers, sim=numbers, src_=numbers)
    for side, at in zip(SIDES, (0, 1), strict=True):
        rows = side_rows(batch, side)
        assert rows.column("text").to_pylist() == [row[at] for row in ROWS]
        assert rows.column("lang").to_pylist() == batch.column(f"{side}_lang").to_pylist()
        assert rows.select(["doc_id", "origin", "source"]).equals(batch.select(["doc_id", "origin", "source"]))
        assert side_schema(batch.schema, side).equals(rows.schema)
        assert put_side(batch, side, rows).equals(batch)
    assert set(side_rows(batch, "src").schema.names) == {"doc_id", "origin", "source", "text", "lang", "n", ""}
    # A user's own src_text is none of a side's columns: the text is src.
    assert set(side_rows(batch, "tgt").schema.names) == {"doc_id", "origin", "source", "text", "lang"}
    with pytest.raises(UserError, match="'src'"):
        side_rows(documents(["a"], "eng_Latn"), "src")


def test_what_a_kernel_makes_is_the_sides() -> None:
    batch = some(src_old=pa.array(range(len(ROWS))), sim=pa.array([0.5] * len(ROWS)))

    def kernel(rows: pa.RecordBatch) -> Result:
        upper = put_columns(
            rows, {"text": pc.utf8_upper(rows.column("text")), "n": pc.utf8_length(rows.column("text"))}
        )
        kept = upper.select([name for name in upper.schema.names if name != "old"])
        return Result(kept, counts={"rows": rows.num_rows})

    made = each_side(batch, kernel)
    assert made.counts == {"rows": 2 * len(ROWS)}
    names = [name for name in batch.schema.names if name != "src_old"]
    assert made.rows.schema.names == [*names, "src_n", "tgt_n"]
    for side, at in zip(SIDES, (0, 1), strict=True):
        assert made.rows.column(side).to_pylist() == pc.utf8_upper(batch.column(side)).to_pylist()
        assert made.rows.column(f"{side}_n").to_pylist() == [len(row[at]) for row in ROWS]
    with pytest.raises(ValueError, match="rows of a side"):
        put_side(batch, "src", side_rows(batch, "src").slice(1))
    with pytest.raises(ValueError, match="take rows away"):
        each_side(batch, lambda rows: Result(rows, decide(rows, "x", "y")))


@given(st.lists(st.tuples(st.text(), st.text()), max_size=5), st.sampled_from(SIDES))
def test_sides_come_back(texts: list[tuple[str, str]], side: str) -> None:
    texts = [
        (one.encode("utf-8", "replace").decode(), other.encode("utf-8", "replace").decode()) for one, other in texts
    ]
    batch = pairs(texts, "eng_Latn", "khm_Khmr", src_q=pa.array(range(len(texts))), tgt_x=pa.nulls(len(texts)))
    assert put_side(batch, side, side_rows(batch, side)).equals(batch)


def test_pairs_are_told_from_documents_by_their_columns() -> None:
    assert is_pairs(some().schema)
    assert not is_pairs(documents(["a"], "eng_Latn").schema)
    assert not is_pairs(some(text=pa.array(["a"] * len(ROWS))).schema)


def test_decisions_of_pairs_have_the_direction_and_both_sides() -> None:
    batch = pairs([("one", "หนึ่ง"), (None, "zwei")], ["eng_Latn", None], ["tha_Thai", "deu_Latn"])
    assert direction(batch).to_pylist() == ["eng_Latn-tha_Thai", "-deu_Latn"]
    gone = decide(batch, "filter", "x", keep_text=True)
    assert gone.column("lang").to_pylist() == ["eng_Latn-tha_Thai", "-deu_Latn"]
    assert gone.column("text").to_pylist() == ["one\nหนึ่ง", "\nzwei"]
    assert decide(batch, "filter", "x").column("text").null_count == 2
    assert reject(batch, "score", ["E", "E"], ["m", "m"]).column("excerpt").to_pylist() == ["one\nหนึ่ง", "\nzwei"]
    # Of documents they are the user's own columns; a mix of pairs has lang and text of its own.
    user = documents(["a"], None, src_lang=pa.array(["x"]), tgt_lang=pa.array(["y"]))
    assert row_language(user).to_pylist() == [None]
    assert row_text(user).to_pylist() == ["a"]
    mixed = put_columns(batch, {"text": pa.array(["t", "u"]), "lang": pa.array(["a-b", "c-d"])})
    assert (row_language(mixed).to_pylist(), row_text(mixed).to_pylist()) == (["a-b", "c-d"], ["t", "u"])


def test_languages_of_sides_are_counted() -> None:
    assert side_languages({"eng_Latn-deu_Latn": 3, "deu_Latn-tha_Thai": 2}) == {
        "eng_Latn": 3,
        "deu_Latn": 5,
        "tha_Thai": 2,
    }
