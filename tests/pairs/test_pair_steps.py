"""identify, score and filter over pairs: what they add to documents on both sides, in one pass; nothing is lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import xlcorpus as xl
from tests.house.pages import blocks
from tests.ingest.ingest_helpers import jsonl, read_pairs
from tests.lid.test_identify import FixedModel
from tests.rows import documents, pairs, write_dataset
from tests.running import called, run, write_recipe
from xlcorpus.beam.map import apply_kernel
from xlcorpus.dataset.columns import direction, put_columns
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.result import Result
from xlcorpus.dataset.schema import load_schema
from xlcorpus.errors import UserError
from xlcorpus.lid.identify import identify_batch
from xlcorpus.lid.known_languages import JUDGE, KEEP, with_known
from xlcorpus.lid.pair_languages import identify_pairs
from xlcorpus.pairs.sides import SIDES, side_rows
from xlcorpus.pipelines.score import ScoreKernel

MODEL: Any = FixedModel([("__label__eng_Latn", 0.5), ("__label__rus_Cyrl", 0.25), ("__label__zho_Hani", 0.125)])
ROWS = [("one", "раз два"), ("two", "孩子们"), ("раз", "!!!"), ("three", "ⲣⲱⲙⲉ"), ("four", "ไทย"), ("five", "six")]
SRC = ["eng_Latn", "rus_Cyrl", "rus_Cyrl", "eng_Latn", "swh_Latn", "eng_Latn"]
TGT = ["rus_Cyrl", "zho_Hant", "eng_Latn", "eng_Latn", "tha_Thai", "rus_Cyrl"]


def identified(rows: pa.RecordBatch, how: str = KEEP) -> Result:
    return identify_pairs(rows, lambda side: with_known(side, identify_batch(side, MODEL), MODEL, how), MODEL)


def test_given_languages_stay_and_the_disagreement_is_a_score() -> None:
    batch = pairs(ROWS, SRC, TGT)
    made = identified(batch)
    rows = made.rows
    assert rows.select(batch.schema.names).equals(batch)
    for side, texts in zip(SIDES, zip(*ROWS, strict=True), strict=True):
        alone = documents(list(texts), rows.column(f"{side}_lang").to_pylist())
        expected = with_known(alone, identify_batch(alone, MODEL), MODEL, KEEP).rows
        given = side_rows(rows, side)
        names = [name for name in expected.schema.names if name not in ("doc_id", "origin", "source")]
        assert given.select(names).equals(expected.select(names))
    assert rows.column("src_lang_disagreement").to_pylist() == [0, 0.5, 0, 0, None, 0]  # no label for Swahili
    # Hans and Hant are one; no letters say nothing; Coptic is a script of no label, and English is not written in it.
    assert rows.column("tgt_lang_disagreement").to_pylist() == [0, 0, None, 1, None, 0.5]
    assert rows.column("pair_lang_disagreement").to_pylist() == [0, 0.5, 0, 1, None, 0.5]
    assert (made.counts["sides"], made.counts["known"], made.counts["not_in_model"]) == (
        12,
        12,
        {"swh_Latn": 1, "tha_Thai": 1},
    )
    schema = load_schema("pair")
    schema.check(rows.schema, "here")
    ours = {field.name for field in schema.columns_of("identify")}
    assert {name for name in ours if "_lang_sentence" not in name} <= set(rows.schema.names)
    again = identified(rows)
    assert again.rows.equals(rows)
    assert identified(batch.slice(0, 0)).rows.schema.equals(rows.schema)


def test_the_model_judges_where_it_is_told_to() -> None:
    made = identified(pairs(ROWS, SRC, TGT), JUDGE)
    assert made.rows.column("src_lang").to_pylist()[:3] == ["eng_Latn", "eng_Latn", "rus_Cyrl"]
    assert not any("disagreement" in name for name in made.rows.schema.names)


LINES = [
    {"src": src, "tgt": tgt, "src_lang": "en", "tgt_lang": lang}
    for src, tgt, lang in (
        ("The children went to the market today.", "아이들이 오늘 시장에 갔습니다.", "kor_Kore"),
        ("The children went to the market.", "เด็กๆ ไปตลาดวันนี้", "th"),
        ("The teacher writes a letter.", "គ្រូសរសេរសំបុត្រ។", "khm_Khmr"),
        ("The children went to the market.", "the children WENT to the market", "deu"),
    )
]
DIRECTIONS = ["eng_Latn-kor_Hang", "eng_Latn-tha_Thai", "eng_Latn-khm_Khmr", "eng_Latn-deu_Latn"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pairs")
    jsonl(path / "pairs.jsonl", *LINES)
    recipe = """
    steps:
      - {step: ingest, files: pairs.jsonl, kind: pairs}
      - {step: identify}
      - {step: score}
      - {step: filter}
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(path)
        run(write_recipe(path, recipe), path / "out")
    return path


def test_one_pass_makes_what_single_steps_make(folder: Path) -> None:
    one = Dataset.open(folder / "out" / "filter")
    assert (one.manifest.schema, [step.step for step in one.manifest.steps]) == (
        "pair-1",
        ["ingest", "identify", "score", "filter"],
    )
    # Labels of sides are normalised: kor_Kore is kor_Hang, th tha_Thai.
    assert one.manifest.languages == dict.fromkeys(DIRECTIONS[:3], 1)
    assert [(row["lang"], row["reason"]) for batch in one.decisions() for row in batch.to_pylist()] == [
        (DIRECTIONS[3], "tgt_lang_disagreement_above")
    ]
    given: Any = xl.ingest(folder / "pairs.jsonl", output=folder / "a", kind="pairs")
    for name in ("identify", "score", "filter"):
        given = getattr(xl, name)(given, output=folder / name)
    assert given.to_arrow().equals(one.to_arrow())
    planned = called("filter", folder / "score", "--output", folder / "planned", "--plan")
    assert "4 pairs, 0.0 MB of shards" in planned.stdout
    inspected = called("inspect", folder / "out" / "filter").stdout
    for one in ("schema pair-1", "eng_Latn-khm_Khmr", "tgt_lang_disagreement_above", "เด็กๆ ไปตลาด"):
        assert one in inspected
    assert "sides whose language was known: 8" in called("inspect", folder / "identify").stdout


def test_a_step_that_comes_too_early_names_what_is_missing(folder: Path) -> None:
    with pytest.raises(UserError, match="'src_lang_disagreement'") as raised:
        xl.filter(folder / "a", output=folder / "early")
    assert "xlcorpus identify" in (raised.value.remedy or "")
    with pytest.raises(UserError, match="is no dataset"):
        xl.align(folder / "pairs.jsonl", output=folder / "aligned")


def test_a_pair_at_which_a_step_fails_is_a_reject_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = pairs([("one", "หนึ่ง"), ("two", "bad"), ("three", "สาม")], "eng_Latn", "tha_Thai")
    whole = ScoreKernel._texts

    def failing(self: ScoreKernel, rows: pa.RecordBatch) -> Result:
        if "bad" in rows.column("text").to_pylist():
            raise ValueError("a kernel that fails")
        return whole(self, rows)

    monkeypatch.setattr(ScoreKernel, "_texts", failing)
    made = apply_kernel(ScoreKernel(pairs=True), batch, None)
    assert made.rows.column("src").to_pylist() == ["one", "three"]
    assert made.rejects is not None
    (reject,) = made.rejects.to_pylist()
    assert (reject["reason"], reject["excerpt"], reject["doc_id"]) == (
        "ValueError",
        "two\nbad",
        batch["doc_id"][1].as_py(),
    )


def test_languages_turn_round_with_the_sides(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "a.jsonl", *LINES[:2])
    by_row: dict[str, Any] = {"src_lang": None, "tgt_lang": None}
    there = read_pairs(path, src_column="src", tgt_column="tgt", **by_row).documents
    back = read_pairs(path, src_column="tgt", tgt_column="src", **by_row).documents
    turned = {"src": "tgt", "tgt": "src", "src_lang": "tgt_lang", "tgt_lang": "src_lang"}
    for row, other in zip(there, back, strict=True):
        assert {ours: row[theirs] for ours, theirs in turned.items()} == {name: other[name] for name in turned}
    # What options say belongs to the side that they name; then the input's column is a plain one.
    options = {"src_column": "tgt", "tgt_column": "src", "src_lang": "tha_Thai", "tgt_lang": None}
    said = read_pairs(path, **options).documents
    assert [(row["src_lang"], row["tgt_lang"]) for row in said] == [("tha_Thai", "eng_Latn")] * 2
    assert [row["input_tgt_lang"] for row in said] == ["kor_Kore", "th"]
    jsonl(tmp_path / "b.jsonl", *({**line, "other": "x"} for line in LINES))
    with pytest.raises(UserError, match="both sides would have the languages of the column 'tgt_lang'"):
        read_pairs(tmp_path / "b.jsonl", src_column="tgt", tgt_column="other", **by_row)
    by_row["tgt_lang"] = "deu"
    assert len(read_pairs(tmp_path / "b.jsonl", src_column="tgt", tgt_column="other", **by_row).pairs) == 4


def test_a_mix_of_pairs_is_pairs_whatever_its_text_says(tmp_path: Path) -> None:
    texts = [("the red house", "das rote Haus"), ("a red house", "ein rotes Haus")]
    plain = pairs(texts, "eng_Latn", "deu_Latn")
    counted = {"text": pa.array(["red red", "red red"]), "lang": pa.array(["eng_Latn-deu_Latn"] * 2)}
    judged = identified(put_columns(plain, counted), JUDGE).rows
    assert judged.column("lang").to_pylist() == direction(judged).to_pylist() == ["eng_Latn-eng_Latn"] * 2
    assert identified(put_columns(plain, counted)).rows.column("lang").equals(counted["lang"])
    mixed = put_columns(plain, counted)
    scored = ScoreKernel(pairs=True).apply(mixed, None).rows
    assert scored.column("text").to_pylist() == ["red red"] * 2
    alone = ScoreKernel(pairs=True).apply(plain, None).rows
    assert scored.select(alone.schema.names).equals(alone)
    dictionary = tmp_path / "en-de.tsv"
    dictionary.write_text("red\trot\n", encoding="utf-8")
    switched = []
    for name, rows in (("mixed", mixed), ("alone", plain)):
        given = write_dataset(tmp_path / name, [rows], "pair")
        made = xl.codeswitch(given, output=tmp_path / f"{name}-switched", dictionary=[str(dictionary)], ratio=1.0)
        switched.append(made.to_arrow(["cs_source", "cs_side"]).to_pylist())
    assert switched[0] == switched[1]
    assert all("rot" in row["cs_source"] for row in switched[0] if row["cs_side"] == "src")


_SIMILARITIES = {
    "once": [0.93, 0.81, 0.88, 0.92],
    "directionless": [0.93, 0.81, 0.88],
    "best": [0.93, 0.88, 0.92],
    "mined-out/source": [0.93, 0.88, 0.92],
}


def test_the_commands_of_the_page_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for kind in ("json", "yaml"):
        for name, content in blocks("pairs.md", kind):
            Path(name).write_text(content, encoding="utf-8")
    for _, code in blocks("pairs.md", "bash"):
        for line in code.splitlines():
            assert called(*line.split()[1:]).returncode == 0, line
    for recipe, out in (("pairs.yaml", "out"), ("mined.yaml", "mined-out")):
        assert called("run", recipe, "--output", out).returncode == 0
    kept = {name: Dataset.open(tmp_path / name).to_arrow()["sim"].to_pylist() for name in _SIMILARITIES}
    assert kept == _SIMILARITIES
    (rows,) = Dataset.open(tmp_path / "scored").batches()
    lines = [json.loads(line) for line in Path("pairs.jsonl").read_text(encoding="utf-8").splitlines()]
    assert rows.column("src").to_pylist() == [line["src"] for line in lines]
    removed = {}
    for name in ("kept", "strict", "out/filter"):
        gone = [row for batch in Dataset.open(tmp_path / name).decisions() for row in batch.to_pylist()]
        removed[name] = [row["reason"] for row in gone]
    assert removed["kept"] == ["tgt_lang_disagreement_above", "pair_length_ratio_above"]
    assert removed["strict"] == removed["out/filter"] == [removed["kept"][0], "pair_numerals_below", removed["kept"][1]]
