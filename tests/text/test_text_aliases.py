"""Other codes for one language: retired ones, macrolanguages and their members, two letters, no script."""

from __future__ import annotations

import pytest

from xlcorpus.text.aliases import macrolanguage_of, present_code, related_codes
from xlcorpus.text.labels import codes_of, known_languages, names_of, names_of_scripts


@pytest.mark.parametrize(
    "codes",
    [
        ("fas", "pes", "fa", "per"),
        ("fil", "tgl", "tl"),
        ("kon", "kng", "kg"),
        ("swa", "swh", "sw"),
        ("zho", "cmn", "zh", "chi"),
        ("heb", "iw", "he"),
        ("est", "ekk", "et"),
        ("grn", "gug", "gn"),
        ("egl", "eml"),
        ("ron", "mo", "mol", "ro"),
        ("ara", "arb"),
        ("dtp", "kzj"),
        ("kom", "kpv", "kv"),
        ("bua", "bxr"),
    ],
)
def test_codes_of_one_language_find_each_other(codes: tuple[str, ...]) -> None:
    for code in codes:
        found = codes_of(code)
        assert found[0] == code
        assert set(codes) <= set(found), code
        assert len(found) == len(set(found))


@pytest.mark.parametrize(
    ("code", "sister"),
    [("apd", "arb"), ("pbu", "pbt"), ("quz", "quy"), ("nno", "nob"), ("swc", "swh"), ("wuu", "yue"), ("srp", "hrv")],
)
def test_a_sister_is_another_language(code: str, sister: str) -> None:
    assert sister not in codes_of(code)
    assert code not in codes_of(sister)


def test_a_part_is_found_as_its_macrolanguage() -> None:
    assert macrolanguage_of("prs") == "fas"
    assert macrolanguage_of("deu") is None
    assert "fas" in codes_of("prs")
    assert "prs" not in codes_of("pes")
    assert related_codes("apd") == ["ara"]


def test_retired_codes() -> None:
    assert present_code("drh") == "khk"
    assert present_code("deu") == "deu"
    assert "rki" in related_codes("ccq")
    assert "ccq" in related_codes("rki")


@pytest.mark.parametrize(
    ("label", "script", "name"),
    [
        ("zho_Hant", None, "cmn_Hani"),
        ("kor_Hang", None, "kor_Kore"),
        ("kor_Kore", None, "kor_Hang"),
        ("jpn_Kana", None, "jpn_Jpan"),
        ("sw", "Latn", "swh_Latn"),
        ("sw", None, "swh_Latn"),
        ("pes", None, "fas_Arab"),
        ("fa-IR", None, "fas_Arab"),
        ("zh-Hant-TW", None, "cmn_Hani"),
        ("srp", "Cyrl", "srp_Cyrl"),
        ("uzb", "Cyrl", "uzn_Cyrl"),
        ("__label__fil_Latn", None, "tgl_Latn"),
    ],
)
def test_names_of_labels(label: str, script: str | None, name: str) -> None:
    names = names_of(label, script)
    assert names[0] == label
    assert name in names


def test_the_script_of_a_label_stands() -> None:
    assert not any(name.endswith("Latn") for name in names_of("srp_Cyrl", "Latn"))
    assert names_of("srp", "Cyrl").index("srp_Cyrl") < names_of("srp", "Cyrl").index("srp_Latn")
    assert names_of_scripts("Hans") == ["Hans", "Hani"]
    assert names_of_scripts("Latn", None, "Latn") == ["Latn"]


def test_every_known_language_has_its_own_name_first() -> None:
    for code in known_languages():
        assert names_of(f"{code}_Latn")[0] == f"{code}_Latn"
        assert codes_of(code)[0] == code
