"""dict-word on text of any kind: whatever stands there, spans are in order, rows are independent, bounds hold."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.codeswitch.switch_helpers import check, documents, index_of, parts_of
from xlcorpus.codeswitch.dict_word import switch_words
from xlcorpus.codeswitch.options import CodeswitchOptions
from xlcorpus.lexicon.index import LexiconIndex

ALPHABETS = [
    "abcdeéß", "абвгїў", "αβγσς", "კწყალი", "הבגםן", "ابتثجآ", "कखगािु्", "কখগিো", "தமிழ்", "กขคาิ่", "ກຂຄາ",
    "កខគ្ាិ", "ကခဂာိ", "我爱水火山", "かなカナー", "가나다", "ሀለሐመ", "བོདསྐ་", "ނަކީ", "ߊߋߌ",
]  # fmt: skip
WORDS = st.sampled_from(ALPHABETS).flatmap(lambda letters: st.text(letters, min_size=1, max_size=6))
CASED = st.sampled_from(ALPHABETS[:3]).flatmap(lambda letters: st.text(letters + letters.upper(), max_size=6))
ODD = st.sampled_from(
    ["👩\u200d🚀", "❤\ufe0f", "🇫🇷", "👍🏽", "\u0301", "e\u0301\u0323", "\u200d", "\u200c", "\u200f", "\u202e", "\ufeff",
     "\0", "\r\n", "\r", "\x0b", "\u2028", "\u00ad", "\ufffd", "\U0010ffff", "'", "’", "-", "१२", "٣", "x²", "Ⅻ", "ǅ",
     "İ"]
)  # fmt: skip
TECHNICAL = [
    "https://a.b/c?d=e&f", "www.a.b", "a.b@c.d", "3.14", "1,000", "a1", "१२३", "<b>", "&amp;", "a_b", "C:\\a\\b",
    "#a", "a.b", "`a b`", "$a", "a()", "ab::cd", "/a/b",
]  # fmt: skip
ANY = st.text(max_size=30) | st.lists(WORDS | CASED | ODD | st.just(" "), max_size=12).map("".join)


def index_of_words(texts: list[str], *langs: str) -> LexiconIndex:
    """Every other word of the texts, and every Chinese character: much is found, not all."""
    found = {word for text in texts for word in regex.findall(r"[\p{L}\p{M}]+", text) + regex.findall(r"\p{Han}", text)}
    some = [word for word in sorted(found) if len(word) % 2 or len(word) > 3]
    entries = [(word, tgt) for word in some for tgt in ("Zü", "水", "two words")]
    return index_of([(src, tgt, "aaa_Latn", lang) for lang in langs for src, tgt in [*entries, ("qqq", "x")]])


def original_places(row: dict[str, Any]) -> list[tuple[int, int]]:
    """Start and end of each span in cs_target."""
    places, moved = [], 0
    for span in row["cs_spans"]:
        size = len(span["src_token"])
        places.append((span["start"] - moved, span["start"] - moved + size))
        moved += span["end"] - span["start"] - size
    return places


@settings(max_examples=150)
@given(
    texts=st.lists(st.none() | ANY, max_size=8),
    ratio=st.sampled_from([0.05, 0.35, 1.0]),
    langs=st.integers(1, 2),
    nulls=st.sets(st.integers(0, 7)),
)
def test_any_text(texts: list[str | None], ratio: float, langs: int, nulls: set[int]) -> None:
    index = index_of_words([text for text in texts if text], "bbb", "ccc")
    labels = [None if row in nulls else "aaa_Latn" for row in range(len(texts))]
    batch = documents(texts, labels)
    chosen = CodeswitchOptions(ratio=ratio, max_langs=langs)
    made = switch_words(batch, index, chosen)
    rows = check(batch, *parts_of(made))
    for row in rows:
        places, source = original_places(row), row["cs_target"]
        assert all(a < b for a, b in places)
        assert all(end <= start for (_, end), (start, _) in pairwise(places))
        assert [source[a:b] for a, b in places] == [span["src_token"] for span in row["cs_spans"]]
        assert len(places) <= max(1, int(np.floor(ratio * row["cs_words"] + 0.5)))
        assert row["cs_ratio"] == pytest.approx(len(places) / row["cs_words"])
        assert row["cs_ratio"] <= row["cs_coverage"] <= 1
        assert not any(regex.search(r"\p{N}", span["src_token"]) for span in row["cs_spans"])
        assert not any(regex.fullmatch(r"[\p{M}\u200c\u200d]+", span["src_token"]) for span in row["cs_spans"])
    alone = [switch_words(batch.slice(row, 1), index, chosen) for row in range(len(batch))]
    assert [row for part in alone for row in part.rows.to_pylist()] == rows
    assert [row for part in alone for row in parts_of(part)[1].to_pylist()] == parts_of(made)[1].to_pylist()


@settings(max_examples=100)
@given(parts=st.lists(st.tuples(WORDS, st.sampled_from(TECHNICAL) | st.none()), min_size=1, max_size=12))
def test_technical_stretches_stay_whatever_is_around(parts: list[tuple[str, str | None]]) -> None:
    pieces, technical, at = [], [], 0
    for word, sign in parts:
        for piece in (word, *([] if sign is None else [sign])):
            if piece is sign:
                technical.append((at, at + len(piece)))
            pieces.append(piece)
            at += len(piece) + 1
    text = " ".join(pieces)
    index = index_of_words([text], "bbb")
    batch = documents([text], "aaa_Latn")
    made = switch_words(batch, index, CodeswitchOptions(ratio=1.0))
    for row in check(batch, *parts_of(made)):
        for start, end in original_places(row):
            assert not any(a < end and start < b for a, b in technical)


@settings(max_examples=100)
@given(
    text=st.lists(WORDS | CASED, min_size=1, max_size=12).map(" ".join),
    edges=st.lists(st.tuples(st.integers(-3, 60), st.integers(-3, 60)), max_size=4),
)
def test_named_spans_stay(text: str, edges: list[tuple[int, int]]) -> None:
    kind = pa.list_(pa.struct([("start", pa.int32()), ("end", pa.int32())]))
    column = pa.array([[{"start": a, "end": b} for a, b in edges]], kind)
    batch = documents([text], "aaa_Latn", named_spans=column)
    made = switch_words(batch, index_of_words([text], "bbb"), CodeswitchOptions(ratio=1.0))
    for row in check(batch, *parts_of(made)):
        for start, end in original_places(row):
            assert not any(max(a, 0) < end and start < b for a, b in edges if a < b)


@settings(max_examples=80)
@given(words=st.lists(st.sampled_from(ALPHABETS[:3]).flatmap(lambda a: st.text(a, min_size=1, max_size=5)), min_size=1))
def test_case_is_carried_over(words: list[str]) -> None:
    targets = ("straße", "iPad", "ёлка", "水x")
    index = index_of(
        [(word, tgt, "aaa_Latn", "bbb_Latn") for word in words for tgt in targets] + [("qqq", "x", "aaa_Latn", "bbb")]
    )
    text = " ".join(form for word in words for form in (word, word[0].upper() + word[1:], word.upper()))
    batch = documents([text], "aaa_Latn")
    made = switch_words(batch, index, CodeswitchOptions(ratio=1.0), seed=3)
    for row in check(batch, *parts_of(made)):
        for span in row["cs_spans"]:
            src, new = span["src_token"], span["new_token"]
            if src[0] == src[0].lower():
                wanted = set(targets)
            elif len(src) > 1 and all(c != c.lower() for c in src):
                wanted = {tgt.upper() for tgt in targets}
            else:
                wanted = {tgt[0].upper() + tgt[1:] for tgt in targets}
            assert new in wanted


@pytest.mark.parametrize(
    "text",
    ["thehouse", "a", "a ", "a'", "水", "我爱水", "กขา", "\u0301", "https://a.b/c ", "`", "` ", "<", "<a ", "<script>",
     "</script ", "```~~~ ", "{\n", "@", "a.", "\0", "👩\u200d🚀", "a() ", "<code a"]
)  # fmt: skip
def test_long_runs_of_one_thing(text: str) -> None:
    """200,000 characters of it: what takes time by the square would not end."""
    batch = documents([text * (200_000 // len(text)), "a 水 b"], "aaa_Latn")
    index = index_of([(src, tgt, "aaa", "bbb") for src in ("a", "水", "水水水", "กข", "我") for tgt in ("x", "yy")])
    made = switch_words(batch, index, CodeswitchOptions(), seed=5)
    check(batch, *parts_of(made))
    assert made.rows.num_rows >= 1


def test_parts_of_emoji_are_no_words() -> None:
    batch = documents(["👩\u200d🚀 water ❤\ufe0f 🏴\u200d☠\ufe0f \u0301 \u200c"])
    made = switch_words(batch, index_of([("water", "Wasser", "eng_Latn", "deu_Latn")]), CodeswitchOptions())
    assert made.rows["cs_words"].to_pylist() == [1]


def test_turkish_capital_i_is_that_of_the_dotless_one() -> None:
    entries = [("ışık", "light", "tur_Latn", "eng_Latn"), ("Iğdır", "Igdir", "tur_Latn", "eng_Latn")]
    entries += [("ılık", "warm", "tur_Latn", "eng_Latn"), ("isim", "name", "tur_Latn", "eng_Latn")]
    batch = documents(["IŞIK Işık ılık ILIK Iğdır IĞDIR İsim İSİM ısım Isim"], "tur_Latn")
    made = switch_words(batch, index_of(entries), CodeswitchOptions(ratio=1.0))
    rows = check(batch, *parts_of(made))
    assert rows[0]["cs_source"] == "LIGHT Light warm WARM Igdir IGDIR Name NAME ısım Isim"
    english = documents(["Isik IN it"], "eng_Latn")
    made = switch_words(
        english, index_of([("in", "içinde", "eng", "tur"), ("it", "o", "eng", "tur")]), CodeswitchOptions(ratio=1.0)
    )
    assert made.rows["cs_source"].to_pylist() == ["Isik İÇİNDE o"]
