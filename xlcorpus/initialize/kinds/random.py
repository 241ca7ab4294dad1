"""New rows are drawn as the model's own were before it was trained."""

from __future__ import annotations

import torch

from xlcorpus.initialize.initialization import Asked, Initialization, Made, NewRows, NoOptions


def random(asked: Asked, options: NoOptions) -> NewRows:
    """Normal with mean 0 and the config's initializer_range; biases are 0."""
    count, made = len(asked.wanted), {}
    for name, rows in asked.flat.items():
        noise = torch.randn(count, rows.shape[1], generator=asked.generator(name), dtype=torch.float64)
        bias = asked.matrices[name].dim() == 1
        made[name] = Made(torch.zeros_like(noise) if bias else noise * asked.deviation, drawn=count)
    return NewRows(made)


INITIALIZATION = Initialization("random", NoOptions, random)
