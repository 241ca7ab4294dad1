"""TLM: templates, positions and languages in the batch, and its loss in numpy."""

from __future__ import annotations

from dataclasses import replace
from math import log
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch

from tests.objectives.masked_models import BOS, EOS, PAD, VOCABULARY, Tables, tiny
from xlcorpus.errors import UserError
from xlcorpus.objectives.kinds.tlm import Tlm, TlmOptions
from xlcorpus.objectives.objective import NO_LABEL, OBJECTIVES, Vocabulary

PAIRS = ([10, 11, 12], [20, 21]), ([13], [22, 23, 24, 25, 26])
XLMR = replace(VOCABULARY, pair=((BOS,), (EOS, EOS), (EOS,)))


def rows_of() -> tuple[pa.RecordBatch, np.ndarray]:
    lists = pa.list_(pa.int32())
    columns = {
        "src_ids": pa.array([pair[0] for pair in PAIRS], lists),
        "tgt_ids": pa.array([pair[1] for pair in PAIRS], lists),
        "src_lang_id": pa.array([3, 1], pa.int32()),
        "tgt_lang_id": pa.array([0, 4], pa.int32()),
    }
    return pa.RecordBatch.from_pydict(columns), np.array([5, 6], dtype=np.uint64)


def made(vocabulary: Vocabulary = VOCABULARY, **options: Any) -> Tlm:
    return Tlm(TlmOptions(**options), vocabulary, 64)


def original(batch: dict[str, torch.Tensor]) -> list[list[int]]:
    ids = torch.where(batch["labels"] == NO_LABEL, batch["input_ids"], batch["labels"])
    return [[one for one in row if one != PAD] for row in ids.tolist()]


def test_templates_and_positions() -> None:
    plain = made(probability=0.5, positions="restart").collate(*rows_of())
    assert original(plain) == [[BOS, *src, EOS, *tgt, EOS] for src, tgt in PAIRS]
    assert plain["position_ids"][0, :8].tolist() == [0, 1, 2, 3, 4, 0, 1, 2]
    assert plain["position_ids"][1, :9].tolist() == [0, 1, 2, 0, 1, 2, 3, 4, 5]
    own = made(XLMR, template="own", positions="restart").collate(*rows_of())
    assert original(own) == [[BOS, *src, EOS, EOS, *tgt, EOS] for src, tgt in PAIRS]
    assert own["position_ids"][0, :9].tolist() == [0, 1, 2, 3, 4, 0, 1, 2, 3]  # the second </s> opens the translation
    assert "position_ids" not in made().collate(*rows_of())


def test_languages() -> None:
    batch = made(language_ids="langs").collate(*rows_of())
    assert batch["langs"][0].tolist() == [3] * 5 + [0] * 3 + [0] * 8
    assert batch["langs"][1].tolist() == [1] * 3 + [4] * 6 + [0] * 7
    with pytest.raises(UserError, match=r"language ids go up to 4; the model \(bert\) has type_vocab_size 2"):
        made(language_ids="token_type_ids").losses(
            tiny("bert"), made(language_ids="token_type_ids").collate(*rows_of())
        )
    assert made(language_ids="token_type_ids").losses(tiny("bert", type_vocab_size=5), batch).total > 0


def test_loss_in_numpy() -> None:
    objective, model = made(probability=0.5), Tables()
    batch = objective.collate(*rows_of())
    inputs, labels = batch["input_ids"].numpy(), batch["labels"].numpy()
    table = model.logits.detach().double().numpy()
    costs = [
        log(np.exp(table[one]).sum()) - table[one][label]
        for one, label in zip(inputs.ravel(), labels.ravel(), strict=True)
        if label != NO_LABEL
    ]
    losses = objective.losses(model, batch)
    assert len(costs) == 2
    assert losses.total.item() == pytest.approx(np.mean(costs), rel=1e-5)
    assert {name: part.item() for name, part in losses.parts.items()} == {"tlm": losses.total.item()}


def test_positions_are_counted_as_the_model_does() -> None:
    """XLM-R's own positions begin behind its padding's: `restart` of a text alone must be what it gives itself."""
    model, objective = tiny("xlm-roberta"), made(positions="restart", probability=0.5)
    batch = objective.collate(*rows_of())
    own = {**batch, "position_ids": torch.arange(batch["input_ids"].shape[1]).expand_as(batch["input_ids"])}
    by_model = made(probability=0.5).label_losses(model, {k: v for k, v in batch.items() if k != "position_ids"})
    torch.testing.assert_close(objective.label_losses(model, own), by_model)
    assert not torch.allclose(objective.label_losses(model, batch), by_model)


def test_refusals() -> None:
    assert OBJECTIVES.find("tlm").view == "tlm"
    with pytest.raises(UserError, match="no template of pairs"):
        made(template="own")
    with pytest.raises(UserError, match="no sep and no eos"):
        made(replace(VOCABULARY, ids={"pad": PAD, "mask": 4, "bos": BOS}))
    with pytest.raises(UserError, match="pack --view tlm"):
        made().collate(pa.RecordBatch.from_pydict({"x": [1]}), np.zeros(1, np.uint64))
