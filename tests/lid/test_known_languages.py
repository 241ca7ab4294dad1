"""Known languages stay unless the model is to judge; where it says another one is counted; the rest is as before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import xlcorpus
from tests.ingest.ingest_helpers import jsonl
from tests.lid.test_identify import SENTENCES, FixedModel
from tests.rows import documents, rows_of
from tests.running import called
from xlcorpus.lid.identify import identify_batch
from xlcorpus.lid.known_languages import JUDGE, KEEP, has_known, known_rows, languages_of, notes_of, with_known

MODEL: Any = FixedModel([("__label__eng_Latn", 0.5), ("__label__rus_Cyrl", 0.25), ("__label__zho_Hani", 0.125)])
TEXTS = ["one two", "раз два", "孩子们说", "孩子們說", "three", "!!!", "four"]
KNOWN = ["swh_Latn", "rus_Cyrl", "zho_Hans", "zho_Hans", None, "eng_Latn", "ain_Latn"]


def judged(batch: pa.RecordBatch, how: str = KEEP, model: Any = MODEL) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    result = with_known(batch, identify_batch(batch, model), model, how)
    return result.rows.to_pylist(), result.counts


def test_known_languages_stay_with_the_models_label_beside_them() -> None:
    rows, counts = judged(documents(TEXTS, KNOWN))
    assert [row["lang"] for row in rows] == [*KNOWN[:4], "eng_Latn", *KNOWN[5:]]
    assert [row["lang_score"] for row in rows] == [None] * 4 + [0.5, None, None]
    models = ["eng_Latn", "rus_Cyrl", "zho_Hans", "zho_Hant", None, "zxx_Zyyy", "eng_Latn"]
    assert [row["lang_model"] for row in rows] == models
    assert [row["lang_model_score"] for row in rows] == [0.5, 0.25, 0.125, 0.125, None, 0.0, 0.5]
    assert [row["script"] for row in rows] == ["Latn", "Cyrl", "Hani", "Hani", "Latn", "Zyyy", "Latn"]
    assert counts == {
        "known": 6,
        "agreed": 3,
        "disagreed": {"eng_Latn zxx_Zyyy": 1},
        "not_in_model": {"swh_Latn": 1, "ain_Latn": 1},
    }


def test_the_model_judges_where_it_is_told_to() -> None:
    rows, counts = judged(documents(TEXTS, KNOWN), JUDGE)
    plain = identify_batch(documents(TEXTS), MODEL)
    assert [row["lang"] for row in rows] == plain.column("lang").to_pylist()
    assert [row["lang_score"] for row in rows] == plain.column("lang_score").to_pylist()
    assert "lang_model" not in rows[0]
    assert counts["known"] == 6


def test_without_known_languages_nothing_is_added() -> None:
    plain = documents(TEXTS)
    assert not has_known(plain.schema)
    rows, counts = judged(plain)
    assert counts == {}
    assert "lang_model" not in rows[0]
    # What a model has said before is not known: another model says it anew.
    again = with_known(*[identify_batch(plain, MODEL)] * 2, MODEL, KEEP)
    assert not has_known(again.rows.schema)
    assert again.counts == {}


def test_languages_are_known_after_a_first_look_too() -> None:
    first = with_known(documents(TEXTS, KNOWN), identify_batch(documents(TEXTS, KNOWN), MODEL), MODEL, KEEP).rows
    assert known_rows(first).tolist() == [True] * 4 + [False] + [True] * 2
    other: Any = FixedModel([("__label__swh_Latn", 0.75)])
    rows, counts = judged(first, KEEP, other)
    assert [row["lang"] for row in rows][:2] == ["swh_Latn", "rus_Cyrl"]
    assert (rows[4]["lang"], rows[4]["lang_score"], rows[0]["lang_model"]) == ("swh_Latn", 0.75, "swh_Latn")
    assert counts["known"] == 6


def test_no_rows_have_the_same_columns() -> None:
    full = with_known(documents(TEXTS, KNOWN), identify_batch(documents(TEXTS, KNOWN), MODEL), MODEL, KEEP).rows
    none = documents(TEXTS, KNOWN).slice(0, 0)
    assert with_known(none, identify_batch(none, MODEL), MODEL, KEEP).rows.schema.equals(full.schema)
    unsaid = documents(TEXTS, [None] * 7)
    found = with_known(unsaid, identify_batch(unsaid, MODEL), MODEL, KEEP)
    assert found.rows.schema.equals(full.schema)
    assert found.counts == {}


def test_what_is_noted() -> None:
    assert notes_of({}) == {}
    counts = {
        "known": 10,
        "agreed": 6,
        "disagreed": {"a_Latn b_Latn": 1, "c_Cyrl d_Cyrl": 2},
        "not_in_model": {"x_Latn": 1},
    }
    noted = notes_of(counts)
    assert noted["known_languages"]["pairs"] == [["c_Cyrl", "d_Cyrl", 2], ["a_Latn", "b_Latn", 1]]
    text = "\n".join(noted["table"])
    assert "was known: 10; the model says the same of 6 (60.0 %), another one of 3" in text
    assert "no label for: 1 (x_Latn 1)" in text
    many = notes_of({"known": 50, "agreed": 0, "disagreed": {f"a{n:02d}_Latn b_Latn": n + 1 for n in range(50)}})
    assert len(many["table"]) < 30
    assert many["table"][-1] == "and 30 more pairs"


def test_languages_of_a_model() -> None:
    assert languages_of(MODEL) == {"eng", "rus", "zho"}


@pytest.mark.parametrize("how", ["keep", "judge"])
def test_from_raw_files_to_the_filter(tmp_path: Path, how: str) -> None:
    """Two sentences in each language, one of them said to be Swahili; and one that the model has no label for."""
    rows = [{"text": text, "language": label} for label, text in SENTENCES.items()]
    rows += [{"text": text, "language": "Swahili"} for text in SENTENCES.values()]
    rows += [{"text": "Irankarapte! Tanto sirpirka wa.", "language": "Ainu"}]
    path = jsonl(tmp_path / "a.jsonl", *rows)
    xlcorpus.ingest(path, output=tmp_path / "raw", lang_column="language")
    done = called("identify", tmp_path / "raw", "--known", how, "--output", tmp_path / "lid")
    assert done.returncode == 0, done.stderr
    assert f"was known: {len(rows):,}" in done.stdout
    found = rows_of(tmp_path / "lid")
    counts = xlcorpus.Dataset.open(tmp_path / "lid").manifest.notes["known_languages"]
    assert counts["disagreed"] == len(SENTENCES) - 1
    assert counts["labels_not_in_model"] == {"ain_Latn": 1}
    assert ["swh_Latn", "tha_Thai", 1] in counts["pairs"]
    said = [*SENTENCES, *["swh_Latn"] * len(SENTENCES), "ain_Latn"]
    if how == "judge":
        assert [row["lang"] for row in found][: 2 * len(SENTENCES)] == [*SENTENCES, *SENTENCES]
        return
    assert [row["lang"] for row in found] == said
    thresholds = tmp_path / "only.yaml"
    thresholds.write_text("default: {lang_score: {min: 0.9}}\n", encoding="utf-8")
    kept = xlcorpus.filter(tmp_path / "lid", output=tmp_path / "kept", thresholds=str(thresholds))
    assert len(kept) == len(rows)
