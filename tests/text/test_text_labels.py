from __future__ import annotations

import csv
from pathlib import Path

import pyarrow as pa
import pytest

from xlcorpus.text.labels import (
    encode_pairs,
    fits_script,
    han_variant,
    has_script,
    normalize_label,
    same_language,
    usual_scripts,
)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("__label__eng_Latn", "eng_Latn"),
        ("__folded__swh_Latn", "swh_Latn"),
        ("__label__en", "eng_Latn"),
        ("__label__als", "gsw_Latn"),  # lid.176: Alemannic
        ("__label__als_Latn", "als_Latn"),  # FLORES-200: Tosk Albanian
        ("sq", "als_Latn"),
        ("no", "nob_Latn"),
        ("nn", "nno_Latn"),
        ("sh", "hbs_Latn"),
        ("eml", "egl_Latn"),
        ("bh", "bho_Deva"),
        ("ja", "jpn_Jpan"),
        ("ko", "kor_Hang"),
        ("kor_Kore", "kor_Hang"),
        ("jpn_Hira", "jpn_Jpan"),
        ("cmn_Hani", "zho_Hans"),
        ("zh-Hant-TW", "zho_Hant"),
        ("pt-BR", "por_Latn"),
        ("yue_Hani", "yue_Hant"),
        ("fas_Arab", "pes_Arab"),
        ("fil_Latn", "tgl_Latn"),
        ("ekk_Latn", "est_Latn"),
        ("iw", "heb_Hebr"),
        ("dut", "nld_Latn"),
        ("zxx_Zxxx", "zxx_Zyyy"),
        ("und_Cyrl", "und_Cyrl"),
        ("__label__", "und_Zyyy"),
    ],
)
def test_label_becomes_iso_639_3_and_15924(raw: str, expected: str) -> None:
    assert normalize_label(raw) == expected
    assert normalize_label(expected) == expected


@pytest.mark.parametrize(
    ("raw", "script", "expected"),
    [
        ("sr", "Latn", "srp_Latn"),
        ("sr", "Cyrl", "srp_Cyrl"),
        ("az", "Cyrl", "azj_Cyrl"),
        ("zh", "Latn", "zho_Hans"),  # a page of shell commands: not zho_Latn
        ("en", "Cyrl", "eng_Latn"),
        ("ja", "Hani", "jpn_Jpan"),
        ("qqq", "Cyrl", "qqq_Cyrl"),  # no usual script known: the text's
    ],
)
def test_label_without_script_takes_one_the_language_is_written_in(raw: str, script: str, expected: str) -> None:
    assert normalize_label(raw, script=script) == expected


def test_chinese_variant_comes_from_characters_of_one_national_set_only() -> None:
    texts = pa.array(["国家历史", "國家歷史", "人民日月", "", None])
    assert han_variant(texts).tolist() == ["Hans", "Hant", "Hani", "Hani", "Hani"]
    assert [normalize_label("zh", han=variant) for variant in ("Hans", "Hant", "Hani")] == [
        "zho_Hans",
        "zho_Hant",
        "zho_Hani",
    ]
    assert normalize_label("zho_Hant", han="Hans") == "zho_Hant"  # a label that says it is believed


@pytest.mark.parametrize(
    ("label", "other", "same"),
    [
        ("eng_Latn", "eng_Latn", True),
        ("eng", "eng_Latn", True),
        ("eng_Latn", "eng", True),
        ("zho_Hans", "zho_Hant", True),
        ("zho_Hani", "zho_Hant", True),
        ("srp_Latn", "srp_Cyrl", False),
        ("eng_Latn", "enm_Latn", False),
    ],
)
def test_labels_of_one_language(label: str, other: str, same: bool) -> None:
    assert same_language(label, other) is same
    assert same_language(other, label) is same


def test_script_helpers() -> None:
    assert has_script("__label__swh_Latn")
    assert not has_script("__label__sw")
    assert usual_scripts("sr") == usual_scripts("srp") == ("Cyrl", "Latn")
    assert fits_script("zho_Hant", "Hani")
    assert fits_script("jpn_Jpan", "Hani")
    assert not fits_script("rus_Cyrl", "Latn")


def test_shared_alias_table_agrees(shared_data: Path) -> None:
    with (shared_data / "lid_train" / "aliases.tsv").open(encoding="utf-8") as stream:
        rows = list(csv.reader(stream, delimiter="\t"))[1:]
    assert {alias: normalize_label(alias) for alias, _ in rows} == dict(rows)


def test_pairs_of_labels_are_numbered() -> None:
    one, other = pa.array(["eng_Latn", "", "eng_Latn"]), pa.array(["deu_Latn", "deu_Latn", "deu_Latn"])
    pairs, numbers = encode_pairs(one, other)
    assert [pairs[number] for number in numbers] == list(zip(one.to_pylist(), other.to_pylist(), strict=True))
    assert len(pairs) == 2
    assert encode_pairs(pa.array([], pa.string()), pa.array([], pa.string()))[0] == []
