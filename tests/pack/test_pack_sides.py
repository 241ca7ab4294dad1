"""Views: a list of ids a side, truncated with counts, never mixed with one another."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pack.pack_helpers import Bytes, doc_id, view_options
from tests.rows import ORIGIN
from xlcorpus.dataset.result import add_counts
from xlcorpus.dataset.schema import load_schema
from xlcorpus.errors import UserError
from xlcorpus.pack.language_ids import LanguageIds
from xlcorpus.pack.sides import VIEWS, no_side_counts, tokenize_sides

TOKENIZER = Bytes()


def rows_of(count: int = 0, *, ids: str = "doc_id", origin: bool = True, **columns: Any) -> pa.RecordBatch:
    count = count or len(next(iter(columns.values())))
    made = {ids: pa.array([doc_id(str(row)) for row in range(count)], pa.binary(16))}
    if origin:
        made["origin"] = pa.array([{"file": "p", "offset": row} for row in range(count)], ORIGIN)
    return pa.RecordBatch.from_pydict({**made, **{name: pa.array(column) for name, column in columns.items()}})


def text_of(ids: list[int]) -> str:
    return TOKENIZER.decode(ids)


def test_translico() -> None:
    batch = rows_of(
        ids="pair_id",
        doc_id=pa.array([doc_id("d")] * 2, pa.binary(16)),
        origin=False,
        text=["белый снег", "नदी"],
        text_latn=["belyi sneg", "nadii"],
        lang=["rus_Cyrl", "hin_Deva"],
        script=["Cyrl", "Deva"],
    )
    ids = LanguageIds.build(["rus_Cyrl", "hin_Deva"])
    made = tokenize_sides(batch, TOKENIZER, view_options("translico", 32), 7, ids)
    assert made.rows.schema == VIEWS["translico"].schema
    first, second = made.rows.to_pylist()
    assert text_of(first["text_ids"]) == "белый снег"
    assert text_of(second["text_latn_ids"]) == "nadii"
    assert not {1, 2} & {*first["text_ids"], *first["text_latn_ids"]}  # the collator adds special ids
    assert [row["pack_id"] for row in (first, second)] == [7, 8]
    assert first["length"] == 19 + 10
    assert first["pair_id"] == doc_id("0")
    assert (first["lang"], first["script"], first["lang_id"], first["script_id"]) == ("rus_Cyrl", "Cyrl", 1, 0)
    assert not first["truncated"]
    assert made.counts == {
        "rows": 2,
        "truncated": 0,
        "tokens": {"text": 19 + 9, "text_latn": 15},
        "truncated_sides": {"text": 0, "text_latn": 0},
        "tokens_cut": {"text": 0, "text_latn": 0},
        "languages": {"rus_Cyrl": 29, "hin_Deva": 14},
        "bytes": {"rus_Cyrl": 29, "hin_Deva": 14},
    }


def test_every_view_is_of_schema_token() -> None:
    schema = load_schema("token")
    for view in VIEWS.values():
        schema.check(view.schema, "view")


def test_restore_bitext_and_triples() -> None:
    made = tokenize_sides(
        rows_of(inputs=["cold Wasser"], targets=["cold water"], lang=["eng_Latn"]),
        TOKENIZER,
        view_options("restore", 32),
        0,
    )
    row = made.rows.to_pylist()[0]
    assert (text_of(row["inputs_ids"]), text_of(row["targets_ids"])) == ("cold Wasser", "cold water")
    assert (row["lang"], row["lang_id"]) == ("eng_Latn", None)
    columns = {"src": ["ein Haus"], "tgt": ["nyumba"], "src_lang": ["deu_Latn"], "tgt_lang": ["swh_Latn"]}
    ids = LanguageIds.build(["deu_Latn", "swh_Latn"])
    for view in ("bitext", "tlm"):
        row = tokenize_sides(rows_of(**columns), TOKENIZER, view_options(view, 32), 0, ids).rows.to_pylist()[0]
        assert (text_of(row["src_ids"]), text_of(row["tgt_ids"])) == ("ein Haus", "nyumba")
        assert (row["src_lang_id"], row["tgt_lang_id"]) == (0, 1)
    made = tokenize_sides(
        rows_of(query=["who?"], positive=["the one that is right"], negative=["the other"]),
        TOKENIZER,
        view_options("triples", 16),
        0,
    )
    row = made.rows.to_pylist()[0]
    texts = [text_of(row[f"{side}_ids"]) for side in ("query", "positive", "negative")]
    assert texts == ["who?", "the one that i", "the other"]
    assert row["truncated"]
    assert made.counts["truncated_sides"] == {"query": 0, "positive": 1, "negative": 0}
    assert made.counts["tokens_cut"] == {"query": 0, "positive": 7, "negative": 0}
    assert row["lang"] is None


SIDES = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=12)


@given(SIDES, st.sampled_from(["bitext", "tlm"]), st.sampled_from(["truncate", "refuse"]), st.integers(8, 20))
def test_limits(made: list[tuple[int, int]], view: str, long: str, length: int) -> None:
    settings = view_options(view, length, long=long)
    batch = rows_of(
        len(made),
        src=pa.array(["s" * size for size, _ in made], pa.string()),
        tgt=pa.array(["t" * size if size else None for _, size in made], pa.string()),
    )
    result = tokenize_sides(batch, TOKENIZER, settings, 0)
    assert result.decisions is not None
    assert result.rows.num_rows + result.decisions.num_rows == len(made)
    rows = {row["pair_id"]: row for row in result.rows.to_pylist()}
    decisions = {row["doc_id"]: row for row in result.decisions.to_pylist()}
    cut = 0
    for number, (source, target) in enumerate(made):
        name = doc_id(str(number))
        over = source + target > length - 3 if view == "tlm" else max(source, target) > length - 2
        if not (source and target):
            assert decisions[name]["reason"] == "no_tokens"
        elif over and long == "refuse":
            asked = source + target if view == "tlm" else max(source, target)
            assert decisions[name]["reason"] == "longer_than_pack"
            assert decisions[name]["score"] == asked
            assert decisions[name]["threshold"] == length - (3 if view == "tlm" else 2)
        else:
            kept = len(rows[name]["src_ids"]), len(rows[name]["tgt_ids"])
            assert rows[name]["truncated"] == over == (kept != (source, target))
            assert rows[name]["length"] == sum(kept)
            assert kept == shares(source, target, length, view)
            cut += over
    assert result.counts["truncated"] == cut
    assert result.counts["rows"] == len(rows)


def shares(source: int, target: int, length: int, view: str) -> tuple[int, int]:
    if view == "bitext":
        return min(source, length - 2), min(target, length - 2)
    room = length - 3
    while source + target > room:  # one token at a time off the longer side, of equal ones the target
        if source > target:
            source -= 1
        else:
            target -= 1
    return source, target


def test_pairs_without_a_doc_id_have_decisions_too() -> None:
    batch = rows_of(ids="pair_id", origin=False, text=[""], text_latn=["x"], lang=["rus_Cyrl"], script=["Cyrl"])
    made = tokenize_sides(batch, TOKENIZER, view_options("translico", 16), 0, keep_text=True)
    assert made.rows.num_rows == 0
    row = made.decisions.to_pylist()[0]
    assert (row["doc_id"], row["reason"], row["lang"], row["origin"]) == (doc_id("0"), "no_tokens", "rus_Cyrl", None)


def test_counts_add_up() -> None:
    settings = view_options("bitext", 8)
    total = no_side_counts()
    for source in ("abcdefgh", "ab"):
        add_counts(total, tokenize_sides(rows_of(src=[source], tgt=["x"]), TOKENIZER, settings, 0).counts)
    assert total == {
        "rows": 2,
        "truncated": 1,
        "tokens": {"src": 8, "tgt": 2},
        "truncated_sides": {"src": 1, "tgt": 0},
        "tokens_cut": {"src": 2, "tgt": 0},
        "languages": {"": 10},
        "bytes": {"": 12},  # of the text that was cut too
    }


def test_slices() -> None:
    texts = [f"{number}" * number for number in range(1, 9)]
    batch = rows_of(src=texts, tgt=texts[::-1])
    whole = tokenize_sides(batch, TOKENIZER, view_options("bitext", 64), 0).rows
    part = tokenize_sides(batch.slice(3, 2), TOKENIZER, view_options("bitext", 64), 3).rows
    assert part.to_pylist() == whole.slice(3, 2).to_pylist()
    assert np.array_equal(part["pack_id"], whole["pack_id"][3:5])


def test_faults() -> None:
    with pytest.raises(UserError, match=r"(?s)no column 'inputs'.*view restore is made of inputs, targets"):
        tokenize_sides(rows_of(src=["a"], targets=["b"]), TOKENIZER, view_options("restore", 8), 0)
    batch = pa.RecordBatch.from_pydict({"src": ["a"], "tgt": ["b"]})
    with pytest.raises(UserError, match="neither pair_id nor doc_id"):
        tokenize_sides(batch, TOKENIZER, view_options("bitext", 8), 0)
