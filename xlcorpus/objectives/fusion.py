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
def check_fused(model: Any, apart: int, together: int, texts: torch.Tensor) -> None:
    """Raise UserError where the model has too few layers, or texts of a pair do not see one another as they should.

    texts: int64[3, L]. What a text sees is tried on the model, bit by bit of its states: layers that take another kind
    of mask (DeBERTa's) take ours without a word.
    """
    body, kind, training = unwrapped(model).base_model, model.config.model_type, model.training
    layers = len(layers_of(model))
    if apart + together > layers:
        raise UserError(
            f"{apart} layers apart and {together} together are more than the model's {layers}",
            remedy=f"write apart: 1 and together: {max(layers - 1, 0)}, or fewer",
        )
    mask = torch.cat([torch.ones_like(texts[:2]), torch.zeros_like(texts[:2])], dim=1)

    def states(first: int, other: torch.Tensor, padding: torch.Tensor) -> torch.Tensor:
        """float[L, width] of the first text beside another, both padded, where layers from `first` on are fused."""
        given = torch.cat([torch.stack([texts[0], other]), padding.expand(2, -1)], dim=1)
        with fused(model, first, together, mask):
            made: torch.Tensor = body(input_ids=given, attention_mask=mask)[0][0, : texts.shape[1]]
        return made

    model.eval()
    try:
        found = set()
        for first in {0, apart}:  # behind no other layer padding has nothing of the texts that could be seen in it
            plain = states(first, texts[1], texts[1])
            sees = not torch.equal(plain, states(first, texts[2], texts[1]))
            found.add((sees, not torch.equal(plain, states(first, texts[1], texts[2]))))
        changed = torch.cat([texts[0, :-1], texts[1, -1:]])
        begins = [body(input_ids=one[None])[0][0, 0] for one in (texts[0], changed)]
    except UserError:
        raise
    except Exception as error:  # whatever a model says of states or a mask that it does not take
        raise UserError(f"the {kind} cannot read two texts as one: {first_line(error)}", remedy=_FIT) from error
    finally:
        model.train(training)
    if found != {(together > 0, False)} or (together and torch.equal(*begins)):
        raise UserError(f"the {kind} does not read two texts as one where it is told to", remedy=_FIT)
