"""A student of some of a model's layers (BiStil, Ansell et al. 2023: the last of each two)."""

from __future__ import annotations

import copy
from typing import Any

import torch

from xlcorpus.errors import UserError, first_line
from xlcorpus.objectives.attention import DROPOUTS


def take_layers(model: Any, every: int) -> Any:
    """A model of the last layer of each `every`, everything else of it bit by bit, without dropout.

    Raises UserError where its layers are no multiple, not to be told apart, or not alike.
    """
    config = model.config
    count = getattr(config, "num_hidden_layers", 0)
    lists = [
        f"{name}."
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.ModuleList) and len(module) == count
    ]
    if getattr(config, "is_encoder_decoder", False) or not lists:
        raise UserError(
            f"start: every: the layers of a {config.model_type} are not one list",
            remedy="leave it out, or start from a model that has layers of one kind (BERT, XLM-R, Llama, ...)",
        )
    if count % every:
        raise UserError(
            f"start: every: {every}, and the model has {count} layers",
            remedy=f"write a divisor of {count}",
        )
    settings = config.to_dict()
    changed = {"num_hidden_layers": count // every, **{name: 0.0 for name in DROPOUTS if name in settings}}
    for name, value in settings.items():  # kinds of attention, where positions are rotated: a value a layer
        if "layer" in name and isinstance(value, list) and len(value) == count:
            changed[name] = value[every - 1 :: every]
    kept = {}
    for name, values in model.state_dict().items():
        place = next((one for one in lists if name.startswith(one)), None)
        if place is not None:
            number, _, rest = name.removeprefix(place).partition(".")
            if (int(number) + 1) % every:
                continue
            name = f"{place}{int(number) // every}.{rest}"
        kept[name] = values
    try:
        student = type(model)(type(config).from_dict({**settings, **changed})).to(model.dtype)
        student.load_state_dict(kept)
    except Exception as error:  # of any class, by what of the layers is not alike
        raise UserError(
            f"start: every: the layers of this {config.model_type} are not alike: {first_line(error)}",
            remedy="leave it out, or start from a model that has layers of one kind (BERT, XLM-R, Llama, ...)",
        ) from error
    student.tie_weights()
    student.generation_config = copy.deepcopy(getattr(model, "generation_config", None))
    return student
