"""Scores of pairs are those of OpusFilter and Bicleaner-hardrules, written here once more, slowly."""

from __future__ import annotations

import collections
import difflib
import html.parser
import math
import unicodedata
from typing import Any

import pyarrow as pa
import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rows import pairs
from xlcorpus.dataset.result import Result
from xlcorpus.dataset.schema import load_schema
from xlcorpus.pairs.sides import SIDES, each_side
from xlcorpus.quality.length_factors import factor_of, length_factors
from xlcorpus.quality.pair_marks import count_markup
from xlcorpus.quality.pair_scores import pair_fields, score_pairs
from xlcorpus.quality.signals import score_batch
from xlcorpus.text.properties import LETTERS_PER_WORD, LETTERS_PER_WORD_ELSEWHERE, UNSPACED_SCRIPTS

PAIRS = [
    ("The children went to the market.", "เด็กๆ ไปตลาด"),
    ("The teacher writes a letter, 12 pages long!", "គ្រូសរសេរសំបុត្រ ១២ ទំព័រ។"),
    ("We saw 10 ships in 1999.", "Wir sahen 100 Schiffe im Jahr 1998."),
    ("Same text", "ＳＡＭＥ   text!"),
    ("Straße", "Strasse"),
    ("孩子们去了市场。", "孩子们去了市场。"),
    ("१२ बच्चे बाज़ार गए।", "12 children went to the market."),
    ("!!!", "???"),
    ("!!!", "!!!"),
    ("7 7 7", "7-7-7"),
    ("Ωmega", "ωmega."),
    ("She said: “No, no, no, no!” (and left)", "Sie sagte: „Nein, nein, nein, nein!“ (und ging)"),
    ("The Mombasa Street market", "Soko la mtaa wa MOMBASA street"),
    ("what is this ไทย what is this ไทย what is this ไทย", "¿Qué? ¡Ay; ay، ay؛ 我们我们我们我们去去去"),
    ("x", "y" * 5000),
]


def scored(rows: list[tuple[str, str]], one: str = "eng_Latn", other: str = "deu_Latn") -> list[dict[str, Any]]:
    """The rows with their scores; characters and words as score counts them, spaces between words."""
    counts: dict[str, Any] = {}
    for side, texts in zip(SIDES, zip(*rows, strict=True), strict=True):
        counts[f"{side}_q_n_chars"] = pa.array([len(text) for text in texts], pa.int64())
        counts[f"{side}_q_n_words"] = pa.array([len(text.split()) for text in texts], pa.int32())
    return score_pairs(pairs(rows, one, other, **counts)).to_pylist()


def distance(one: str, other: str) -> int:
    before = list(range(len(other) + 1))
    for row, a in enumerate(one, 1):
        now = [row]
        for column, b in enumerate(other, 1):
            now.append(min(now[-1] + 1, before[column] + 1, before[column - 1] + (a != b)))
        before = now
    return before[-1]


UNSPACED = regex.compile(
    "[[" + "".join(rf"\p{{Script={name}}}" for name in UNSPACED_SCRIPTS) + r"]&&[\p{L}\p{M}\p{N}]]", regex.V1
)


def words_of(text: str) -> list[tuple[int, str]]:
    """Where each token begins, and it: runs of letters, marks and numbers; single ones where there are no spaces."""
    found: list[tuple[int, str]] = []
    for run in regex.finditer(r"\p{M}*[\p{L}\p{N}][\p{L}\p{M}\p{N}]*", text):
        single = False
        for at, char in enumerate(run[0], run.start()):
            mark, alone = regex.match(r"\p{M}", char), bool(UNSPACED.match(char))
            if at == run.start() or ((alone or single) and not mark):
                found.append((at, char))
            else:
                found[-1] = (found[-1][0], found[-1][1] + char)
            single = alone
    return found


def share_of(char: str) -> float:
    script = next((name for name in LETTERS_PER_WORD if regex.match(rf"\p{{Script={name}}}", char)), "")
    return 1 / LETTERS_PER_WORD.get(script, LETTERS_PER_WORD_ELSEWHERE)


def words_shared(one: str, other: str) -> float:
    both = [
        {word for _, word in words_of(text) if regex.search(r"\p{L}", word) and not UNSPACED.match(word)}
        for text in (one, other)
    ]
    shares = (sum(map(share_of, UNSPACED.findall(text))) for text in (one, other))
    fewer = min(len(words) + share for words, share in zip(both, shares, strict=True))
    return len(both[0] & both[1]) / max(fewer, 1)


def in_a_row(text: str) -> int:
    found, most = words_of(text), 1
    words = [word for _, word in found]
    for size in range(1, 21):
        for begin in range(len(words) - 2 * size + 1):
            times = 1
            while words[begin + times * size : begin + (times + 1) * size] == words[begin : begin + size]:
                times += 1
            if times > 1 and found[begin + size][0] - found[begin][0] >= 3:
                most = max(most, times)
    return most


def kind_of(mark: str) -> str | None:
    name, category = unicodedata.name(mark, ""), unicodedata.category(mark)
    if not category.startswith("P") or "INVERTED" in name:
        return None
    for part in ("QUESTION MARK", "EXCLAMATION MARK", "COMMA", "COLON"):
        if part in name:
            return part
    if regex.match(r"[\p{Sentence_Terminal}…]", mark):
        return "end"
    if regex.match(r"\p{Quotation_Mark}", mark):
        return None if mark in "'’" else "quotation"
    return {"Ps": "bracket", "Pe": "bracket", "Pd": "dash"}.get(category)


def marks_alike(one: str, other: str) -> float:
    counts = [collections.Counter(kind for kind in map(kind_of, text) if kind) for text in (one, other)]
    total = sum(counts[0].values()) + sum(counts[1].values())
    return 2 * sum((counts[0] & counts[1]).values()) / total if total else 1.0


def by_hand(one: str, other: str) -> dict[str, Any]:
    def seen(text: str) -> str:
        shown = regex.sub(r"(?!\s)[\p{Default_Ignorable_Code_Point}\p{Cc}\uFFF9-\uFFFB]", "", text)
        plain = unicodedata.normalize("NFKC", shown.replace("\u2800", " "))
        small = "".join(char.lower() if len(char.lower()) == 1 else char for char in plain)
        return regex.sub(r"[\s\p{Z}\x0b\x85]+", " ", small).strip(" ")

    def letters(text: str) -> str:
        return regex.sub(r"[^\p{L}\p{M}]", "", text) or text

    def digits(text: str) -> list[int]:
        return [value for value in (unicodedata.decimal(char, 0) for char in text) if value]

    def ends(text: str) -> int:
        return len(regex.findall(r"[\p{Sentence_Terminal}\u0F0D-\u0F12…]", text))

    a, b = seen(one), seen(other)
    lengths = sorted((max(len(one), 1), max(len(other), 1)))
    penalty = abs(ends(one) - ends(other)) + max(ends(one) - 1, 0) + max(ends(other) - 1, 0)
    return {
        "pair_length_ratio": lengths[1] / lengths[0],
        "pair_similarity": 1 - distance(a, b) / max(len(a), len(b)) if a or b else 1.0,
        "pair_copy": letters(a) == letters(b),
        "pair_numerals": difflib.SequenceMatcher(None, digits(one), digits(other)).ratio(),
        "pair_terminal_punctuation": -math.log(penalty + 1),
        "pair_punctuation": marks_alike(one, other),
        "pair_overlap": words_shared(a, b),
        "pair_repetition": max(in_a_row(a), in_a_row(b)),
        "pair_longest_word": max(len(part) for side in (a, b) for part in UNSPACED.sub(" ", side).split(" ")),
    }


def compare(rows: list[tuple[str, str]]) -> None:
    for (one, other), row in zip(rows, scored(rows), strict=True):
        expected = by_hand(one, other)
        assert {name: row[name] for name in expected} == pytest.approx(expected, abs=1e-6), (one, other)


def test_scores_are_those_of_the_definitions() -> None:
    compare(PAIRS[:-1])
    rows = scored(PAIRS)
    assert [row["pair_copy"] for row in rows] == [
        *[False] * 3,
        True,
        False,
        True,
        False,
        False,
        True,
        False,
        True,
        *[False] * 4,
    ]
    assert rows[6]["pair_numerals"] == rows[1]["pair_numerals"] == 1  # digits of every script
    assert rows[2]["pair_numerals"] == pytest.approx(2 * 4 / 10)  # 1 1999 and 1 1998
    assert rows[-1]["pair_length_ratio"] == rows[-1]["pair_longest_word"] == 5000
    assert 0 <= rows[-1]["pair_similarity"] < 0.001
    assert [row["pair_repetition"] for row in rows[-4:]] == [4, 1, 3, 1]
    assert [row["pair_overlap"] for row in rows[-4:-1]] == [0, pytest.approx(2 / 4), 0]


_TEXT = st.text(st.sampled_from("aAbß12٣๔०.?!…।។ ไทខ្孩\u200b\u00ad\tﬁ"), max_size=12)


@given(st.lists(st.tuples(_TEXT, _TEXT), min_size=1, max_size=6))
@settings(max_examples=15)
def test_any_texts_score_as_by_hand(rows: list[tuple[str, str]]) -> None:
    compare(rows)


_ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(st.lists(st.tuples(_ANY, _ANY), min_size=1, max_size=6))
@settings(max_examples=15)
def test_scores_are_finite_and_the_same_both_ways(rows: list[tuple[str, str]]) -> None:
    names = [field.name for field in pair_fields()]
    there = scored(rows)
    for row, back in zip(there, scored([(two, one) for one, two in rows], "deu_Latn", "eng_Latn"), strict=True):
        assert all(math.isfinite(row[name]) for name in names)
        assert row["pair_length_ratio"] >= 1
        assert row["pair_word_ratio"] >= 1
        # difflib's ratio alone depends on the order.
        assert {n: row[n] for n in names if n != "pair_numerals"} == {n: back[n] for n in names if n != "pair_numerals"}
    assert scored(rows[:1])[0] == there[0]  # whatever stands beside it in a batch


class _Marks(html.parser.HTMLParser):
    """Counts what Python's parser of HTML sees besides text."""

    count = 0

    def _seen(self, *_: Any) -> None:
        self.count += 1

    handle_starttag = handle_endtag = handle_startendtag = handle_comment = handle_charref = handle_entityref = _seen


@pytest.mark.parametrize(
    "text",
    [
        "<b>नमस्ते</b> दुनिया",
        "<a href='x.html' class=big data-x>ᱥᱟᱱᱛᱟᱲᱤ</a><br/> tail",
        "a < b and c > d",
        "2<3, 5>4; x<-1",
        "bread &amp; butter &#39;yes&#x27; AT&T",
        '<!-- hidden --> <IMG SRC="a.png">',
        "<<цитата>> и <текст>",
        "",
    ],
)
def test_markup_is_what_a_parser_sees(text: str) -> None:
    parser = _Marks(convert_charrefs=False)
    parser.feed(text)
    parser.close()
    assert count_markup(pa.array([text])).tolist() == [parser.count]
    (row,) = scored([(text, "<i>x</i>")])
    assert row["pair_markup"] == parser.count + 2
    assert count_markup(pa.array(["R&D; Q&A"])).tolist() == [0]  # where the parser sees a reference of one letter


def test_letters_of_another_script_than_the_label_says() -> None:
    rows = [("half половина", "mitad"), ("12", "—"), ("ok", "全部です ABC")]
    found = [scored(rows[:1])[0], scored(rows[1:2])[0], scored(rows[2:], other="jpn_Jpan")[0]]
    assert [row["pair_script_share"] for row in found] == pytest.approx([4 / 12, 1, 4 / 7])
    assert scored(rows, other="xxx")[0]["pair_script_share"] is None


def test_words_of_scripts_without_spaces_are_estimated() -> None:
    english, thai = "The children of the school went to the market to buy fruit", "นักเรียนไปตลาดเพื่อซื้อผลไม้"
    batch = each_side(pairs([(english, thai)], "eng_Latn", "tha_Thai"), lambda side: Result(score_batch(side))).rows
    (row,) = score_pairs(batch).to_pylist()
    assert row["pair_word_ratio"] == pytest.approx(row["src_q_n_words"] / row["tgt_q_n_words"])
    assert row["pair_word_ratio"] < 3 < len(english.split()) / len(thai.split())


def test_lengths_are_compared_with_the_usual_ratio_of_the_direction() -> None:
    chinese, english = "孩子们" * 10, "x" * 93
    (row,) = scored([(english, chinese)], other="zho_Hans")
    assert row["pair_length_ratio"] == pytest.approx(3.1)
    assert row["pair_length_factor_ratio"] == pytest.approx(1, abs=0.01)
    assert scored([(english, chinese)], other="xxx_Latn")[0]["pair_length_factor_ratio"] is None


def test_length_factors_are_found_under_other_names_and_by_script() -> None:
    factors = length_factors()
    assert factors["eng_Latn"] == 1
    assert len(factors) > 120
    assert factor_of("cmn_Hans") == factors["zho_Hans"]
    assert factor_of("fas_Arab") == factors["pes_Arab"]
    assert factor_of("hak_Hant") == factor_of("zho_Hant") == pytest.approx(3.12, abs=0.05)  # of Chinese and Yue
    assert math.isnan(factor_of("xxx_Latn"))
    assert math.isnan(factor_of(""))


def test_no_rows_have_the_same_columns_and_old_ones_are_replaced() -> None:
    rows = each_side(pairs(PAIRS, "eng_Latn", "tha_Thai"), lambda side: Result(score_batch(side))).rows
    made = score_pairs(rows)
    assert score_pairs(rows.slice(0, 0)).schema.equals(made.schema)
    assert score_pairs(made).equals(made)
    fields = {field.name: field.type for field in load_schema("pair").columns_of("score")}
    assert {name: made.schema.field(name).type for name in fields} == fields
    assert made.schema.names[-len(fields) :] == list(fields)
    assert pa.types.is_boolean(fields["pair_copy"])
