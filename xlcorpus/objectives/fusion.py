"""Layers of an encoder that read a text and its translation as one, between layers that read each apart.

FILTER (Fang et al. 2021, 3.1). The model is its own: hooks join the two rows of a pair before the first of these layers
and part them behind the last, so its other layers, positions and head are as without.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from xlcorpus.errors import UserError, first_line
from xlcorpus.objectives.label_costs import unwrapped

_FIT = "start from bert, roberta or xlm-roberta, with attention: sdpa or eager"
_NOISE = 0.01  # of what another text does to the logits: sums of other widths are 1e-3 of it, padding that is seen 0.1


@contextmanager
def fused(model: Any, apart: int, together: int, attention_mask: torch.Tensor) -> Iterator[None]:
    """Inside, rows 2n and 2n + 1 see one another in `together` layers behind the first `apart`.

    attention_mask: int64[2 * pairs, L], as the model is given; positions stay those of each text, as they are added to
    the embeddings. Raises UserError under gradient checkpointing, which calls layers when no hook is left.
    """
    chosen = list(layers_of(model))[apart : apart + together]
    if any(getattr(layer, f"{what}_checkpointing", False) for layer in chosen for what in ("gradient", "activation")):
        raise UserError(
            "layers that read two texts as one are not done again as gradient checkpointing has it",
            remedy="write gradient_checkpointing: false",
        )
    handles = []
    rows, width = attention_mask.shape
    dtype = unwrapped(model).dtype
    hidden = attention_mask.reshape(rows // 2, 1, 1, 2 * width) == 0
    mask = torch.zeros(hidden.shape, dtype=dtype, device=hidden.device).masked_fill(hidden, torch.finfo(dtype).min)

    def before(layer: Any, given: tuple[Any, ...], named: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        states = given[0]
        if layer is chosen[0]:
            states = states.reshape(rows // 2, 2 * width, -1)
        if "attention_mask" in named:
            return (states, *given[1:]), {**named, "attention_mask": mask.to(states.dtype)}
        return (states, mask.to(states.dtype), *given[2:]), named

    def behind(_: Any, __: Any, output: Any) -> Any:
        if isinstance(output, tuple):
            return (output[0].reshape(rows, width, -1), *output[1:])
        return output.reshape(rows, width, -1)

    try:
        for layer in chosen:
            handles.append(layer.register_forward_pre_hook(before, with_kwargs=True))
        if chosen:
            handles.append(chosen[-1].register_forward_hook(behind))
        yield
    finally:
        for handle in handles:
            handle.remove()


def layers_of(model: Any) -> torch.nn.ModuleList:
    """The layers of an encoder; raises UserError where they are not found."""
    body = unwrapped(model).base_model
    count = body.config.num_hidden_layers
    for module in body.modules():
        if isinstance(module, torch.nn.ModuleList) and len(module) == count:
            return module
    raise UserError(
        f"the {body.config.model_type} has no list of {count} layers that could read two texts as one", remedy=_FIT
    )


@torch.no_grad()
def check_fused(model: Any, apart: int, together: int, ids: torch.Tensor, call: Any) -> None:
    """Raise UserError where the model has too few layers, or its texts do not see one another as they should.

    ids: int64[2, L], two texts; call: the logits (float[2, ...]) of ids and mask, with the layers fused. What is seen
    is tried on the model: one that takes another kind of mask (DeBERTa) reads this one without a word.
    """
    layers, kind = len(layers_of(model)), model.config.model_type
    if apart + together > layers:
        raise UserError(
            f"{apart} layers apart and {together} together are more than the model's {layers}",
            remedy=f"write apart: 1 and together: {max(layers - 1, 0)}, or fewer",
        )
    turned, body, training = ids.flip(1), unwrapped(model).base_model, model.training

    def first(other: torch.Tensor, *padding: torch.Tensor) -> torch.Tensor:
        """The logits of the first text beside another, both with padding behind them."""
        text = torch.ones_like(ids)
        mask = torch.cat([text, *(torch.zeros_like(text) for _ in padding)], dim=1)
        made: torch.Tensor = call(torch.cat([torch.stack([ids[0], other]), *padding], dim=1), mask)[0]
        return made

    model.eval()
    try:
        plain = first(ids[1])
        sees = (plain - first(turned[1])).abs().max()
        sees_padding = max((plain - first(ids[1], *more)).abs().max() for more in ([ids], [turned, ids]))
        begins = [body(input_ids=one)[0][0, 0] for one in (ids[:1], torch.cat([ids[:1, :-1], ids[:1, :1]], dim=1))]
        reads_on = not torch.equal(*begins)
    except UserError:
        raise
    except Exception as error:  # whatever a model says of states or a mask that it does not take
        raise UserError(f"the {kind} cannot read two texts as one: {first_line(error)}", remedy=_FIT) from error
    finally:
        model.train(training)
    if not (reads_on and sees_padding < _NOISE * sees if together else sees == 0):
        raise UserError(f"the {kind} does not read two texts as one where it is told to", remedy=_FIT)
