"""Models with random weights: shapes, sizes, seeds, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.house.pages import blocks
from tests.initialize.starts import CAUSAL, MASKED, begin, logits_of
from xlcorpus.dataset.yaml_file import parse_yaml
from xlcorpus.errors import UserError
from xlcorpus.initialize.options import StartOptions
from xlcorpus.initialize.start import copy_tokenizer, start
from xlcorpus.objectives.objective import Vocabulary
from xlcorpus.tokenizer.open import open_tokenizer


@pytest.mark.parametrize(
    ("shape", "architecture"), [("llama", CAUSAL), ("gpt2", CAUSAL), ("bert", MASKED), ("modernbert", MASKED)]
)
@pytest.mark.parametrize("tied", [True, False])
def test_a_shape_has_the_sizes_asked_for(qwen: Path, shape: str, architecture: str, tied: bool) -> None:
    settings: dict[str, Any] = {} if shape == "gpt2" else {"intermediate": 48}
    options = StartOptions(
        shape=shape, layers=3, width=24, heads=2, tied=tied, vocabulary_multiple=64, positions=40, **settings
    )
    model, tokenizer, counted = start(options, qwen, architecture, 1)
    size = open_tokenizer(qwen).vocab_size
    config = model.config
    assert (config.num_hidden_layers, config.hidden_size, config.num_attention_heads) == (3, 24, 2)
    assert config.max_position_embeddings == 40
    assert config.vocab_size == model.get_input_embeddings().weight.shape[0] == -(-size // 64) * 64 > size
    tokens, output = model.get_input_embeddings().weight, model.get_output_embeddings().weight
    assert (tokens is output) == tied
    assert ("token matrix" in counted.matrices) == tied
    rows = next(iter(counted.matrices.values()))
    assert (rows.copied, rows.drawn, rows.padding) == (0, size, config.vocab_size - size)
    assert counted.parameters == model.num_parameters()
    assert len(tokenizer) == size
    assert model.training
    assert {one.dtype for one in model.parameters()} == {torch.float32}


def test_the_same_seed_gives_the_same_weights_whatever_was_drawn_before(qwen: Path) -> None:
    torch.manual_seed(5)
    before = torch.rand(3)
    torch.manual_seed(5)
    first, _, _ = begin(qwen, CAUSAL, seed=1, shape="llama")
    assert torch.equal(before, torch.rand(3))  # others' draws go on as if nothing had been drawn
    second, third = (begin(qwen, CAUSAL, seed=seed, shape="llama").model for seed in (1, 2))
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    assert not torch.equal(first.get_input_embeddings().weight, third.get_input_embeddings().weight)


def test_special_ids_are_the_tokenizers_and_eos_that_is_pad_is_trained(qwen: Path, tmp_path: Path) -> None:
    model = begin(qwen, CAUSAL, shape="llama", config={"rms_norm_eps": 1e-4, "attention_bias": True}).model
    opened = open_tokenizer(qwen)
    assert (model.config.pad_token_id, model.config.eos_token_id) == (opened.pad_id, opened.eos_id)
    assert model.config.attention_bias
    copy_tokenizer(opened, qwen, tmp_path)
    config = tmp_path / "tokenizer_config.json"
    config.write_text(config.read_text(encoding="utf-8").replace("<|endoftext|>", "<|im_end|>"), encoding="utf-8")
    model = begin(tmp_path, CAUSAL, shape="llama").model
    eos = model.config.eos_token_id
    assert open_tokenizer(tmp_path).pad_id == eos
    model.get_input_embeddings()(torch.tensor([eos])).sum().backward()
    assert model.get_input_embeddings().weight.grad[eos].abs().sum() > 0


def test_positions_must_do_for_the_rows(qwen: Path) -> None:
    with pytest.raises(UserError, match=r"the rows have 32 tokens, and random llama \(seeded\) reads 16"):
        begin(qwen, CAUSAL, shape="llama", positions=16)


def test_positions_of_xlm_roberta_begin_behind_pad(xlmr: Path) -> None:
    model = begin(xlmr, MASKED, shape="xlm-roberta", length=12).model
    pad = open_tokenizer(xlmr).pad_id
    assert model.config.max_position_embeddings == 12 + pad + 1
    assert torch.isfinite(logits_of(model, 5)).all()  # 12 tokens fit


@pytest.mark.parametrize(
    ("architecture", "options", "said"),
    [
        (CAUSAL, {"shape": "lama"}, "llama"),
        (CAUSAL, {"shape": "bert"}, "clm for models that read one way"),
        (MASKED, {"shape": "llama"}, "xlm-roberta"),
        (CAUSAL, {"shape": "llama", "width": 30}, "multiple of the heads"),
        (CAUSAL, {"shape": "llama", "heads": 4, "key_value_heads": 3}, "key_value_heads"),
        (CAUSAL, {"shape": "gpt2", "intermediate": 40}, "no intermediate_size"),
        (CAUSAL, {"shape": "llama", "config": {"rope_thetta": 1.0}}, "rope_parameters"),
        (CAUSAL, {"shape": "llama", "config": {"hidden_act": "gelluu"}}, "gelluu"),
        (CAUSAL, {"shape": "llama", "config": {"vocab_size": 30}}, "follows from the tokenizer"),
        (CAUSAL, {"shape": "llama", "config": {"num_hidden_layers": 3}}, "leave it out, and write `layers:`"),
        (CAUSAL, {"shape": "llama", "config": {"tie_word_embeddings": False}}, "leave it out, and write `tied:`"),
        ("AutoModelForCausalML", {"shape": "llama"}, "AutoModelForCausalLM"),
    ],
)
def test_what_cannot_be_made_is_refused(qwen: Path, architecture: str, options: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        start(StartOptions(**{"layers": 1, "width": 32, **options}), qwen, architecture, 0)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "one of shape, model and hub"),
        ({"shape": "llama", "model": "folder"}, "shape and model"),
        ({"hub": "org/name"}, "no revision"),
        ({"model": "folder", "layers": 3}, "--layers is an option of --shape"),
        ({"shape": "llama", "new_rows": "mean"}, "without --shape"),
    ],
)
def test_contradictions_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        StartOptions(**options)


def test_the_examples_of_the_page_are_what_recipes_take() -> None:
    examples = [
        parse_yaml(code, "docs/training.md") for _, code in blocks("training.md", "yaml") if code.startswith("start:")
    ]
    assert [StartOptions(**one["start"]).model_fields_set & {"shape", "model", "hub"} for one in examples] == [
        {"shape"},
        {"model"},
        {"hub"},
        {"model"},
    ]


def test_shards_of_another_tokenizer_are_refused(qwen: Path, extended: Path) -> None:
    new = open_tokenizer(extended)
    packed = Vocabulary(new.fingerprint, new.vocab_size, {}, frozenset())
    packed.check_packed_with(new, extended, "out/packed")
    with pytest.raises(UserError, match=f"out/packed was packed with the tokenizer {new.fingerprint}"):
        packed.check_packed_with(open_tokenizer(qwen), qwen, "out/packed")


def test_heads_of_a_size_of_their_own(qwen: Path) -> None:
    """ByT5: 6 heads of 64 whatever the width, which they do not divide."""
    seq2seq = "AutoModelForSeq2SeqLM"
    byt5: dict[str, Any] = {"shape": "t5", "width": 46, "heads": 6, "intermediate": 16, "layers": 1}
    model = begin(qwen, seq2seq, **byt5, config={"d_kv": 8}).model
    assert model.encoder.block[0].layer[0].SelfAttention.q.weight.shape == (48, 46)
    with pytest.raises(UserError, match="they do not divide one another"):
        begin(qwen, seq2seq, **byt5)
