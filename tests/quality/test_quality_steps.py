"""score --signals datatrove and filter --thresholds FOLDER as steps: what they say, refuse and write down."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import xlcorpus as xl
from tests.quality.test_quality_filter import PUBLISHED
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.errors import UserError
from xlcorpus.pipelines.filter import STEP
from xlcorpus.quality.datatrove.breakers import versions

TEXTS = [
    "Watoto wa shule na walimu wao walikwenda sokoni kununua matunda ya wakulima wa kijiji chetu kila siku.",
    "The children of the school went to the market to buy fruit from the farmers of our village every day.",
    "کودکان مدرسه هر روز به بازار می‌رفتند تا از کشاورزان روستای ما میوه بخرند و به خانه بازگردند.",
    "นักเรียนไปตลาดทุกวันเพื่อซื้อผลไม้จากชาวนาในหมู่บ้านของเรา",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("steps")
    rows = "".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in TEXTS)
    (path / "in.jsonl").write_text(rows, encoding="utf-8")
    (path / "configs").mkdir()
    for label in ("swh_Latn", "fas_Arab", "tha_Thai", "aai_Latn"):
        (path / "configs" / f"{label}.yml").write_text(PUBLISHED, encoding="utf-8")
    (path / "own.yaml").write_text("default: {q_n_words: {min: 1}}", encoding="utf-8")
    xl.identify(path / "in.jsonl", output=path / "identified")
    xl.score(path / "identified", output=path / "ours")
    return path


@pytest.fixture(scope="module")
def scored(folder: Path) -> Dataset:
    return xl.score(folder / "identified", output=folder / "theirs", signals="datatrove")


def columns(dataset: Dataset) -> list[str]:
    return [name for name in dataset.manifest.arrow_schema.names if name.startswith("dt_")]


def test_score_writes_both_and_the_versions_of_breakers(folder: Path, scored: Dataset) -> None:
    names = scored.manifest.arrow_schema.names
    assert {"q_n_words", "dt_n_words", "dt_word_breaker"} <= set(names)
    assert not columns(Dataset.open(folder / "ours"))
    record = scored.manifest.steps[-1]
    assert record.parameters == {"signals": "datatrove"}
    assert "spacy" in record.models
    assert scored.manifest.tallies[-1].counts["word_breakers"]["spacy:tn"] == 1
    assert Dataset.open(folder / "ours").manifest.notes == {}


def test_filter_names_languages_before_and_after(folder: Path, scored: Dataset, capsys: Any) -> None:
    kept = xl.filter(scored, output=folder / "kept", thresholds=str(folder / "configs"))
    said = capsys.readouterr().err
    assert "thresholds: judging the signals that datatrove counts" in said
    assert "thresholds: no file for eng_Latn (1): our own thresholds decide on these" in said
    assert "thresholds: under another name: pes_Arab as fas_Arab" in said
    assert kept.manifest.notes == {
        "thresholds_without_file": {"eng_Latn": 1},
        "thresholds_under_other_name": {"pes_Arab as fas_Arab": 1},
        "table": ["no file of thresholds for eng_Latn (1): our own decided"],
    }
    reasons = {row["lang"]: row["reason"] for batch in kept.decisions() for row in batch.to_pylist()}
    assert reasons["pes_Arab"] == "stop_words_below"
    assert "swh_Latn" not in reasons
    assert columns(kept) == columns(scored)


@pytest.mark.parametrize(
    ("given", "named"), [({}, True), ({"signals": "datatrove"}, True), ({"signals": "ours"}, False)]
)
def test_filter_writes_down_the_versions_of_breakers(folder: Path, given: dict[str, Any], named: bool) -> None:
    """Other versions may find other stop words, so a run with them is another run."""
    for thresholds, due in (("configs", named), ("own.yaml", False)):
        if due or not given:
            models = STEP.models(STEP.options(thresholds=str(folder / thresholds), **given))
            assert models.keys() - {"thresholds"} == (versions().keys() if due else set())


def test_filter_says_when_the_signals_are_not_there(folder: Path, capsys: Any) -> None:
    thresholds = str(folder / "configs")
    xl.filter(folder / "ours", output=folder / "kept_ours", thresholds=thresholds)
    assert "`xlcorpus score --signals datatrove` adds them" in capsys.readouterr().err
    with pytest.raises(UserError, match="no column 'dt_n_words'") as caught:
        xl.filter(folder / "ours", output=folder / "no", thresholds=thresholds, signals="datatrove")
    assert "score --signals datatrove" in str(caught.value.remedy)
    assert not (folder / "no").exists()


def test_filter_by_our_signals_where_both_are(folder: Path, scored: Dataset, capsys: Any) -> None:
    thresholds = str(folder / "configs")
    chosen = xl.filter(scored, output=folder / "chosen", thresholds=thresholds, signals="ours")
    assert "judging" not in capsys.readouterr().err
    plain = xl.filter(folder / "ours", output=folder / "plain", thresholds=thresholds)
    assert [row["doc_id"] for row in chosen.to_arrow(["doc_id"]).to_pylist()] == [
        row["doc_id"] for row in plain.to_arrow(["doc_id"]).to_pylist()
    ]


@pytest.mark.parametrize("given", [{"signals": "ours"}, {"signals": "datatrove", "thresholds": "own.yaml"}])
def test_signals_belong_to_published_thresholds(folder: Path, given: dict[str, str]) -> None:
    options = {key: str(folder / value) if key == "thresholds" else value for key, value in given.items()}
    with pytest.raises(UserError, match="--signals is"):
        xl.filter(folder / "ours", output=folder / "no", **options)
    assert not (folder / "no").exists()


def test_one_pass_makes_the_same(folder: Path, scored: Dataset, tmp_path: Path, capsys: Any) -> None:
    xl.filter(scored, output=tmp_path / "apart", thresholds=str(folder / "configs"))
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        f"steps:\n  - {{step: score, input: {folder / 'identified'}, signals: datatrove}}\n"
        f"  - {{step: filter, thresholds: {folder / 'configs'}}}\n"
    )
    capsys.readouterr()
    made = xl.run_recipe(recipe, output=tmp_path / "out")["filter"]
    assert made.to_arrow().equals(Dataset.open(tmp_path / "apart").to_arrow())
    assert made.manifest.notes["thresholds_without_file"] == {"eng_Latn": 1}


def test_datatrove_needs_languages(folder: Path, tmp_path: Path) -> None:
    xl.ingest(folder / "in.jsonl", output=tmp_path / "in")
    with pytest.raises(UserError, match="no column 'lang'") as caught:
        xl.score(tmp_path / "in", output=tmp_path / "out", signals="datatrove")
    assert "identify" in str(caught.value.remedy)
