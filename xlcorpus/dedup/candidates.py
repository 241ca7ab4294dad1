"""Which texts may be duplicates of one another: those that share a band, put together to connected components."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from xlcorpus.text.ragged import begins_of, heads_of

_LEAST_EDGES = 1 << 20  # put together at once, though there be fewer texts


def star_edges(hashes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first text with each hash, and another one with it, for all others: int32[edges] each. hashes: uint64[texts].

    A bucket of n texts has n - 1 edges, however large it is.
    """
    order = np.argsort(hashes, kind="stable")
    begins = begins_of(hashes[order])
    if begins.all():
        return np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.int32)
    centre = order[heads_of(begins)]
    return centre[~begins].astype(np.int32), order[~begins].astype(np.int32)


class Components:
    """Connected components of `texts` nodes (fewer than 2^31), to which edges are added bit by bit.

    At most as many edges as there are texts are held: some 60 bytes a text when they are put together, 8 in between.
    """

    def __init__(self, texts: int) -> None:
        """Each text alone."""
        self._labels, self._count = np.arange(texts, dtype=np.int32), texts
        self._edges: list[tuple[np.ndarray, np.ndarray]] = []

    def add(self, left: np.ndarray, right: np.ndarray) -> None:
        """Connect two and two: int32[edges] each."""
        left, right = self._labels[left], self._labels[right]
        new = left != right
        self._edges.append((left[new], right[new]))
        if sum(len(ends) for ends, _ in self._edges) > max(len(self._labels) // 2, _LEAST_EDGES):
            self._put_together()

    def labels(self) -> np.ndarray:
        """int32[texts]: the number of the component of each."""
        self._put_together()
        return self._labels

    def _put_together(self) -> None:
        if self._edges:
            left, right = (np.concatenate([edge[side] for edge in self._edges]) for side in (0, 1))
            self._edges = []
            ends = (left, right)
            graph = coo_array((np.ones(len(left), dtype=bool), ends), shape=(self._count, self._count))
            self._count, merged = connected_components(graph, directed=False)
            self._labels = merged[self._labels]
