"""What guessing masked tokens costs a masked language model of transformers, with its head on those tokens alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.nn import functional

from xlcorpus.pretrain.objective import NO_LABEL


def masked_costs(model: Any, labels: torch.Tensor, **inputs: Any) -> tuple[torch.Tensor, Any]:
    """float32[rows, L], nats for each label and 0 elsewhere, and the model's output (its logits are of the labels).

    labels: int64[rows, L], NO_LABEL where there is none; inputs: what the model is called with.
    """
    chosen = labels != NO_LABEL
    with _head_on(model, chosen):
        output = model(**inputs)
    logits = output.logits
    if logits.dim() == 3:
        logits = logits[chosen]
    costs = torch.zeros(labels.shape, dtype=torch.float32, device=labels.device)
    costs[chosen] = functional.cross_entropy(logits.float(), labels[chosen], reduction="none")
    return costs, output


def unwrapped(model: Any) -> Any:
    """The model within DDP's and torch.compile's wrappers."""
    while True:
        inner = getattr(model, "module", None) or getattr(model, "_orig_mod", None)
        if not isinstance(inner, torch.nn.Module):
            return model
        model = inner


def first_position(model: Any) -> int:
    """Position of a text's first token in the model's own count: RoBERTa and XLM-R begin behind their padding's."""
    table = getattr(getattr(unwrapped(model).base_model, "embeddings", None), "position_embeddings", None)
    padding = getattr(table, "padding_idx", None)
    return 0 if padding is None else int(padding) + 1


@contextmanager
def _head_on(model: Any, chosen: torch.Tensor) -> Iterator[None]:
    """The vocabulary's logits of chosen tokens alone: with 250,000 pieces they are 2/3 of all work of XLM-R base.

    Compiled models are left alone, as a new hook and a new shape each batch would have them compiled again.
    """
    head = unwrapped(model).get_output_embeddings()
    if head is None or _is_compiled(model):
        yield
        return
    handle = head.register_forward_pre_hook(lambda module, arguments: (arguments[0][chosen], *arguments[1:]))
    try:
        yield
    finally:
        handle.remove()


def _is_compiled(model: Any) -> bool:
    return any(hasattr(one, "_orig_mod") or one._compiled_call_impl is not None for one in model.modules())
