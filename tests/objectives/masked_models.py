"""Models for tests of masked objectives: one whose logits and states are tables of the input, and tiny random ones."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch

from xlcorpus.objectives.objective import Vocabulary

PAD, UNK, BOS, EOS, MASK, FIRST = 0, 1, 2, 3, 4, 5
SIZE = 40
VOCABULARY = Vocabulary(
    "f" * 32, SIZE, {"pad": PAD, "unk": UNK, "bos": BOS, "eos": EOS, "mask": MASK}, frozenset({PAD, BOS, EOS, MASK})
)


class Tables(torch.nn.Module):
    """Logits and the states of 2 layers, each a row of a table by the token alone."""

    def __init__(self, size: int = SIZE, width: int = 6) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(3)
        self.logits = torch.nn.Parameter(torch.randn(size, size, generator=generator))
        self.states = torch.nn.ParameterList([torch.randn(size, width, generator=generator) for _ in range(3)])

    def forward(self, input_ids: torch.Tensor, **_: Any) -> Any:
        states = tuple(table[input_ids] for table in self.states)
        return SimpleNamespace(logits=self.logits[input_ids], hidden_states=states)

    def get_output_embeddings(self) -> None:
        """No head to choose tokens for."""


def tiny(architecture: str, **changes: Any) -> Any:
    """A model of transformers of 2 layers, `bert` or `xlm-roberta`, without dropout."""
    from transformers import AutoConfig, AutoModelForMaskedLM

    settings: dict[str, Any] = {
        "vocab_size": SIZE,
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "max_position_embeddings": 64,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
        "pad_token_id": PAD,
    }
    torch.manual_seed(1)
    return AutoModelForMaskedLM.from_config(AutoConfig.for_model(architecture, **settings | changes))
