"""Tokens and word counts against slow references and against parallel text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.rows import records
from tests.text.text_reference import ARTICLE_ONE, is_unspaced, pieces, texts, tokens_of
from xlcorpus.text import properties
from xlcorpus.text.codepoints import CodePoints, code_points
from xlcorpus.text.segment import Spans
from xlcorpus.text.words import count_words, tokens


def segmented(values: list[str]) -> tuple[CodePoints, Spans]:
    points = code_points(pa.array(values, pa.string()))
    return points, tokens(points)


def words(values: list[str]) -> np.ndarray:
    return count_words(*segmented(values))


@given(st.lists(texts(), max_size=5))
@example(["ab", "cd", "กา", "ก", "\u0301x", "x\u0301"])  # the end of a text is the end of a token
@example(["かa", "aか", "か\u3099a", "a\u0e31b", "ค\u200dค"])
def test_tokens_are_those_of_the_reference(values: list[str]) -> None:
    points, spans = segmented(values)
    assert pieces(values, spans) == [tokens_of(value) for value in values]
    assert spans.lengths.tolist() == [len(piece) for value in values for piece in tokens_of(value)]
    assert spans.per_text.tolist() == [len(tokens_of(value)) for value in values]
    assert spans.rows.tolist() == [row for row, value in enumerate(values) for _ in tokens_of(value)]
    assert len(points) == len(values)


@given(texts())
def test_tokens_hold_every_word_character_once_and_no_other(text: str) -> None:
    joined = "".join(pieces([text], segmented([text])[1])[0])
    assert joined == "".join(c for c in text if properties.word_characters()[ord(c)])


def test_tokens_of_real_text_are_those_of_the_reference(shared_data: Path) -> None:
    sentences = [r["text"] for f in sorted((shared_data / "pud").glob("*.jsonl.gz")) for r in records(f)[:1000:50]]
    rights = [" ".join(r["paragraphs"])[:200] for r in records(shared_data / "udhr" / "udhr.jsonl.gz")]
    values = sentences + rights
    assert len(values) > 600
    assert pieces(values, segmented(values)[1]) == [tokens_of(value) for value in values]


def test_vowel_signs_and_joiners_stay_in_their_words() -> None:
    values = ["हिन्दी भाषा", "می‌خواهم بروم", "ශ්‍රී ලංකා", "don't stop-gap 3.14", "तुम्हारा_नाम"]
    assert pieces(values, segmented(values)[1]) == [
        ["हिन्दी", "भाषा"],
        ["می‌خواهم", "بروم"],
        ["ශ්‍රී", "ලංකා"],
        ["don", "t", "stop", "gap", "3", "14"],
        ["तुम्हारा", "नाम"],
    ]


def test_scripts_without_spaces_give_a_token_a_character_with_its_marks() -> None:
    values = ["ที่นี่", "ខ្មែរ", "မြန်မာ", "漢字かな", "NHKは2019年", "བོད་ཡིག"]
    assert pieces(values, segmented(values)[1]) == [
        ["ที่", "นี่"],
        ["ខ្", "មែ", "រ"],
        ["မြ", "န်", "မာ"],
        ["漢", "字", "か", "な"],
        ["NHK", "は", "2019", "年"],
        ["བོ", "ད", "ཡི", "ག"],
    ]


def test_the_table_of_single_characters_can_be_replaced() -> None:
    """Shingles take aksharas of Dravidian scripts one by one; words do not."""
    values = ["தமிழ் மொழி", "हिन्दी", "ไทย"]
    points = code_points(pa.array(values))
    assert pieces(values, tokens(points)) == [["தமிழ்", "மொழி"], ["हिन्दी"], ["ไ", "ท", "ย"]]
    singly = tokens(points, properties.shingled_singly())
    assert pieces(values, singly) == [["த", "மி", "ழ்", "மொ", "ழி"], ["हिन्दी"], ["ไ", "ท", "ย"]]
    none = tokens(points, np.zeros_like(properties.unspaced()))
    assert pieces(values, none) == [["தமிழ்", "மொழி"], ["हिन्दी"], ["ไทย"]]


@pytest.mark.parametrize("values", [[], [""], ["", " \n\t", "\u3000"]])
def test_no_tokens(values: list[str]) -> None:
    points, spans = segmented(values)
    assert len(spans) == 0
    assert spans.per_text.tolist() == [0] * len(values)
    assert count_words(points, spans).tolist() == [0] * len(values)


@given(st.lists(texts(), max_size=5))
def test_word_counts_are_the_sum_of_runs_and_shares(values: list[str]) -> None:
    def share(character: str) -> float:
        return float(properties.words_per_character()[ord(character)]) if is_unspaced(character) else 0.0

    due = [sum(not is_unspaced(t[0]) for t in tokens_of(v)) + sum(share(c) for c in v) for v in values]
    assert words(values) == pytest.approx(due, abs=1e-6)


def test_word_counts_by_hand() -> None:
    assert words(["one two three", "раз два", "", "१२ तीन"]).tolist() == [3, 2, 0, 2]
    assert words(["漢字" * 17, "ไ" * 48]) == pytest.approx([20, 10], rel=1e-5)
    assert words(["NHKは2019年"]) == pytest.approx([2 + 1 / 1.9 + 1 / 1.7], rel=1e-5)


def test_word_counts_compare_across_languages(shared_data: Path) -> None:
    """The same 1,000 sentences have about as many words in every language, with spaces or without."""
    counts = {f.name.split(".")[0]: words([r["text"] for r in records(f)]) for f in (shared_data / "pud").glob("*.gz")}
    assert len(counts) == 21
    ratios = {code: float(np.median(count / counts["en"])) for code, count in counts.items()}
    assert {code: ratio for code, ratio in ratios.items() if not 0.5 <= ratio <= 2} == {}
    # One token a character would make Chinese, Japanese and Thai 1.7 to 4.8 times as long as they are.
    assert all(0.8 <= ratios[code] <= 1.3 for code in ("zh", "ja", "th")), ratios


def test_every_script_of_the_samples_has_words() -> None:
    counted = dict(zip(ARTICLE_ONE, words(list(ARTICLE_ONE.values())).tolist(), strict=True))
    assert min(counted.values()) >= 2
    assert max(counted.values()) <= 25
