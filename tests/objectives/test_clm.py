"""Causal language modelling over packs: its labels, and its losses against transformers' own and numbers by hand."""

from __future__ import annotations

import math
from typing import cast

import numpy as np
import pyarrow as pa
import pytest
import torch
import transformers

from tests.objectives.attentions import check_losses
from tests.pack.pack_helpers import options_of, pack, token_documents
from xlcorpus.objectives.kinds.clm import Clm, ClmOptions
from xlcorpus.objectives.label_costs import _CrossEntropy
from xlcorpus.objectives.objective import NO_LABEL, OBJECTIVES, Batch, Vocabulary
from xlcorpus.objectives.parts import Packs, cu_seqlens_of, segments_of

VOCABULARY = Vocabulary("few", 64, {"pad": 0, "eos": 0}, frozenset({0}))


def tiny_llama() -> transformers.LlamaForCausalLM:
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=64, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4
    )
    return transformers.LlamaForCausalLM(config).eval()


def tensors(batch: pa.RecordBatch, length: int, pad: int, **more: bool) -> Batch:
    packs = Packs.of(batch, length, pad, **more)
    return packs.tensors(packs.next_labels())


def test_borders_and_padding_have_no_label_and_eos_keeps_its_own() -> None:
    packs, _ = pack(token_documents([3, 4, 2]), options_of(8, "concatenate"))
    (batch,) = packs.to_batches()
    eos = batch.column("input_ids").to_pylist()[0][2]  # where it is the padding as well
    made = tensors(batch, 10, eos)
    assert made["input_ids"].tolist()[1] == [8] + [eos] * 9
    assert made["labels"].tolist()[0] == [NO_LABEL, 1, 2, NO_LABEL, 4, 5, 6, NO_LABEL] + [NO_LABEL] * 2
    assert made["labels"].tolist()[1] == [NO_LABEL] * 10  # the end of a document that the first row began
    assert made["position_ids"].tolist() == [[0, 1, 2, 0, 1, 2, 3, 0, 0, 1], [0, *range(9)]]
    assert segments_of(made["position_ids"]).tolist() == [[1, 1, 1, 2, 2, 2, 2, 3, 4, 4], [1] + [2] * 9]
    ends, longest = cu_seqlens_of(made["position_ids"])
    assert (ends.tolist(), longest) == ([0, 3, 7, 8, 10, 11, 20], 9)
    across = tensors(batch, 10, eos, across=True)
    assert across["labels"].tolist()[0] == [NO_LABEL, *range(1, 8)] + [NO_LABEL] * 2


def test_the_cross_entropy_is_that_of_hand_and_so_is_its_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xlcorpus.objectives.label_costs._CHUNK", 3)  # a row at a time
    logits = torch.log(torch.tensor([[0.5, 0.25, 0.25], [0.125, 0.125, 0.75]])).requires_grad_()
    losses = _CrossEntropy.apply(logits.clone(), torch.tensor([1, 2]), 0.0)
    torch.testing.assert_close(losses, torch.tensor([math.log(4), math.log(4 / 3)]))
    (losses * torch.tensor([1.0, 10.0])).sum().backward()
    torch.testing.assert_close(logits.grad, torch.tensor([[0.5, -0.75, 0.25], [1.25, 1.25, -2.5]]))


def test_labels_are_in_the_spans_that_are_trained_on() -> None:
    packs, _ = pack(token_documents([3, 4, 2]), options_of(8, "concatenate"))
    (batch,) = packs.to_batches()

    def labels(spans: list[list[int] | None]) -> list[list[int]]:
        given = batch.append_column("loss_spans", pa.array(spans, pa.list_(pa.int32())))
        found = Clm(ClmOptions(), VOCABULARY, 10).collate(given, np.zeros(2, np.uint64))["labels"].tolist()
        return cast("list[list[int]]", found)

    everything = tensors(batch, 10, 0)["labels"].tolist()
    assert labels([[0, 8], [0, 1]]) == labels([None, None]) == everything
    assert labels([[], []]) == [[NO_LABEL] * 10] * 2
    assert labels([[0, 2, 5, 7], []]) == [
        [label if at in (0, 1, 5, 6) else NO_LABEL for at, label in enumerate(everything[0])],
        [NO_LABEL] * 10,
    ]


def test_the_loss_is_the_mean_over_labels_and_equals_that_of_transformers() -> None:
    packs, _ = pack(token_documents([3, 20, 5, 9, 1]), options_of(16))
    (batch,) = packs.to_batches()
    objective = OBJECTIVES.find("clm").make(ClmOptions(), VOCABULARY, 16)
    assert isinstance(objective, Clm)
    made = objective.collate(batch, np.zeros(batch.num_rows, dtype=np.uint64))
    model = tiny_llama().train()
    objective.prepare(model)
    check_losses(objective, model, made, **made, use_cache=False)
