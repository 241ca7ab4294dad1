"""TransliCo: its batch, and its losses beside hand-computed values and numpy alone."""

from __future__ import annotations

from math import exp, log
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.objectives.masked_models import BOS, EOS, MASK, PAD, VOCABULARY, Tables, tiny
from xlcorpus.errors import UserError
from xlcorpus.objectives.contrast import contrast, pool
from xlcorpus.objectives.kinds.translico import Translico, TranslicoOptions
from xlcorpus.objectives.objective import NO_LABEL, OBJECTIVES


def rows_of(*pairs: tuple[list[int], list[int]]) -> tuple[pa.RecordBatch, np.ndarray]:
    """Rows and their keys."""
    lists = pa.list_(pa.int32())
    columns = {
        name: pa.array([pair[place] for pair in pairs], lists)
        for place, name in enumerate(("text_ids", "text_latn_ids"))
    }
    return pa.RecordBatch.from_pydict(columns), np.arange(len(pairs), dtype=np.uint64) * 977


def made(length: int = 64, **options: Any) -> Translico:
    return Translico(TranslicoOptions(**{"layer": 2, **options}), VOCABULARY, length)


COLUMNS = "text_ids", "text_latn_ids"
PAIRS = ([10, 11, 12], [20, 21]), ([13], [22, 23, 24, 25, 26, 27, 28]), ([14, 15, 16, 17], [29, 30])


def test_published_defaults() -> None:
    options = OBJECTIVES.find("translico").options()
    assert options.model_dump() == {
        "probability": 0.15,
        "mask_share": 0.8,
        "random_share": 0.1,
        "whole_word": False,
        "layer": 8,
        "pooling": "mean",
        "similarity": "dot",
        "temperature": 1.0,
        "tcm_weight": 0.5,
        "negatives": "batch",
    }


def test_batch() -> None:
    objective = made(probability=0.4)
    batch = objective.collate(*rows_of(*PAIRS))
    assert all(one.shape == (6, 16) for one in batch.values())  # 9 tokens with bos and eos, to a multiple of 8
    labels, inputs = batch["labels"], batch["input_ids"]
    original = torch.where(labels == NO_LABEL, inputs, labels)
    for row, side in enumerate(side for pair in PAIRS for side in pair):
        size = len(side) + 2
        assert original[row].tolist() == [BOS, *side, EOS, *[PAD] * (16 - size)]
        assert batch["attention_mask"][row].tolist() == [1] * size + [0] * (16 - size)
        assert batch["text_mask"][row].tolist() == [0 < place < size - 1 for place in range(16)]
    assert (inputs == MASK).any()
    assert (labels != NO_LABEL).any()
    # the same rows in another order, alone, or in a shorter context: the same tensors
    rows, keys = rows_of(*PAIRS)
    alone = objective.collate(rows.slice(2, 1), keys[2:])
    assert (alone["input_ids"] == inputs[4:, :8]).all()
    assert (alone["labels"] == labels[4:, :8]).all()
    assert made(9).collate(rows, keys)["input_ids"].shape == (6, 9)


def test_views_are_masked_by_themselves() -> None:
    same = list(range(5, 35))
    labels = made(probability=0.5).collate(*rows_of((same, same)))["labels"]
    assert (labels[0] != labels[1]).any()


def test_contrast_by_hand() -> None:
    # vectors 1, 2 | 3, 4: each row's products with the others, the partner's first
    rows = [(2, 3, 4), (2, 6, 8), (12, 3, 6), (12, 4, 8)]
    wanted = [log(sum(map(exp, row))) - row[0] for row in rows]
    vectors = torch.tensor([[1.0], [2.0], [3.0], [4.0]])
    assert contrast(vectors, vectors, 0, "dot", 1.0).tolist() == pytest.approx(wanted, abs=1e-6)
    # all point the same way: one of three, whatever the temperature
    assert contrast(vectors, vectors, 0, "cosine", 0.05).tolist() == pytest.approx([log(3)] * 4, rel=1e-5)
    # as a rank that has the second pair sees it
    assert contrast(vectors[2:], vectors, 2, "dot", 1.0).tolist() == pytest.approx(wanted[2:], abs=1e-6)


def contrast_in_numpy(vectors: np.ndarray, similarity: str, temperature: float) -> float:
    if similarity == "cosine":
        vectors = vectors / np.sqrt((vectors**2).sum(axis=1, keepdims=True))
    costs = []
    for row in range(len(vectors)):
        partner = row + 1 if row % 2 == 0 else row - 1
        others = [vectors[row] @ vectors[other] / temperature for other in range(len(vectors)) if other != row]
        top = max(others)
        costs.append(top + log(sum(exp(one - top) for one in others)) - vectors[row] @ vectors[partner] / temperature)
    return 0.5 * sum(costs) / len(costs)


@given(st.integers(0, 2**32), st.integers(2, 5), st.sampled_from(["dot", "cosine"]), st.sampled_from([0.05, 1.0, 7.0]))
def test_contrast_in_numpy(seed: int, pairs: int, similarity: str, temperature: float) -> None:
    vectors = np.random.default_rng(seed).normal(size=(2 * pairs, 4)).astype(np.float32)
    given_vectors = torch.from_numpy(vectors)
    found = contrast(given_vectors, given_vectors, 0, similarity, temperature).mean().item()
    assert 0.5 * found == pytest.approx(
        contrast_in_numpy(vectors.astype(float), similarity, temperature), rel=1e-4, abs=1e-5
    )


@pytest.mark.parametrize("pooling", ["mean", "cls"])
@pytest.mark.parametrize(("similarity", "temperature"), [("dot", 1.0), ("cosine", 0.05)])
def test_losses_in_numpy(pooling: str, similarity: str, temperature: float) -> None:
    objective = made(
        probability=0.5, pooling=pooling, similarity=similarity, temperature=temperature, layer=1, tcm_weight=0.25
    )
    rows, keys = rows_of(*PAIRS)
    batch, model = objective.collate(rows, keys), Tables()
    losses = objective.losses(model, batch)
    inputs, labels = batch["input_ids"].numpy(), batch["labels"].numpy()
    table, states = model.logits.detach().double().numpy(), model.states[1].detach().double().numpy()
    costs: list[list[float]] = [[], []]
    vectors = []
    for row in range(6):
        text = [place for place in range(inputs.shape[1]) if inputs[row, place] not in (PAD, BOS, EOS)]
        assert len(text) == len(PAIRS[row // 2][row % 2])  # masks are among them
        used = text if pooling == "mean" else [0]
        vectors.append(np.mean([states[inputs[row, place]] for place in used], axis=0))
        for place in np.flatnonzero(labels[row] != NO_LABEL):
            logits = table[inputs[row, place]]
            costs[row % 2].append(log(np.exp(logits).sum()) - logits[labels[row, place]])
    wanted = {
        "mlm_text": np.mean(costs[0]),
        "mlm_text_latn": np.mean(costs[1]),
        "tcm": contrast_in_numpy(np.array(vectors), similarity, temperature),
    }
    assert {name: part.item() for name, part in losses.parts.items()} == pytest.approx(wanted, rel=1e-5)
    total = wanted["mlm_text"] + wanted["mlm_text_latn"] + 0.25 * wanted["tcm"]
    assert losses.total.item() == pytest.approx(total, rel=1e-5)
    assert objective.label_losses(model, batch).sum().item() == pytest.approx(sum(map(sum, costs)), rel=1e-5)


def test_weight_of_none_is_mlm_alone() -> None:
    batch = made().collate(*rows_of(*PAIRS))
    both, alone = (made(tcm_weight=weight).losses(Tables(), batch) for weight in (0.5, 0.0))
    assert set(alone.parts) == {"mlm_text", "mlm_text_latn"}
    assert (both.total - alone.total).item() == pytest.approx(0.5 * both.parts["tcm"].item(), rel=1e-4)


def test_padding_changes_nothing_on_a_real_model() -> None:
    """The same pairs beside a long one, in a model of transformers: the vectors and costs are theirs."""
    model, objective = tiny("xlm-roberta").eval(), made()
    rows, keys = rows_of(*PAIRS[::2], (list(range(5, 38)), [6, 7]))
    long, short = objective.collate(rows, keys), objective.collate(rows.slice(0, 2), keys[:2])
    assert long["input_ids"].shape[1] > short["input_ids"].shape[1]
    costs = [objective.label_losses(model, one) for one in (long, short)]
    torch.testing.assert_close(costs[0][:4, : costs[1].shape[1]], costs[1])
    vectors = []
    for batch in (long, short):
        states = model(
            input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], output_hidden_states=True
        ).hidden_states[2]
        vectors.append(pool(states, batch["text_mask"], "mean"))
    torch.testing.assert_close(vectors[0][:4], vectors[1])


def test_gradient_comes_from_tcm_too() -> None:
    objective, model = made(), tiny("bert")
    batch = objective.collate(*rows_of(*PAIRS))
    batch["labels"] = torch.full_like(batch["labels"], NO_LABEL)
    objective.losses(model, batch).total.backward()
    assert model.bert.encoder.layer[1].output.dense.weight.grad.abs().sum() > 0


def test_refusals() -> None:
    with pytest.raises(UserError, match="are to be of layer 8; the model has 2\n  remedy: give layer: 1,"):
        made(layer=8).prepare(tiny("bert"))
    made(layer=8, tcm_weight=0).prepare(tiny("bert"))
    with pytest.raises(UserError, match="has 30 embeddings, the shards hold ids up to 39"):
        made().prepare(tiny("bert", vocab_size=30))
    with pytest.raises(UserError, match="the rows have 64 tokens, and BertForMaskedLM reads 63"):
        made().prepare(tiny("bert", max_position_embeddings=63))
    assert made().losses(Tables(), made().collate(*rows_of(PAIRS[0]))).parts["tcm"] == 0  # the last batch of a run
    packs = pa.RecordBatch.from_pydict({"input_ids": pa.array([[1, 2]], pa.list_(pa.int32()))})
    with pytest.raises(UserError, match="no column text_ids\n  remedy: make them with xlcorpus pack --view translico"):
        made().collate(packs, np.zeros(1, np.uint64))
