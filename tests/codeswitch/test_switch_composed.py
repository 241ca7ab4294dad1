"""Canonically equal texts find the same entries, and are switched at the same words: many scripts, composed or not."""

from __future__ import annotations

import unicodedata

import pytest

from tests.codeswitch.switch_helpers import check, documents, index_of, parts_of
from xlcorpus.codeswitch.dict_word import switch_words
from xlcorpus.codeswitch.options import CodeswitchOptions

TWINS = [
    ("vie_Latn", "Nước Việt Nam là một nước đẹp", {"nước": "country", "đẹp": "fine"}, 3),
    ("yor_Latn", "Ọmọ náà ń ka ìwé ní ilé ẹ̀kọ́", {"ìwé": "book", "ẹ̀kọ́": "lesson"}, 2),
    ("kor_Hang", "학생 모두가 친구 집에 간다", {"학생": "student", "친구": "friend"}, 2),
    ("hin_Deva", "बड़ा क़लम पढ़ना", {"क़लम": "pen", "बड़ा": "big"}, 2),
    ("ben_Beng", "আমি গোলাপ ভালোবাসি", {"গোলাপ": "rose"}, 1),
    ("tam_Taml", "அது ஒரு கொடி ஔவை", {"கொடி": "flag"}, 1),
    ("arb_Arab", "هذا قُرْآنٌ و مَدَّ", {"قُرْآنٌ": "reading", "مَدَّ": "stretched"}, 2),
    ("heb_Hebr", "שָׁלוֹם לכם", {"שָׁלוֹם": "peace"}, 1),
    ("ell_Grek", "Η ΏΡΑ είναι εννέα και η ώρα", {"ώρα": "hour"}, 2),
    ("jpn_Jpan", "私はパンダが好きです", {"パンダ": "panda", "好き": "like"}, 2),
    ("bod_Tibt", "འདི་ཀླུ་ཡིན", {"ཀླུ": "naga"}, 1),
    ("rus_Cyrl", "Ёлка и чай, Йод", {"ёлка": "fir", "чай": "tea", "йод": "iodine"}, 3),
]


def reversed_marks(text: str) -> str:
    """Marks of different classes behind one letter in the other order, as keyboards may type them: equal too."""
    letters: list[str] = []
    for one in unicodedata.normalize("NFD", text):
        last = letters[-1] if letters else " "
        if unicodedata.combining(one) > unicodedata.combining(last[-1]) > 0:
            letters[-1:] = [one, last]
        else:
            letters.append(one)
    return "".join(letters)


@pytest.mark.parametrize(("lang", "text", "words", "count"), TWINS, ids=[twin[0] for twin in TWINS])
def test_equal_texts_are_switched_alike(lang: str, text: str, words: dict[str, str], count: int) -> None:
    index = index_of([(src, tgt, lang, "eng_Latn") for src, tgt in words.items()])
    forms = [unicodedata.normalize(form, text) for form in ("NFC", "NFD")] + [reversed_marks(text)]
    for together in (False, True):  # beside composed texts, and alone
        batch = documents([*forms, "plain"] if together else forms[1:], lang)
        made, decisions = parts_of(switch_words(batch, index, CodeswitchOptions(ratio=1.0)))
        switched = check(batch, made, decisions)
        assert len(switched) == (3 if together else 2)
        for row in switched:
            assert len(row["cs_spans"]) == count
            assert {span["new_token"].lower() for span in row["cs_spans"]} == set(words.values())
        results = {
            (unicodedata.normalize("NFC", row["cs_source"]), row["cs_words"], row["cs_coverage"]) for row in switched
        }
        assert len(results) == 1


def test_capitals_are_counted_by_letter() -> None:
    index = index_of([("école", "school", "fra_Latn", "eng_Latn")])
    batch = documents([unicodedata.normalize("NFD", "L ÉCOLE École école")], "fra_Latn")
    made, _ = parts_of(switch_words(batch, index, CodeswitchOptions(ratio=1.0)))
    assert [span["new_token"] for span in made["cs_spans"][0].as_py()] == ["SCHOOL", "School", "school"]


def test_named_spans_are_those_of_the_text_as_it_is_written() -> None:
    text = unicodedata.normalize("NFD", "Việt nước Việt nước")
    index = index_of([("nước", "country", "vie_Latn", "eng_Latn"), ("việt", "viet", "vie_Latn", "eng_Latn")])
    first = text.index(" ")
    spans = [[{"start": 0, "end": first}]]
    batch = documents([text], "vie_Latn", named_spans=spans)
    made, _ = parts_of(switch_words(batch, index, CodeswitchOptions(ratio=1.0, named_spans="named_spans")))
    assert [span["new_token"] for span in made["cs_spans"][0].as_py()] == ["country", "Viet", "country"]
