"""What initializations are asked, without a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from xlcorpus.initialize.initialization import Asked


def asked_for(
    matrices: Mapping[str, torch.Tensor],
    same: Sequence[int],
    old: Any = None,
    new: Any = None,
    cut: list[tuple[int, ...]] | None = None,
    seed: int = 1,
) -> Asked:
    """New rows of matrices, for the ids whose `same` is -1."""
    return Asked(matrices, np.array(same), old, new, 0.02, seed, lambda: cut)
