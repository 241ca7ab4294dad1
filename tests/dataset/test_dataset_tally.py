"""Counting rows: nothing passes that does not add up."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.dataset.dataset_helpers import documents
from xlcorpus.dataset.decisions import DECISION, decide, empty, reject
from xlcorpus.dataset.record import dump_record, load_record
from xlcorpus.dataset.result import Result, add_counts
from xlcorpus.dataset.tally import Tally, add_up, check_chain, count_values
from xlcorpus.errors import ConservationError, UserError

COUNTS = st.integers(0, 5)
COUNTERS = st.dictionaries(st.sampled_from(["", "swh_Latn", "khm_Khmr"]), COUNTS).map(Counter)
TALLIES = st.builds(
    Tally,
    st.sampled_from(["identify", "filter"]),
    *[COUNTS] * 5,
    st.dictionaries(st.sampled_from(["", "swh_Latn"]), COUNTERS),
    COUNTERS,
    COUNTERS,
    COUNTERS,
    st.dictionaries(st.sampled_from(["words", "into"]), st.fixed_dictionaries({"swh_Latn": COUNTS})),
    merged=COUNTS,
)


def test_nested_counts_add_up_name_by_name() -> None:
    total: dict[str, Any] = {}
    for more in ({"words": 2, "into": {"swh_Latn": 1}}, {"into": {"swh_Latn": 2, "tha_Thai": 5}}, {"words": 1}):
        add_counts(total, more)
    assert total == {"words": 3, "into": {"swh_Latn": 3, "tha_Thai": 5}}


def test_a_result_is_counted_whole() -> None:
    rows = documents(["a", "b", "c", "d"], lang=pa.array(["swh_Latn"] * 4))
    tally = Tally("filter")
    gone = decide(rows.slice(2, 1), "filter", "short")
    bad = reject(rows.slice(3), "filter", ["bad"], ["m"])
    tally.count(Result(rows.slice(0, 2), gone, bad, {"words": {"swh_Latn": 2}}, rows_in=4, bytes_in=9))
    tally.check("here")
    assert (tally.rows_in, tally.rows_out, tally.removed_rows, tally.rejected_rows, tally.bytes_in) == (4, 2, 1, 1, 9)
    assert tally.counts == {"words": {"swh_Latn": 2}}


@given(st.lists(st.none() | st.sampled_from(["", "a", "b"]), max_size=20))
def test_count_values_counts_nulls_as_nothing(values: list[str | None]) -> None:
    due = Counter(value or "" for value in values)
    assert count_values(pa.array(values, pa.string())) == due
    assert count_values(pa.chunked_array([values[:3], values[3:]], pa.string())) == due


def test_a_tally_counts_decisions_rejects_and_output() -> None:
    rows = documents(["a", "b", "c", "d"], lang=pa.array(["swh_Latn", "swh_Latn", None, "khm_Khmr"]))
    tally = Tally("filter", rows_in=9)
    tally.count_decisions(decide(rows, "filter", "short"))
    tally.count_decisions(decide(rows.slice(0, 1), "filter", "long"))
    tally.count_rejects(reject(rows.slice(0, 2), "filter", ["bad", "worse"], ["m", "m"]))
    tally.count(Result(rows.slice(2)))
    tally.count_languages(rows.slice(2))
    tally.count_decisions(empty(DECISION))
    assert tally.removed == {
        "swh_Latn": Counter(short=2, long=1),
        "": Counter(short=1),
        "khm_Khmr": Counter(short=1),
    }
    assert tally.reasons == Counter(short=4, long=1)
    assert tally.rejected == Counter(bad=1, worse=1)
    assert tally.languages == Counter({"": 1, "khm_Khmr": 1})
    assert tally.sources == Counter(web=1, books=1)
    assert (tally.rows_out, tally.removed_rows, tally.rejected_rows) == (2, 5, 2)
    tally.check("here")


def test_output_without_languages_is_counted() -> None:
    tally = Tally("ingest", rows_in=2)
    tally.count(Result(documents(["a", "b"])))
    tally.count_languages(documents(["a", "b"]))
    assert (tally.rows_out, tally.languages) == (2, Counter())
    assert tally.sources == Counter(web=1, books=1)


def sound(**changes: Any) -> Tally:
    content = {"rows_in": 10, "rows_out": 6, "removed": {"a": Counter(short=3)}, "rejected": Counter(bad=1), **changes}
    return Tally("filter", **content)


@pytest.mark.parametrize(
    "changes",
    [
        {"rows_in": 11},
        {"rows_in": 9},
        {"rows_out": 7},
        {"repeated": 1},
        {"removed": {"a": Counter(short=2)}},
        {"removed": {"a": Counter(short=3), "b": Counter(short=1)}},
        {"rejected": Counter()},
    ],
)
def test_a_tally_that_does_not_add_up_is_refused(changes: dict[str, Any]) -> None:
    sound().check("here")
    with pytest.raises(ConservationError) as caught:
        sound(**changes).check("out/web")
    assert isinstance(caught.value, UserError)
    assert "out/web: step 'filter' does not account for every row" in str(caught.value)
    assert "remedy: this is a defect" in str(caught.value)


def test_repeated_rows_are_rows_in() -> None:
    sound(rows_out=8, repeated=2).check("here")
    with pytest.raises(ConservationError, match=r"rows_in 10 \+ 3 repeated is not rows_out 8"):
        sound(rows_out=8, repeated=3).check("here")


def test_merged_rows_are_rows_out() -> None:
    sound(rows_out=4, merged=2).check("here")
    with pytest.raises(ConservationError, match=r"rejected 1 \+ merged 3 = 11"):
        sound(rows_out=4, merged=3).check("here")
    with pytest.raises(ConservationError) as caught:
        sound(rows_out=4).check("here")
    assert "merged" not in str(caught.value)


def test_a_tally_of_an_older_manifest_has_none_merged() -> None:
    value = dump_record(sound())
    del value["merged"]
    assert load_record(Tally, value) == sound()


FILES: dict[str, Any] = {"rows_in": 20, "rows_out": 6, "removed": 8, "rejected": 6}


def chain() -> list[Tally]:
    return [Tally("identify", 20, 15, rejected=Counter(bad=5)), Tally("score", 15, 15), first_filter()]


def first_filter() -> Tally:
    return Tally("filter", 15, 6, removed={"a": Counter(short=8)}, rejected=Counter(bad=1))


def test_a_chain_that_adds_up_passes() -> None:
    check_chain(chain(), where="here", **FILES)
    check_chain(chain(), where="here", **{**FILES, "rows_in": None})  # raw files: nobody knows their rows


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"rows_in": 21}, "input of 'identify': 21 rows expected, 20 found"),
        ({"rows_out": 5}, "rows written: 6 rows expected, 5 found"),
        ({"removed": 9}, "decisions written: 8 rows expected, 9 found"),
        ({"rejected": 5}, "rejects written: 6 rows expected, 5 found"),
    ],
)
def test_a_chain_that_differs_from_the_files_is_refused(changes: dict[str, Any], what: str) -> None:
    with pytest.raises(ConservationError, match=f"out/web: {what}"):
        check_chain(chain(), where="out/web", **{**FILES, **changes})


def test_a_chain_with_a_gap_is_refused() -> None:
    broken = chain()
    broken[1] = Tally("score", 14, 14)
    with pytest.raises(ConservationError, match="from 'identify' to 'score': 15 rows expected, 14 found"):
        check_chain(broken, where="here", **FILES)
    broken[1] = Tally("score", 15, 14)
    with pytest.raises(ConservationError, match="step 'score' does not account for every row"):
        check_chain(broken, where="here", **FILES)


@given(st.lists(TALLIES, max_size=6))
def test_adding_up_is_a_sum_by_step(tallies: list[Tally]) -> None:
    before = [dump_record(tally) for tally in tallies]
    total = add_up(tallies)
    assert [dump_record(tally) for tally in tallies] == before  # the parts are not touched
    assert [tally.step for tally in total] == list(dict.fromkeys(tally.step for tally in tallies))
    for found in total:
        parts = [tally for tally in tallies if tally.step == found.step]
        assert found.rows_in == sum(part.rows_in for part in parts)
        assert found.rows_out == sum(part.rows_out for part in parts)
        assert found.repeated == sum(part.repeated for part in parts)
        assert found.merged == sum(part.merged for part in parts)
        assert (found.bytes_in, found.bytes_out) == (sum(p.bytes_in for p in parts), sum(p.bytes_out for p in parts))
        assert found.removed_rows == sum(part.removed_rows for part in parts)
        assert found.rejected_rows == sum(part.rejected_rows for part in parts)
        assert found.reasons == sum((part.reasons for part in parts), Counter())
        assert found.languages.total() == sum(part.languages.total() for part in parts)
        assert found.sources.total() == sum(part.sources.total() for part in parts)


@given(TALLIES)
def test_a_tally_survives_json(tally: Tally) -> None:
    assert load_record(Tally, json.loads(json.dumps(dump_record(tally)))) == tally
