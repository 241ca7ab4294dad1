"""Cells: names, pairs, scripts, adding up; the totals by language of a mix with pairs."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlcorpus.mix.cells import Cell, canonical_lang, language_totals, languages_of, merge_cells, script_of, sort_cells

LANGUAGES = st.sampled_from(["eng_Latn", "zul_Latn", "mar_Deva", "eng_Latn-zul_Latn", "zul_Latn-eng_Latn", ""])


def test_a_pair_is_one_language_in_either_direction() -> None:
    assert canonical_lang("zul_Latn-eng_Latn") == canonical_lang("eng_Latn-zul_Latn") == "eng_Latn-zul_Latn"
    assert canonical_lang("eng_Latn") == "eng_Latn"
    there = Cell("opus", "bi", "eng_Latn-zul_Latn", "", 10, 1)
    back = dataclasses.replace(there, lang="zul_Latn-eng_Latn")
    assert there.value("lang") == back.value("lang")
    assert there.key != back.key
    assert languages_of("zul_Latn-eng_Latn") == ("eng_Latn", "zul_Latn")
    assert languages_of("") == ()


@pytest.mark.parametrize(
    ("lang", "script"),
    [
        ("swh_Latn", "Latn"),
        ("eng_Latn-zul_Latn", "Latn"),
        ("mar_Deva-eng_Latn", "Latn-Deva"),
        ("eng_Latn-mar_Deva", "Latn-Deva"),
        ("zxx_Zyyy", "Zyyy"),
        ("python", ""),
        ("", ""),
    ],
)
def test_the_script_of_a_label_or_a_pair(lang: str, script: str) -> None:
    assert script_of(lang) == script


def test_empty_values_have_a_name() -> None:
    cell = Cell("stack", "code", "", "python", 10, 1)
    assert cell.name == "stack/code/none/python"
    assert [cell.value(key) for key in ("source", "kind", "lang", "script", "domain")] == [
        "stack",
        "code",
        "none",
        "none",
        "python",
    ]


def test_counts_of_several_shards_add_up() -> None:
    parts = [
        Cell("web", "mono", "yor_Latn", "", 10, 2, 30, ((1, 4, 1), (3, 6, 1))),
        Cell("web", "mono", "ibo_Latn", "", 7, 1, 21, ((1, 7, 1),)),
        Cell("web", "mono", "yor_Latn", "", 5, 1, 15, ((3, 5, 1),)),
        Cell("web", "mono", "yor_Latn", "", 0, 0),
    ]
    assert merge_cells(parts) == (
        parts[1],
        Cell("web", "mono", "yor_Latn", "", 15, 3, 45, ((1, 4, 1), (3, 11, 2))),
    )
    # A shard whose duplicates were not counted: the sum would be wrong, so there is none.
    uncounted = Cell("web", "mono", "yor_Latn", "", 5, 1)
    assert merge_cells([parts[0], uncounted])[0].by_dup_size == ()


def test_faults() -> None:
    cell = Cell("web", "mono", "yor_Latn", "", 10, 2)
    with pytest.raises(ValueError, match="two cells are web/mono/yor_Latn/none"):
        sort_cells([cell, dataclasses.replace(cell, units=3)])
    with pytest.raises(ValueError, match="negative"):
        dataclasses.replace(cell, units=-1)
    with pytest.raises(ValueError, match="duplicate-cluster size"):
        dataclasses.replace(cell, by_dup_size=((1, 9, 2),))


def test_totals_by_language_divide_pairs() -> None:
    achieved = [("eng_Latn-zul_Latn", 101), ("zul_Latn-ceb_Latn", 10), ("eng_Latn", 5)]
    assert language_totals(achieved) == {"ceb_Latn": 5, "eng_Latn": 51 + 5, "zul_Latn": 50 + 5}
    sides = {"eng_Latn-zul_Latn": {"eng_Latn": 300, "zul_Latn": 700}}
    assert language_totals(achieved, sides) == {"ceb_Latn": 5, "eng_Latn": 30 + 5, "zul_Latn": 71 + 5}


@given(st.lists(st.tuples(LANGUAGES, st.integers(0, 10**9))))
def test_totals_by_language_lose_nothing(achieved: list[tuple[str, int]]) -> None:
    totals = language_totals(achieved)
    assert sum(totals.values()) == sum(units for lang, units in achieved if lang)
    assert not any("-" in name or not name for name in totals)
