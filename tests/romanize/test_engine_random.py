"""Random texts: the engine gives what the installed uroman gives, and a text where uroman raises."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.romanize.uroman_reference import (
    CODES,
    PUNCTUATION,
    Reference,
    chars_by_script,
    chars_of,
    difference,
    lcodes,
    mixtures,
    numbers,
    punctuation,
    words,
)
from xlcorpus.romanize import readings as compiled_paths
from xlcorpus.romanize.engine import Engine
from xlcorpus.romanize.exact import romanize_exactly
from xlcorpus.romanize.language import Language, language, matters
from xlcorpus.romanize.rules import load_rules

ABUGIDAS = [
    *("Balinese", "Bengali", "Brahmi", "Chakma", "Devanagari", "Grantha", "Gujarati", "Gurmukhi", "Javanese"),
    *("Kannada", "Khmer", "Malayalam", "Myanmar", "Newa", "Oriya", "Sinhala", "Tamil", "Telugu", "Tai Tham"),
]


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine()


# Found by longer runs of these tests and others like them.
REGRESSIONS = [
    # a sign or a connector of numbers beside ASCII digits
    "负3",
    "电梯到負1层",
    "5分之3",
    "5分之",
    # Thai: O ANG before a vowel sign whose target has a tail mark, as in SARA AM in two code points
    "สอํา",
    "ของอํานาจ",
    # Thai: O ANG looks back over signs without sound and over everything that has no reading by a rule
    "ก ่อน",
    "ก\n๊อข",
    "ก\u200b่อน",
    "ป1่อก",
    "กเ้อน",
    "ก ² ก่อน",
    "ก ٣ ก่อน",
    "ก \ue000 ก่อน",
    "ก 25 ก่อน ๕",
    "ข(๕อด",
    "ช อ๖อค",
    "ก ๏อน",
    "ก ๚ก่อน",
    "ก อร่อน",
    "ฉแอ็๋อฮ",
    "\U000134efจ",
    "จ.ออ์อฆ",
    "พ-ออ๘",
    # a virama after punctuation takes it along, with the space at its edge
    "（်",
    "\xa0्",
    "។𑇀",
    "፡-𑍍",
    # a nukta before a letter that no rule reads, and on a vocalic letter
    "ರೠ಼ಖ",
    "ख़म़\ua8f4",
    # a squared numeral before a digit
    "🈩5",
]


@pytest.mark.parametrize("text", REGRESSIONS)
def test_texts_that_once_differed(reference: Reference, text: str) -> None:
    for lcode in (None, "san"):
        assert difference(Engine(), reference, text, lcode) is None


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), lcodes())
@settings(max_examples=300)
def test_any_unicode(engine: Engine, reference: Reference, text: str, lcode: str | None) -> None:
    assert difference(engine, reference, text, lcode) is None


@pytest.mark.parametrize("script", sorted(chars_by_script()))
def test_every_script_alone_and_between_signs(engine: Engine, reference: Reference, script: str) -> None:
    @given(st.lists(st.one_of(words(script), punctuation()), min_size=1, max_size=4).map("".join), lcodes())
    @settings(max_examples=12)
    def check(text: str, lcode: str | None) -> None:
        assert difference(engine, reference, text, lcode) is None

    check()


@given(mixtures(), lcodes())
@settings(max_examples=600)
def test_mixtures_of_scripts_numbers_and_signs(
    engine: Engine, reference: Reference, text: str, lcode: str | None
) -> None:
    assert difference(engine, reference, text, lcode) is None


@given(st.lists(st.one_of(numbers(), st.sampled_from(["", "a", "д", "年", "ก", "क", *PUNCTUATION])), max_size=4))
@settings(max_examples=800)
def test_numbers_beside_words_and_signs(engine: Engine, reference: Reference, parts: list[str]) -> None:
    text = "".join(parts)
    assert difference(engine, reference, text) is None


def sources_with_conditions() -> list[str]:
    """Sources of several characters, and those that hold in some places or languages alone."""
    rules = load_rules().rules
    return sorted(k for k, found in rules.items() if len(k) > 1 or any(r.has_place or r.languages for r in found))


@given(st.lists(st.sampled_from([*sources_with_conditions(), *PUNCTUATION, "д", "Д", "a", "A"]), max_size=5), lcodes())
@settings(max_examples=600)
def test_sources_with_conditions_in_any_order(
    engine: Engine, reference: Reference, parts: list[str], lcode: str | None
) -> None:
    text = "".join(parts)
    assert difference(engine, reference, text, lcode) is None


THAI_PHRASES = st.lists(
    st.one_of(
        st.sampled_from(chars_by_script()["Thai"]),
        st.sampled_from(["อ", "อ", "เ", "แ", "โ", "ไ", "ก", "น", "ห", "ร", "่", "้", "์", "็", "ั", "ิ", "ื", "า", "ะ"]),
        punctuation(),
        st.sampled_from(["a", "1", "25", "ก่อน", "ออก", "ขอ"]),
    ),
    min_size=2,
    max_size=9,
).map("".join)


@given(THAI_PHRASES)
@example("ส้้อ")
@settings(max_examples=800)
def test_thai_phrases_with_marks_out_of_place(engine: Engine, reference: Reference, text: str) -> None:
    assert difference(engine, reference, text) is None


@given(st.text(st.sampled_from([chr(code) for code in range(0x2800, 0x2900)] + list("⠠⠠⠼⠁⠃⠀⠲⠂ a1д'")), max_size=10))
@settings(max_examples=300)
def test_braille_with_capital_and_number_signs(engine: Engine, reference: Reference, text: str) -> None:
    assert difference(engine, reference, text) is None


# The compiled paths against the exact one, which the tests above hold to uroman.


class Counted:
    """`romanize_exactly`, with the number of words that the compiled paths leave to it."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, text: str, rules: Language) -> str:
        self.calls += 1
        return romanize_exactly(text, rules)


@pytest.fixture
def left_over(monkeypatch: pytest.MonkeyPatch) -> Counted:
    counted = Counted()
    monkeypatch.setattr(compiled_paths, "romanize_exactly", counted)
    return counted


def exactly(text: str, lcode: str | None) -> str:
    return romanize_exactly(text, language(matters(lcode)))


def check_words(words: st.SearchStrategy[str], lcode: str | None, left_over: Counted, examples: int) -> None:
    """Words are read as the exact path reads them, and most of them not by it."""
    engine, seen = Engine(), set()

    @given(words)
    @settings(max_examples=examples)
    def check(word: str) -> None:
        seen.add(word)
        assert engine.romanize(word, lcode) == exactly(word, lcode)

    check()
    assert left_over.calls < 0.75 * len(seen), "too many words were left to the exact path, so this compared nothing"


@pytest.mark.parametrize(
    ("script", "lcode"), [*((script, code) for script in ABUGIDAS for code in (None, "ben")), ("Devanagari", "san")]
)
def test_words_of_abugidas(left_over: Counted, script: str, lcode: str | None) -> None:
    letters, marks = chars_of(script, categories="L"), chars_of(script, categories="M") or chars_of(script)
    either = st.sampled_from([*letters, *marks, *marks])
    first = st.sampled_from([char for char in letters if load_rules().rules.get(char)])
    check_words(st.tuples(first, st.text(either, max_size=8)).map("".join), lcode, left_over, 80)


def test_words_of_thai(left_over: Counted) -> None:
    check_words(st.text(st.sampled_from(chars_of("Thai", categories="LM")), max_size=12), None, left_over, 800)


def test_words_of_tibetan(engine: Engine) -> None:
    """Each syllable is read exactly, so what is compared is where the reader cuts."""

    @given(st.text(st.sampled_from(chars_of("Tibetan", categories="LMP")), min_size=1, max_size=12))
    @settings(max_examples=800)
    def check(word: str) -> None:
        assert engine.romanize(word) == exactly(word, None)

    check()


def test_the_languages_of_these_tests_have_rules_of_their_own() -> None:
    assert sum(matters(code) is not None for code in CODES) > len(CODES) // 2
