"""What labels cost a language model of transformers: its head on labelled tokens alone, its logits held once.

With 250,000 pieces the logits of 8,192 tokens are 8 GB in float32; transformers' own loss holds a float32 copy,
their log-softmax and the gradients of both beside them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from xlcorpus.objectives.objective import NO_LABEL

_CHUNK = 1 << 24  # logits that are worked on at a time: 64 MB in float32


def costs_at(
    model: Any, chosen: torch.Tensor, ids: torch.Tensor, *, smoothing: float = 0.0, **inputs: Any
) -> tuple[torch.Tensor, Any]:
    """float32[n], nats for each of `ids` (int64[n]) at the places of `chosen` (bool[rows, L]), and the model's output.

    smoothing: share of a label that all ids have alike (Szegedy et al. 2016, section 7); inputs: what the model is
    called with. The output's logits are spent: they may hold the gradient, so nothing reads
    them afterwards, and there is one backward pass.
    """
    logits, output = logits_at(model, chosen, **inputs)
    return _CrossEntropy.apply(logits, ids, smoothing), output


def logits_at(model: Any, chosen: torch.Tensor, **inputs: Any) -> tuple[torch.Tensor, Any]:
    """float[n, vocabulary], the logits at the places of `chosen` (bool[rows, L]), and the model's output."""
    with _head_on(model, chosen):
        output = model(**inputs)
    logits = output.logits
    return logits[chosen] if logits.dim() == 3 else logits, output


def masked_costs(model: Any, labels: torch.Tensor, **inputs: Any) -> tuple[torch.Tensor, Any]:
    """float32[rows, L], nats for each label and 0 elsewhere, and the model's output, as `costs_at` has it.

    labels: int64[rows, L], NO_LABEL where there is none.
    """
    chosen = labels != NO_LABEL
    found, output = costs_at(model, chosen, labels[chosen], **inputs)
    return spread(found, chosen), output


def spread(costs: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
    """float32[rows, L]: the costs (float32[n]) at the places of `chosen` (bool[rows, L]), 0 elsewhere."""
    return torch.zeros(chosen.shape, dtype=costs.dtype, device=costs.device).masked_scatter(chosen, costs)


def unwrapped(model: Any) -> Any:
    """The model within DDP's and torch.compile's wrappers."""
    while True:
        inner = getattr(model, "module", None) or getattr(model, "_orig_mod", None)
        if not isinstance(inner, torch.nn.Module):
            return model
        model = inner


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


class _CrossEntropy(torch.autograd.Function):
    """float32[n] of logits [n, vocabulary] and int64[n], in chunks; the gradient takes the place of the logits."""

    @staticmethod
    def forward(context: Any, logits: torch.Tensor, ids: torch.Tensor, smoothing: float) -> torch.Tensor:
        costs = torch.empty(len(ids), dtype=torch.float32, device=logits.device)
        rows = max(1, _CHUNK // logits.shape[1])
        for start in range(0, len(ids), rows):
            chunk, wanted = logits[start : start + rows], ids[start : start + rows, None]
            logs = torch.log_softmax(chunk, dim=-1, dtype=torch.float32)
            costs[start : start + rows] = -logs.gather(1, wanted)[:, 0]
            if smoothing:
                costs[start : start + rows] *= 1 - smoothing
                costs[start : start + rows] -= smoothing * logs.mean(dim=1)
            if context.needs_input_grad[0]:
                logs.exp_()
                logs.scatter_add_(1, wanted, logs.new_full(wanted.shape, smoothing - 1.0))
                if smoothing:
                    logs -= smoothing / logs.shape[1]
                chunk.copy_(logs)
        context.save_for_backward(logits)
        return costs

    @staticmethod
    def backward(context: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        (gradient,) = context.saved_tensors
        return gradient.mul_(gradients[0][:, None].to(gradient.dtype)), None, None
