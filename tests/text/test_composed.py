"""Code points of decomposed text as NFC has them, and where in the text each comes from, against `unicodedata`."""

from __future__ import annotations

import unicodedata

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlcorpus.text.codepoints import code_points
from xlcorpus.text.composed import composed

TEXTS = [
    "Nước Việt Nam là một nước đẹp",
    "ẹ̀kọ́ púpọ̀ lójoojúmọ́",
    "우리 학교 도서관은 매우 크다",
    "क़लम ज़रूर पढ़ना बड़ा",
    "আমি বাংলায় গান গাই যোগ",
    "தமிழ் மொழி கொடு ஔவை",
    "آب مؤمن سائل ۀ",
    "שָׁלוֹם בְּרֵאשִׁית",
    "がぎぐげご パンダ",
    "བོད་ཡིག ཀླུ",
    "Ångström 한국 é",
    "ΐ ᾳ̈ Ώρα",
    "ဦး မြန်မာ",
    "ﬁ ① ｱﾞ",
    "plain text",
    "",
]
MARKS = "\u0301\u0323\u0308\u0304\u0327\u05b8\u05c1\u0651\u064e\u0653\u093c\u09be\u09d7\u3099\u1161\u11a8\u0345"
LETTERS = "aeoAsꞌ \u05e9\u0627\u0915\u09c7\u304b\u1100\uac00\u212b\u0958\u0f73\u0344\uf900"


def check(texts: list[str]) -> None:
    points = code_points(pa.array(texts, pa.string()))
    found, back = composed(points)
    normal = [unicodedata.normalize("NFC", text) for text in texts]
    expected = code_points(pa.array(normal, pa.string()))
    assert found.codes.tolist() == expected.codes.tolist()
    assert found.offsets.tolist() == expected.offsets.tolist()
    if back is None:
        assert found.offsets.tolist() == points.offsets.tolist()
        return
    assert (np.diff(back) >= 0).all()
    assert len(back) == len(found.codes) + 1
    assert back[found.offsets].tolist() == points.offsets.tolist()


@pytest.mark.parametrize("form", ["NFD", "NFC"])
def test_texts_of_many_scripts(form: str) -> None:
    texts = [unicodedata.normalize(form, text) for text in TEXTS]
    check(texts)
    for text in texts:
        check([text])
        if form == "NFC" and "\u05c1" not in text:  # a point of Hebrew after another might compose
            assert composed(code_points(pa.array([text])))[1] is None


@given(st.lists(st.text(st.sampled_from(MARKS + LETTERS)), max_size=4))
def test_any_order_of_letters_and_marks(texts: list[str]) -> None:
    check(texts)


@given(st.lists(st.text(), max_size=4))
def test_any_text(texts: list[str]) -> None:
    check(texts)


def test_words_are_at_the_same_place() -> None:
    words = ["Việt", "ẹ̀kọ́", "학생", "क़लम", "آب"]
    text = unicodedata.normalize("NFD", " ".join(words))
    found, back = composed(code_points(pa.array([text])))
    assert back is not None
    content = found.codes.tobytes().decode("utf-32-le")
    for word in map(str, words):
        start = content.index(unicodedata.normalize("NFC", word))
        end = start + len(unicodedata.normalize("NFC", word))
        assert text[back[start] : back[end]] == unicodedata.normalize("NFD", word)
