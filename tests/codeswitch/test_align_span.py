"""align_span: the bounds hold, undoing the spans gives the target back, and nothing is left out in silence."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.align.alignment_helpers import align_column, bitext, pairs_batch
from tests.codeswitch.switch_helpers import parts_of, undo
from xlcorpus.codeswitch.align_span import switch_spans
from xlcorpus.codeswitch.assemble import SPANS
from xlcorpus.codeswitch.options import CodeswitchOptions
from xlcorpus.dataset.decisions import DECISION
from xlcorpus.errors import UserError
from xlcorpus.pairs.side_tokens import read_side

DEFAULT = CodeswitchOptions(operator="align-span")
WORDS = [
    "ab",
    "c",
    "Don't",
    "मैं",
    "हिन्दी",
    "我有手機",
    "12:30",
    "x-y",
    "«",
    ",",
    "𐐷q",
    "ไทย",
    "é",
    "3,5",
    "(",
    "end.",
    "",
]


@st.composite
def batches(draw: st.DrawFn) -> pa.RecordBatch:
    texts = st.one_of(st.none(), st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join), st.text(max_size=12))
    source = draw(st.lists(texts, max_size=6))
    target = draw(st.lists(texts, min_size=len(source), max_size=len(source)))
    sizes = zip(
        read_side(pa.array(source, pa.string())).sizes, read_side(pa.array(target, pa.string())).sizes, strict=True
    )
    rows = []
    for one, other in sizes:
        reach = draw(st.sampled_from([0, 0, 0, 1]))  # now and then a link outside the sentence
        link = st.tuples(st.integers(0, max(int(one) - 1 + reach, 0)), st.integers(0, max(int(other) - 1 + reach, 0)))
        rows.append(draw(st.one_of(st.none(), st.lists(link, max_size=14, unique=True))))
    return pairs_batch(source, target, align_column(rows))


def located(row: dict[str, Any]) -> list[tuple[int, int, int, int]]:
    """Each span in tokens: of the source (by the text of the span) and of the target."""
    side = read_side(pa.array([row["tgt"]]))
    moved, found = 0, []
    for span in row["cs_spans"]:
        start = span["start"] + moved
        end = start + len(span["src_token"])
        moved += len(span["src_token"]) - (span["end"] - span["start"])
        inside = (side.spans.starts >= start) & (side.spans.ends <= end)
        first = int(np.flatnonzero(inside)[0])
        assert side.spans.starts[first] == start  # spans begin and end with a word
        last = int(np.flatnonzero(inside)[-1])
        assert side.spans.ends[last] == end
        found.append((first, last + 1, start, end))
    return found


@given(
    batches(),
    st.floats(0.05, 1),
    st.floats(0.05, 1),
    st.floats(0.1, 1),
)
def test_bounds_undo_and_conservation(
    batch: pa.RecordBatch, span_share: float, projected_share: float, off_diagonal: float
) -> None:
    shares = {"span_share": span_share, "projected_share": projected_share, "off_diagonal": off_diagonal}
    pairs, decisions = parts_of(switch_spans(batch, chosen(**shares), seed=4))
    assert len(pairs) + len(decisions) == len(batch)
    assert decisions.schema.equals(DECISION)
    assert set(pairs.column("doc_id").to_pylist()) | set(decisions.column("doc_id").to_pylist()) == set(
        batch.column("doc_id").to_pylist()
    )
    assert pairs.schema.field("cs_spans").type == SPANS
    for row in pairs.to_pylist():
        assert row["cs_target"] == row["tgt"]
        assert undo(row) == row["tgt"]
        assert row["cs_spans"]
        source, target = read_side(pa.array([row["src"]])), read_side(pa.array([row["tgt"]]))
        total = 0
        for span in row["cs_spans"]:
            size = int(read_side(pa.array([span["new_token"]])).sizes[0])
            assert 1 <= size <= max(1, int(span_share * source.sizes[0] + 1e-9))
            assert span["new_token"] in row["src"]
            assert row["cs_source"][span["start"] : span["end"]].strip() == span["new_token"]
            assert span["tgt_lang"] == "eng_Latn"
            total += size
        assert total <= projected_share * source.sizes[0] + 1e-9
        places = located(row)
        assert all(one[1] <= other[0] for one, other in pairwise(places))
        replaced = sum(place[1] - place[0] for place in places)
        assert row["cs_ratio"] == pytest.approx(replaced / target.sizes[0], abs=1e-6)
        assert row["cs_words"] == target.sizes[0]
        assert row["cs_langs"] == ["eng_Latn"]
        assert (row["cs_operator"], row["cs_seed"]) == ("align_span", 4)


@given(batches(), st.data())
@settings(max_examples=40)
def test_a_row_is_the_same_in_any_batch(batch: pa.RecordBatch, data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(batch))))
    whole = {row["doc_id"]: row for row in switch_spans(batch, DEFAULT).rows.to_pylist()}
    mixed = {
        row["doc_id"]: row for row in switch_spans(batch.take(pa.array(order, pa.int64())), DEFAULT).rows.to_pylist()
    }
    single = {}
    for start in range(len(batch)):
        single |= {row["doc_id"]: row for row in switch_spans(batch.slice(start, 1), DEFAULT).rows.to_pylist()}
    assert whole == mixed == single


def chosen(**changes: Any) -> CodeswitchOptions:
    return CodeswitchOptions(operator="align-span", **changes)


def one_row(
    source: str, target: str, links: list[tuple[int, int]], seed: int = 0, **changes: Any
) -> list[dict[str, Any]]:
    batch = pairs_batch([source], [target], align_column([links]))
    rows: list[dict[str, Any]] = switch_spans(batch, chosen(**changes), seed=seed).rows.to_pylist()
    return rows


def all_spans(source: str, target: str, links: list[tuple[int, int]], **changes: Any) -> set[tuple[str, str]]:
    """(src_token, new_token) of every span that some seed of 60 makes."""
    return {
        (span["src_token"], span["new_token"])
        for seed in range(60)
        for row in one_row(source, target, links, seed=seed, **changes)
        for span in row["cs_spans"]
    }


def test_consistent_spans_neither_double_nor_lose_words() -> None:
    """ "b c" and "B C" are crossed with "d": only the whole of it is a phrase."""
    links = [(0, 0), (1, 2), (2, 1), (2, 3), (3, 4)]
    found = all_spans("aa bb cc dd", "AX BX CX DX EX", links, span_share=0.5, projected_share=0.5)
    assert found == {("AX", "aa"), ("CX", "bb"), ("EX", "dd"), ("BX CX DX", "bb cc")}


def test_ends_without_a_partner_are_left_out() -> None:
    assert all_spans("aa bb cc", "AX CX EX", [(0, 0)], span_share=1.0, projected_share=1.0) == {("AX", "aa")}


def test_far_links_are_not_followed() -> None:
    links = [(0, 4), (1, 1), (2, 2), (3, 3), (4, 0)]
    source, target = "aa bb cc dd ee", "AX BX CX DX EX"
    assert not {one for _, one in all_spans(source, target, links)} & {"aa", "ee"}
    assert {one for _, one in all_spans(source, target, links, off_diagonal=1.0)} >= {"aa", "ee"}


def test_written_words_and_clauses_stay_whole() -> None:
    source = "we don't know, he said"
    links = [(number, number) for number in range(6)]
    found = all_spans(source, "AX BX CX DX EX FX", links, span_share=1.0)
    assert found
    assert not any(new.endswith("don") or new.startswith("t ") or new == "t" for _, new in found)
    assert not any("," in new for _, new in found)
    assert not any("," in old for old, _ in all_spans("aa bb cc dd", "AX BX, CX DX", links[:4], span_share=1.0))


@pytest.mark.parametrize(
    ("source", "target", "spans"),
    [
        # Aligned wrongly, number with word: the number would be lost, or doubled.
        ("aa 1200 cc dd", "AX BX 1200 DX", {("AX", "aa"), ("DX", "dd"), ("BX 1200", "1200 cc")}),
        ("aa 1950s", "AX 1950er", {("AX", "aa")}),
        ("aa https://mill.example/a", "AX https://muehle.example/b", {("AX", "aa")}),
        ("aa mill@mill.example", "AX bx", {("AX", "aa")}),
        ("aa 12 cc", "AX 12 CX", {("AX", "aa"), ("CX", "cc"), ("AX 12", "aa 12"), ("12 CX", "12 cc")}),
    ],
)
def test_numbers_and_addresses_stay(source: str, target: str, spans: set[tuple[str, str]]) -> None:
    sizes = [int(read_side(pa.array([text])).sizes[0]) for text in (source, target)]
    links = [(place, place) for place in range(min(sizes))]
    found = all_spans(source, target, links, span_share=0.7, projected_share=1.0)
    assert found <= spans
    assert ("AX", "aa") in found


def test_a_span_that_changes_nothing_is_not_taken() -> None:
    batch = pairs_batch(["NASA berlin"], ["nasa Berlin"], align_column([[(0, 0), (1, 1)]]))
    pairs, decisions = parts_of(switch_spans(batch, DEFAULT))
    assert len(pairs) == 0
    assert decisions.column("reason").to_pylist() == ["no_switch"]


def test_words_of_spaced_scripts_keep_clear_of_han() -> None:
    rows = one_row("aa bb cc dd", "我有手機。", [(0, 0), (1, 1), (2, 2), (3, 3)], seed=2)
    assert "  " not in rows[0]["cs_source"]
    for row in (
        row for seed in range(20) for row in one_row("aa bb", "我有手機", [(1, 1), (0, 0), (0, 2), (0, 3)], seed=seed)
    ):
        assert undo(row) == "我有手機"
    assert one_row("aa bb", "我有", [(0, 0), (1, 1)])[0]["cs_source"] in ("aa 有", "我 bb")


def test_every_row_without_a_switch_has_a_reason() -> None:
    rows: list[tuple[str | None, str | None, list[tuple[int, int]] | None]] = [
        ("aa bb cc", "AX BX CX", [(0, 0), (1, 1), (2, 3)]),
        ("aa bb cc", "AX BX CX", [(-1, 0)]),
        ("aa bb cc", "AX BX CX", None),
        ("aa bb cc", "AX BX CX", []),
        (None, "AX", []),
        ("...", "AX", [(0, 0)]),
        ("aa", "AX", [(0, 0)]),
        ("aa bb cc", "AX BX CX", [(0, 0), (1, 1), (2, 2)]),
    ]
    source, target, links = zip(*rows, strict=True)
    batch = pairs_batch(source, target, align_column(links))
    broken = batch.column("align").to_pylist()
    broken[0] = [{"src": None, "tgt": 0}]
    pairs, decisions = parts_of(switch_spans(batch, DEFAULT, keep_text=True))
    assert len(pairs) == 1
    assert Counter(decisions.column("reason").to_pylist()) == {
        "bad_alignment": 2, "no_alignment": 2, "no_words": 2, "no_switch": 1
    }  # fmt: skip
    nulls = batch.set_column(6, "align", pa.array(broken, batch.schema.field("align").type))
    assert "bad_alignment" in switch_spans(nulls, DEFAULT).decisions.column("reason").to_pylist()[:1]


def test_seeds_differ_and_the_share_is_reached() -> None:
    source, target, gold = bitext(200)
    batch = pairs_batch(source, target, align_column(gold))
    one, two = (switch_spans(batch, DEFAULT, seed=seed).rows for seed in (1, 2))
    assert one.column("cs_source").to_pylist() != two.column("cs_source").to_pylist()
    sizes = read_side(pa.array(target)).sizes
    reached = [int(ratio * size + 0.5) for ratio, size in zip(one.column("cs_ratio").to_pylist(), sizes, strict=True)]
    assert reached == [int(0.5 * size) for size in sizes]


def test_errors() -> None:
    batch = pairs_batch(["aa bb"], ["AX BX"], align_column([[(0, 0)]]))
    with pytest.raises(UserError, match="no column 'align'"):
        switch_spans(batch.drop_columns(["align"]), DEFAULT)
    with pytest.raises(UserError, match="not list"):
        switch_spans(batch.set_column(6, "align", pa.array(["0-0"])), DEFAULT)
    with pytest.raises(UserError, match="there already"):
        switch_spans(batch.append_column("cs_source", pa.array(["x"])), DEFAULT)
    for name in ("span_share", "projected_share", "off_diagonal"):
        with pytest.raises(ValidationError, match=name):
            chosen(**{name: 0.0})
