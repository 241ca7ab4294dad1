"""Labels of trained models: how many are right, F1 by seqeval, and rows that are labelled to train on."""

from __future__ import annotations

import json
import shutil
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch

from tests.objectives.labelled_rows import NAMES, classified, headed, paired, tagged
from tests.packed import SAMPLE, packs
from tests.rows import rows_of
from xlcorpus.cli.main import cli
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.errors import UserError
from xlcorpus.evaluate.evaluate import evaluate
from xlcorpus.evaluate.measures.labels.predict import predict
from xlcorpus.evaluate.measures.labels.scores import readable, span_scores
from xlcorpus.evaluate.models import open_model
from xlcorpus.evaluate.options import EvaluateOptions
from xlcorpus.loader.source import open_source
from xlcorpus.objectives.kinds.tagging import Tagging
from xlcorpus.objectives.labelled import names_of
from xlcorpus.tokenizer.open import open_tokenizer

TOKENIZER = open_tokenizer(SAMPLE)
SLOW = pytest.mark.slow
OF = {"tagging": lambda: tagged(12), "classification": classified, "filter": paired}


def saved(folder: Path, objective: str, **changes: Any) -> Path:
    """A model with random weights for the labels of the rows, with spread logits."""
    names = names_of(OF[objective]())
    kind = "TokenClassification" if objective == "tagging" else "SequenceClassification"
    more = {"filter_layers": [1, 1]} if objective == "filter" else {}
    model = headed(
        "bert", kind, vocab_size=TOKENIZER.vocab_size, id2label=dict(enumerate(names)), initializer_range=0.5,
        **more, **changes,
    )  # fmt: skip
    model.save_pretrained(folder)
    return folder


def slow(folder: Path, objective: str, model: Path) -> tuple[list[list[int]], list[list[list[float]]]]:
    """Of each row, the numbers at its places and the distributions: a row at a time, by the objective's logits."""
    opened = open_model(str(model), tokenizer=SAMPLE, device="cpu")
    options = {"apart": 1, "together": 1} if objective == "filter" else {}
    source = open_source(folder, objective, options)
    source.objective.fit_rows(source.rows.folder, source.rows.count)
    (rows,) = Dataset.open(folder).to_arrow().combine_chunks().to_batches()
    best, soft = [], []
    for row in range(rows.num_rows):
        batch = source.objective.collate(rows.slice(row, 1), np.zeros(1, np.uint64))
        with torch.no_grad():
            found = torch.softmax(source.objective.logits(opened.model, batch), dim=-1)[0]
        found = found[: int(batch["attention_mask"].sum())] if objective == "tagging" else found[None]
        soft.append(found.tolist())
        best.append(found.argmax(-1).tolist())
    return best, soft


@pytest.mark.parametrize("objective", ["tagging", pytest.param("classification", marks=SLOW), "filter"])
def test_evaluated_and_predicted(tmp_path: Path, objective: str) -> None:
    given, model = OF[objective](), saved(tmp_path / "model", objective)
    best, soft = slow(given, objective, model)
    (rows,) = Dataset.open(given).to_arrow().combine_chunks().to_batches()
    names = names_of(given)
    gold = (
        rows.column("labels").to_pylist()
        if objective == "tagging"
        else [[names.index(label)] for label in rows.column("label").to_pylist()]
    )
    pairs = [[(g, b) for g, b in zip(*one, strict=True) if g >= 0] for one in zip(gold, best, strict=True)]

    found = evaluate(
        str(model), {"labels": [str(given)]}, options=EvaluateOptions(batch=5), tokenizer=SAMPLE, say=lambda _: None
    ).report["labels"][str(given)]
    flat = [pair for row in pairs for pair in row]
    assert found["all"]["labels"] == len(flat) == sum(one["labels"] for one in found["languages"].values())
    assert found["all"]["accuracy"] == pytest.approx(np.mean([g == b for g, b in flat]))
    if objective == "tagging":
        wanted, there = (
            slow_spans([[names[g] for g, _ in row] for row in pairs]),
            slow_spans([[names[b] for _, b in row] for row in pairs]),
        )
        right = len(wanted & there)
        assert found["all"]["spans"] == len(wanted) > 20
        assert found["all"]["f1"] == pytest.approx(2 * right / (len(wanted) + len(there)))

    trained = open_model(str(model), tokenizer=SAMPLE, device="cpu")
    made = predict(trained, given, tmp_path / "made", batch=7, say=lambda _: None)
    for row, (ours, numbers, shares) in enumerate(zip(rows_of(made.folder), best, soft, strict=True)):
        assert ours["input_ids" if objective != "filter" else "src_ids"]
        assert np.allclose(ours["soft_labels"], np.ravel(shares), atol=1e-5)
        if objective == "tagging":
            assert ours["labels"] == [b if g >= 0 else -100 for g, b in zip(gold[row], numbers, strict=True)]
        else:
            assert ours["label"] == names[numbers[0]]
    assert names_of(made.folder) == names
    again = predict(trained, given, tmp_path / "made", batch=7, overwrite=True, say=lambda _: None)
    assert again.manifest == made.manifest
    assert "label_words" not in again.manifest.notes["counts"]
    assert sum(again.manifest.notes["counts"]["label_tags"].values()) == len(flat)
    Dataset.open(made.folder, verify=True)
    assert (made.folder / "README.md").is_file()
    source = open_source(made.folder, objective, {"absent_labels": True})
    source.objective.fit_rows(source.rows.folder, source.rows.count)
    assert source.objective.labels == names


def slow_spans(rows: list[list[str]]) -> set[tuple[int, int, int, str]]:
    """Spans of IOB tags as the CoNLL evaluation reads them: row, first, end, label."""
    found = set()
    for number, tags in enumerate(rows):
        padded = ["O", *tags, "O"]
        start = None
        for at, (before, tag) in enumerate(pairwise(padded)):
            goes_on = tag[0] == "I" and before != "O" and before[2:] == tag[2:]
            if start is not None and not goes_on:
                found.add((number, start, at, before[2:]))
                start = None
            if tag != "O" and not goes_on:
                start = at
    return found


def test_spans_of_other_styles() -> None:
    assert readable(["B-A", "L-A", "U-A", "M-A", "O", "E-B", "S-B"]) == ["B-A", "E-A", "S-A", "I-A", "O", "E-B", "S-B"]
    tags = readable(["B-A", "I-A", "L-A", "O", "U-B"])
    assert span_scores([tags], [tags])["f1"] == 1
    assert span_scores([tags], [readable(["B-A", "I-A", "I-A", "O", "U-B"])])["spans"] == 2


def test_rows_without_labels_get_one_a_word(tmp_path: Path) -> None:
    """In texts with spaces and without, where `pack` puts the labels of words."""
    model = open_model(str(saved(tmp_path / "model", "tagging")), tokenizer=SAMPLE, device="cpu")
    made = rows_of(predict(model, tagged(12, without=6), tmp_path / "made", say=lambda _: None).folder)
    gold = rows_of(tagged(12))
    both = found = wanted = 0
    for ours, theirs in zip(made, gold, strict=True):
        assert ours["input_ids"] == theirs["input_ids"]
        if ours["lang"] in ("tha_Thai", "khm_Khmr"):  # a token a run in `tokens`, a word a piece in the vocabulary
            continue
        here, there = ([one >= 0 for one in row["labels"]] for row in (ours, theirs))
        both += sum(a and b for a, b in zip(here, there, strict=True))
        found, wanted = found + sum(here), wanted + sum(there)
    assert both == found > 0.8 * wanted  # marks between digits are words of their own in `tokens`


def test_what_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = str(saved(tmp_path / "model", "classification"))
    with pytest.raises(UserError, match=r"classifies texts(.|\n)*rows of the view labels"):
        predict(open_model(model, tokenizer=SAMPLE), tagged(), tmp_path / "made", say=lambda _: None)
    assert not (tmp_path / "made").exists()
    asked = {"options": EvaluateOptions(), "tokenizer": SAMPLE, "say": lambda _: None}
    with pytest.raises(UserError, match="has no column label"):
        evaluate(model, {"labels": [str(packs())]}, **asked)
    said: list[str] = []
    other = classified(names=("news", "diary"))
    found = evaluate(model, {"labels": [str(other)]}, **{**asked, "say": said.append}).report["labels"][str(other)]
    assert any("does not have the labels diary: they are never right" in line for line in said)
    assert found["all"]["accuracy"] <= 0.5
    monkeypatch.setitem(sys.modules, "seqeval", None)
    monkeypatch.setattr("xlcorpus.evaluate.measures.labels.scores.find_spec", lambda _: None)
    with pytest.raises(UserError, match=r"seqeval, which is not installed(.|\n)*xlcorpus\[labels\]"):
        evaluate(model, {"labels": [str(tagged(12))]}, **asked)
    trained, rows = open_model(model, tokenizer=SAMPLE), shutil.copytree(classified(), tmp_path / "rows")
    with pytest.raises(UserError, match="files that xlcorpus did not write"):
        predict(trained, classified(), tmp_path, say=lambda _: None)
    for output in (rows, tmp_path, rows / "data"):
        with pytest.raises(UserError, match=r"are not apart(.|\n)*another --output"):
            predict(trained, rows, output, overwrite=True, say=lambda _: None)
    with pytest.raises(UserError, match="several texts"):
        predict(trained, packs(), tmp_path / "made", say=lambda _: None)
    assert not (tmp_path / "made").exists()  # nothing was begun that would have to be gone on with
    predict(trained, rows, tmp_path / "made", say=lambda _: None)
    before = Dataset.open(tmp_path / "made").manifest
    trained.model.config.save_pretrained(model)
    (Path(model) / "model.safetensors").write_bytes((Path(model) / "model.safetensors").read_bytes()[:-1] + b"\1")
    with pytest.raises(UserError, match=r"already holds a dataset(.|\n)*--overwrite"):
        predict(open_model(model, tokenizer=SAMPLE), rows, tmp_path / "made", resume=True, say=lambda _: None)
    assert Dataset.open(tmp_path / "made").manifest == before


def test_a_run_that_ended_goes_on_behind_its_last_shard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained = open_model(str(saved(tmp_path / "model", "tagging")), tokenizer=SAMPLE, device="cpu")
    whole = predict(trained, tagged(12), tmp_path / "whole", say=lambda _: None)
    logits, rows = Tagging.logits, []

    def dying(objective: Tagging, model: Any, batch: Any) -> torch.Tensor:
        rows.append(len(batch["input_ids"]))
        if len(rows) == 3:  # in the second shard
            raise KeyboardInterrupt
        return logits(objective, model, batch)

    with monkeypatch.context() as patch:
        patch.setattr(Tagging, "logits", dying)
        with pytest.raises(KeyboardInterrupt):
            predict(trained, tagged(12), tmp_path / "made", batch=4, say=lambda _: None)
    assert not (tmp_path / "made" / "manifest.json").exists()
    with pytest.raises(UserError, match=r"holds an unfinished run(.|\n)*--resume"):
        predict(trained, tagged(12), tmp_path / "made", say=lambda _: None)
    other = open_model(str(saved(tmp_path / "other", "tagging", intermediate_size=24)), tokenizer=SAMPLE, device="cpu")
    with pytest.raises(UserError, match="unfinished run of other input or options"):
        predict(other, tagged(12), tmp_path / "made", resume=True, say=lambda _: None)
    before = len(rows)
    with monkeypatch.context() as patch:
        patch.setattr(Tagging, "logits", lambda *given: rows.append(len(given[2]["input_ids"])) or logits(*given))
        made = predict(trained, tagged(12), tmp_path / "made", resume=True, say=lambda _: None)
        assert sum(rows[before:]) == 6  # of the second shard alone
        said: list[str] = []
        predict(trained, tagged(12), tmp_path / "made", say=said.append)
    assert sum(rows[before:]) == 6
    assert "is done already" in said[0]
    assert made.manifest == whole.manifest
    assert {one.name for one in made.folder.iterdir()} == {one.name for one in whole.folder.iterdir()}


def test_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, rows = str(saved(tmp_path / "model", "classification")), str(classified())
    given = ["--tokenizer", SAMPLE, "--device", "cpu"]
    cli.main(["predict", model, rows, "--output", str(tmp_path / "made"), *given], standalone_mode=False)
    cli.main(
        ["evaluate", model, "--labels", str(tmp_path / "made"), "-o", str(tmp_path / "eval"), *given],
        standalone_mode=False,
    )
    said = capsys.readouterr().out
    assert all(f"{name} " in said for name in NAMES)
    assert "accuracy" in said
    report = json.loads((tmp_path / "eval" / "evaluation.json").read_text("utf-8"))
    (facts,) = report["labels"].values()
    assert facts["all"]["accuracy"] == 1  # of its own labels
    assert (tmp_path / "eval" / "labels.svg").is_file()
    assert pa.types.is_string(Dataset.open(tmp_path / "made").manifest.arrow_schema.field("label").type)
