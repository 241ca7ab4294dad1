"""The multivariate normal of a model's rows, with its covariance x 1e-5: CW2V's cheap baseline (methods B10)."""

from __future__ import annotations

import torch

from xlcorpus.initialize.initialization import Asked

_COVARIANCE = 1e-5  # CW2V's repository, as methods B10 has it
_RIDGE = 1e-6  # of the mean variance: makes the covariance of fewer rows than dimensions definite


def multivariate(asked: Asked) -> dict[str, torch.Tensor]:
    """float64[wanted, dimensions] by matrix."""
    return {
        name: draw_multivariate(rows, len(asked.wanted), asked.generator(name)) for name, rows in asked.flat.items()
    }


def draw_multivariate(rows: torch.Tensor, count: int, draw: torch.Generator) -> torch.Tensor:
    """float64[count, d]: of the multivariate normal with mean and covariance x 1e-5 of some rows (float64[n, d])."""
    mean = rows.mean(dim=0)
    centred = rows - mean
    covariance = centred.T @ centred / max(len(rows) - 1, 1)
    ridge = _RIDGE * covariance.diagonal().mean() + torch.finfo(torch.float64).tiny
    covariance.diagonal().add_(ridge)
    factor = torch.linalg.cholesky(covariance)
    noise = torch.randn(count, rows.shape[1], generator=draw, dtype=torch.float64)
    return mean + _COVARIANCE**0.5 * noise @ factor.T
