"""Signals: values computed by hand, equality with slow loops, edge cases, independence of the batch."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.quality.quality_helpers import documents
from tests.quality.quality_slow import slow_signals
from tests.rows import records
from tests.text.text_reference import lines_of, pieces
from tests.text.text_reference import texts as any_texts
from xlcorpus.dataset.schema import load_schema
from xlcorpus.errors import UserError
from xlcorpus.quality.character_classes import class_table
from xlcorpus.quality.lines import find_lines
from xlcorpus.quality.signals import score_batch, signal_fields
from xlcorpus.quality.weighed_tokens import shown_tokens
from xlcorpus.text import slices as texts_module
from xlcorpus.text.codepoints import code_points
from xlcorpus.text.hashes import SpanHasher, code_values, hash_spans
from xlcorpus.text.repeats import repeated
from xlcorpus.text.words import count_words, tokens

NAMES = [field.name for field in signal_fields()]

LATIN = "The cat sat. The cat ran!\n\n- one\n- two...\nSee https://a.org/b"
HINDI = "राम घर गया। राम घर आया।\nक्या १२ लोग थे?"
THAI = "แมวกินปลา\nแมวกินปลา"
CHINESE = "我爱北京。你爱北京吗？\n他说：“好！”"
ARABIC = "ذهب الولد. هل عاد؟\nنعم، عاد…"
AMHARIC = "ሰላም ነው። ሰላም ነው፡ ለምን፧"

# Computed by hand; the comments count.
GOLDEN: list[tuple[str, dict[str, float]]] = [
    (
        LATIN,
        {
            "q_n_bytes": 61,
            "q_n_chars": 61,
            # The cat sat The cat ran one two See https a org b
            "q_n_words": 13,
            "q_n_lines": 4,
            # sat. ran! two...   (a.org is followed by a letter)
            "q_n_sentences": 3,
            "q_mean_word_length": 37 / 13,
            "q_symbol_word_ratio": 1 / 13,
            # symbols: . ! - - ... :// . /
            "q_alpha_word_ratio": 13 / 21,
            "q_bullet_line_ratio": 2 / 4,
            "q_ellipsis_line_ratio": 1 / 4,
            "q_line_punct_ratio": 2 / 4,
            "q_short_line_ratio": 1.0,
            "q_newline_word_ratio": 4 / 13,
            # "The cat" twice, 7 characters each
            "q_top_2_gram_char_ratio": 14 / 61,
            "q_top_3_gram_char_ratio": 0.0,
            # https://a.org/b
            "q_url_char_ratio": 15 / 61,
            # 15 of the 19 characters of the last line
            "q_link_line_ratio": 1 / 4,
            "q_digit_ratio": 0.0,
        },
    ),
    (
        HINDI,
        {
            "q_n_chars": 39,
            "q_n_words": 10,
            "q_n_lines": 2,
            "q_n_sentences": 3,
            # राम 3 घर 2 गया 3 राम 3 घर 2 आया 3 क्या 4 १२ 2 लोग 3 थे 2
            "q_mean_word_length": 27 / 10,
            # nine words with letters (१२ has none), three symbols
            "q_alpha_word_ratio": 9 / 13,
            "q_digit_ratio": 2 / 39,
            "q_line_punct_ratio": 1.0,
            # राम घर twice, 6 characters each
            "q_top_2_gram_char_ratio": 12 / 39,
        },
    ),
    (
        THAI,
        {
            "q_n_chars": 19,
            # 18 letters and marks / 4.8 = 3.75
            "q_n_words": 4,
            "q_mean_word_length": 4.8,
            "q_n_sentences": 0,
            "q_n_lines": 2,
            "q_dup_line_ratio": 1 / 2,
            "q_dup_line_char_ratio": 9 / 19,
            "q_char_dup_ratio": 9 / 18,
            # two words are 10 letters: more than the repeated line has
            "q_top_2_gram_char_ratio": 0.0,
            "q_alpha_word_ratio": 1.0,
            "q_newline_word_ratio": 1 / 3.75,
        },
    ),
    (
        CHINESE,
        {
            "q_n_chars": 19,
            # 12 letters / 1.7 = 7.06
            "q_n_words": 7,
            "q_mean_word_length": 1.7,
            # 。 ？ ！
            "q_n_sentences": 3,
            "q_line_punct_ratio": 1.0,
            # 7.06 words; runs of symbols: 。 ？ ：“ ！”
            "q_alpha_word_ratio": (12 / 1.7) / (12 / 1.7 + 4),
            # two words are 3 characters: 爱北京 twice
            "q_top_2_gram_char_ratio": 6 / 19,
        },
    ),
    (
        ARABIC,
        {
            "q_n_chars": 28,
            "q_n_words": 6,
            # . ؟ …
            "q_n_sentences": 3,
            "q_ellipsis_line_ratio": 1 / 2,
            "q_line_punct_ratio": 1.0,
            "q_symbol_word_ratio": 1 / 6,
            # ذهب 3 الولد 5 هل 2 عاد 3 نعم 3 عاد 3
            "q_mean_word_length": 19 / 6,
            "q_alpha_word_ratio": 6 / 10,
        },
    ),
    (
        AMHARIC,
        {
            "q_n_chars": 20,
            "q_n_words": 5,
            # ። ፧, and not the word space ፡
            "q_n_sentences": 2,
            "q_alpha_word_ratio": 5 / 7,
            # ሰላም 3 ነው 2 ሰላም 3 ነው 2 ለምን 3
            "q_mean_word_length": 13 / 5,
            # ሰላም ነው twice, 6 characters each
            "q_top_2_gram_char_ratio": 12 / 20,
            "q_line_punct_ratio": 1.0,
        },
    ),
    (
        # 5-grams: a b c d e at 0 and 5: the second is one; also its 6-gram a b c d e x does not repeat.
        "a b c d e a b c d e x",
        {
            "q_dup_5_gram_char_ratio": 5 / 21,
            "q_dup_6_gram_char_ratio": 0.0,
            "q_top_2_gram_char_ratio": 6 / 21,
            "q_top_4_gram_char_ratio": 14 / 21,
        },
    ),
    (
        # Overlapping 5-grams of one word: all words but the first are under some repeated one.
        "ha ha ha ha ha ha ha",
        {"q_dup_5_gram_char_ratio": 12 / 20, "q_top_2_gram_char_ratio": 1.0, "q_dup_6_gram_char_ratio": 12 / 20},
    ),
    (
        "One.\nTwo.\n\nOne.\nTwo.\n \nOne.",
        {"q_n_lines": 5, "q_dup_line_ratio": 3 / 5, "q_dup_para_ratio": 1 / 3, "q_dup_para_char_ratio": 9 / 27},
    ),
    (
        "Lorem IPSUM { } {\nWe use Cookies\nEnable JavaScript",
        {
            "q_lorem_ipsum": 1,
            "q_curly_brackets": 2,
            "q_policy_line_ratio": 1 / 3,
            "q_javascript_line_ratio": 1 / 3,
        },
    ),
    (
        "* [पुस्तक](https://x.org/1)\n* [書](b.md#k) - 作者\n[not](closed\nwww.a.b",
        {"q_link_line_ratio": 3 / 4, "q_url_char_ratio": (15 + 6 + 7) / 67},
    ),
    ("a\x00b\ufffd", {"q_control_char_ratio": 2 / 4}),
]


def signals(texts: list[str | None]) -> list[dict[str, float]]:
    return score_batch(documents(texts)).select(NAMES).to_pylist()


def assert_equal(got: dict[str, float], wanted: dict[str, float], text: str) -> None:
    for name, value in wanted.items():
        assert got[name] == pytest.approx(value, rel=1e-6, abs=1e-7), (name, text[:200])


@pytest.mark.parametrize("case", range(len(GOLDEN)))
def test_values_computed_by_hand(case: int) -> None:
    text, wanted = GOLDEN[case]
    assert_equal(signals([text])[0], wanted, text)
    assert_equal(slow_signals(text), wanted, text)


PIECES = [
    *"aAbwWहไก้漢字かカー한국ِب።་ེ1٣²़्\u200d\u200c\u0301é€#-•.…!?。।؟\"'»”)(][{}/:\\<>\x00\x85\u2028\t\r\n ",
    *(
        "://",
        "http://",
        "www.",
        "](",
        "...",
        "\n\n",
        "\n\n",
        "  ",
        "ab cd ",
        "ab cd ",
        "漢字字漢",
        "ภาษา",
        "ภาษา",
        "ਹੈ |",
        "क|",
        "\u200b",
        "\u00ad",
        "\u200d",
        "👩\u200d👧\ufe0f",
        "😀",
        "\ufffd",
    ),
    *("lorem ipsum", "JavaScript", "use cookies", "\U0010ffff", "[a](b)", "।।", "x\n", "x\n", "y.\n\n"),
]
LINE_SIGNALS = [
    *("q_n_lines", "q_n_sentences", "q_line_punct_ratio", "q_bullet_line_ratio", "q_ellipsis_line_ratio"),
    *("q_short_line_ratio", "q_dup_line_ratio", "q_dup_para_ratio"),
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=60).map("".join) | st.text(max_size=40)


@settings(max_examples=120, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=6))
def test_equal_to_slow_loops_on_random_texts(texts: list[str]) -> None:
    for got, text in zip(signals(texts), texts, strict=True):
        assert_equal(got, slow_signals(text), text)


REPETITIVE = st.lists(st.sampled_from(["a", "b", "ก", "ก้", "漢", "字", "c d"]), max_size=90)


@settings(max_examples=80, deadline=None)
@given(REPETITIVE, st.sampled_from([" ", "", "\n"]))
def test_equal_to_slow_loops_on_repetitive_texts(parts: list[str], between: str) -> None:
    text = between.join(parts)
    assert_equal(signals([text, text])[1], slow_signals(text), text)


def test_equal_to_slow_loops_on_real_documents(shared_data: Path) -> None:
    """40 documents of crawl/, every 50th, cut to 3,000 characters: the loops take a second for 60,000."""
    docs = records(shared_data / "crawl" / "docs.jsonl.gz")[::56]
    texts = [doc["text"][:3000] for doc in docs]
    assert len(texts) == 40
    for got, text in zip(signals(texts), texts, strict=True):
        assert_equal(got, slow_signals(text), text)


def test_a_document_alone_scores_as_in_a_batch(shared_data: Path) -> None:
    docs = records(shared_data / "crawl" / "docs.jsonl.gz")[:300]
    texts = [doc["text"] for doc in docs]
    whole = score_batch(documents(texts)).select(NAMES)
    backwards = score_batch(documents(texts[::-1])).select(NAMES)
    assert backwards.take(pa.array(range(len(texts))[::-1])).equals(whole)
    for row in range(0, len(texts), 7):
        assert score_batch(documents(texts[row : row + 1])).select(NAMES).equals(whole.slice(row, 1)), row


@settings(max_examples=60, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=8), st.integers(1, 40))
def test_where_pieces_are_cut_does_not_matter(texts: list[str], size: int) -> None:
    whole = signals(texts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(texts_module, "PIECE_BYTES", size)
        assert signals(texts) == whole


LONG = 1_000_000
EDGES: dict[str, str | None] = {
    "null": None,
    "empty": "",
    "one letter": "a",
    "one Thai letter": "ก",
    "one line feed": "\n",
    "one mark": "\u0301",
    "spaces": " " * 1000,
    "emoji": "😀👍🏽👨‍👩‍👧" * 50,
    "no letters": "123 456 --- !!! ... 7.8",
    "dots": "." * 999,
    "a million letters": "a" * LONG,
    "a million words": "a bc def ghij " * (LONG // 14),
    "many Thai letters": "ก" * (LONG // 20),
    "many line feeds": "\n" * (LONG // 5),
    "many brackets": "[" * (LONG // 20) + "](x)" * (LONG // 50),
    "a long indent": "x\n" + " " * 5000 + "y" + " " * 5000 + "\nz",
}


@pytest.mark.parametrize(
    ("plain", "sign"),
    [
        ("ភាសា ខ្មែរ និង អក្សរ", "\u200b"),
        ("ภาษาไทย และ อักษร", "\u200b"),
        ("မြန်မာ ဘာသာ", "\u200b"),
        ("Silben trennung im Wort", "\u00ad"),
        ("می خواهم بروم", "\u200c"),
        ("ക്ഷ മലയാളം", "\u200d"),
        ("שלום עולם", "\u200f"),
        ("word joined here", "\u2060"),
    ],
)
def test_what_shows_nothing_is_no_symbol(plain: str, sign: str) -> None:
    marked = plain.replace(" ", f"{sign} {sign} ") + f" !{sign}!"
    assert signals([marked])[0]["q_alpha_word_ratio"] == signals([plain + " !!"])[0]["q_alpha_word_ratio"]


@pytest.mark.parametrize(
    "line", ["שלום עולם.", "كيف حالك؟", "ចប់។", "It rained!", "ਉਹ ਆਇਆ |", "「终于。」", "• ‏רשימה", "Ok…"]
)
@pytest.mark.parametrize("sign", ["\u200f", "\u200b", "\ufeff", "\u00ad\u202c", "\u2060 \u200e"])
def test_what_shows_nothing_at_the_ends_of_a_line_is_looked_past(line: str, sign: str) -> None:
    plain, marked = signals([f"{line}\n\n{line}\nNo 1", f"{sign}{line}{sign}\n{sign}\n{line}{sign}\nNo 1{sign}"])
    assert {name: marked[name] for name in LINE_SIGNALS} == {name: plain[name] for name in LINE_SIGNALS}


@pytest.mark.parametrize("emoji", ["👨\u200d👩\u200d👧", "❤\ufe0f", "🏳\ufe0f\u200d🌈", "✋\u200d"])
def test_an_emoji_of_several_characters_is_one_symbol(emoji: str) -> None:
    (found,) = signals([f"one two {emoji} three"])
    assert (found["q_n_words"], found["q_alpha_word_ratio"]) == (3, 0.75)


@pytest.mark.parametrize("text", ["ਉਹ ਘਰ ਗਿਆ |\nਉਹ ਆਇਆ|", "नदी बढ़ गई |\nहाँ ||", "নদী বেড়ে গেল৷\nসে বলল “হ্যাঁ|”"])
def test_a_bar_for_a_danda_ends_lines_and_sentences(text: str) -> None:
    (found,) = signals([text])
    assert (found["q_line_punct_ratio"], found["q_n_sentences"]) == (1, 2)
    (table,) = signals(["| a | ਘਰ|ਬਾਹਰ\nThe end |"])
    assert (table["q_line_punct_ratio"], table["q_n_sentences"]) == (0, 0)


def test_edge_cases_are_finite_without_warnings() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scored = score_batch(documents(list(EDGES.values())))
    unbounded = {"q_newline_word_ratio", "q_symbol_word_ratio"}
    for field in signal_fields():
        values = scored.column(field.name).to_numpy()
        assert np.isfinite(values).all(), field.name
        assert (values >= 0).all(), field.name
        if field.name.endswith("_ratio") and field.name not in unbounded:
            assert (values <= 1).all(), field.name
    for row, text in enumerate(EDGES.values()):
        if len(text or "") <= 1000:
            assert_equal(scored.slice(row, 1).select(NAMES).to_pylist()[0], slow_signals(text or ""), text or "")


def test_types_and_order_are_those_of_the_schema() -> None:
    scored = score_batch(documents(["x"]))
    schema = load_schema("quality")
    schema.check(scored.schema, "test")
    assert scored.schema.names == ["doc_id", "origin", "text", *NAMES]
    assert {field.type for field in signal_fields()} == {pa.int32(), pa.int64(), pa.float32()}
    assert all(name.startswith("q_") for name in NAMES)
    assert set(slow_signals("x")) == set(NAMES)


def test_scoring_again_replaces() -> None:
    batch = documents(["One two. One two.", "ก"], q_n_words=["old", "old"], note=["kept", "too"])
    once = score_batch(batch)
    assert once.schema.names == ["doc_id", "origin", "text", "note", *NAMES]
    assert score_batch(once).equals(once)
    assert score_batch(once).schema.equals(once.schema, check_metadata=True)


def test_no_rows_large_strings_and_slices() -> None:
    batch = documents(["a b", "c", "d e f"])
    assert score_batch(batch.slice(0, 0)).num_rows == 0
    assert score_batch(batch.slice(0, 0)).schema.equals(score_batch(batch).schema)
    large = batch.set_column(2, "text", batch["text"].cast(pa.large_string()))
    assert score_batch(large).select(NAMES).equals(score_batch(batch).select(NAMES))
    assert score_batch(batch.slice(1, 2)).equals(score_batch(batch).slice(1, 2))


def test_no_text_column() -> None:
    with pytest.raises(UserError, match="text"):
        score_batch(documents(["a"]).drop_columns(["text"]))
    with pytest.raises(UserError, match="int64"):
        score_batch(pa.RecordBatch.from_pydict({"text": [1]}))


@given(st.lists(st.one_of(TEXTS, any_texts()), max_size=6))
@example(["a\nb", "\n", "", " \t\n x \n\n", "c\r\nd\u2028e\n", "last"])
@example([])
@example([""])
@example(["", " \n\t", "\u3000"])
def test_lines_are_those_of_split(texts: list[str]) -> None:
    points = code_points(pa.array(texts, pa.string()))
    lines = find_lines(points).spans
    assert pieces(texts, lines) == [lines_of(text) for text in texts]
    assert lines.per_text.tolist() == [len(lines_of(text)) for text in texts]


@settings(max_examples=80, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=6))
def test_words_and_hashes_are_those_of_text(texts: list[str]) -> None:
    points = code_points(pa.array(texts, pa.string()))
    spans = tokens(points)
    hasher = SpanHasher(code_values()[points.codes])
    assert (hasher.hash(spans.starts, spans.ends) == hash_spans(points.codes, spans.starts, spans.ends)).all()
    words = np.rint(count_words(points, shown_tokens(points, class_table()[points.codes]))).astype(int).tolist()
    assert [row["q_n_words"] for row in signals(texts)] == words


def test_hashes_across_blocks() -> None:
    codes = np.tile(np.arange(7, dtype=np.uint32), 40_000)
    hasher = SpanHasher(code_values()[codes])
    starts = np.array([0, 7, 65_534, 65_541, 131_070, 200_002])
    got = hasher.hash(starts, starts + 70)
    phase = starts % 7
    for i in range(len(starts)):
        for j in range(len(starts)):
            assert (got[i] == got[j]) == (phase[i] == phase[j])


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 12), max_size=80), st.sampled_from([1, 1 << 20, 0x9E3779B97F4A7C15]))
def test_repeated_groups(numbers: list[int], spread: int) -> None:
    """Multiplied by 1 or 2^20, different keys share their upper 40 bits: the packed sort must notice."""
    keys = np.array(numbers, dtype=np.uint64) * np.uint64(spread)
    members, starts = repeated(keys)
    groups = [group.tolist() for group in np.split(members, starts)[1:]] if len(members) else []
    wanted = [[i for i, n in enumerate(numbers) if n == number] for number in set(numbers)]
    assert sorted(groups) == sorted(group for group in wanted if len(group) > 1)
