"""Vectors of texts that must find one another: pooling, and the losses of contrast (van den Oord et al. 2018)."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

from xlcorpus.errors import UserError


def check_layer(model: Any, layer: int, what: str) -> None:
    """Raise UserError where the model has no such layer for `what`, the vectors of an objective."""
    layers = model.config.num_hidden_layers
    if layer > layers:
        raise UserError(
            f"{what} are to be of layer {layer}; the model has {layers}",
            remedy=f"give layer: {max(round(layers * 2 / 3), 1)}, or another up to {layers} (published: 8 of 12)",
        )


def pool(states: torch.Tensor, text: torch.Tensor, pooling: str) -> torch.Tensor:
    """float32[rows, d], one vector a row. states: float[rows, L, d]; text: bool[rows, L], at least one a row."""
    if pooling == "cls":
        return states[:, 0].float()
    weights = text.to(states.dtype)[..., None]
    summed: torch.Tensor = (states * weights).sum(dim=1, dtype=torch.float32)
    return summed / weights.sum(dim=1, dtype=torch.float32)


def contrast(
    vectors: torch.Tensor, candidates: torch.Tensor, first: int, similarity: str, temperature: float
) -> torch.Tensor:
    """float32[n]: cross entropy of finding each vector's partner among all candidates but itself.

    vectors: float32[n, d], two a pair, side by side; candidates: float32[m, d], which hold them from row `first` on.
    """
    if similarity == "cosine":
        vectors, candidates = (functional.normalize(one, dim=1) for one in (vectors, candidates))
    with torch.autocast(vectors.device.type, enabled=False):
        logits = vectors @ candidates.T / temperature
    own = torch.arange(first, first + len(vectors), device=vectors.device)
    logits = logits.scatter(1, own[:, None], float("-inf"))
    return functional.cross_entropy(logits, own ^ 1, reduction="none")


def find_keys(
    queries: torch.Tensor, keys: torch.Tensor, others: torch.Tensor, temperature: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """float32[n], cross entropy of finding each query's own key, and bool[n], whether no other is nearer.

    queries, keys: float32[n, d]; others: float32[m, d], or float32[n, m, d], the keys that each must not find.
    """
    with torch.autocast(queries.device.type, enabled=False):
        own = (queries * keys).sum(dim=1, keepdim=True)
        wrong = queries @ others.T if others.dim() == 2 else (others @ queries[:, :, None])[:, :, 0]
        logits = torch.cat([own, wrong], dim=1) / temperature
    costs = -torch.log_softmax(logits, dim=1)[:, 0]
    return costs, (logits[:, :1] >= logits).all(dim=1)
