"""Numbers of languages and scripts."""

from __future__ import annotations

import json
import random

import pyarrow as pa
import pytest

from xlcorpus.errors import UserError
from xlcorpus.pack.language_ids import LanguageIds, script_names, split_label

LABELS = ["yor_Latn", "srp_Cyrl", "srp_Latn", "hin_Deva", "eng_Latn"]


@pytest.mark.parametrize(
    ("label", "parts"),
    [
        ("srp_Cyrl", ("srp", "Cyrl")),
        ("eng", ("eng", "Zyyy")),
        ("c_sharp", ("c_sharp", "Zyyy")),  # kinds of code have no script
        ("x_y_Latn", ("x_y", "Latn")),
        ("_Latn", ("_Latn", "Zyyy")),
        ("eng_Latn-swh_Latn", ("eng-swh", "Latn")),  # both sides of a pair in one document
        ("eng_Latn-hin_Deva", ("eng-hin", "Zyyy")),
        ("zh-Hant", ("zh-Hant", "Zyyy")),
        ("sr-Cyrl_Cyrl", ("sr-Cyrl", "Cyrl")),
        ("", ("und", "Zyyy")),
        (None, ("und", "Zyyy")),
    ],
)
def test_split_label(label: str | None, parts: tuple[str, str]) -> None:
    assert split_label(label) == parts


def test_sorted_by_name_whatever_the_order() -> None:
    ids = LanguageIds.build(LABELS)
    assert ids.languages == {"eng": 0, "hin": 1, "srp": 2, "yor": 3}
    assert ids.scripts == {"Cyrl": 0, "Deva": 1, "Latn": 2}
    shuffled = random.Random(1).sample(LABELS, len(LABELS))
    assert LanguageIds.build(shuffled).files() == ids.files()
    assert json.loads(ids.files()["languages.json"]) == ids.languages
    assert LanguageIds.load(ids.files()) == ids
    reordered = LanguageIds.load({"languages.json": '{"b": 1, "a": 0}', "scripts.json": '{"Thai": 0}'})
    assert reordered.names(1, 0) == ("b", "Thai")


def test_script_names() -> None:
    langs = pa.array(["zho_Hans", "zho_Hant", "jpn_Jpan", "kor", None, "", "und"])
    by_letters = pa.array(["Hani", "Hani", "Hira", "Hang", "Grek", None, None])
    assert script_names(langs).to_pylist() == ["Hans", "Hant", "Jpan", "Zyyy", "Zyyy", "Zyyy", "Zyyy"]
    names = script_names(langs, by_letters)
    assert names.to_pylist() == ["Hans", "Hant", "Jpan", "Hang", "Grek", "Zyyy", "Zyyy"]
    ids = LanguageIds.build(langs.to_pylist(), scripts=names.to_pylist())
    assert list(ids.scripts) == sorted(set(names.to_pylist()))  # no number for a script that no document has
    assert [list(ids.scripts)[number] for number in ids.number(langs, by_letters)[1]] == names.to_pylist()


def test_a_base_keeps_its_numbers() -> None:
    base = LanguageIds.build(["srp_Cyrl", "hin_Deva"])
    more = LanguageIds.build(LABELS, base=base)
    assert more.languages == {"hin": 0, "srp": 1, "eng": 2, "yor": 3}
    assert more.scripts == {"Cyrl": 0, "Deva": 1, "Latn": 2}
    assert list(json.loads(more.files()["languages.json"])) == ["hin", "srp", "eng", "yor"]


def test_numbers_of_documents() -> None:
    ids = LanguageIds.build([*LABELS, ""])
    langs = pa.array(["srp_Latn", None, "srp_Cyrl", "hin_Deva", "srp_Latn"])
    lang_ids, script_ids = ids.number(langs)
    assert lang_ids.tolist() == [2, 3, 2, 1, 2]
    assert script_ids.tolist() == [2, 3, 0, 1, 2]
    # The script of the text counts only where the label has none.
    scripts = pa.array(["Cyrl", "Deva", "Latn", None, "Cyrl"])
    assert ids.number(langs, scripts)[1].tolist() == [2, 1, 0, 1, 2]
    assert ids.number(langs.slice(1), scripts.slice(1))[1].tolist() == [1, 0, 1, 2]
    kinds = pa.array(["mono", "code", "translit", "translit", None])
    assert ids.number(langs, scripts, kinds)[1].tolist() == [2, 1, 2, 2, 2]
    empty = ids.number(pa.array([], pa.string()))
    assert [len(part) for part in empty] == [0, 0]


def test_faults() -> None:
    ids = LanguageIds.build(LABELS)
    with pytest.raises(UserError, match=r"language 'hii' has no number in languages.json \(did you mean 'hin'"):
        ids.number(pa.array(["hii_Deva"]))
    with pytest.raises(UserError, match=r"script 'Thai' has no number in scripts.json"):
        ids.number(pa.array(["hin_Thai"]))
    files = ids.files()
    for content in ("[]", "{", '{"eng": 1}', '{"eng": 0, "deu": 0}', '{"eng": "0"}'):
        with pytest.raises(UserError, match=r"languages.json does not number"):
            LanguageIds.load({**files, "languages.json": content})
    with pytest.raises(UserError, match=r"scripts.json"):
        LanguageIds.load({"languages.json": files["languages.json"]})
