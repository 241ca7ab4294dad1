"""Words of scripts without spaces: found by a breaker where there is one, else refused with what to do."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.rows import records
from tests.text.text_reference import ARTICLE_ONE, UNSPACED, is_unspaced, needs_icu, texts
from xlcorpus.errors import UserError
from xlcorpus.text import properties
from xlcorpus.text.breakers import WORD_BREAKERS, word_breaker_for
from xlcorpus.text.breakers import icu as icu_breaker
from xlcorpus.text.breakers.icu import IcuBreaker
from xlcorpus.text.characters import ATTACHED, classes
from xlcorpus.text.codepoints import code_points
from xlcorpus.text.words import vocabulary


class EveryThird:
    """A breaker for the tests: words of three characters."""

    name, scripts, version = "third", frozenset({"Thai", "Tibt"}), "1"

    def cuts(self, run: str) -> list[int]:
        return list(range(3, len(run), 3))


def words_of(values: list[str], breaker: EveryThird | IcuBreaker | None = None) -> list[list[str]]:
    spans = vocabulary(code_points(pa.array(values, pa.string())), breaker)
    whole = "".join(values)
    cut = [whole[a:b] for a, b in zip(spans.starts.tolist(), spans.ends.tolist(), strict=True)]
    return [cut[a:b] for a, b in pairwise(spans.offsets.tolist())]


def test_words_of_scripts_with_spaces_need_no_breaker() -> None:
    values = ["Don't l'eau пам'ять O’Neill", "'quoted' rock'n'roll stop-gap 3.14", "\u200d \u0301 a\u0301", ""]
    assert words_of(values) == [
        ["Don't", "l'eau", "пам'ять", "O’Neill"],
        ["quoted", "rock'n'roll", "stop", "gap", "3", "14"],
        ["a\u0301"],
        [],
    ]
    for script in ("Latn", "Cyrl", "Deva", "Hang", "Kore", "Ethi", ""):
        assert word_breaker_for(script) is None
        assert word_breaker_for(script, "icu") is None


def test_runs_without_spaces_are_cut_by_the_breaker_and_left_out_without_one() -> None:
    values = ["NHKは2019年に", "漢字かな", "l'eau", "ラーメン屋"]
    assert words_of(values) == [["NHK", "2019"], [], ["l'eau"], []]
    assert words_of(values, EveryThird()) == [
        ["NHK", "は", "2019", "年に"],
        ["漢字か", "な"],
        ["l'eau"],
        ["ラーメ", "ン屋"],
    ]


def test_no_word_begins_with_a_mark() -> None:
    """The third character of ที่นี่ is a tone mark, the fourth of กระทะ a vowel that stands after its consonant."""
    assert words_of(["กขี่ค"], EveryThird()) == [["กขี่ค"]]
    assert words_of(["กขคะง"], EveryThird()) == [["กขคะง"]]


@given(st.lists(texts(), max_size=5))
@example(["ab", "กา", "ก", "\u0301x", "か\u3099a"])
def test_every_unspaced_character_is_in_one_word(values: list[str]) -> None:
    found = words_of(values, EveryThird())
    for value, words in zip(values, found, strict=True):
        ours = [c for c in value if is_unspaced(c)]
        assert [c for word in words for c in word if is_unspaced(c)] == ours
        assert all(not is_unspaced(c) for word in words_of([value])[0] for c in word)


def test_a_script_that_no_breaker_knows_is_refused() -> None:
    with pytest.raises(UserError, match="Tibt has no spaces between words") as caught:
        word_breaker_for("Tibt")
    assert "dictionary" in (caught.value.remedy or "")
    with pytest.raises(UserError, match="no word breaker 'ico'; did you mean 'icu'"):
        word_breaker_for("Thai", "ico")
    assert "icu" in WORD_BREAKERS.names


def test_a_missing_library_is_refused_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr("xlcorpus.text.icu.import_module", missing)
    monkeypatch.setattr(icu_breaker, "BREAKER", IcuBreaker())
    monkeypatch.setattr(WORD_BREAKERS, "all", {"icu": icu_breaker.BREAKER})
    for script in ("Thai", "Hans", "Jpan", "Khmr"):
        with pytest.raises(UserError, match=f"{script} has no spaces between words; .* needs PyICU") as caught:
            word_breaker_for(script)
        assert "xlcorpus[icu]" in (caught.value.remedy or "")


def test_another_breaker_is_taken_where_the_first_knows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    other = EveryThird()
    monkeypatch.setattr(WORD_BREAKERS, "all", {"icu": icu_breaker.BREAKER, "third": other})
    assert word_breaker_for("Tibt") is other
    assert word_breaker_for("Thai", "third") is other


def test_scripts_as_labels_name_them() -> None:
    assert {"Hans", "Hant", "Jpan", *properties.UNSPACED_SCRIPTS} >= IcuBreaker.scripts - {"Hrkt"}
    assert not any(map(properties.writes_spaces, IcuBreaker.scripts | properties.UNSPACED_SCRIPTS))
    assert len(UNSPACED) == len(properties.UNSPACED_SCRIPTS)


@needs_icu
@pytest.mark.parametrize(
    ("script", "text", "words"),
    [
        ("Thai", "ไปที่โรงเรียนทุกวัน", ["ไป", "ที่", "โรงเรียน", "ทุก", "วัน"]),
        ("Laoo", "ຂ້ອຍໄປໂຮງຮຽນ", ["ຂ້ອຍ", "ໄປ", "ໂຮງຮຽນ"]),
        ("Khmr", "ខ្ញុំទៅសាលារៀន", ["ខ្ញុំ", "ទៅ", "សាលារៀន"]),
        ("Mymr", "ကျွန်တော်ကျောင်းသို့", ["ကျွန်တော်", "ကျောင်း", "သို့"]),
        ("Hans", "我今天去学校，很高兴。", ["我", "今天", "去", "学校", "很", "高兴"]),
        ("Jpan", "私は今日ラーメン屋へ行きます", ["私", "は", "今日", "ラーメン", "屋", "へ", "行き", "ます"]),
        ("Hani", "𠮷𠮷今天", ["𠮷", "𠮷", "今天"]),  # two UTF-16 units each
    ],
)
def test_words_by_icu(script: str, text: str, words: list[str]) -> None:
    breaker = word_breaker_for(script)
    assert isinstance(breaker, IcuBreaker)
    assert breaker.version[0].isdigit()
    assert words_of([text, f"x {text} y"], breaker) == [words, ["x", *words, "y"]]


@needs_icu
def test_words_by_icu_are_as_long_as_words(shared_data: Path) -> None:
    """By PUD's own segmentation: Thai 4.8 letters, Chinese 1.7, Japanese 1.9 (`properties.LETTERS_PER_WORD`)."""
    for code, script, length in (("th", "Thai", 4.8), ("zh", "Hant", 1.7), ("ja", "Jpan", 1.9)):
        values = [record["text"] for record in records(shared_data / "pud" / f"{code}.jsonl.gz")]
        breaker = word_breaker_for(script)
        assert isinstance(breaker, IcuBreaker)
        words = [word for found in words_of(values, breaker) for word in found if is_unspaced(word[0])]
        assert sum(map(len, words)) / len(words) == pytest.approx(length, rel=0.25), code
        assert not any(classes()[ord(word[0])] & ATTACHED for word in words)


def test_every_sample_of_a_script_has_words_or_is_left_out() -> None:
    for script, text in ARTICLE_ONE.items():
        assert bool(words_of([text])[0]) == properties.writes_spaces(script), script
