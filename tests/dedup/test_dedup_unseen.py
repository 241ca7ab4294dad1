"""What a reader does not see makes no text unique, in any script; what is seen does."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from tests.dedup.dedup_helpers import deduplicate, documents
from xlcorpus.dedup.signature import content_digests, shingle_texts
from xlcorpus.text import properties
from xlcorpus.text.normalize import as_seen

TEXTS = {
    "Latn": "Tiếng Việt rất đẹp và giàu hình ảnh",
    "Arab": "این متن فارسی را می‌خواهم بخوانم و بنویسم",
    "Deva": "सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता",
    "Thai": "มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกัน",
    "Hang": "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다",
    "Jpan": "すべての人間は、ガリレオの2つの自由(平等)である。ABC",
    "Hebr": "כל בני אדם נולדו בני חורין ושווים בערכם",
    "Taml": "மனிதப் பிறவியினர் சகலரும் சுதந்திரமாகவே பிறக்கின்றனர்",
    "Mong": "ᠬᠦᠮᠦᠨ ᠪᠦᠷ ᠲᠥᠷᠥᠵᠦ ᠮᠡᠨᠳᠡᠯᠡᠬᠦ ᠡᠷᠬᠡ",
    "Khmr": "មនុស្សទាំងអស់កើតមកមានសេរីភាពនិងសមភាព",
}
UNSEEN = "\u200b\u200c\u200d\u00ad\ufeff\u2060\ufe0f\U000e0101\u200e\u202a\u2066\u034f\u3164\U000e0041\x07\x7f\u180e"


def sprinkled(text: str) -> str:
    return "".join(character + UNSEEN[place % len(UNSEEN)] for place, character in enumerate(text))


CHANGES: dict[str, Callable[[str], str]] = {
    "sprinkled": sprinkled,
    "decomposed": lambda text: unicodedata.normalize("NFD", text),
    "compatibility": lambda text: unicodedata.normalize("NFKD", text),
    "between a letter and its mark": lambda text: "\u200d".join(unicodedata.normalize("NFD", text)),
    "spaces": lambda text: "\ufeff\u3000" + text.replace(" ", "\u00a0\u2003\t") + "\u2028\n",
    "byte order mark": lambda text: "\ufeff" + text,
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("script", TEXTS)
def test_a_change_that_is_not_seen_leaves_an_exact_copy(script: str, change: str) -> None:
    texts = as_seen(pa.array([TEXTS[script], CHANGES[change](TEXTS[script])]))
    digests = content_digests(texts)
    assert digests[0] == digests[1]
    values = shingle_texts(texts)
    assert values.hashes[: values.offsets[1]].tolist() == values.hashes[values.offsets[1] :].tolist()


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("ＡＢＣ　１２３", "ABC 123"),
        ("ﬁne ﬂow oﬃce", "fine flow office"),
        ("ﺍﻟﺴﻼﻡ ﻋﻠﻴﻜﻢ", "السلام عليكم"),
        ("ｶﾞｷﾞｸﾞ", "ガギグ"),
        ("①②③ ㍿ ℡", "123 株式会社 TEL"),
        ("น้ำ", "น้ํา"),
        ("⠓⠑⠇⠇⠕⠀⠺⠕⠗⠇⠙", "⠓⠑⠇⠇⠕ ⠺⠕⠗⠇⠙"),
        ("👩\u200d👧 ❤\ufe0f", "👩👧 ❤"),
        ("한국어", unicodedata.normalize("NFD", "한국어")),
    ],
)
def test_forms_of_one_character_are_one(one: str, two: str) -> None:
    digests = content_digests(as_seen(pa.array([one, two])))
    assert digests[0] == digests[1]


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("Straße", "Strasse"),
        ("Ab", "ab"),
        ("कि", "की"),
        ("é", "e"),
        ("1٫5", "15"),
        ("สระ", "สระ์"),
        ("ب", "پ"),
        ("가", "각"),
    ],
)
def test_what_is_seen_counts(one: str, two: str) -> None:
    digests = content_digests(as_seen(pa.array([one, two])))
    assert digests[0] != digests[1]


def test_nothing_unseen_is_left_and_nothing_is_normalised_twice() -> None:
    every = pa.array([chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000])
    seen = as_seen(every)
    assert as_seen(seen).equals(seen)
    unseen = properties.unseen()
    assert not any(unseen[ord(character)] for text in seen.to_pylist() for character in text)
    assert as_seen(pa.array(["a", None, ""])).to_pylist() == ["a", None, ""]


def test_unseen_changes_do_not_keep_copies_and_texts_stay_as_they_are(tmp_path: Path) -> None:
    texts = [text for script in TEXTS for text in (TEXTS[script], sprinkled(TEXTS[script]))]
    found = deduplicate(tmp_path, [documents(texts)])
    assert found.decisions["reason"].to_pylist() == ["exact_duplicate"] * len(TEXTS)
    assert found.decisions["similarity"].to_pylist() == [1.0] * len(TEXTS)
    assert found.kept["text"].to_pylist() == [sprinkled(text) for text in TEXTS.values()]  # the longer one, unchanged
