"""What a ranking of documents is worth to a query: recall@K and MRR."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from xlcorpus.evaluate.measures.retrieval.nearest import ranks, within


def search(
    scores: Iterable[np.ndarray], relevant: np.ndarray, *, tops: Sequence[int] = (1, 5, 10, 100), depth: int = 10
) -> dict[str, np.ndarray]:
    """Of each query, float64[queries]: `recall_K`, the share of its documents among the K nearest ones, and `mrr_10`,
    one over the place of its first document where that is among the ten nearest (depth), else 0.

    scores: float[n, m], block by block, a row a query in order; relevant: int64[k, 2], query and document, one document
    at least a query. Equally near ones stand in all orders: the mean over these counts. Raises ValueError where a score
    is no number.
    """
    relevant = relevant[np.argsort(relevant[:, 0], kind="stable")]
    found: dict[str, list[np.ndarray]] = {**{f"recall_{top}": [] for top in tops}, f"mrr_{depth}": []}
    start = 0
    for near in scores:
        if not np.isfinite(near).all():
            raise ValueError("a score is not finite")
        first, last = np.searchsorted(relevant[:, 0], [start, start + len(near)])
        query, document = relevant[first:last, 0] - start, relevant[first:last, 1]
        own = near[query, document]
        places = ranks(near[query], own[:, None])
        count = np.bincount(query, minlength=len(near))
        for top in tops:
            found[f"recall_{top}"].append(np.bincount(query, within(places, top), len(near)) / count)
        best = np.full(len(near), -np.inf)
        np.maximum.at(best, query, own)
        nearer, alike = ranks(near, best[:, None]).T
        found[f"mrr_{depth}"].append(reciprocal_rank(nearer, alike, np.bincount(query, own == best[query]), depth))
        start += len(near)
    return {name: np.concatenate(parts) for name, parts in found.items()}


def reciprocal_rank(nearer: np.ndarray, alike: np.ndarray, own: np.ndarray, depth: int) -> np.ndarray:
    """float64[n]: one over the place of the first of `own` documents among `alike` equally near ones behind `nearer`
    others, 0 beyond `depth`; the mean over all orders of those alike. int64[n] each, own from 1 to alike."""
    found, chance = np.zeros(len(own)), own / alike  # that the first one stands here
    for before in range(depth):
        place = nearer + before + 1
        found += np.where(place <= depth, chance / place, 0)
        chance = chance * np.maximum(alike - own - before, 0) / np.maximum(alike - before - 1, 1)
    return found
