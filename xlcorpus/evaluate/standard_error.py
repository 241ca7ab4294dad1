"""Standard errors of means, ratios and sums of what was drawn; None where one draw says nothing of them."""

from __future__ import annotations

import math

import numpy as np


def of_mean(values: np.ndarray) -> float | None:
    """Of the mean of float[n]."""
    return float(values.std(ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else None


def of_ratio(part: np.ndarray, whole: np.ndarray) -> tuple[float | None, float | None]:
    """Sum of one by the sum of the other, and its standard error over rows (delta method), None where there is none."""
    total, count = float(whole.sum()), len(whole)
    if not total:
        return None, None
    value = float(part.sum()) / total
    rest = part - value * whole
    return value, math.sqrt(float(rest @ rest) * count / (count - 1)) / total if count > 1 else None


def of_sum(pulls: np.ndarray, strata: np.ndarray) -> float | None:
    """Standard error of a sum of pulls (float64[n]) of what was drawn from strata (int64[n]); None for one.

    Of a stratum of one nothing is known: among others, it counts by its whole pull.
    """
    if len(pulls) < 2:
        return None
    counts = np.bincount(strata)
    several = counts > 1
    means = np.bincount(strata, pulls) / np.maximum(counts, 1) * several
    factors = np.where(several, counts / np.maximum(counts - 1, 1), 1.0)
    return math.sqrt(float(factors[strata] @ (pulls - means[strata]) ** 2))
