"""Scripts of code points and of texts."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from tests.text.text_reference import ARTICLE_ONE, UNSPACED, texts
from xlcorpus.text import properties, slices
from xlcorpus.text.codepoints import code_points
from xlcorpus.text.script import letters_per_script, main_script


def label(text: str) -> tuple[str, float]:
    names, shares = main_script(pa.array([text]))
    return names[0].as_py(), float(shares[0])


def test_script_table_agrees_with_the_regex_module() -> None:
    table, names = properties.scripts(), properties.script_names()
    chosen = np.random.default_rng(7)
    unknown, wrong = [], []
    for number, name in enumerate(names):
        mine = np.flatnonzero(table == number)
        sample = np.unique(np.concatenate([mine[:3], mine[-3:], chosen.choice(mine, 30)]))
        characters = "".join(chr(code) for code in sample if not 0xD800 <= code < 0xE000)
        assigned = characters if name == "Zzzz" else regex.sub(r"\p{Cn}", "", characters)  # of both Unicode versions
        try:
            wrong += [f"{name} {ord(c):04X}" for c in regex.sub(rf"\p{{Script={name}}}", "", assigned)]
        except regex.error:
            unknown.append(name)  # newer than this version of regex
    assert wrong == []
    assert len(unknown) <= 10
    assert len(names) >= 160


def test_property_tables_agree_with_the_regex_module() -> None:
    sample = np.random.default_rng(8).integers(0, 0x32000, 4000).tolist() + list(range(0x3000))
    characters = [code for code in sample if not 0xD800 <= code < 0xE000]
    for table, pattern in (
        (properties.letters(), r"\p{L}"),
        (properties.word_characters(), r"[\p{L}\p{M}\p{N}\u200C\u200D]"),
        (properties.whitespace(), r"\s"),
        (properties.matches(r"\p{M}"), r"\p{M}"),
    ):
        compiled = regex.compile(pattern)
        assert [code for code in characters if bool(compiled.fullmatch(chr(code))) != table[code]] == []
    assert not properties.word_characters()[0xD800:0xE000].any()


def test_unspaced_scripts_are_those_of_the_specification() -> None:
    listed = {name for name, text in ARTICLE_ONE.items() if properties.unspaced()[ord(text[0])]}
    assert listed == {"Thai", "Laoo", "Khmr", "Mymr", "Tibt", "Hani", "Jpan", "Yiii"}
    assert len(properties.UNSPACED_SCRIPTS) == len(UNSPACED)
    assert not properties.unspaced()[[ord("。"), ord("、"), ord("༎"), ord("៕")]].any()  # their punctuation is no word
    assert (properties.words_per_character() > 0).tolist() == properties.unspaced().tolist()


@pytest.mark.parametrize("script", ARTICLE_ONE)
def test_main_script_of_one_script(script: str) -> None:
    assert label(ARTICLE_ONE[script]) == (script, 1.0)
    assert label(f"2019: {ARTICLE_ONE[script]} — (100 %) 😀") == (script, 1.0)


def test_main_script_is_the_one_with_most_letters() -> None:
    assert label("Москва is a city") == ("Latn", pytest.approx(7 / 13))
    assert label("Москва! Париж ok") == ("Cyrl", pytest.approx(11 / 13))
    assert label("ก้า a") == ("Thai", pytest.approx(2 / 3))  # letters are counted, marks are not


@pytest.mark.parametrize(
    ("text", "script", "share"),
    [
        ("漢字かな交じり文", "Jpan", 1.0),
        ("カタカナ", "Jpan", 1.0),
        ("日本語の文章です。Windows", "Jpan", 8 / 15),
        ("人人生而自由" * 3 + "の", "Jpan", 1.0),  # one kana in 19
        ("人人生而自由" * 4, "Hani", 1.0),
        ("한국어와 漢字", "Hang", 1.0),
        ("漢字漢字漢字 한국", "Hani", 6 / 8),
        ("한국 漢 abc", "Hang", 3 / 6),
        ("한국 abcdefgh", "Latn", 8 / 10),
    ],
)
def test_main_script_folds_japanese_and_korean(text: str, script: str, share: float) -> None:
    assert label(text) == (script, pytest.approx(share))


def test_a_chinese_text_that_quotes_one_kana_stays_chinese() -> None:
    text = "人人生而自由在尊严和权利上一律平等他们赋有理性和良心并应以兄弟关系的精神相对待" + "の"
    script, share = label(text)
    assert script == "Hani"
    assert share == pytest.approx((len(text) - 1) / len(text))
    assert label("自由" * 9 + "自の")[0] == "Jpan"  # 1 in 20 is Japanese, the smallest share that is
    assert label("自由" * 10 + "の")[0] == "Hani"  # 1 in 21


@pytest.mark.parametrize("text", ["", " \n", "2019 — 100 %", "😀👍", "\u0301\u200d", "。！"])
def test_texts_without_letters_have_no_script(text: str) -> None:
    assert label(text) == ("Zyyy", 0.0)


def test_nulls_and_no_rows() -> None:
    names, shares = main_script(pa.array([None, "а", None], pa.string()))
    assert names.to_pylist() == ["Zyyy", "Cyrl", "Zyyy"]
    assert shares.tolist() == [0, 1, 0]
    assert shares.dtype == np.float32
    names, shares = main_script(pa.array([], pa.string()))
    assert (len(names), len(shares)) == (0, 0)


@given(st.lists(texts(), min_size=1, max_size=6))
def test_main_script_is_a_function_of_the_text_alone(values: list[str]) -> None:
    names, shares = main_script(pa.array(values))
    assert list(zip(names.to_pylist(), shares.tolist(), strict=True)) == [label(value) for value in values]
    assert all((share == 0) == (name == "Zyyy") for name, share in zip(names.to_pylist(), shares, strict=True))


@given(st.lists(texts(), max_size=4))
def test_letters_per_script_counts_letters(values: list[str]) -> None:
    counts, names = letters_per_script(code_points(pa.array(values, pa.string())))
    for row, value in enumerate(values):
        found = {names[column]: int(counts[row, column]) for column in np.flatnonzero(counts[row])}
        due: dict[str, int] = {}
        for character in regex.findall(r"(?=\p{L})[^\p{Script=Zyyy}\p{Script=Zinh}\p{Script=Zzzz}]", value):
            name = properties.script_names()[properties.scripts()[ord(character)]]
            due[name] = due.get(name, 0) + 1
        assert found == due


def test_long_texts_are_cut_at_characters_and_belong_to_their_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    several = [*ARTICLE_ONE.values(), "", "𐍈😀" * 9, "", "a" * 64, "", "á" * 32]
    whole = main_script(pa.array(several))
    for size in (4, 5, 6, 7, 64):
        monkeypatch.setattr(slices, "PIECE_BYTES", size)
        cut, rows = slices.cut_long(pa.array(several))
        assert max(map(len, map(str.encode, cut.to_pylist()))) <= size + 3
        joined = [""] * len(several)
        for row, text in zip(rows.tolist(), cut.to_pylist(), strict=True):
            joined[row] += text
        assert joined == several
        found = main_script(pa.array(several))
        assert found[0].equals(whole[0])
        assert found[1].tolist() == whole[1].tolist()
