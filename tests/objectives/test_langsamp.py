"""LangSAMP: the head reads the states of the encoder and the vectors of language and script, added by hand here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from safetensors.numpy import load_file, save_file

from tests.objectives.masked_models import tiny
from tests.packed import document_rows, pack, packs, view
from tests.pretrain.runs import metrics, train
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.errors import UserError
from xlcorpus.evaluate.held_out import HeldOut
from xlcorpus.loader.source import open_source
from xlcorpus.objectives.own_weights import attach, own_weights_of

BERT = {"shape": "bert", "layers": 1, "width": 16, "heads": 2}


@pytest.mark.parametrize("architecture", ["bert", "xlm-roberta"])
@pytest.mark.parametrize("tables", [("languages", "scripts"), ("languages",), ("scripts",)])
def test_the_head_is_told_and_the_encoder_is_not(architecture: str, tables: tuple[str, ...]) -> None:
    options = {name: name in tables for name in ("languages", "scripts")}
    source = open_source(packs(pure=True), "langsamp", {**options, "across_documents": True})
    objective = source.objective
    objective.fit_rows(source.rows.folder, source.rows.count)
    ids = json.loads((Path(str(source.rows.folder)) / "languages.json").read_text("utf-8"))
    assert objective.names.get("languages", [*ids]) == sorted(ids, key=ids.__getitem__)

    model = tiny(architecture, vocab_size=source.rows.vocabulary.size, max_position_embeddings=80).eval()
    objective.prepare(model)
    attach(model, {"langsamp": objective}, 3)
    own = own_weights_of(model, "langsamp")
    assert {*own} == {*tables}
    rows = Dataset.open(source.rows.folder).to_arrow().combine_chunks().to_batches()[0].slice(0, 12)
    batch = objective.collate(rows, np.arange(rows.num_rows, dtype=np.uint64))
    assert (
        batch.get("languages", torch.tensor(rows.column("lang_id").to_pylist())).tolist()
        == rows.column("lang_id").to_pylist()
    )

    plain = model.base_model(batch["input_ids"]).last_hidden_state
    found = objective.label_losses(model, batch)
    states = plain
    for table in tables:
        states = states + own[table].weight[batch[table]][:, None]
    head = model.cls if architecture == "bert" else model.lm_head
    logits = head(states)
    labels = batch["labels"]
    wanted = torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none")
    assert torch.allclose(found.flatten(), wanted, atol=1e-4)
    assert torch.equal(model.base_model(batch["input_ids"]).last_hidden_state, plain)
    objective.losses(model.train(), batch).total.backward()
    used = {table: own[table].weight.grad.abs().sum(dim=1).nonzero().flatten().tolist() for table in tables}
    assert used == {table: sorted({*batch[table].tolist()}) for table in tables}


def test_trained_evaluated_and_gone_on_with(tmp_path: Path) -> None:
    data = [{"folder": str(packs(pure=True)), "objective": "langsamp", "holdout": str(packs(pure=True))}]
    changes: dict[str, Any] = {"data": data, "start": BERT, "batch": "16 rows", "steps": 2}
    assert train(tmp_path / "one", evaluation=HeldOut(None), **changes) == 0
    assert any("pseudo_bits_per_byte" in str(line) for line in metrics(tmp_path / "one"))
    folder = tmp_path / "one" / "out" / "objectives"
    names = json.loads((folder / "langsamp.json").read_text("utf-8"))
    tables = load_file(folder / "langsamp.safetensors")
    assert {name: one.shape for name, one in tables.items()} == {
        f"{table}.weight": (len(rows), 16) for table, rows in names.items()
    }
    marked = {name: np.full_like(one, 7) for name, one in tables.items()}
    save_file(marked, folder / "langsamp.safetensors")
    on = {**changes, "start": {"model": str(tmp_path / "one" / "out")}, "steps": 0}
    assert train(tmp_path / "on", **on) == 0
    begun = load_file(tmp_path / "on" / "out" / "objectives" / "langsamp.safetensors")
    assert all((one == 7).all() for one in begun.values())

    (folder / "langsamp.json").write_text(json.dumps({**names, "languages": names["languages"][::-1]}), "utf-8")
    with pytest.raises(UserError, match=r"rows of .*langsamp.safetensors are not those of the data's languages"):
        train(tmp_path / "other", **on)


def test_packs_of_several_languages() -> None:
    source = open_source(packs(), "langsamp")
    with pytest.raises(UserError, match=r"languages.json: cannot be read(.|\n)*--pure"):
        source.objective.fit_rows(source.rows.folder, source.rows.count)
    with pytest.raises(UserError, match="neither languages nor scripts is mlm"):
        open_source(packs(pure=True), "langsamp", {"languages": False, "scripts": False})
    with pytest.raises(UserError, match="langsamp reads packs"):
        open_source(view("tlm"), "langsamp")


def test_packs_of_one_language(tmp_path: Path) -> None:
    """A vector that is always the same tells nothing; two scripts of one language do."""
    for number, labels in enumerate((["swh_Latn"], ["srp_Latn", "srp_Cyrl"])):
        rows = document_rows(60)
        langs = pa.array([labels[row % len(labels)] for row in range(60)])
        rows = rows.set_column(rows.schema.get_field_index("lang"), "lang", langs)
        source = open_source(pack([rows], "document", tmp_path / str(number), pure=True).folder, "langsamp")
        if number:
            source.objective.fit_rows(source.rows.folder, source.rows.count)
            continue
        with pytest.raises(UserError, match=r"has no more than swh and Latn(.|\n)*write objective: mlm"):
            source.objective.fit_rows(source.rows.folder, source.rows.count)
