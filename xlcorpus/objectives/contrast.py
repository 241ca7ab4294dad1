"""Vectors of texts that must find one another: pooling, and the losses of contrast (van den Oord et al. 2018)."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

from xlcorpus.errors import UserError


def check_rows(rows: int, what: str, other: str) -> None:
    """Raise UserError where a micro-batch has one row of texts; what: is done with two; other: remedy."""
    if rows < 2:
        raise UserError(
            f"{what}, and a micro-batch has one row", remedy=f"write rows: 2 or more (published: 24 to 128), or {other}"
        )


def check_layer(model: Any, layer: int, pooling: str, what: str) -> None:
    """Raise UserError where the model has no such layer for `what`, the vectors of an objective, or all are alike."""
    layers = model.config.num_hidden_layers
    if layer == 0 and pooling == "cls":
        raise UserError(
            f"{what} are to be the first token's embedding, which all texts have alike",
            remedy=f"give layer: {max(round(layers * 2 / 3), 1)}, or pooling: mean",
        )
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
    queries: torch.Tensor, keys: torch.Tensor, queued: torch.Tensor | None, temperature: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """float32[n], cross entropy of finding each query's own key, and bool[n], whether it is nearer than all others.

    queries, keys: float32[n, d]; queued: float32[m, d], the keys that none must find; None: each has those of all
    others against it.
    """
    with torch.autocast(queries.device.type, enabled=False):
        if queued is None:
            logits, own = queries @ keys.T, torch.arange(len(queries), device=queries.device)
        else:
            logits = torch.cat([(queries * keys).sum(dim=1, keepdim=True), queries @ queued.T], dim=1)
            own = torch.zeros(len(queries), dtype=torch.int64, device=queries.device)
    logits = logits / temperature
    costs = functional.cross_entropy(logits, own, reduction="none")
    return costs, (logits >= logits.gather(1, own[:, None])).sum(dim=1) == 1  # as near is not found: all may be alike
