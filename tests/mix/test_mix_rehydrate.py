"""Rehydration: weights by the size of the duplicate cluster, for all languages or each."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlcorpus.errors import UserError
from xlcorpus.mix.cells import Cell
from xlcorpus.mix.rehydration import FINEWEB2, read_rehydration

# The shape of FineWeb-2's per-language weights: up, and down again in the tail.
ITALIAN = {"1": 1, "2": 3, "3": 4, "11": 9, "17": 10, "26": 9, "145": 1}


def spelled_out(table: dict[int, int], size: int) -> int:
    """The weight of one document: that of the largest listed size that is not above its own."""
    return table[max(listed for listed in table if listed <= max(size, 1))]


def test_the_simple_weights_of_fineweb2() -> None:
    sizes = np.array([0, 1, 2, 3, 4, 5, 99, 100, 999, 1000, 10**6])
    assert read_rehydration().repeats("eng_Latn", sizes).tolist() == [1, 1, 2, 3, 3, 5, 5, 8, 8, 1, 1]


@given(
    st.dictionaries(st.integers(2, 50), st.integers(0, 9), max_size=6).map(lambda table: {1: 1} | table),
    st.lists(st.integers(-2, 80), max_size=40),
)
def test_weights_hold_until_the_next_size(table: dict[int, int], sizes: list[int]) -> None:
    repeats = read_rehydration(table).repeats("xxx_Latn", np.array(sizes, dtype=np.int64))
    assert repeats.dtype == np.int64
    assert repeats.tolist() == [spelled_out(table, size) for size in sizes]


@given(st.lists(st.tuples(st.integers(1, 2000), st.integers(0, 500)), min_size=1, max_size=40))
def test_a_cell_counts_as_its_documents_repeated(documents: list[tuple[int, int]]) -> None:
    sizes = sorted({size for size, _ in documents})
    by_size = tuple(
        (size, sum(units for s, units in documents if s == size), sum(s == size for s, _ in documents))
        for size in sizes
    )
    cell = Cell("web", "mono", "ita_Latn", "", sum(u for _, u in documents), len(documents), by_dup_size=by_size)
    repeated = [units for size, units in documents for _ in range(spelled_out(FINEWEB2, size))]
    assert read_rehydration().rehydrated(cell) == (sum(repeated), len(repeated))


def test_languages_have_tables_of_their_own_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "up_to_10_reps.json"
    file.write_text(json.dumps({"ita_Latn": ITALIAN, "yor_Latn": {"1": 1, "7": 2}}), encoding="utf-8")
    weights = read_rehydration(str(file))
    assert weights.repeats("ita_Latn", np.array([1, 2, 10, 20, 200])).tolist() == [1, 3, 4, 10, 1]
    assert weights.repeats("yor_Latn", np.array([6, 7])).tolist() == [1, 2]
    with pytest.raises(UserError, match="no weights for 'swh_Latn'"):
        weights.repeats("swh_Latn", np.array([1]))
    both = read_rehydration({"ita_Latn": ITALIAN, "default": {1: 2}})
    assert both.repeats("swh_Latn", np.array([1, 50])).tolist() == [2, 2]


@pytest.mark.parametrize("value", [None, {1: 1, 3: 4}, {"ita_Latn": ITALIAN}, {"ita_Latn": ITALIAN, "default": {1: 1}}])
def test_what_is_written_reads_back(value: object) -> None:
    weights = read_rehydration(value)
    assert read_rehydration(json.loads(json.dumps(weights.to_json()))) == weights


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({2: 1}, "begin with cluster size 1"),
        ({}, "weights are"),
        ([1, 2], "weights are"),
        ({1: 1.5}, "whole weight"),
        ({1: True}, "whole weight"),
        ({"one": 1}, "whole weight"),
        ({1: -1}, "from 0 to"),
        ({0: 1, 1: 1}, "at least 1"),
        ({1: 1, "1": 2}, "given twice"),
        ({"ita_Latn": {2: 1}}, "ita_Latn: the weights must begin"),
        ("/nowhere/weights.json", "cannot be read"),
    ],
)
def test_weights_that_are_wrong(value: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_rehydration(value)


def test_documents_without_a_cluster_size_are_refused() -> None:
    with pytest.raises(UserError, match="web/mono/ita_Latn/none have no dup_size"):
        read_rehydration().rehydrated(Cell("web", "mono", "ita_Latn", "", 10, 2))
