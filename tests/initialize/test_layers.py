"""A student of some of a model's layers beside the model with the others taken out by hand."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from tests.evaluate.models import folder
from tests.packed import SAMPLE
from xlcorpus.errors import UserError
from xlcorpus.initialize.layers import take_layers
from xlcorpus.initialize.options import StartOptions
from xlcorpus.initialize.start import start


def model_of(kind: str, layers: int, **changes: Any) -> Any:
    shape = {"vocab_size": 30, "hidden_size": 16, "num_hidden_layers": layers, "num_attention_heads": 2,
             "intermediate_size": 32, "max_position_embeddings": 40, "initializer_range": 0.4, "pad_token_id": 0,
             "bos_token_id": 1, "eos_token_id": 2}  # fmt: skip
    config = transformers.AutoConfig.for_model(kind, **shape | changes)
    auto = (
        transformers.AutoModelForCausalLM
        if kind in ("llama", "gemma2", "smollm3")
        else transformers.AutoModelForMaskedLM
    )
    torch.manual_seed(5)
    return auto.from_config(config).eval()


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("bert", {"hidden_dropout_prob": 0.3}),
        ("xlm-roberta", {}),
        ("llama", {"tie_word_embeddings": True, "num_key_value_heads": 1, "attention_dropout": 0.1}),
        ("smollm3", {"num_key_value_heads": 1, "no_rope_layers": [1, 0, 1, 1, 0, 1]}),
        ("gemma2", {"num_key_value_heads": 1, "head_dim": 8, "sliding_window": 4}),  # layers of two types
    ],
)
@pytest.mark.parametrize("every", [2, 3])
def test_the_last_layer_of_each_so_many(kind: str, changes: dict[str, Any], every: int) -> None:
    model = model_of(kind, 6, **changes)
    before = {name: one.clone() for name, one in model.state_dict().items()}
    student = take_layers(model, every).eval()
    assert all(torch.equal(one, before[name]) for name, one in model.state_dict().items())
    slow = copy.deepcopy(model)
    body = slow.base_model
    holder = body.encoder if hasattr(body, "encoder") else body
    name = "layer" if hasattr(holder, "layer") else "layers"
    setattr(holder, name, torch.nn.ModuleList([*getattr(holder, name)][every - 1 :: every]))
    slow.config.num_hidden_layers = body.config.num_hidden_layers = 6 // every
    if getattr(slow.config, "layer_types", None):
        slow.config.layer_types = slow.config.layer_types[every - 1 :: every]
    ids = torch.tensor([[5, 9, 3, 17, 4, 8, 21, 6]])
    with torch.no_grad():
        ours, theirs = (one(input_ids=ids, use_cache=False).logits for one in (student, slow))
    assert torch.equal(ours, theirs)
    assert student.config.num_hidden_layers == 6 // every
    student.train()
    with torch.no_grad():
        assert torch.equal(student(input_ids=ids, use_cache=False).logits, theirs)  # no dropout
    tied = student.get_output_embeddings().weight is student.get_input_embeddings().weight
    assert tied == model.config.tie_word_embeddings


def test_layers_that_do_not_go() -> None:
    with pytest.raises(UserError, match=r"every: 4, and the model has 6 layers(.|\n)*divisor of 6"):
        take_layers(model_of("bert", 6), 4)
    with pytest.raises(UserError, match="layers of this modernbert are not alike"):  # the first has a norm less
        take_layers(model_of("modernbert", 6), 2)
    both = transformers.BartForConditionalGeneration(
        transformers.BartConfig(vocab_size=20, d_model=8, encoder_layers=2, decoder_layers=2, encoder_attention_heads=2,
                                decoder_attention_heads=2, encoder_ffn_dim=8, decoder_ffn_dim=8)
    )  # fmt: skip
    with pytest.raises(UserError, match="layers of a bart are not one list"):
        take_layers(both, 2)
    with pytest.raises(UserError, match="every"):
        StartOptions(shape="bert", every=2)


def test_started_from_a_folder(tmp_path: Path) -> None:
    given = folder("XLMRobertaForMaskedLM")
    begun = start(StartOptions(model=str(given), every=3), SAMPLE, "AutoModelForMaskedLM", 0)
    assert begun.model.config.num_hidden_layers == 1
    begun.model.save_pretrained(tmp_path / "student")
    opened = transformers.AutoModelForMaskedLM.from_pretrained(tmp_path / "student")
    assert torch.equal(opened.get_input_embeddings().weight, begun.model.get_input_embeddings().weight)
