"""Long runs are read in steps that grow with their length; and numbers at which uroman fails."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from types import FrameType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.romanize.uroman_reference import Reference, chars_by_script, difference, numbers, words
from xlcorpus.romanize.engine import Engine

DIGITS = sys.get_int_max_str_digits()

# One of each kind of number, of letters that hang together, and of signs that look back.
UNITS = re.findall(
    r"\S+",
    "三 三百二十五万六千 百 三分之 三分之二 百分之五 零 負三 １ ٣ १२. ๕ ༣ ༪ ፩፻፪፼ ½ Ⅷ ① ² ௧௰௨ 𑇡𑇪 𐄇 𒐕 𞱳 ⠼⠁⠃ ⠠⠠⠓ ⠓ "
    "क क् कि e\u0301 ก่้ กออ กเก ลำ์อ ฑ็์อ ཀ བསྒྲུབས 한 っ きゃ ー щ 汉 第三号 Θ ου مر שׁ ⲡ̀ កយ 😀 \ue000 "
    "\u200b é1 ᱥᱟ ߓ߬ ꦏꦸ",
)


def steps(run: Callable[[], object]) -> int:
    """Lines of Python that a call goes through."""
    counted = 0

    def count(frame: FrameType, event: str, arg: object) -> object:
        nonlocal counted
        counted += event == "line"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        run()
    finally:
        sys.settrace(before)
    return counted


@pytest.mark.parametrize("unit", UNITS)
def test_steps_grow_with_the_length_of_a_run(unit: str) -> None:
    engine = Engine()
    for warm in ("", "é"):
        engine.romanize(warm + unit)  # tables and units are read once
    short, long = ("é " + unit * (count // len(unit)) for count in (100, 800))
    one, other = (steps(lambda text=text: engine.romanize(text)) for text in (short, long))
    assert other <= 9 * one + 1000


@pytest.mark.parametrize("script", sorted(chars_by_script()))
def test_runs_with_numbers_in_every_script(reference: Reference, script: str) -> None:
    engine = Engine()

    @given(st.lists(st.one_of(words(script, 3), numbers()), min_size=1, max_size=3), st.integers(1, 6))
    @settings(max_examples=6)
    def check(parts: list[str], times: int) -> None:
        assert difference(engine, reference, "".join(parts) * times) is None

    check()


@given(st.lists(st.tuples(numbers(), st.integers(1, 5)), min_size=1, max_size=3))
@settings(max_examples=80)
def test_long_runs_of_numbers(reference: Reference, parts: list[tuple[str, int]]) -> None:
    assert difference(Engine(), reference, "".join(number * times for number, times in parts)) is None


@pytest.mark.parametrize("digit", ["1", "٣", "५", "๙", "１", "༣", "߃"])
def test_digits_longer_than_python_reads_are_written(reference: Reference, digit: str) -> None:
    value = str(int(digit))
    for count in (2 * DIGITS, DIGITS + 1):
        text = f"сумма {digit * count}!"
        assert digit != "٣" or reference(text) is ValueError
        assert Engine().romanize(text) == f"summa {value * count}!"
        assert Engine().romanize(digit * count) == value * count
    longest = f"сумма {digit * DIGITS}!"
    assert Engine().romanize(longest) == f"summa {value * DIGITS}!"
    assert Engine().romanize(f"{digit * count}.{digit}é") == f"{value * count}.{value}e"


def test_products_longer_than_python_writes_stay_side_by_side(reference: Reference) -> None:
    for factor, written in (("万", "wan"), ("百", "·100"), ("億", "yi")):
        text = "３" * DIGITS + factor
        assert factor != "百" or reference(text) is ValueError
        assert Engine().romanize(text) == "3" * DIGITS + written


# uroman raises where no number follows the connector of a fraction; all but that number and connector is read.
FAILING = [
    ("我们有百分之好几的人知道这件事情", "womenyou百分之haojiderenzhidaozhejianshiqing", "百分之"),
    ("四分之一和三分之好", "1/4he三分之hao", "三分之"),
    ("река 三分之好 еда", "reka 三分之hao eda", "三分之"),
    ("５分之", "５分之", "５分之"),
    ("他说：二十分之。三百二十五只鸟", "tashuo: 二十分之. 325zhiniao", "二十分之"),
    ("負三分之好", "fu三分之hao", "三分之"),
    ("٣分之ก", "٣分之k", "٣分之"),
    ("百分之五到百分之几", "5%dao百分之ji", "百分之"),
    ("⠓ 三分之 ⠓", "h 三分之 h", "三分之"),
]


@pytest.mark.parametrize(("text", "expected", "run"), FAILING)
def test_only_what_uroman_fails_on_stays(reference: Reference, text: str, expected: str, run: str) -> None:
    assert reference(text) is AttributeError
    engine = Engine()
    assert engine.romanize(text) == expected
    assert engine.romanize(text) == expected  # from the cache
    before, after = text.split(run) if text.count(run) == 1 else text.rsplit(run, 1)
    start, end = expected.index(run), expected.index(run) + len(run)
    assert expected[:start].strip() == str(reference(before)).strip()
    assert expected[end:].strip() == str(reference(after)).strip()


@pytest.mark.parametrize("text", ["กอ\U00016d43", "ቀ\u137bа", "ก อ\u0378", "\U000134efจ分之"])
def test_signs_that_uroman_fails_to_look_at_are_read_beside(text: str) -> None:
    assert Engine().romanize(f"да {text} нет").startswith("da ")


@pytest.mark.parametrize(
    "sign",
    [
        "ก",
        "้",
        "์",
        "ก้",
        "ก์",
        "กิ์",
        "ก่์",
        "้อ",
        "อ",
        "เ",
        "का",
        "\u094d",
        "っ",
        "ー",
        "ゃ",
        "བ",
        "一",
        "分之",
        "负",
        "٣ ",
        "\u200b",
    ],
)
@pytest.mark.timeout(60)
def test_a_long_run_of_one_sign_takes_no_longer_than_its_length(sign: str) -> None:
    """A pattern with nested repetition would not end before the time limit of the tests."""
    engine = Engine()
    for text in (f"ก {sign * 60}x", f"ab ก{sign * 60}", f"{sign * 60} ก{sign * 60}.", f"อ {sign * 60}ก อ"):
        engine.romanize(text)
    assert len(str(engine.romanize(f"до {sign * 2000} x"))) > 4
