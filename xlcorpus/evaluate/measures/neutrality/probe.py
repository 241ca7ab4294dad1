"""A linear probe: how much of a label can be read off vectors, learnt on one half and judged on the other.

What a probe finds is there to be read; whether the model uses it is another question (Hewitt and Liang, EMNLP 2019).
"""

from __future__ import annotations

import math

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp

_STEPS = 200  # of L-BFGS, which needs some 30 for a few classes


def probe(
    vectors: np.ndarray, labels: np.ndarray, groups: np.ndarray, learnt: np.ndarray, penalty: float = 1e-2
) -> dict[str, float | None]:
    """`accuracy`, the mean over labels of how many of each are recognised, so that labels of few rows count as others
    do, its standard `error` over groups (None for one), and `chance`, one by the number of labels.

    Multinomial logistic regression on vectors of mean 0 and variance 1 in what is learnt from, each label of equal
    weight, penalty / 2 times the squared weights beside the mean loss; nothing is drawn. vectors: float[n, d]; labels,
    int64[n], from 0, each on both sides; groups: int64[n], rows that are no draws of their own (a sentence and its
    translations); learnt: bool[n], those to learn from, the others are judged. Equally likely labels share the point.
    Raises ValueError for fewer than two labels, or one that a side lacks.
    """
    classes = int(labels.max()) + 1
    counts = [np.bincount(labels[side], minlength=classes) for side in (learnt, ~learnt)]
    if classes < 2 or not all(one.all() for one in counts):
        raise ValueError("a probe needs two labels, each on both sides")
    given = vectors.astype(np.float64)
    mean, deviation = given[learnt].mean(axis=0), given[learnt].std(axis=0)
    given = (given - mean) / np.where(deviation > 1e-12 * np.abs(given).max(initial=1e-300), deviation, np.inf)
    given = np.concatenate([given, np.ones((len(given), 1))], axis=1)
    weights = _fit(given[learnt], labels[learnt], 1 / (classes * counts[0]), penalty)
    scores = given[~learnt] @ weights
    best = scores == scores.max(axis=1, keepdims=True)
    here = labels[~learnt]
    right = best[np.arange(len(here)), here] / best.sum(axis=1)
    recalls = np.bincount(here, right) / counts[1]
    pulls = (right - recalls[here]) / counts[1][here] / classes
    _, of = np.unique(groups[~learnt], return_inverse=True)
    drawn = np.bincount(of, pulls)
    error = math.sqrt(float(drawn @ drawn) * len(drawn) / (len(drawn) - 1)) if len(drawn) > 1 else None
    return {"accuracy": float(recalls.mean()), "error": error, "chance": 1 / classes}


def _fit(given: np.ndarray, labels: np.ndarray, label_weights: np.ndarray, penalty: float) -> np.ndarray:
    """float64[d, classes]: the weights; the last row is the intercept, which has no penalty."""
    rows, classes = np.arange(len(labels)), len(label_weights)
    weight = label_weights[labels]

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weights = flat.reshape(-1, classes)
        scores = given @ weights
        logs = scores - logsumexp(scores, axis=1, keepdims=True)
        error = np.exp(logs)
        error[rows, labels] -= 1
        pull = penalty * weights
        pull[-1] = 0
        gradient = given.T @ (error * weight[:, None]) + pull
        return float(-(logs[rows, labels] * weight).sum() + (pull * weights).sum() / 2), gradient.ravel()

    start = np.zeros(given.shape[1] * classes)
    found: np.ndarray = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": _STEPS}).x
    return found.reshape(-1, classes)
