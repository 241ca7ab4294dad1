"""Which candidates are duplicates: exact Jaccard similarity of shingle sets, clusters, the member to keep."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

from xlcorpus.text.ragged import offsets_of, ranges, rows_of

_BLOCK_TEXTS = 1024  # rows of the similarity matrix at a time: at most 1024 x n counts in memory


@dataclass(frozen=True)
class Candidates:
    """Texts that may be duplicates of one another.

    shingles: uint64[n] and offsets int64[texts + 1]; digests: void16[texts] (exact content); rank: float64[texts], the
    highest is kept; doc_ids: void16[texts].
    """

    shingles: np.ndarray
    offsets: np.ndarray
    digests: np.ndarray
    rank: np.ndarray
    doc_ids: np.ndarray


@dataclass(frozen=True)
class Clusters:
    """Per candidate: the kept member of its cluster (position), the cluster's size, whether a better-ranked member has
    the same content, and the similarity to its nearest member (float32, 0 where it stands alone)."""

    kept: np.ndarray
    size: np.ndarray
    exact: np.ndarray
    similarity: np.ndarray


def jaccard_pairs(
    shingles: np.ndarray, offsets: np.ndarray, threshold: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All pairs of texts with Jaccard similarity >= threshold: int64[p], int64[p] (first < second), float64[p].

    Texts without shingles are in no pair. shingles: uint64[n]; offsets: int64[texts + 1].
    """
    count = len(offsets) - 1
    rows = rows_of(offsets)
    _, columns = np.unique(shingles, return_inverse=True)
    sets = coo_array(
        (np.ones(len(rows), dtype=np.int32), (rows, columns.ravel())), shape=(count, columns.max(initial=0) + 1)
    )
    matrix = csr_array(sets)
    matrix.sum_duplicates()
    matrix.data[:] = 1  # sets, not bags
    sizes = np.diff(matrix.indptr)
    found = []
    for start in range(0, count, _BLOCK_TEXTS):
        common = (matrix[start : start + _BLOCK_TEXTS] @ matrix.T).tocoo()
        first, second = common.coords[0].astype(np.int64) + start, common.coords[1].astype(np.int64)
        keep = first < second
        first, second, shared = first[keep], second[keep], common.data[keep]
        similarity = shared / (sizes[first] + sizes[second] - shared)
        keep = similarity >= threshold
        found.append((first[keep], second[keep], similarity[keep]))
    if not found:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
    return tuple(np.concatenate(part) for part in zip(*found, strict=True))  # type: ignore[return-value]


def cluster(candidates: Candidates, threshold: float) -> Clusters:
    """Cluster candidates by verified pairs (single linkage) and choose the member to keep.

    Equal content is a pair of similarity 1 and is compared once, however many copies there are. The kept member has
    the highest rank; among equals the smallest doc_id, so the choice depends on nothing else.
    """
    count = len(candidates.digests)
    _, first_copy, copy_of = np.unique(candidates.digests, return_index=True, return_inverse=True)
    copy_of = copy_of.ravel()
    lengths = np.diff(candidates.offsets)[first_copy]
    starts = candidates.offsets[first_copy]
    shingles = candidates.shingles[ranges(starts, lengths)]
    left, right, similarity = jaccard_pairs(shingles, offsets_of(lengths), threshold)
    graph = coo_array((np.ones(len(left), dtype=np.int8), (left, right)), shape=(len(first_copy), len(first_copy)))
    _, labels_of_content = connected_components(graph, directed=False)
    labels = labels_of_content[copy_of]

    order = np.lexsort((candidates.doc_ids, -candidates.rank))  # best first
    place = np.empty(count, dtype=np.int64)
    place[order] = np.arange(count)
    best = np.full(labels.max(initial=-1) + 1, count, dtype=np.int64)
    np.minimum.at(best, labels, place)
    best_copy = np.full(len(first_copy), count, dtype=np.int64)
    np.minimum.at(best_copy, copy_of, place)

    nearest = np.zeros(len(first_copy), dtype=np.float64)
    np.maximum.at(nearest, left, similarity)
    np.maximum.at(nearest, right, similarity)
    copies = np.bincount(copy_of, minlength=len(first_copy))
    similarity_of = np.where(copies[copy_of] > 1, 1.0, nearest[copy_of])
    return Clusters(
        kept=order[best[labels]],
        size=np.bincount(labels, minlength=len(best))[labels],
        exact=place > best_copy[copy_of],
        similarity=similarity_of.astype(np.float32),
    )
