"""A switch covers whole words: signs inside of words, clitics, letters at edges, syllables; each by its language."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.codeswitch.switch_helpers import direction, index_of
from tests.codeswitch.test_switch_words import switched
from xlcorpus.codeswitch.operators import open_operator
from xlcorpus.codeswitch.options import CodeswitchOptions
from xlcorpus.errors import UserError
from xlcorpus.text.apostrophes import clitics, is_of_words_at_edges
from xlcorpus.text.characters import LIKE_APOSTROPHE, SAME_SIGNS


@pytest.mark.parametrize(
    ("text", "lang", "words", "wanted"),
    [
        # Parts beside a sign are no words, whatever is typed for it.
        ("col·legi col‧legi del col", "cat_Latn", {"col": "cabbage", "legi": "x"}, "col·legi col‧legi del cabbage"),
        ("COL·LEGI Col•legi", "cat_Latn", {"col·legi": "school"}, "SCHOOL School"),
        ("o'qish o‘qish oʻqish o`qish o´qish", "uzn_Latn", {"oʻqish": "read", "qish": "x"}, "read read read read read"),
        ("go'aan Go’aan cusub", "som_Latn", {"aan": "not", "cusub": "new"}, "go'aan Go’aan new"),
        ("c'hoar c’hoar d'ar skol", "bre_Latn", {"hoar": "ash", "skol": "school"}, "c'hoar c’hoar d'ar school"),
        ("м'ята м’ята мʼята та", "ukr_Cyrl", {"ята": "x", "м’ята": "mint"}, "mint mint mint та"),
        ("vaa'an ruo’on", "fin_Latn", {"vaa": "x", "ruo": "y", "vaa'an": "scale"}, "scale ruo’on"),
        ("EU:n jäsen s:t", "fin_Latn", {"EU": "x", "jäsen": "member"}, "EU:n member s:t"),
        ("ó:nen onen", "moh_Latn", {"nen": "x", "onen": "now"}, "ó:nen now"),
        ("ի՞նչ ինչ է՞ Ո՛չ", "hye_Armn", {"ինչ": "what", "է": "is", "նչ": "x", "չ": "y"}, "ի՞նչ what է՞ Ո՛չ"),
        ('צה"ל צה״ל צ’יפס "צה"', "heb_Hebr", {"צה״ל": "army", "צה": "x", "צ׳יפס": "chips"}, 'army army chips "x"'),
        ("בית־ספר בית", "heb_Hebr", {"בית": "house"}, "בית־ספר house"),
        ("wa\u00adt f\u2060re \u200ehe\u200e", "eng_Latn", {"wa": "x", "he": "z"}, "wa\u00adt f\u2060re \u200ez\u200e"),
        ("كتـــاب كتاب", "arb_Arab", {"كتاب": "book", "كت": "x", "اب": "y"}, "كتـــاب book"),
        ("ma˥ta ma꜀ ta", "nan_Latn", {"ma": "x", "ta": "he"}, "ma˥ta x꜀ he"),
        ("ᠮᠣᠩᠭᠣᠯ\u202fᠤᠨ ᠮᠣᠩᠭᠣᠯ", "khk_Mong", {"ᠮᠣᠩᠭᠣᠯ": "Mongol"}, "ᠮᠣᠩᠭᠣᠯ\u202fᠤᠨ Mongol"),
        # A stem only beside a clitic of the language.
        ("DOG'S Dog's dog’s don't", "eng_Latn", {"dog": "hund", "don": "x"}, "HUND'S Hund's hund’s don't"),
        ("o'clock o’house", "eng_Latn", {"clock": "x", "house": "y"}, "no_switch"),
        ("L'HOMME L'Homme l'homme p'homme", "fra_Latn", {"homme": "man"}, "L'MAN L'Man l'man p'homme"),
        ("dell'acqua un’acqua b'acqua", "ita_Latn", {"acqua": "water"}, "dell'water un’water b'acqua"),
        ("d'aigua fer'ls aigua'x", "cat_Latn", {"aigua": "water"}, "d'water fer'ls aigua'x"),
        ("İstanbul'da Ankara’ya", "tur_Latn", {"istanbul": "x", "ankara": "y", "bal": "honey"}, "no_switch"),
        ("n'ime d'ime", "ibo_Latn", {"ime": "inside"}, "n'inside d'ime"),
        # Letters at the edges of words.
        ("'okina ‘okina ʻOkina okina", "haw_Latn", {"ʻokina": "stop"}, "stop stop Stop okina"),
        ("tog' tog‘ tog", "uzn_Latn", {"togʻ": "mountain"}, "mountain mountain tog"),
        ("'yan mata", "hau_Latn", {"yan": "x", "'yan": "children"}, "children mata"),
        ("ta’ Malta", "mlt_Latn", {"ta'": "of", "ta": "x"}, "of Malta"),
        ("'tog' va ‘tog’", "uzn_Latn", {"tog": "x"}, "'x' va ‘x’"),
        ("'house' the 'house", "eng_Latn", {"house": "x"}, "'x' the 'x"),
        # Prose is not code where a grave accent stands for an apostrophe.
        ("o`zbek va o`qish `tog`", "uzn_Latn", {"va": "and", "tog": "x"}, "o`zbek and o`qish `tog`"),
    ],
)  # fmt: skip
def test_spaced_scripts(text: str, lang: str, words: dict[str, str], wanted: str) -> None:
    assert switched(text, direction(lang, "xxx_Zyyy", **words)) == wanted


@pytest.mark.parametrize(
    ("text", "lang", "words", "wanted"),
    [
        ("བྱས་པ་རེད། བྱ་", "bod_Tibt", {"བྱ": "bird", "པ": "x"}, "བྱས་x་རེད། bird་"),
        ("ཁང་པ་ཆེན་པོ་ཡོད།", "bod_Tibt", {"ཁང": "x", "ཁང་པ": "house", "ཆེན་པོ": "big"}, "house་big་ཡོད།"),
        ("ཁང་པའི་ནང", "bod_Tibt", {"ཁང་པ": "house", "ནང": "inside"}, "ཁང་པའི་inside"),
        ("ལེ༌ཤ༌རང", "dzo_Tibt", {"ལེ་ཤ": "many"}, "many༌རང"),
        ("ང་ཡིན", "bod_Tibt", {"ང": "I"}, "I་ཡིན"),
        ("เกม กม", "tha_Thai", {"กม": "x"}, "เกม x"),
        ("จันทร์ ศุกร์", "tha_Thai", {"จันท": "x", "ศุก": "y", "จันทร์": "moon"}, "moon ศุกร์"),
        ("กั้น", "tha_Thai", {"กั้": "x"}, "no_switch"),
        ("ខ្មែរ", "khm_Khmr", {"មែ": "x", "មែរ": "y"}, "no_switch"),
        ("မြန်မာ", "mya_Mymr", {"မြ": "x", "န်မာ": "y", "မာ": "hard"}, "မြန် hard"),
        ("ສັນ", "lao_Laoo", {"ສັ": "x"}, "no_switch"),
        # What repeats, lengthens or shortens the word before it.
        ("コンピューターと人々", "jpn_Jpan", {"コンピュータ": "x", "人": "y"}, "no_switch"),
        ("人々の人", "jpn_Jpan", {"人": "man", "人々": "people"}, "people の man"),
        ("シャツとｶﾞｽ", "jpn_Jpan", {"シ": "x", "ｶ": "y", "シャツ": "shirt"}, "shirt とｶﾞｽ"),
        ("友達って、三ヶ月", "jpn_Jpan", {"友達": "friend", "三": "three"}, "friend って、three ヶ月"),
        ("เด็กๆ เด็ก กรุงเทพฯ", "tha_Thai", {"เด็ก": "child", "กรุงเทพ": "x"}, "เด็กๆ child กรุงเทพฯ"),
        ("ក្មេងៗ ក្មេង", "khm_Khmr", {"ក្មេង": "child"}, "ក្មេងៗ child"),
        ("ເມຽ ຂອງ", "lao_Laoo", {"ເມ": "x", "ຂອງ": "of"}, "ເມຽ of"),
    ],
)
def test_scripts_without_spaces(text: str, lang: str, words: dict[str, str], wanted: str) -> None:
    assert switched(text, direction(lang, "xxx_Latn", **words)) == wanted


@pytest.mark.parametrize(
    ("text", "lang", "words", "plain", "broken"),
    [
        ("自行车的人", "zho_Hans", {"行": "go", "人": "man", "自行车": "bike"}, "bike 的 man", "bike 的 man"),
        ("自行车的人", "zho_Hans", {"行": "go", "人": "man"}, "自 go 车的 man", "自行车的 man"),
        ("ประเทศไทย", "tha_Thai", {"ทศ": "ten", "ไทย": "Thai"}, "ประเทศ Thai", "no_switch"),
        ("ประชาชน", "tha_Thai", {"ชน": "x", "ชา": "tea"}, "ประ tea x", "no_switch"),
        ("འབད་ནི", "dzo_Tibt", {"ནི": "to"}, "འབད་to", "འབད་to"),
        ("the men", "eng_Latn", {"men": "x"}, "the x", "the x"),
    ],
)
def test_word_breaker(text: str, lang: str, words: dict[str, str], plain: str, broken: str) -> None:
    pytest.importorskip("icu")
    entries = direction(lang, "xxx_Latn", **words)
    assert switched(text, entries) == plain
    assert switched(text, entries, CodeswitchOptions(ratio=1.0, word_breaker="icu")) == broken


def test_unknown_word_breaker(tmp_path: Path) -> None:
    file = tmp_path / "zh-en.tsv"
    file.write_text("zh\ten\n人\tman\n", encoding="utf-8")
    with pytest.raises(UserError, match="nonsense"):
        open_operator(CodeswitchOptions(dictionary=[str(file)], word_breaker="nonsense"), 0)


def test_longest_run_of_syllables() -> None:
    """Words of two syllables and more are entries, and longer ones win; long ones are phrases."""
    syllables = ["ཀ", "ཁ", "ག", "ང"]
    words = {"་".join(syllables[:n]): f"w{'abcd'[n - 1]}" for n in range(1, 5)}
    index = index_of(direction("bod_Tibt", "eng_Latn", **words, **{"་".join(["ཀཀཀ"] * 7): "phrase"}))
    assert index.unused["not_one_word"] == 1
    for n in range(1, 5):
        text = "་".join(syllables[:n])
        assert (
            switched(f"{text}་ཅ། {text}", direction("bod_Tibt", "eng_Latn", **words))
            == f"w{'abcd'[n - 1]}་ཅ། w{'abcd'[n - 1]}"
        )


def test_languages_by_any_of_their_codes() -> None:
    assert is_of_words_at_edges("uzn_Latn")
    assert is_of_words_at_edges("uzb")
    assert not is_of_words_at_edges("eng_Latn")
    assert clitics("sqi", behind=False) == clitics("als_Latn", behind=False) != ()
    assert clitics("tur_Latn", behind=True) == ()
    assert clitics("nonsense", behind=True) == ()


@pytest.mark.parametrize(
    ("text", "label", "words", "expected"),
    [
        ("eky'omuntu olw'abantu", "lug_Latn", {"omuntu": "PERSON", "abantu": "PEOPLE"}, "eky'PERSON olw'PEOPLE"),
        ("dh'obair mb'fhéidir", "gla_Latn", {"obair": "WORK", "fhéidir": "MAY"}, "dh'WORK mb'MAY"),
        ("v'elimi l'olwali", "umb_Latn", {"elimi": "TONGUE", "olwali": "ONE"}, "v'TONGUE l'ONE"),
        ("ple'ma dhe'n", "cor_Latn", {"ple": "WHERE", "dhe": "TO"}, "ple'ma TO'n"),
        ("sahha' sahha", "aar_Latn", {"sahha'": "HEALTH"}, "HEALTH sahha"),
        ("wang' wang", "luo_Latn", {"wang": "BURN", "wang'": "EYE"}, "EYE BURN"),
        ("ल' ल", "brx_Deva", {"ल": "TAKE"}, "ल' TAKE"),
        ("a' choill 's", "gla_Latn", {"a": "HER", "'s": "AND"}, "a' choill AND"),
        ("'a' ‘a’", "gla_Latn", {"a": "HER"}, "'HER' ‘HER’"),
    ],
)
def test_apostrophes_as_texts_have_them(text: str, label: str, words: dict[str, str], expected: str) -> None:
    """Clitics and letters of the languages' own texts (UDHR, NTREX, GATITOS)."""
    assert switched(text, direction(label, "xxx_Latn", **words)) == expected


def test_each_sign_stands_for_one() -> None:
    listed = [sign for others in SAME_SIGNS.values() for sign in others]
    assert len(listed) == len(set(listed))
    assert not set(listed) & set(SAME_SIGNS)
    assert len(LIKE_APOSTROPHE) == 15
