"""Tokenizers, small models and GGUF files for tests of starting points."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tests.tokenizer.families import save_family
from tests.tokenizer.tokenizer_helpers import WORDS
from xlcorpus.initialize.options import StartOptions
from xlcorpus.initialize.start import Started, copy_tokenizer, start
from xlcorpus.tokenizer.extend import extend
from xlcorpus.tokenizer.open import open_tokenizer
from xlcorpus.tokenizer.piece_candidates import Candidate
from xlcorpus.tokenizer.write_extended import write_extended

CAUSAL, MASKED = "AutoModelForCausalLM", "AutoModelForMaskedLM"
TEMPLATE = "{% for message in messages %}<|im_start|>{{ message['content'] }}<|im_end|>{% endfor %}"
SPECIAL = "<2swh_Latn>"
QUICK = {"dim": 4, "epochs": 1}  # word vectors


def save_tokenizer(library: Any, name: str, folder: Path) -> Path:
    """A small tokenizer of a family, with a chat template."""
    save_family(library, name, folder)
    (folder / "chat_template.jinja").write_text(TEMPLATE, encoding="utf-8")
    return folder


def copy_of(folder: Path, output: Path) -> Path:
    """A folder once more."""
    shutil.copytree(folder, output)
    return output


def extend_tokenizer(base: Path, output: Path, *langs: str) -> Path:
    """With the words of languages that it does not know, and a token of the user's own."""
    old = open_tokenizer(base)
    words = [f" {word}" for lang in langs or ("swh_Latn", "rus_Cyrl") for word in WORDS[lang].split()]
    letters = sorted({letter for word in words for letter in word})
    begun = [word[:end] for word in words for end in range(2, len(word) + 1)]
    candidates = [Candidate(text, -float(at)) for at, text in enumerate([*letters, *begun])]
    write_extended(extend(old, candidates, None, (f"<2{langs[0]}>" if langs else SPECIAL,)), old, base, output)
    return output


def begin(tokenizer: Path, architecture: str, seed: int = 3, length: int = 32, **options: Any) -> Started:
    """`start` with a small shape, or as the options say."""
    small = {} if {"model", "hub"} & options.keys() else {"layers": 2, "width": 32}
    return start(StartOptions(**small | options), tokenizer, architecture, seed, length=length)


def save_model(tokenizer: Path, architecture: str, folder: Path, **options: Any) -> Path:
    """A small model in a folder, with its tokenizer."""
    begin(tokenizer, architecture, **options).model.save_pretrained(folder)
    copy_tokenizer(open_tokenizer(tokenizer), tokenizer, folder)
    return folder


def logits_of(model: Any, count: int) -> torch.Tensor:
    """Of the first ids, float32[12, count]."""
    with torch.no_grad():
        return model.eval()(input_ids=torch.arange(3, 15)[None]).logits[0, :, :count]


def write_gguf(model: Any, tokenizer: Path, path: Path) -> Path:
    """A Llama as GGUF: weights of 32 bits, in the order in which llama.cpp has the halves of rotary embeddings."""
    import gguf

    config = model.config
    value = json.loads((tokenizer / "tokenizer.json").read_text(encoding="utf-8"))
    opened = open_tokenizer(tokenizer)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(10000.0)
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_vocab_size(config.vocab_size)
    writer.add_tokenizer_model("gpt2")
    names = sorted(value["model"]["vocab"], key=lambda name: value["model"]["vocab"][name])
    writer.add_token_list(names)
    special = {one["content"] for one in value["added_tokens"]}
    writer.add_token_types([3 if name in special else 1 for name in names])
    writer.add_token_merges([one if isinstance(one, str) else " ".join(one) for one in value["model"]["merges"]])
    writer.add_bos_token_id(opened.pad_id or 0)
    writer.add_eos_token_id(opened.eos_id)
    own = {
        "self_attn.q_proj": "attn_q",
        "self_attn.k_proj": "attn_k",
        "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output",
        "mlp.gate_proj": "ffn_gate",
        "mlp.up_proj": "ffn_up",
        "mlp.down_proj": "ffn_down",
        "input_layernorm": "attn_norm",
        "post_attention_layernorm": "ffn_norm",
    }
    whole = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
    for name, weight in model.named_parameters():
        stem, values = name.removesuffix(".weight"), weight.detach().numpy()
        if stem in whole:
            target = whole[stem]
        else:
            number, _, inner = stem.removeprefix("model.layers.").partition(".")
            target = f"blk.{number}.{own[inner]}"
            if inner.endswith(("q_proj", "k_proj")):
                heads = config.num_attention_heads if inner.endswith("q_proj") else config.num_key_value_heads
                halves = values.reshape(heads, 2, values.shape[0] // heads // 2, -1)
                values = np.ascontiguousarray(halves.swapaxes(1, 2).reshape(values.shape))
        writer.add_tensor(f"{target}.weight", values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
