"""dict-word on sentences in several scripts: what is a word, what is left alone, and the case of what replaces it."""

from __future__ import annotations

import pyarrow as pa
import pytest

from tests.codeswitch.switch_helpers import check, direction, documents, index_of, parts_of
from xlcorpus.codeswitch.dict_word import switch_words
from xlcorpus.codeswitch.options import CodeswitchOptions
from xlcorpus.errors import UserError

ALL = CodeswitchOptions(ratio=1.0)
GERMAN = direction(
    "eng_Latn",
    "deu_Latn",
    the="das",
    house="Haus",
    is_="",
    old="alt",
    water="Wasser",
    polish="polieren",
    Polish="polnisch",
    I="ich",
    see="sehen",
    **{"don't": "nicht", "don": "Don", "is": "ist", "can": "Dose"},
)


def switched(text: str, entries: list[tuple[str, str, str, str]], settings: CodeswitchOptions = ALL) -> str:
    """The switched text, or the reason why there is none."""
    batch = documents([text], entries[0][2])
    made, decisions = parts_of(switch_words(batch, index_of(entries), settings))
    rows = check(batch, made, decisions)
    return rows[0]["cs_source"] if rows else decisions["reason"][0].as_py()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("the house is old", "das Haus ist alt"),
        ("The HOUSE, is (old)!", "Das HAUS, ist (alt)!"),
        ("THE Old House's water", "DAS Alt Haus's Wasser"),
        ("polish the Polish house", "polieren das polnisch Haus"),
        ("I see", "ich sehen"),
        ("I don't, I DON’T see can't", "ich nicht, ich NICHT sehen can't"),
        ("old-house x2 2old 3.5 the", "alt-Haus x2 2old 3.5 das"),
        ("\n the  \t old\u00a0house \n", "\n das  \t alt\u00a0Haus \n"),
    ],
)
def test_english_to_german(text: str, wanted: str) -> None:
    assert switched(text, GERMAN) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "https://the.old/house",
        "see.the.house@old.org",
        "www.house.org",
        "the_house",
        "#house",
        "<b class='the old'>",
        "`the old house`",
        "```\nthe old house\n```",
        "<script>the old</script>",
        "if (house) { the(old);\n}",
        "\\house{}",
        "house()",
        "C:\\old\\house",
        "/old/house",
        "$house",
        "&old;",
    ],
)
def test_technical_stretches_are_left_alone(text: str) -> None:
    assert switched(f"{text}\nwater", GERMAN) == f"{text}\nWasser"


def test_prose_beside_technical_stretches_is_switched() -> None:
    assert switched("the <i>old</i> house (https://the.old) is a/old", GERMAN).startswith("das ")
    assert switched("see the house. the water; old: house", GERMAN) == "sehen das Haus. das Wasser; alt: Haus"


def test_named_spans_are_left_alone() -> None:
    spans = [[{"start": 4, "end": 9, "name": "HOUSE"}], None, [{"start": 1, "end": 2, "name": "?"}, None]]
    kind = pa.list_(pa.struct([("start", pa.int32()), ("end", pa.int32()), ("name", pa.string())]))
    batch = documents(["the house old"] * 3, named_spans=pa.array(spans, kind))
    made, decisions = parts_of(switch_words(batch, index_of(GERMAN), ALL))
    rows = check(batch, made, decisions)
    assert [row["cs_source"] for row in rows] == ["das house alt", "das Haus alt", "the Haus alt"]
    with pytest.raises(UserError, match="named spans"):
        switch_words(documents(["the"], named_spans=pa.array(["x"])), index_of(GERMAN), ALL)


@pytest.mark.parametrize(
    ("text", "lang", "words", "wanted"),
    [
        ("Das Wasser ist KALT.", "deu_Latn", {"wasser": "woda", "kalt": "zimny"}, "Das Woda ist ZIMNY."),
        ("Straße und STRASSE", "deu_Latn", {"straße": "ulica", "und": "i"}, "Ulica i STRASSE"),
        ("Вода и Огонь", "rus_Cyrl", {"вода": "water", "огонь": "fire"}, "Water и Fire"),
        ("पानी ठंडा है।", "hin_Deva", {"पानी": "water", "है": "is"}, "water ठंडा is।"),
        ("الماء بارد، جدا", "arb_Arab", {"بارد": "cold", "جدا": "very"}, "الماء cold، very"),
        ("我喜欢喝水。", "zho_Hans", {"喜欢": "like", "水": "water", "喝": "drink"}, "我 like drink water。"),
        ("我喜欢喝水", "zho_Hans", {"喜欢": "любить", "喝水": "پیو"}, "我 любить پیو"),
        ("我喜欢", "zho_Hans", {"我": "私", "喜欢": "好き"}, "私好き"),
        ("แมวกินปลา", "tha_Thai", {"แมว": "cat", "ปลา": "fish", "กิน": "eat"}, "cat eat fish"),
        ("แมวกินปลา", "tha_Thai", {"แม": "mother", "ปล": "x", "ก": "y"}, "mother วกินปลา"),
        ("コーヒーを飲む", "jpn_Jpan", {"コーヒー": "coffee", "飲む": "drink"}, "coffee を drink"),
        ("l'eau aujourd’hui", "fra_Latn", {"eau": "water", "aujourd'hui": "today"}, "l'water today"),
        ("Його ім'я, м’ята", "ukr_Cyrl", {"ім'я": "name", "м'ята": "mint"}, "Його name, mint"),
        ("İyi Işık", "tur_Latn", {"iyi": "good", "ışık": "light"}, "Good Light"),
    ],
)
def test_scripts(text: str, lang: str, words: dict[str, str], wanted: str) -> None:
    assert switched(text, direction(lang, "xxx_Zyyy", **words)) == wanted


def test_case_of_target_scripts() -> None:
    turkish = direction("eng_Latn", "tur_Latn", good="iyi", evening="akşam")
    assert switched("Good GOOD evening", turkish) == "İyi İYİ akşam"
    georgian = direction("eng_Latn", "kat_Geor", good="კარგი", water="წყალი")
    assert switched("Good WATER", georgian) == "კარგი წყალი"
    assert switched("Good WATER", direction("eng_Latn", "hin_Deva", good="अच्छा", water="पानी")) == "अच्छा पानी"
    assert switched("Good WATER", direction("eng_Latn", "ell_Grek", good="καλός", water="νερό")) == "Καλός ΝΕΡΌ"


def test_reasons() -> None:
    entries = direction("eng_Latn", "deu_Latn", water="Wasser")
    texts = ["water", "fire", "1 2 3 -- https://water.org", "", None, "water", "water", "water"]
    langs = ["eng_Latn"] * 5 + ["deu_Latn", None, "eng_Deva"]
    batch = documents(texts, langs)
    made, decisions = parts_of(switch_words(batch, index_of(entries), ALL, keep_text=True))
    assert made["cs_source"].to_pylist() == ["Wasser"]
    wanted = ["no_switch", "no_words", "no_words", "no_words", "no_dictionary", "no_dictionary", "no_dictionary"]
    assert decisions["reason"].to_pylist() == wanted
    assert decisions["text"].to_pylist() == texts[1:]
    assert set(decisions["step"].to_pylist()) == {"codeswitch"}


def test_labels_match_by_code_and_script() -> None:
    for src_lang, row_lang, found in [
        ("eng", "eng_Latn", 1),
        ("eng_Latn", "eng", 1),
        ("srp_Latn", "srp_Cyrl", 0),
        ("zho_Hani", "zho_Hant", 1),
        ("eng_Latn", "enm_Latn", 0),
    ]:
        index = index_of([("water", "Wasser", src_lang, "deu_Latn")])
        assert switch_words(documents(["water"], row_lang), index, ALL).rows.num_rows == found


def test_several_partner_languages() -> None:
    entries = [
        (f"w{chr(97 + i)}", f"{lang}{chr(97 + i)}", "eng_Latn", f"{lang}_Latn")
        for lang in ("aaa", "bbb", "ccc")
        for i in range(26)
        if lang != "ccc" or i < 6
    ]
    index = index_of(entries)
    text = " ".join(f"w{chr(97 + i % 26)}" for i in range(400))
    batch = documents([text] * 40)
    for most in (1, 2, 3, 5):
        made, decisions = parts_of(switch_words(batch, index, CodeswitchOptions(max_langs=most)))
        rows = check(batch, made, decisions)
        known = {(src, tgt, lang) for src, tgt, _, lang in entries}
        used = {lang for row in rows for lang in row["cs_langs"]}
        assert used == {"aaa_Latn", "bbb_Latn", "ccc_Latn"}
        assert max(len(row["cs_langs"]) for row in rows) == min(most, 3)
        for row in rows:
            assert {(s["src_token"], s["new_token"], s["tgt_lang"]) for s in row["cs_spans"]} <= known
    # Words next to each other are mostly of one language: it is drawn for a span, not for a word.
    made = switch_words(batch, index, CodeswitchOptions(max_langs=2)).rows
    for row in made.filter(
        pa.array([row == ["aaa_Latn", "bbb_Latn"] for row in made["cs_langs"].to_pylist()])
    ).to_pylist():
        neighbours = [
            a["tgt_lang"] == b["tgt_lang"]
            for a, b in zip(row["cs_spans"], row["cs_spans"][1:], strict=False)
            if b["start"] - a["end"] == 1
        ]
        assert sum(neighbours) > 0.6 * len(neighbours)


def test_partner_column_names_the_language() -> None:
    entries = direction("eng_Latn", "deu_Latn", water="Wasser") + direction("eng_Latn", "fra_Latn", water="eau")
    batch = documents(["water"] * 3, cs_partner=pa.array(["deu_Latn", "fra_Latn", "spa_Latn"]))
    made, decisions = parts_of(switch_words(batch, index_of(entries), ALL))
    assert made["cs_source"].to_pylist() == ["Wasser", "eau"]
    assert decisions["reason"].to_pylist() == ["no_dictionary"]


def test_columns_of_the_input_stay() -> None:
    batch = documents(["the water", "x"], audio=pa.array(["a.wav", "b.wav"]))
    batch = batch.replace_schema_metadata({"made": "by hand"})
    made = switch_words(batch, index_of(GERMAN), CodeswitchOptions(ratio=1.0), seed=7).rows
    assert made.schema.names[:4] == [name for name in batch.schema.names if name != "text"]
    assert made.schema.metadata == {b"made": b"by hand"}
    assert made["audio"].to_pylist() == ["a.wav"]
    assert (made["cs_operator"][0].as_py(), made["cs_seed"][0].as_py()) == ("dict_word", 7)
    assert (made["cs_words"][0].as_py(), made["cs_ratio"][0].as_py(), made["cs_coverage"][0].as_py()) == (2, 1.0, 1.0)


def test_counts_are_by_language() -> None:
    entries = direction("eng_Latn", "deu_Latn", water="Wasser") + direction("fra_Latn", "eng_Latn", eau="water")
    entries += direction("eng_Latn", "fra_Latn", old="vieux")
    batch = documents(["cold water", "", "eau", "x"], ["eng_Latn", "eng_Latn", "fra_Latn", "deu_Latn"])
    made = switch_words(batch, index_of(entries), CodeswitchOptions(ratio=1.0, max_langs=2))
    assert made.counts == {
        "texts": {"eng_Latn": 2, "fra_Latn": 1},
        "switched": {"eng_Latn": 1, "fra_Latn": 1},
        "words": {"eng_Latn": 2, "fra_Latn": 1},
        "known": {"eng_Latn": 1, "fra_Latn": 1},
        "replaced": {"eng_Latn": 1, "fra_Latn": 1},
        "into": {"deu_Latn": 1, "eng_Latn": 1, "fra_Latn": 0},
        "stayed": {"no_dictionary": 1, "no_words": 1},
    }
