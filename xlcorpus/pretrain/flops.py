"""Floating-point operations of training, and what devices can do: how well a device is used."""

from __future__ import annotations

from typing import Any

import torch

# TFLOP/s in bf16, dense, by a part of the device's name; the makers' data sheets.
_PEAK_BF16 = {
    "B200": 2250.0,
    "H200": 989.0,
    "H100 PCIe": 756.0,
    "H100": 989.0,
    "A100": 312.0,
    "L40S": 362.0,
    "A10": 125.0,
    "RTX 4090": 165.0,
}


def peak_flops(device: str, given: float | None) -> float | None:
    """What a device of this name can do in a second in bf16; given: TFLOP/s. None where neither tells."""
    if given is not None:
        return given * 1e12
    return next((peak * 1e12 for name, peak in _PEAK_BF16.items() if name.lower() in device.lower()), None)


def flops_a_token(model: Any, length: int) -> float:
    """Of forward and backward: 6 a parameter, and 12 x layers x width x length of attention (PaLM, appendix B).

    Parameters are all but tables that are only looked up (input tokens of an untied model, positions).
    """
    config = model.config.get_text_config()
    looked_up = {id(one.weight) for one in model.modules() if isinstance(one, torch.nn.Embedding)}
    head = model.get_output_embeddings()
    if head is not None:
        looked_up.discard(id(head.weight))
    multiplied = sum(one.numel() for one in model.parameters() if id(one) not in looked_up)
    return 6.0 * multiplied + 12.0 * config.num_hidden_layers * config.hidden_size * length
