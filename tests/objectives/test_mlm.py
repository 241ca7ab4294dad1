"""Masked language modelling: what is masked, by what it is decided, and the loss."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import torch
import transformers

from tests.objectives.attentions import check_losses
from tests.pack.pack_helpers import TEXTS, Bytes, documents, options_of, pack
from xlcorpus.errors import UserError
from xlcorpus.objectives.kinds.mlm import MlmOptions
from xlcorpus.objectives.objective import NO_LABEL, OBJECTIVES, Vocabulary
from xlcorpus.pack.segments import fill_up
from xlcorpus.pack.tokenize import tokenize_batch

IDS = {"pad": 0, "bos": 1, "eos": 2, "unk": 3, "mask": 4}
VOCABULARY = Vocabulary("bytes", 261, IDS, frozenset(IDS.values()))
LENGTH = 64


@pytest.fixture(scope="module")
def rows() -> pa.RecordBatch:
    """Packs of texts in many scripts."""
    settings = options_of(LENGTH, "best-fit", "mlm")
    made = tokenize_batch(documents(list(TEXTS.values()), list(TEXTS)), Bytes(), settings)
    (batch,) = pack(made.documents, settings)[0].combine_chunks().to_batches()
    return batch


def test_a_row_is_masked_alike_in_every_batch(rows: pa.RecordBatch) -> None:
    objective = OBJECTIVES.find("mlm").make(MlmOptions(), VOCABULARY, LENGTH)
    keys = np.random.default_rng(3).integers(0, 2**64, rows.num_rows, dtype=np.uint64)
    whole = objective.collate(rows, keys)
    for row in range(rows.num_rows):
        alone = objective.collate(rows.slice(row, 1), keys[row : row + 1])
        assert all(torch.equal(alone[name][0], whole[name][row]) for name in whole)
    assert not torch.equal(whole["labels"], objective.collate(rows, keys ^ np.uint64(1))["labels"])


@pytest.mark.parametrize("whole_word", [False, True])
def test_nothing_outside_of_what_is_trained_on_is_masked(rows: pa.RecordBatch, whole_word: bool) -> None:
    """What `{% generation %}` marks is guessed from all that stands around it, and by the same choice as without it."""
    vocabulary = replace(VOCABULARY, word_starts=np.arange(261) == 37)
    objective = OBJECTIVES.find("mlm").make(MlmOptions(probability=0.5, whole_word=whole_word), vocabulary, LENGTH)
    keys = np.arange(rows.num_rows, dtype=np.uint64)
    spans: list[list[int] | None] = [[3, 9, 20, 21], [], None]
    spans += [[0, 5]] * (rows.num_rows - 3)
    whole = objective.collate(rows, keys)
    some = objective.collate(rows.append_column("loss_spans", pa.array(spans, pa.list_(pa.int32()))), keys)
    inside = torch.zeros(rows.num_rows, LENGTH, dtype=torch.bool)
    inside[0, 3:9] = inside[0, 20] = inside[2] = inside[3:, :5] = True
    assert torch.equal(some["labels"], whole["labels"].where(inside, torch.tensor(NO_LABEL)))
    assert torch.equal(some["input_ids"][inside], whole["input_ids"][inside])
    plain = torch.from_numpy(fill_up(rows.column("input_ids"), LENGTH, 0)).long()
    assert torch.equal(some["input_ids"][~inside], plain[~inside])
    assert (some["labels"] != NO_LABEL).any()


def test_the_loss_is_the_mean_over_masked_tokens_as_transformers_has_it(rows: pa.RecordBatch) -> None:
    torch.manual_seed(1)
    config = transformers.BertConfig(
        vocab_size=261, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4
    )
    model = transformers.BertForMaskedLM(config).eval()
    objective = OBJECTIVES.find("mlm").make(MlmOptions(), VOCABULARY, LENGTH)
    objective.prepare(model)
    batch = objective.collate(rows, np.arange(rows.num_rows, dtype=np.uint64))
    inputs = objective.needs(model).inputs(batch["position_ids"])
    check_losses(objective, model, batch, input_ids=batch["input_ids"], labels=batch["labels"], **inputs)


def test_padding_is_no_text_where_the_tokenizer_has_no_pad(rows: pa.RecordBatch) -> None:
    """unk is text, which may be masked: a row filled up with it would have labels there."""
    vocabulary = Vocabulary("bytes", 261, {"unk": 3, "mask": 4}, frozenset({0, 1, 2, 4}))
    objective = OBJECTIVES.find("mlm").make(MlmOptions(probability=0.9), vocabulary, 2 * LENGTH)
    batch = objective.collate(rows, np.arange(rows.num_rows, dtype=np.uint64))
    assert (batch["labels"][:, LENGTH:] == NO_LABEL).all()
    assert (batch["input_ids"][:, LENGTH:] == 4).all()


def test_a_batch_without_a_label_costs_nothing(rows: pa.RecordBatch) -> None:
    objective = OBJECTIVES.find("mlm").make(MlmOptions(probability=1e-12), VOCABULARY, LENGTH)
    config = transformers.BertConfig(vocab_size=261, hidden_size=8, num_hidden_layers=1, num_attention_heads=1)
    model = transformers.BertForMaskedLM(config)
    loss = objective.losses(model, objective.collate(rows, np.arange(rows.num_rows, dtype=np.uint64))).total
    loss.backward()
    assert loss.item() == 0
    assert all(one.grad is not None and not one.grad.any() for one in model.parameters())


def test_refusals() -> None:
    with pytest.raises(UserError, match="no mask"):
        OBJECTIVES.find("mlm").make(MlmOptions(), Vocabulary("x", 9, {"pad": 0}, frozenset({0})), 8)
    few = transformers.BertConfig(vocab_size=200, hidden_size=8, num_hidden_layers=1, num_attention_heads=1)
    with pytest.raises(UserError, match="200 embeddings"):
        OBJECTIVES.find("mlm").make(MlmOptions(), VOCABULARY, 8).prepare(transformers.BertForMaskedLM(few))
    short = transformers.XLMRobertaConfig(
        vocab_size=261, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, max_position_embeddings=34
    )
    with pytest.raises(UserError, match="rows have 33 tokens, and XLMRobertaForMaskedLM reads 32"):
        OBJECTIVES.find("mlm").make(MlmOptions(), VOCABULARY, 33).prepare(transformers.XLMRobertaForMaskedLM(short))
