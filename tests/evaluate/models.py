"""Tiny models with the sample's tokenizer: in memory, and as folders that AutoModel loads."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path
from typing import Any

import torch
import transformers

from tests.packed import SAMPLE
from xlcorpus.evaluate.models import TrainedModel, open_model
from xlcorpus.initialize.tokenizer_files import copy_tokenizer
from xlcorpus.tokenizer.open import open_tokenizer

TOKENIZER = open_tokenizer(SAMPLE)
_HELD: list[tempfile.TemporaryDirectory[str]] = []
_SMALL = {
    "vocab_size": TOKENIZER.vocab_size,
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "initializer_range": 0.5,  # so that tokens before matter
    "pad_token_id": 0,
    "bos_token_id": 2,
    "eos_token_id": 3,
}


@functools.cache
def tiny(kind: str) -> Any:
    """A model by the name of its class, drawn with one seed. Do not change it."""
    torch.manual_seed(0)
    if kind == "LlamaForCausalLM":
        return transformers.LlamaForCausalLM(transformers.LlamaConfig(**_SMALL, max_position_embeddings=64))
    if kind == "BartForConditionalGeneration":
        sides = {"encoder_layers": 2, "decoder_layers": 2, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32}
        heads = {"encoder_attention_heads": 2, "decoder_attention_heads": 2, "init_std": 1.5, "d_model": 16}
        ids = {"pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3, "decoder_start_token_id": 3}
        size = {"vocab_size": TOKENIZER.vocab_size, "max_position_embeddings": 64}
        return transformers.BartForConditionalGeneration(
            transformers.BartConfig(**sides, **heads, **ids, **size)
        ).eval()
    sizes = {**_SMALL, "max_position_embeddings": 65, "type_vocab_size": 1}
    if kind.startswith("Xmod"):
        return getattr(transformers, kind)(transformers.XmodConfig(**sizes, languages=["eng", "swh"])).eval()
    return getattr(transformers, kind)(transformers.XLMRobertaConfig(**sizes)).eval()


@functools.cache
def folder(kind: str) -> Path:
    """The model and its tokenizer, saved."""
    _HELD.append(tempfile.TemporaryDirectory(prefix="xlcorpus-model-"))
    saved = Path(_HELD[-1].name) / "model"
    tiny(kind).save_pretrained(saved)
    copy_tokenizer(TOKENIZER, SAMPLE, saved)
    return saved


@functools.cache
def opened(kind: str) -> TrainedModel:
    """The folder, opened."""
    return open_model(str(folder(kind)))
