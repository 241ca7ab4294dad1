"""What users call languages: codes and names of every kind become labels; what may mean several is not guessed."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlcorpus.errors import UserError
from xlcorpus.text.labels import known_languages, language_of, usual_scripts
from xlcorpus.text.language_names import (
    AMBIGUOUS,
    INVALID,
    check_language,
    check_meanings,
    labels_of,
    meaning_of,
)

WHOLE = {
    "swh_Latn": "swh_Latn", "swa_Latn": "swh_Latn", "SWH-latn": "swh_Latn", "__label__swh_Latn": "swh_Latn",
    "zh-Hant": "zho_Hant", "zh_TW": "zho_Hant", "zh-HK": "zho_Hant", "zh-CN": "zho_Hans", "zh-SG": "zho_Hans",
    "cmn_Hans": "zho_Hans", "Traditional Chinese": "zho_Hant", "Chinese (Simplified)": "zho_Hans", 
    "yue_Hans": "yue_Hant",
    "sr-Cyrl": "srp_Cyrl", "sr_RS@latin": "srp_Latn", "uz_UZ@cyrillic": "uzn_Cyrl", "Serbian (Latin)": "srp_Latn",
    "sr-Latn-ME": "srp_Latn", "kor_Kore": "kor_Hang", "az-Arab": "azj_Arab", "als_Latn": "als_Latn", "zxx": "zxx_Zyyy",
    "mn-Mong": "khk_Mong", "zgh_Tfng": "tzm_Tfng",
}  # fmt: skip
LANGUAGES = {
    "sw": "swh", "swa": "swh", "swh": "swh", "SW": "swh", "sw-KE": "swh", "Swahili": "swh", "swahili": "swh",
    "KISWAHILI": "swh", "Swahili language": "swh", "pt_BR": "por", "Brazilian Portuguese": "por", "es-419": "spa",
    "en_US.UTF-8": "eng", "eng_usa": "eng", "en-x-corpus": "eng", "de-1996": "deu", "simple": "eng",
    "iw": "heb", "in": "ind", "ji": "ydd", "mo": "ron", "dut": "nld", "scc": "srp", "sh": "hbs",
    "fil": "tgl", "tl": "tgl", "Filipino": "tgl", "fas": "pes", "pes": "pes", "fa": "pes", "Farsi": "pes",
    "prs": "prs", "fa-AF": "prs", "Dari": "prs", "ar": "arb", "ara": "arb", "ar-EG": "arb", "ar-arz": "arz",
    "no": "nob", "nor": "nob", "nn": "nno", "Norwegian Bokmål": "nob", "zh": "zho", "cmn": "zho", "zho_Hani": "zho",
    "zh-yue": "yue", "zh-min-nan": "nan", "zh-classical": "lzh", "be-tarask": "bel", "be-x-old": "bel",
    "bat-smg": "sgs",
    "sq": "als", "Tosk Albanian": "als", "ku": "kmr", "Kurdish (Sorani)": "ckb", "Odia": "ory", "Oriya": "ory",
    "Ga": "gaa", "ga": "gle", "Aguaruna": "agr", "agr": "agr", "日本語": "jpn", "हिन्दी": "hin", "አማርኛ": "amh",
    "français": "fra", "Deutsch": "deu", "Bahasa Indonesia": "ind", "kng": "kng", "kon": "kon",
    "nan": "nan", "btk": "bbc", "Ua": "aah",
}  # fmt: skip


@pytest.mark.parametrize("value", WHOLE)
def test_values_that_say_the_script(value: str) -> None:
    assert meaning_of(value).label == WHOLE[value]
    assert meaning_of(f" {value} ").label == WHOLE[value]


@pytest.mark.parametrize("value", LANGUAGES)
def test_values_that_leave_the_script_to_the_text(value: str) -> None:
    found = meaning_of(value)
    assert (found.language, found.problem) == (LANGUAGES[value], "")


@pytest.mark.parametrize("value", ["", " ", "und", "UND", "unknown", "None", "mul", "mis", "null", "NaN"])
def test_values_that_say_that_none_is_known(value: str) -> None:
    assert (meaning_of(value).language, meaning_of(value).problem) == (None, "")


@pytest.mark.parametrize(
    "value",
    [
        "foo",
        "xxx",
        "qaa",
        "123",
        "web",
        "book",
        "Maribor",
        "Englishes",
        "swh_Latnx",
        "swh_Xxxx",
        "en,fr",
        "s",
        "🙂",
        "ua",  # countries
        "CN",
        "cz",
        "UA",
        "ua-Cyrl",
    ],
)
def test_values_that_mean_nothing(value: str) -> None:
    assert meaning_of(value).problem == INVALID
    with pytest.raises(UserError, match="is no language") as caught:
        check_language(value)
    assert "swh_Latn" in str(caught.value.remedy)


@pytest.mark.parametrize(
    ("value", "candidates"),
    [
        ("als", ["als_Latn", "gsw_Latn"]),
        ("zap", ["zai", "zaa"]),
        ("Zapotec", ["zai"]),
        ("del", ["umu", "unm"]),
        ("Mono", ["mnr", "mru", "mte"]),
        ("raj", ["mup"]),
        ("sla", ["family"]),
        ("ber_Tfng", ["family"]),
        ("Slavic languages", ["family"]),
        ("gem", ["family"]),
    ],
)
def test_values_that_may_mean_several_are_told_with_the_candidates(value: str, candidates: list[str]) -> None:
    found = meaning_of(value)
    assert found.problem == AMBIGUOUS
    assert all(one in found.message for one in candidates)
    with pytest.raises(UserError, match=candidates[0]):
        check_language(value)


def test_labels_are_their_own_meaning() -> None:
    labels = [f"{code}_{script}" for code in known_languages() for script in usual_scripts(code) if script != "Hani"]
    assert len(labels) > 250
    different = {label: meaning_of(label).label for label in labels if meaning_of(label).label != label}
    assert different == {}


@given(st.text(max_size=12) | st.from_regex(r"[a-z]{2,3}([-_][A-Za-z0-9]{1,8}){0,2}", fullmatch=True))
def test_any_value_means_something_or_is_a_problem(value: str) -> None:
    found = meaning_of(value)
    assert found.problem in ("", INVALID, AMBIGUOUS)
    assert bool(found.problem) == bool(found.message)
    if found.language is not None:
        assert 2 < len(language_of(found.language)) < 4
        # What comes out goes in: a label or language that was found means itself.
        again = meaning_of(found.label or f"{found.language}_{(usual_scripts(found.language) or ('Latn',))[0]}")
        assert again.language == found.language


SCRIPTS = [
    ("sr", "Добро јутро", "srp_Cyrl"), ("sr", "Dobro jutro", "srp_Latn"), ("sr", "123", "srp_Cyrl"),
    ("sr-Latn", "Добро јутро", "srp_Latn"), ("Hindi", "नमस्ते hello hello hello", "hin_Deva"),
    ("hi", "namaste duniya", "hin_Latn"), ("sw", "Доброе утро", "swh_Latn"), ("el", "kalimera", "ell_Latn"),
    ("zh", "简体中文说", "zho_Hans"), ("zh", "繁體中文說", "zho_Hant"),
    ("zh", "一二", "zho_Hani"), ("zh-TW", "一二", "zho_Hant"), ("zh", "git commit 说 git commit", "zho_Hans"),
    ("ja", "日本語だ", "jpn_Jpan"), ("ja", "漢字", "jpn_Jpan"), ("ko", "안녕하세요", "kor_Hang"),
    ("mn", "ᠮᠣᠩᠭᠣᠯ", "khk_Mong"),
    ("pa", "ਸਤ ਸ੍ਰੀ ਅਕਾਲ", "pan_Guru"), ("pa-PK", "سلام", "pan_Arab"), ("uz", "салом", "uzn_Cyrl"),
    ("uz", "", "uzn_Latn"),
    ("sw", "habari", "swh_Latn"), ("agr", "kuashat", "agr_Latn"), ("Swahili", "١٢٣", "swh_Latn"),
    ("ku", "سلاو", "kmr_Arab"), ("ff", "𞤀𞤣𞤤𞤢𞤥", "fuv_Adlm"),
]  # fmt: skip


def test_the_script_is_that_of_the_text_where_the_value_has_none() -> None:
    values, texts, labels = zip(*SCRIPTS, strict=True)
    found = labels_of(pa.array(values), pa.array(texts))
    assert found.labels.to_pylist() == list(labels)
    assert not found.wrong.any()
    one_by_one = [labels_of(pa.array([value]), pa.array([text])).labels[0].as_py() for value, text, _ in SCRIPTS]
    assert one_by_one == list(labels)


def test_wrong_values_and_nulls_beside_good_ones() -> None:
    values = pa.array(["sw", None, "foo", "als", "luhya", "sw", "various"])
    found = labels_of(values, pa.array(["a"] * 7), {"luhya": "lwg", "various": "und"})
    assert found.labels.to_pylist() == ["swh_Latn", None, None, None, "lwg_Latn", "swh_Latn", None]
    assert found.wrong.tolist() == [False, False, True, True, False, False, False]
    assert set(found.problems) == {"foo", "als"}
    none = labels_of(pa.array([], pa.string()), pa.array([], pa.string()))
    assert none.labels.equals(pa.array([], pa.string()))


@pytest.mark.parametrize("given", ["luhya", "luhya=foo", "=swh", "a=swh,b"])
def test_a_map_that_maps_nothing_is_refused(given: str) -> None:
    with pytest.raises(UserError, match="of no value what language it means"):
        check_meanings(given)
