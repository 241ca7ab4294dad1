"""Limits by side: read, refused, and each side cut at its own."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.pack.pack_helpers import Bytes, view_options
from tests.rows import documents, pairs
from xlcorpus.errors import UserError
from xlcorpus.pack.limits import read_limits
from xlcorpus.pack.sides import rooms_of, tokenize_sides

TOKENIZER = Bytes()
NAMES = ("query", "positive", "negative")


def triples(sizes: list[tuple[int, int, int]]) -> pa.RecordBatch:
    columns = {name: ["ab"[place % 2] * row[place] for row in sizes] for place, name in enumerate(NAMES)}
    return documents([""] * len(sizes), "eng_Latn", **{name: pa.array(column) for name, column in columns.items()})


@settings(max_examples=30)
@given(
    st.lists(st.tuples(*[st.integers(1, 40)] * 3), min_size=1, max_size=8),
    st.integers(3, 30),
    st.integers(3, 30),
    st.sampled_from(["truncate", "refuse"]),
)
def test_each_side_has_its_limit(sizes: list[tuple[int, int, int]], query: int, document: int, long: str) -> None:
    options = view_options("triples", 30, limits={"query": query, "document": document}, long=long)
    made = tokenize_sides(triples(sizes), TOKENIZER, options, 0)
    most = (query - 2, document - 2, document - 2)
    whole = [all(size <= limit for size, limit in zip(row, most, strict=True)) for row in sizes]
    assert made.decisions is not None
    kept = [row for row, fits in zip(sizes, whole, strict=True) if fits or long == "truncate"]
    found = [tuple(len(row[f"{name}_ids"]) for name in NAMES) for row in made.rows.to_pylist()]
    assert found == [tuple(map(min, row, most)) for row in kept]
    assert made.rows.column("truncated").to_pylist() == [not fits for fits in whole if fits or long == "truncate"]
    gone = [row for row, fits in zip(sizes, whole, strict=True) if not fits and long == "refuse"]
    for row, decision in zip(gone, made.decisions.to_pylist(), strict=True):
        over = [size - limit for size, limit in zip(row, most, strict=True)]
        furthest = over.index(max(over))
        assert (decision["score"], decision["threshold"]) == (row[furthest], most[furthest])


@settings(max_examples=30)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(4, 20))
def test_sides_that_share_a_sequence_have_limits_too(source: int, target: int, limit: int) -> None:
    batch = pairs([("s" * source, "t" * target)], "eng_Latn", "deu_Latn")
    (row,) = tokenize_sides(batch, TOKENIZER, view_options("tlm", 32, limits={"src": limit}), 0).rows.to_pylist()
    (bare,) = tokenize_sides(
        pairs([("s" * min(source, limit - 2), "t" * target)], "eng_Latn", "deu_Latn"),
        TOKENIZER,
        view_options("tlm", 32),
        0,
    ).rows.to_pylist()
    assert (row["src_ids"], row["tgt_ids"]) == (bare["src_ids"], bare["tgt_ids"])
    assert row["truncated"] == (source > limit - 2 or bare["truncated"])


def test_limits_of_the_command_line_and_of_recipes() -> None:
    as_text = view_options("triples", 256, limits=["query=32,document=256"])
    as_names = view_options("triples", 256, limits={"query": 32, "document": 256})
    assert as_text == as_names
    assert rooms_of(as_text, TOKENIZER).sides.tolist() == [30, 254, 254]
    closer = view_options("triples", 256, limits={"document": 256, "negative": 64})
    assert rooms_of(closer, TOKENIZER).sides.tolist() == [254, 254, 62]
    assert read_limits({"query": 32}) == {"query": 32}


@pytest.mark.parametrize(
    ("view", "limits", "said"),
    [
        ("triples", "query", "is not SIDE=TOKENS"),
        ("triples", "query=32,query=16", "'query' is given twice"),
        ("triples", "querry=32", "did you mean 'query'"),
        ("bitext", "document=32", "no side 'document'"),
        ("triples", "query=2", "leave no room beside 2 special ids"),
        ("triples", "document=65", "65 tokens of document are more than the length, 64"),
        ("tlm", "src=2", "leave no room beside 2"),
    ],
)
def test_limits_that_cannot_be(view: str, limits: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        rooms_of(view_options(view, 64, limits=limits), TOKENIZER)


@pytest.mark.parametrize("more", [{"view": None}, {"limits": {"query": True}}])
def test_limits_are_whole_numbers_of_views(more: dict[str, Any]) -> None:
    with pytest.raises((UserError, ValueError)):
        view_options(**{"view": "triples", "length": 64, "limits": {"query": 32}, **more})
