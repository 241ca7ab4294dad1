"""romanize over sentence pairs: either side or both, as documents are; the TransliCo view of a side."""

from __future__ import annotations

from pathlib import Path

import pytest

import xlcorpus as xl
from tests.ingest.ingest_helpers import jsonl
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.errors import UserError

LINES = [
    {
        "src": "Река тиха.",
        "tgt": "The river is calm.",
        "src_lang": "rus_Cyrl",
        "tgt_lang": "eng_Latn",
        "src_text_ipa": 1,
    },
    {"src": "नदी शांत है। भोजन तैयार है।", "tgt": "川は静かです。", "src_lang": "hin_Deva", "tgt_lang": "jpn_Jpan"},
    {"src": "แม่น้ำสงบ", "tgt": "강은 고요하다.", "src_lang": "tha_Thai", "tgt_lang": "kor_Hang"},
    {"src": "!!!", "tgt": "ⲡⲓⲓⲁⲣⲟ", "src_lang": "eng_Latn", "tgt_lang": "cop_Copt"},
]
MADE = ("text_latn", "translit_tool", "translit_version", "translit_lcode", "translit_ratio", "translit_identity")


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("romanize_pairs")
    pairs = xl.ingest(jsonl(folder / "a.jsonl", *LINES), output=folder / "in", kind="pairs")
    return xl.identify(pairs, output=folder / "identified")


def test_sides_get_what_documents_get(given: Dataset, tmp_path: Path) -> None:
    made = xl.romanize(given, output=tmp_path / "both").to_arrow()
    assert made.column("input_src_text_ipa").to_pylist()[0] == 1  # a user's column of our name
    assert "text_latn" not in made.column_names
    for side in ("src", "tgt"):
        lines = [{"text": line[side], "lang": line[f"{side}_lang"]} for line in LINES]
        alone = xl.ingest(jsonl(tmp_path / f"{side}.jsonl", *lines), output=tmp_path / side, lang_column="lang")
        alone = xl.identify(alone, output=tmp_path / f"{side}_identified")
        expected = xl.romanize(alone, output=tmp_path / f"{side}_latn").to_arrow()
        for name in MADE:
            assert made.column(f"{side}_{name}").to_pylist() == expected.column(name).to_pylist()
        only = xl.romanize(given, output=tmp_path / f"{side}_only", side=side)
        other = {"src": "tgt", "tgt": "src"}[side]
        names = [name for name in made.column_names if not name.startswith((f"{other}_text", f"{other}_translit"))]
        assert only.to_arrow().equals(made.select(names))
        assert only.manifest.schema == "pair-1"
    assert made.column("src_text_latn").to_pylist()[0] == "Reka tikha."
    assert made.column("tgt_translit_lcode").to_pylist()[1:3] == ["jpn", "kor"]


def test_the_view_takes_the_sentences_of_a_side(given: Dataset, tmp_path: Path) -> None:
    view = xl.romanize(given, output=tmp_path / "view", view="translico", side="src", floor=10, keep_text=True)
    assert view.manifest.schema == "translico-1"
    (batch,) = view.batches()
    rows = {row["text"]: row for row in batch.to_pylist()}
    assert set(rows) == {"Река тиха.", "नदी शांत है।", "भोजन तैयार है।", "แม่น้ำสงบ"}
    ids = dict(zip(given.to_arrow()["src"].to_pylist(), given.to_arrow()["doc_id"].to_pylist(), strict=True))
    assert rows["Река тиха."]["doc_id"] == ids["Река тиха."]
    assert (rows["भोजन तैयार है।"]["lang"], rows["भोजन तैयार है।"]["sentence"]) == ("hin_Deva", 1)
    assert rows["Река тиха."]["text_latn"] == "Reka tikha."
    gone = [row for part in view.decisions() for row in part.to_pylist()]
    assert [(row["reason"], row["text"], row["lang"]) for row in gone] == [("no_sentence", "!!!", "eng_Latn")]


def test_what_cannot_be_is_refused(given: Dataset, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="takes the sentences of one side"):
        xl.romanize(given, output=tmp_path / "view", view="translico")
    plain = xl.ingest(jsonl(tmp_path / "a.jsonl", {"text": "a"}), output=tmp_path / "documents")
    with pytest.raises(UserError, match="--side src is about sentence pairs"):
        xl.romanize(plain, output=tmp_path / "out", side="src")
    raw = xl.ingest(jsonl(tmp_path / "b.jsonl", *LINES), output=tmp_path / "raw", kind="pairs")
    with pytest.raises(UserError, match="no column 'tgt_script'"):
        xl.romanize(raw, output=tmp_path / "view", view="translico", side="tgt")
