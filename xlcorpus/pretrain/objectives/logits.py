"""The logits of labelled tokens alone, and their cross entropy without a second copy of them.

With 250,000 pieces the logits of a row of 8,192 tokens are 8 GB in float32; transformers' own loss holds them four
times (float32 copy, log-softmax, two gradients).
"""

from __future__ import annotations

from typing import Any

import torch

from xlcorpus.pretrain.data.attention import Needs
from xlcorpus.pretrain.objective import Batch

_CHUNK = 1 << 24  # logits that are worked on at a time: 64 MB in float32


def bare(model: Any) -> Any:
    """The transformers model in whatever DDP, FSDP or torch.compile wrapped around it."""
    from transformers import PreTrainedModel

    return next((module for module in model.modules() if isinstance(module, PreTrainedModel)), model)


def labelled_logits(model: Any, needs: Needs, batch: Batch, at: torch.Tensor) -> torch.Tensor:
    """[n, vocabulary]: the logits at the places where `at` (bool[rows, length]) is true, in order.

    The head of the model reads these places alone (of masked ones a seventh): what goes into it is picked on the way,
    so the model may be wrapped. A compiled model makes all, since its hooks are compiled in.
    """
    head = bare(model).get_output_embeddings()
    compiled = any(hasattr(one, "_orig_mod") or getattr(one, "_compiled_call_impl", None) for one in model.modules())
    hook = None
    if head is not None and not compiled:
        hook = head.register_forward_pre_hook(lambda _, given: (given[0][at], *given[1:]))
    try:
        logits = model(input_ids=batch["input_ids"], **needs.inputs(batch["position_ids"])).logits
    finally:
        if hook is not None:
            hook.remove()
    return logits if logits.dim() == 2 else logits[at]


def cross_entropy(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """float32[n]: cost of each target (int64[n]) under its logits [n, vocabulary]. Spends the logits: their memory
    holds the gradient, so nothing may read them afterwards, and there is one backward pass."""
    return _CrossEntropy.apply(logits, targets)


class _CrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        losses = torch.empty(len(targets), dtype=torch.float32, device=logits.device)
        rows = max(1, _CHUNK // logits.shape[1])
        for start in range(0, len(targets), rows):
            chunk, wanted = logits[start : start + rows], targets[start : start + rows, None]
            logs = torch.log_softmax(chunk, dim=-1, dtype=torch.float32)
            losses[start : start + rows] = -logs.gather(1, wanted)[:, 0]
            if ctx.needs_input_grad[0]:
                logs.exp_()
                logs.scatter_add_(1, wanted, logs.new_full(wanted.shape, -1.0))
                chunk.copy_(logs)
        ctx.save_for_backward(logits)
        return losses

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor, None]:
        (gradient,) = ctx.saved_tensors
        return gradient.mul_(grads[0][:, None].to(gradient.dtype)), None
