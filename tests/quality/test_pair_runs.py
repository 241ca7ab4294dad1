"""The longest common run of words against difflib, on texts of many scripts."""

from __future__ import annotations

import difflib
import gzip
import itertools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.quality.length_factors import DATA, _labels
from tests.quality.test_pair_scores import scored


def runs(rows: list[tuple[str, str]]) -> list[float]:
    return [row["pair_common_run"] for row in scored(rows)]


def by_difflib(one: list[str], other: list[str]) -> float:
    """As OpusFilter's documentation has it, of words: longest match / length of the shorter."""
    match = difflib.SequenceMatcher(None, one, other, autojunk=False).find_longest_match(0, len(one), 0, len(other))
    return match.size / min(len(one), len(other)) if one and other else 0.0


@given(st.lists(st.tuples(st.text("aab ", max_size=40), st.text("aab ", max_size=40)), min_size=1, max_size=5))
@settings(max_examples=60)
def test_runs_of_few_words_are_those_of_difflib(rows: list[tuple[str, str]]) -> None:
    assert runs(rows) == pytest.approx([by_difflib(one.split(), other.split()) for one, other in rows])


@given(
    st.lists(st.tuples(st.text("孩子们ไทข", max_size=20), st.text("孩子们ไทข", max_size=20)), min_size=1, max_size=5)
)
@settings(max_examples=30)
def test_in_scripts_without_spaces_words_are_characters(rows: list[tuple[str, str]]) -> None:
    assert runs(rows) == pytest.approx([by_difflib(list(one), list(other)) for one, other in rows])


def test_case_and_punctuation_do_not_count() -> None:
    rows = [
        ("Untranslated, words stand here", "Hier stehen UNTRANSLATED words"),
        ("孩子们去了市场。", "The children: 孩子们，去了市场 went to the market"),
        ("", "x"),
        ("ट्रेन चली", "ट्रेनें चली"),
    ]
    assert runs(rows) == [0.5, 1, 0, 0.5]


@pytest.mark.skipif(not (DATA / "ntrex").is_dir(), reason="no ../shared/data/ntrex")
def test_real_sentences_of_all_languages() -> None:
    """A side's own words are parted by spaces here, so that any script is split alike."""
    texts = []
    for code in _labels(DATA / "ntrex"):
        with gzip.open(DATA / "ntrex" / f"{code}.jsonl.gz", "rt", encoding="utf-8") as lines:
            texts += [json.loads(line)["text"] for line in itertools.islice(lines, 3)]
    halves = [(text, text[len(text) // 3 :] + " " + other) for text, other in itertools.pairwise(texts)]
    assert all(0.3 < run <= 1 for run in runs(halves))
    mixed = runs(list(itertools.pairwise(texts)))
    assert runs([(other, one) for one, other in itertools.pairwise(texts)]) == mixed
    assert runs([(text, text) for text in texts]) == [1] * len(texts)
