"""Token matrices as a product of two factors that are both trained (OFA, methods B8): coordinates [ids, rank] times
primitives [rank, width]. In checkpoints they are two; the saved model has their product, and they lie beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from xlcorpus.dataset import storage
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError

FILE = "factors.safetensors"  # beside a saved model: SIDE.coordinates and SIDE.primitives
_INPUT, _OUTPUT = "input", "output"


class FactoredEmbedding(torch.nn.Module):
    """In the place of `torch.nn.Embedding`: `weight` is the product, a lookup multiplies the rows it needs."""

    def __init__(self, coordinates: torch.Tensor, primitives: torch.Tensor, padding_idx: int | None) -> None:
        super().__init__()
        self.coordinates, self.primitives = torch.nn.Parameter(coordinates), torch.nn.Parameter(primitives)
        self.padding_idx = padding_idx

    @property
    def weight(self) -> torch.Tensor:
        """float32[ids, width]."""
        return self.coordinates @ self.primitives

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """float32[..., width]."""
        return torch.nn.functional.embedding(ids, self.coordinates, self.padding_idx) @ self.primitives


class FactoredHead(torch.nn.Module):
    """In the place of a `torch.nn.Linear` over the vocabulary; shared: the embedding whose factors it has, if tied."""

    def __init__(self, factors: Any, bias: torch.nn.Parameter | None, *, shared: bool) -> None:
        super().__init__()
        if shared:  # not a submodule: its parameters are the embedding's, once
            object.__setattr__(self, "factors", factors)
        else:
            self.factors = factors
        self.bias = bias

    @property
    def weight(self) -> torch.Tensor:
        """float32[ids, width]."""
        return self.factors.weight

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """Logits, float32[..., ids]."""
        return torch.nn.functional.linear(hidden @ self.factors.primitives.T, self.factors.coordinates, self.bias)


def takes_factors(model: Any) -> bool:
    """Whether the model's tables are plain ones: encoder-decoders share them, and Gemma's scale what they look up."""
    tokens, output = model.get_input_embeddings(), model.get_output_embeddings()
    plain = type(tokens) is torch.nn.Embedding and (output is None or type(output) is torch.nn.Linear)
    return plain and not model.config.is_encoder_decoder


def factor(model: Any, factors: Mapping[str, tuple[torch.Tensor, torch.Tensor]]) -> None:
    """Put factors (float coordinates [ids, rank], primitives [rank, width]) by side, `input` and, untied, `output`, in
    the place of the model's tables."""
    tokens, output = model.get_input_embeddings(), model.get_output_embeddings()
    made = {
        side: FactoredEmbedding(one.float().contiguous(), other.float().contiguous(), tokens.padding_idx)
        for side, (one, other) in factors.items()
    }
    model.set_input_embeddings(made[_INPUT])
    if output is not None:
        shared = output.weight is tokens.weight
        model.set_output_embeddings(FactoredHead(made[_INPUT if shared else _OUTPUT], output.bias, shared=shared))
        _own_bias(model, shared=shared)


def make_whole(model: Any) -> dict[str, torch.Tensor]:
    """Put the products back in the place of the factors; these, by the names in FILE; {} where there are none."""
    tokens, output = model.get_input_embeddings(), model.get_output_embeddings()
    if not isinstance(tokens, FactoredEmbedding):
        return {}
    found = {_INPUT: tokens}
    table = torch.nn.Embedding(*tokens.weight.shape, padding_idx=tokens.padding_idx, device=tokens.coordinates.device)
    table.weight = torch.nn.Parameter(tokens.weight.detach())
    model.set_input_embeddings(table)
    if isinstance(output, FactoredHead):
        head = torch.nn.Linear(1, 1, bias=False)
        head.in_features, head.out_features = table.embedding_dim, table.num_embeddings
        shared = output.factors is tokens
        head.weight = table.weight if shared else torch.nn.Parameter(output.weight.detach())
        head.bias = output.bias
        if not shared:
            found[_OUTPUT] = output.factors
        model.set_output_embeddings(head)
        _own_bias(model, shared=shared)
    return {
        f"{side}.{name}": one.detach().cpu().contiguous()
        for side, module in found.items()
        for name, one in module.named_parameters()
    }


def _own_bias(model: Any, *, shared: bool) -> None:
    """transformers 5.24 ties the bias of an untied BERT to another parameter, and does not save it (`_resize` too)."""
    output = model.get_output_embeddings()
    if not shared and output.bias is not None:
        output.bias = torch.nn.Parameter(output.bias.detach().clone())


def check_sharding(model: Any, *, sharded: bool, where: str) -> None:
    """Raise UserError where FSDP would shard a factored model, whose head has the factors of another module."""
    if sharded and isinstance(model.get_input_embeddings(), FactoredEmbedding):
        raise UserError(
            f"{where}: trainer: fsdp with factors in the place of the token matrix was never tried",
            remedy="leave out fsdp, or start: new_rows: rank",
        )


def save_factors(factors: Mapping[str, torch.Tensor], folder: Location) -> None:
    """Write what `make_whole` gave beside a model, where there is something."""
    if factors:
        save_file(dict(factors), str(folder / FILE))


def take_up_factors(model: Any, folder: Location) -> str | None:
    """Factor a model as that of its folder was; what was done, for people, None where it was not."""
    if not storage.is_file(folder / FILE):
        return None
    read = load_file(str(folder / FILE))
    sides = sorted({name.partition(".")[0] for name in read})
    pairs = {side: (read[f"{side}.coordinates"], read[f"{side}.primitives"]) for side in sides}
    rows = model.get_input_embeddings().weight.shape[0]
    if any(len(pair[0]) != rows for pair in pairs.values()):
        return f"{FILE} is of another number of rows, so their product is trained"
    factor(model, pairs)
    return said(pairs)


def said(factors: Mapping[str, tuple[torch.Tensor, torch.Tensor]]) -> str:
    """What is trained, for people."""
    shapes = ", ".join(f"{side} {' x '.join(f'{n:,}' for n in (*one.shape, other.shape[1]))}"
                       for side, (one, other) in factors.items())  # fmt: skip
    return f"factors F·P are trained in the place of the token matrix: {shapes}"
