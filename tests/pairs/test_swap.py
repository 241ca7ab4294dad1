"""Pairs the other way round: every column of a side goes with it, and a second swap gives back the first rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rows import pairs, rows_of, write_dataset
from xlcorpus.dataset.features import metadata_of, said_in
from xlcorpus.errors import UserError
from xlcorpus.pairs.side_tokens import ALIGN
from xlcorpus.pairs.swap import Directions, ids_before_swaps, other_side, swapped_schema, with_both_sides

SENTENCES = ["mvua inanyesha", "ฝนตก", "", "βρέχει", "बारिश हो रही है", "下雨了"]
LINKS = st.none() | st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=5, unique=True).map(sorted)


def batch_of(rows: list[tuple[str, str]], links: list[Any], **columns: Any) -> pa.RecordBatch:
    align = [None if one is None else [{"src": src, "tgt": tgt} for src, tgt in one] for one in links]
    langs = [("tha_Thai", "ell_Grek")[row % 2] for row in range(len(rows))]
    return pairs(rows, "swh_Latn", langs, align=pa.array(align, ALIGN), **columns)


@given(st.lists(st.tuples(st.sampled_from(SENTENCES), st.sampled_from(SENTENCES), LINKS), max_size=6))
def test_a_swap_of_a_swap_is_the_pair(given_rows: list[tuple[str, str, Any]]) -> None:
    rows = [(src, tgt) for src, tgt, _ in given_rows]
    batch = batch_of(rows, [links for _, _, links in given_rows], src_score=pa.array([0.5] * len(rows)))
    once = with_both_sides(batch, swapped=True)
    assert once.schema == swapped_schema(batch.schema)
    for before, after in zip(batch.to_pylist(), once.to_pylist(), strict=True):
        assert (after["src"], after["tgt"]) == (before["tgt"], before["src"])
        assert (after["src_lang"], after["tgt_lang"]) == (before["tgt_lang"], before["src_lang"])
        assert (after["src_score"], after["tgt_score"]) == (None, 0.5)
        assert after["swapped"] is True
        assert after["doc_id"] != before["doc_id"]
        turned = before["align"] and sorted((link["tgt"], link["src"]) for link in before["align"])
        assert (after["align"] and [(link["src"], link["tgt"]) for link in after["align"]]) == turned
    assert ids_before_swaps(once).equals(batch.column("doc_id"))
    again = with_both_sides(once, swapped=True)
    assert again.equals(with_both_sides(batch, swapped=False))
    assert ids_before_swaps(again).equals(batch.column("doc_id"))


def test_ids_of_both_ways_are_distinct_and_the_same_for_any_slice() -> None:
    batch = batch_of([(one, other) for one in SENTENCES for other in SENTENCES], [None] * 36)
    whole = with_both_sides(batch, swapped=True)
    ids = [*batch.column("doc_id").to_pylist(), *whole.column("doc_id").to_pylist()]
    assert len(set(ids)) == 72
    assert with_both_sides(batch.slice(7, 9), swapped=True).equals(whole.slice(7, 9))


@pytest.mark.parametrize(
    ("directions", "as_is", "turned"),
    [
        ("as-is", [1, 1, 1, 1], [0, 0, 0, 0]),
        ("swapped", [0, 0, 0, 0], [1, 1, 1, 1]),
        ("both", [1, 1, 1, 1], [1, 1, 1, 1]),
        ("into=eng_Latn", [1, 0, 1, 1], [0, 1, 0, 0]),
        ("from=eng", [0, 1, 1, 1], [1, 0, 0, 0]),
        ("into=kor_Kore", [1, 1, 0, 1], [0, 0, 1, 0]),
    ],
)
def test_which_pairs_are_turned(directions: str, as_is: list[int], turned: list[int]) -> None:
    """Swahili to English, the other way round, Korean to Thai, and English beside English."""
    sides = [["swh_Latn", "eng_Latn", "kor_Hang", "eng_Latn"], ["eng_Latn", "swh_Latn", "tha_Thai", "eng_Latn"]]
    batch = pairs([("a", "b")] * 4, *sides, names=list("1234"))
    ways = Directions.parse(directions)
    assert ways.rows(batch, swapped=False).tolist() == [bool(one) for one in as_is]
    assert ways.rows(batch, swapped=True).tolist() == [bool(one) for one in turned]


@pytest.mark.parametrize("text", ["", "into", "into=", "both=eng_Latn", "backwards", "to=eng_Latn"])
def test_what_is_no_direction(text: str) -> None:
    with pytest.raises(UserError, match="--directions"):
        Directions.parse(text)


def test_a_list_of_a_fixed_size_on_one_side_can_be_read_back(tmp_path: Path) -> None:
    vectors = pa.array([[1.0, 2.0], [3.0, 4.0]], pa.list_(pa.float32(), 2))
    batch = batch_of([("a", "b"), ("ก", "ข")], [None] * 2, src_vector=vectors, src_both=vectors, tgt_both=vectors)
    ways = [with_both_sides(batch, swapped=swapped) for swapped in (False, True)]
    made = rows_of(write_dataset(tmp_path, ways, "pair"))
    assert [row["tgt_vector"] for row in made] == [None, None, [1, 2], [3, 4]]
    assert [row["src_vector"] for row in made] == [[1, 2], [3, 4], None, None]
    assert [row["src_both"] for row in made] == [[1, 2], [3, 4]] * 2


def test_what_is_said_of_a_column_is_said_of_the_other_side() -> None:
    names, others = (json.dumps({"names": list(two), "_type": "ClassLabel"}) for two in ("ab", "ba"))
    batch = batch_of([("a", "b")], [None], src_one=pa.array([1]), src_two=pa.array([0]), tgt_two=pa.array([1]))

    def said(**columns: str) -> dict[str, str]:
        found = swapped_schema(batch.schema.with_metadata(metadata_of(columns)))
        return {name: json.dumps(json.loads(one)) for name, one in said_in(found.metadata).items()}

    one_side = dict.fromkeys(("src_one", "src_two", "tgt_two"), names)
    assert said(**one_side) == one_side | {"tgt_one": names}
    for wrong in ({"src_two": names, "tgt_two": others}, {"src_two": names}):
        with pytest.raises(UserError, match=r"column 'src_two' is .* to Hugging Face's datasets, 'tgt_two'"):
            said(**wrong)


def test_sides_of_different_types_are_not_exchanged() -> None:
    batch = batch_of([("a", "b")], [None], src_id=pa.array([1]), tgt_id=pa.array(["x"]))
    with pytest.raises(UserError, match="column 'src_id' is int64, 'tgt_id' string"):
        swapped_schema(batch.schema)
    with pytest.raises(UserError, match="column 'swapped' is int64"):
        swapped_schema(batch_of([("a", "b")], [None], swapped=pa.array([1])).schema)
    assert [other_side(name) for name in ("src", "tgt_lang", "src_", "source", "tgtx", "pair_copy")] == [
        "tgt", "src_lang", "tgt_", "source", "tgtx", "pair_copy",
    ]  # fmt: skip
