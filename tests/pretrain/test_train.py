"""Runs of training: what they leave, and what is refused before a model is loaded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from safetensors.numpy import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from tests.packed import LENGTH, SAMPLE, document_rows, pack, packs, regroup, view
from tests.pretrain.runs import STILL, metrics, recipe_file, train, weights
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.errors import UserError
from xlcorpus.objectives.kinds.clm import Clm
from xlcorpus.objectives.objective import Losses
from xlcorpus.pretrain.engine import Engine
from xlcorpus.pretrain.recipe import load_recipe
from xlcorpus.pretrain.sources import open_data
from xlcorpus.tokenizer.open import open_tokenizer

BERT = {"shape": "bert", "layers": 1, "width": 16, "heads": 2}


def test_a_stage_after_another(tmp_path: Path) -> None:
    """The embeddings alone, then everything, from what the first stage left; all of it loads."""
    seen: list[tuple[int, str]] = []

    def evaluation(model: Any, data: Any, stage: Any) -> dict[str, Any]:
        seen.append((int(model.training), stage.name))
        return {"clm": {"loss": 1.5}}

    stages = [
        {"name": "words", "freeze": "body", "steps": 2, "evaluation": {"every": 1}},
        {"name": "all", "steps": 2, "precision": "bf16", "gradient_checkpointing": True, "schedule": {"name": "wsd"}},
    ]
    data = [{"folder": str(packs()), "holdout": str(packs(40, 1))}]
    assert train(tmp_path, evaluation=evaluation, stages=stages, steps=None, data=data) == 0
    assert [name for _, name in seen] == ["words"] * 3 + ["all"] * 2
    out = tmp_path / "out"
    first = AutoModelForCausalLM.from_pretrained(out / "stages" / "words")
    last = AutoModelForCausalLM.from_pretrained(out)
    drawn = AutoModelForCausalLM.from_pretrained(_start(tmp_path / "start"))
    for name, one in first.state_dict().items():
        of_embeddings = "embed_tokens" in name or "lm_head" in name
        assert torch.equal(one, drawn.state_dict()[name]) != of_embeddings, name
        assert not torch.equal(one, last.state_dict()[name]), name
    assert last.config.use_cache

    texts = ["Mvua ilinyesha.", "昨天晚上", "ልጆቹ"]
    ours = open_tokenizer(out)
    assert ours.fingerprint == open_tokenizer(SAMPLE).fingerprint
    theirs = AutoTokenizer.from_pretrained(out)
    ids, offsets = ours.encode_batch(pa.array(texts))
    assert [theirs(text, add_special_tokens=False)["input_ids"] for text in texts] == [
        one.tolist() for one in np.split(ids, offsets[1:-1])
    ]

    card = json.loads((out / "run.json").read_text("utf-8"))
    assert card["finished"]
    assert [one["name"] for one in card["stages"]] == ["words", "all"]
    manifest = Dataset.open(packs()).manifest
    assert card["stages"][1]["data"][0]["content_fingerprint"] == manifest.content_fingerprint
    assert card["languages"] == manifest.notes["counts"]["languages"]  # once, though two stages read them
    assert torch.__version__.startswith(card["versions"]["torch"])
    assert {"bos", "hrv"} <= set(card["watch"])  # beside srp, of one macrolanguage
    said = (out / "README.md").read_text("utf-8")
    assert "swh" in said
    assert "library_name: transformers" in said
    assert "Bits per byte" not in said  # none was measured
    lines = metrics(tmp_path)
    assert [(one["stage"], one["step"]) for one in lines if "loss" in one] == [("words", 2), ("all", 2)]
    assert [one["step"] for one in lines if "evaluation" in one] == [0, 1, 2, 0, 2]


def _start(folder: Path) -> Path:
    """The model that training begins with."""
    assert train(folder, steps=0) == 0
    return folder / "out"


def test_the_loss_of_a_step_is_the_mean_over_its_labels(tmp_path: Path) -> None:
    """However it is cut into micro-batches, of which documents of one row each have few labels or many."""
    rows = [document_rows(24)]
    folder = str(pack(rows, "document", tmp_path / "ones", strategy="one").folder)
    for micro in (2, 8):
        assert train(tmp_path / str(micro), data=[{"folder": folder}], batch="8 rows", rows=micro, log_every=1) == 0
    one, other = ([line["loss"] for line in metrics(tmp_path / str(micro))] for micro in (2, 8))
    assert one == pytest.approx(other, abs=1e-5)


def test_what_counts_as_a_token(tmp_path: Path) -> None:
    """Of packs every position, of pairs all but what fills up a batch: a budget and the metrics count the same."""
    assert train(tmp_path / "packs", steps=None, budget=3 * 512) == 0
    assert [line["tokens"] for line in metrics(tmp_path / "packs")] == [1024, 1536]
    counts = Dataset.open(view("translico")).manifest.notes["counts"]
    tokens = sum(counts["tokens"].values()) + 4 * counts["rows"]  # <s> and </s> around both texts of a pair
    data = [{"folder": str(view("translico")), "objective": "translico", "layer": 1}]
    given = {"data": data, "start": BERT, "batch": "60 rows", "rows": 30, "log_every": 1, "checkpoints": {}}
    assert train(tmp_path / "pairs", **given, steps=None, budget=tokens) == 0
    assert [line["step"] for line in metrics(tmp_path / "pairs")] == [1, 2]  # an epoch, 120 rows
    assert metrics(tmp_path / "pairs")[-1]["tokens"] == tokens


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "within"), [({"gradient_checkpointing": True}, 1e-6), ({"rows": 8}, 1e-5), ({"compile": True}, 1e-4)]
)
def test_how_a_step_is_done_changes_no_weight(tmp_path: Path, change: dict[str, Any], within: float) -> None:
    """Recomputed, without accumulation, compiled (by the machine's C++ compiler)."""
    for name, settings in (("plain", {}), ("other", change)):
        assert train(tmp_path / name, **STILL, **settings) == 0
    plain, other = (load_file(tmp_path / name / "out" / "model.safetensors") for name in ("plain", "other"))
    assert plain.keys() == other.keys()
    assert max(abs(plain[name] - other[name]).max() for name in plain) < within


def test_a_loss_that_is_no_number_names_its_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    losses, batches, at_fault = Clm.losses, [0], []

    def no_number(objective: Clm, model: Any, batch: Any) -> Losses:
        found = losses(objective, model, batch)
        batches[0] += 1
        if batches[0] == 6:  # the second micro-batch of step 3
            at_fault.append(batch["input_ids"][:, :8].tolist())
            return Losses(found.total * float("nan"))
        return found

    monkeypatch.setattr(Clm, "losses", no_number)
    with pytest.raises(UserError, match="stage train, step 3: the loss is nan") as refused:
        train(tmp_path)
    message = str(refused.value)
    assert "step-2 is the last checkpoint" in message
    dataset = Dataset.open(packs())
    by_shard = {shard.location.name: shard for shard in dataset.shards}
    rows = _rows_of(message)
    assert len(rows) == 4
    for (shard, number, ids), begun in zip(rows, at_fault[0], strict=True):
        table = Dataset.open(packs()).to_arrow()
        before = sum(one.rows for name, one in by_shard.items() if name < shard)
        row = table.slice(before + number, 1).to_pylist()[0]
        assert [one.hex() for one in row["doc_ids"]] == ids
        assert row["input_ids"][:8] == begun


def _rows_of(message: str) -> list[tuple[str, int, list[str]]]:
    import re

    found = re.findall(r"data/(part-\S+\.parquet) row (\d+) \(doc_ids ([0-9a-f, ]+)\)", message)
    return [(shard, int(number), ids.split(", ")) for shard, number, ids in found]


@pytest.mark.parametrize(("kind", "name"), [(Clm, "losses"), (torch.optim.AdamW, "step"), (torch.nn.Module, "to")])
def test_memory_that_does_not_suffice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Any, name: str) -> None:
    """Of activations, of the optimiser's states, of the weights."""

    def too_much(*_: Any, **__: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    monkeypatch.setattr(kind, name, too_much)
    with pytest.raises(UserError, match=r"memory does not suffice for 4 rows of 64(.|\n)*`rows` from 4 to 2"):
        train(tmp_path)


def no_model(*_: Any, **__: Any) -> None:
    raise AssertionError("a model was loaded")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data": "translico"}, r"holds rows of the view translico; clm reads packs(.|\n)*without --view"),
        ({"data": "no-pairs"}, r"holds packs; translico reads the view translico(.|\n)*pack ... --view translico"),
        ({"data": "options"}, "mlm has no option 'maskshare'"),
        ({"data": "kinds"}, "mlm trains an AutoModelForMaskedLM, clm an AutoModelForCausalLM"),
        ({"data": "other"}, r"was packed with the tokenizer \w+ \(259 ids(.|\n)*pack them again with this one"),
        ({"data": "bytes", "start": BERT}, r"mlm needs a token for mask(.|\n)*tokenizer train --mask"),
        ({"data": "documents"}, "holds"),
        ({"data": "unknown"}, r"recipe.yaml: stage train: data 1 .*there is no objective 'mlmm'; did you mean 'mlm'"),
        (
            {"schedule": {"warmup": 9}},
            r"stage train: schedule: the warm-up takes 9 steps, and there are 6",
        ),
        ({"data": "empty"}, r"has no rows(.|\n)*leave it out"),
        ({"data": "empty-holdout"}, r"has no rows(.|\n)*--holdout 2%"),
        ({"rows": 2000, "batch": 2000 * LENGTH}, r"a micro-batch on 1 ranks takes 2,000: ranks would have none"),
        ({"rows": 32}, r"micro-batches of 32 rows do not come near it(.|\n)*write rows: 8, or batch: 32 rows"),
        ({"trainer": {"max_step": 3}}, "trainer: there is no 'max_step'; did you mean 'max_steps'"),
        ({"trainer": {"max_steps": 3}}, "max_steps follows from the recipe"),
        ({"tokenizer": None}, "there is no `tokenizer`"),
    ],
)
def test_what_does_not_go_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], message: str
) -> None:
    monkeypatch.setattr("xlcorpus.pretrain.train.start", no_model)
    data: dict[str, Any] = {
        "translico": lambda: [{"folder": str(view("translico"))}],
        "no-pairs": lambda: [{"folder": str(packs()), "objective": "translico"}],
        "options": lambda: [{"folder": str(packs()), "objective": "mlm", "maskshare": 0.2}],
        "kinds": lambda: [{"folder": str(packs())}, {"folder": str(packs()), "objective": "mlm"}],
        "other": lambda: [{"folder": str(packs(30, 1, tokenizer="bytes"))}],
        "bytes": lambda: [{"folder": str(packs(30, 1, tokenizer="bytes")), "objective": "mlm"}],
        "unknown": lambda: [{"folder": str(packs()), "objective": "mlmm"}],
        "documents": lambda: [{"folder": str(packs().parent / "out-input")}],
        "empty": lambda: [{"folder": str(regroup(packs(30, 1), tmp_path / "none", [[0]]))}],
        "empty-holdout": lambda: [
            {"folder": str(packs()), "holdout": str(regroup(packs(30, 1), tmp_path / "none", [[0]]))}
        ],
    }
    given = {**changes, "data": data[changes["data"]]()} if "data" in changes else changes
    with pytest.raises(UserError, match=message):
        train(tmp_path, **given)
    assert not (tmp_path / "out" / "model.safetensors").exists()


def test_what_the_start_lacks_names_the_recipe(tmp_path: Path) -> None:
    for begin, said in (({"shape": "lama"}, "there is no shape 'lama'"), ({"model": str(tmp_path)}, "has no config")):
        with pytest.raises(UserError, match=rf"recipe.yaml: start: .*{said}"):
            train(tmp_path, start=begin)
        assert not (tmp_path / "out" / "run.json").exists()


def test_what_a_later_stage_lacks_is_said_before_the_first_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xlcorpus.pretrain.train.start", no_model)
    with pytest.raises(UserError, match=r"recipe.yaml: stage stage-2: trainer: there is no 'max_step'"):
        train(tmp_path, stages=[{}, {"trainer": {"max_step": 1}}])


def test_whole_words_are_read_from_the_recipes_tokenizer(tmp_path: Path) -> None:
    data = [{"folder": str(packs()), "objective": "mlm", "whole_word": True, "probability": 0.5}]
    stage = load_recipe(str(recipe_file(tmp_path, data=data))).stages[0]
    source = open_data(stage, SAMPLE).sources[0]
    batch = source.objective.collate(source.rows.read(0), np.arange(source.rows.groups[0], dtype=np.uint64))
    labels, ids = batch["labels"].numpy(), np.where(batch["labels"] != -100, batch["labels"], batch["input_ids"])
    starts, chosen = open_tokenizer(SAMPLE).word_starts, labels != -100
    inside = ~starts[ids[:, 1:]] & (ids[:, 1:] > 4) & (ids[:, :-1] > 4) & (batch["position_ids"].numpy()[:, 1:] > 0)
    assert (chosen[:, 1:] == chosen[:, :-1])[inside].all()
    assert (chosen[:, 1:] != chosen[:, :-1])[~inside].any()
    with pytest.raises(UserError, match=r"stage train: data 1 .*: whole_word needs the tokenizer"):
        open_data(stage)
    with pytest.raises(UserError, match=r"was packed with the tokenizer"):
        open_data(stage, "bytes")


def test_what_trainer_lacks_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"stage train: trainer: \w+ requires wandb(.|\n)*install it"):
        train(tmp_path, trainer={"report_to": "wandb"})


@pytest.mark.slow
def test_sources_by_weight_and_their_losses(tmp_path: Path) -> None:
    data = [
        {"folder": str(view("translico")), "objective": "translico", "layer": 1, "weight": 2},
        {"folder": str(packs()), "objective": "mlm"},
    ]
    assert train(tmp_path, data=data, start=BERT, batch="12 rows", rows=4, steps=3, log_every=3, checkpoints={}) == 0
    (line,) = metrics(tmp_path)
    names = {"loss/translico", "loss/translico/mlm_text", "loss/translico/mlm_text_latn", "loss/translico/tcm"}
    assert names | {"loss/mlm"} <= line.keys()
    assert np.isfinite(line["loss"])
    assert line["loss"] == pytest.approx((2 * line["loss/translico"] + line["loss/mlm"]) / 3, rel=1e-3)
    assert weights(tmp_path)
    assert Engine.loss_is_scaled_for_ga
