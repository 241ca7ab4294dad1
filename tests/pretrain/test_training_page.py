"""docs/training.md is true: its code runs, and what it makes is what the page says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from datasets import load_dataset

from tests.house.pages import blocks
from tests.packed import packs, view
from xlcorpus.errors import UserError
from xlcorpus.loader.collator import PackCollator
from xlcorpus.loader.source import open_source
from xlcorpus.objectives.objective import NO_LABEL


def bert() -> transformers.BertForMaskedLM:
    """A tiny encoder for the sample's tokenizer."""
    shape = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    return transformers.BertForMaskedLM(transformers.BertConfig(vocab_size=6000, max_position_embeddings=64, **shape))


def test_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    Path("out").mkdir()
    Path("out/packed").symlink_to(packs())
    names: dict[str, Any] = {}
    for _, code in blocks("training.md", "python"):
        exec(code, names)
    assert names["stream"].left_out == 0
    assert names["trainer"].state.global_step == 4
    assert names["trainer"].state.log_history[-1]["train_loss"] < 9


def test_the_collator_gives_what_the_objective_does(tmp_path: Path) -> None:
    """Of rows as lists, as arrays and as a table; the model's own loss on it is the objective's."""
    source = open_source(packs(), "clm")
    shape = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(vocab_size=6000, **shape))
    collator = PackCollator(packs(), model)
    rows = load_dataset(str(packs()), split="train", cache_dir=str(tmp_path)).select(range(5))
    made = collator([rows[number] for number in range(5)])
    for other in (rows.with_format("arrow")[:], list(rows.with_format("numpy"))):
        assert all(torch.equal(made[name], value) for name, value in collator(other).items() if name != "use_cache")
    batch = source.objective.collate(rows.data.table.combine_chunks().to_batches()[0].slice(0, 5), None)
    assert torch.equal(batch["labels"], made["labels"])
    torch.testing.assert_close(model(**made).loss, source.objective.losses(model, batch).total)


def test_the_collator_masks_anew_and_gives_encoders_a_mask() -> None:
    collator = PackCollator(packs(), bert(), "mlm", probability=0.5)
    rows = [{"input_ids": [2, *range(5, 50), 3], "doc_starts": [0, 20]}]
    torch.manual_seed(1)
    one, other = collator(rows), collator(rows)
    assert one["attention_mask"].shape == (1, 1, 64, 64)
    assert not torch.equal(one["labels"], other["labels"])
    assert 10 < (one["labels"] != NO_LABEL).sum() < 35
    torch.manual_seed(1)
    assert torch.equal(collator(rows)["labels"], one["labels"])


def test_refusals_of_the_collator() -> None:
    model = bert()
    with pytest.raises(UserError, match="holds rows of the view tlm; mlm reads packs"):
        PackCollator(view("tlm"), model, "mlm")
    with pytest.raises(UserError, match="reads no packs"):
        PackCollator(view("tlm"), model, "tlm")
    with pytest.raises(UserError, match="has no option 'mask_probability'"):
        PackCollator(packs(), model, "mlm", mask_probability=0.3)
    with pytest.raises(UserError, match="its documents see one another"):
        PackCollator(packs(), model, "mlm", attention="positions")
    with pytest.raises(UserError, match=r"the rows have no doc_starts(.|\n)*remove_unused_columns=False"):
        PackCollator(packs(), model, "mlm")([{"input_ids": [2, 3]}])  # as Trainer gives them by default
