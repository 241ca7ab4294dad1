"""Tiny models of every kind of attention, the ways in which packs can be given to them, and how far each is off."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import torch
import transformers

from tests.pack.pack_helpers import TEXTS, Bytes, documents, options_of, pack
from xlcorpus.objectives.attention import Attention, needs_of
from xlcorpus.objectives.objective import NO_LABEL, Batch, Vocabulary
from xlcorpus.objectives.packed import PackObjective
from xlcorpus.objectives.parts import Packs, segments_of
from xlcorpus.pack.tokenize import tokenize_batch

LENGTH = 96
VOCABULARY = Vocabulary("bytes", 261, {"pad": 0, "bos": 1, "eos": 2, "unk": 3, "mask": 4}, frozenset(range(5)))
_SHAPE = {"vocab_size": 261, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
_ROPE = {**_SHAPE, "intermediate_size": 48, "num_key_value_heads": 2, "head_dim": 8, "bos_token_id": 1}
_ENDS = {"pad_token_id": 0, "eos_token_id": 2, "initializer_range": 0.1}
_GPT2 = {"vocab_size": 261, "n_positions": 128, "n_embd": 32, "n_layer": 2, "n_head": 4, "bos_token_id": 1}
_HALF = {"layer_types": ["sliding_attention", "full_attention"], "sliding_window": 9}

# name: (config, causal); windows are smaller than documents
CONFIGS: dict[str, tuple[Callable[[], Any], bool]] = {
    "llama": (lambda: transformers.LlamaConfig(**_ROPE, **_ENDS), True),
    "gpt2": (
        lambda: transformers.GPT2Config(**_GPT2, **_ENDS),
        True,
    ),
    "qwen3": (lambda: transformers.Qwen3Config(**_ROPE, **_ENDS), True),
    "gemma3": (lambda: transformers.Gemma3TextConfig(**_ROPE, **_ENDS, **_HALF), True),
    "mistral": (lambda: transformers.MistralConfig(**_ROPE, **_ENDS, sliding_window=9), True),
    "bert": (lambda: transformers.BertConfig(**_SHAPE, intermediate_size=48, **_ENDS), False),
    "xlm-roberta": (lambda: transformers.XLMRobertaConfig(**_SHAPE, intermediate_size=48, **_ENDS), False),
    "modernbert": (
        lambda: transformers.ModernBertConfig(
            **_SHAPE, intermediate_size=48, local_attention=8, global_attn_every_n_layers=2, cls_token_id=1, **_ENDS
        ),
        False,
    ),
}


def model_of(name: str, implementation: str) -> Any:
    """One of CONFIGS with random weights, dropout off."""
    config, causal = CONFIGS[name]
    torch.manual_seed(7)
    auto = transformers.AutoModelForCausalLM if causal else transformers.AutoModelForMaskedLM
    return auto.from_config(config(), attn_implementation=implementation).eval()


@functools.cache
def packs_of(length: int = LENGTH) -> pa.RecordBatch:
    """Texts in many scripts: rows of several documents, of one, of ends of split ones, with and without padding."""
    settings = options_of(length, "best-fit", "mlm")
    texts = [*TEXTS.values(), "Short.", "Longer than that is this one: " * 4, "ok"]
    made = tokenize_batch(documents(texts, ["eng_Latn"] * len(texts)), Bytes(), settings)
    (batch,) = pack(made.documents, settings)[0].combine_chunks().to_batches()
    return batch


def batch_of(rows: pa.RecordBatch, length: int = LENGTH) -> Batch:
    """The tensors of packs, with pad equal to eos."""
    packs = Packs.of(rows, length, 2)
    return packs.tensors(packs.next_labels())


def given(way: str, model: Any, batch: Batch, causal: bool) -> dict[str, Any]:
    """Arguments of a model's forward beside input_ids, in one of the ways of docs/training.md."""
    positions = batch["position_ids"]
    filled = (segments_of(positions) < segments_of(positions)[:, -1:]).long()
    right = needs_of(model, "mask", causal).inputs(positions)
    cached = {name: value for name, value in right.items() if name != "use_cache"}
    plain = {name: value for name, value in right.items() if name != "attention_mask"}
    match way:
        case "nothing":
            return {}
        case "attention_mask of 0 and 1":
            return {"attention_mask": filled}
        case "position_ids, cache as it is":
            return {"position_ids": plain["position_ids"]}
        case "position_ids, attention_mask of 0 and 1":
            return {**plain, "attention_mask": filled}
        case "4D bool mask, position_ids":
            mask = right["attention_mask"]
            if isinstance(mask, dict):
                return {**right, "attention_mask": {kind: one == 0 for kind, one in mask.items()}}
            return {**right, "attention_mask": mask == 0}
        case "4D float mask alone":
            return {name: value for name, value in right.items() if name != "position_ids"}
        case "4D float mask, position_ids, cache as it is":
            return cached
    kinds: dict[str, Attention] = {
        "position_ids, no cache": "positions",
        "4D float mask, position_ids": "mask",
        "BlockMask, position_ids": "flex",
        "cu_seq_lens, position_ids": "varlen",
    }
    return needs_of(model, kinds[way], causal).inputs(positions)


@torch.no_grad()
def alone(model: Any, rows: pa.RecordBatch) -> list[torch.Tensor]:
    """float32[tokens, vocabulary] of each part by itself, given to the model without anything else."""
    found = []
    for row in rows.to_pylist():
        ids = torch.tensor(row["input_ids"])
        for part in torch.tensor_split(ids, row["doc_starts"][1:]):
            found.append(model(input_ids=part[None]).logits[0])
    return found


@torch.no_grad()
def difference(model: Any, rows: pa.RecordBatch, batch: Batch, wanted: list[torch.Tensor], **inputs: Any) -> float:
    """The largest difference of a logit of a part in its pack to what it is alone."""
    logits = model(input_ids=batch["input_ids"], **inputs).logits
    largest, parts = 0.0, iter(wanted)
    for number, row in enumerate(rows.to_pylist()):
        ends = [*row["doc_starts"][1:], row["length"]]
        for start, end in zip(row["doc_starts"], ends, strict=True):
            largest = max(largest, float((logits[number, start:end] - next(parts)).abs().max()))
    return largest


def check_losses(objective: PackObjective, model: Any, batch: Batch, **given: Any) -> None:
    """Loss, gradients and the cost of each label are transformers' own. given: what the model itself is called with."""
    loss = objective.losses(model, batch).total
    loss.backward()
    ours = [one.grad.clone() for one in model.parameters()]
    model.zero_grad()
    theirs = model(**given).loss
    theirs.backward()
    torch.testing.assert_close(loss, theirs)
    for one, other in zip(ours, model.parameters(), strict=True):
        torch.testing.assert_close(one, other.grad)
    each = objective.label_losses(model, batch)
    assert torch.equal(each != 0, batch["labels"] != NO_LABEL)
    torch.testing.assert_close(each.sum() / (each != 0).sum(), loss.detach())
