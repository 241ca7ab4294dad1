"""From band hashes to groups of texts that may be duplicates: buckets, star edges, connected components."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from xlcorpus.text.ragged import heads_of

# A document's key: number of its shard << 32 | its row in the shard.
ROW_BITS = np.uint64(32)
ROW_MASK = np.uint64(0xFFFFFFFF)
PARTITION_ROWS = 4_000_000  # rows of a band in one group: 64 MB packed, within the 2.5 GB that a group may hold


def document_keys(shard: int, rows: int) -> np.ndarray:
    """uint64[rows]: the keys of all rows of a shard."""
    return (np.uint64(shard) << ROW_BITS) + np.arange(rows, dtype=np.uint64)


def deal_bands(bands: np.ndarray, keys: np.ndarray, partitions: int) -> Iterator[tuple[int, bytes]]:
    """(band * partitions + partition, packed uint64[k, 2] of hash and key): one element a band and partition.

    bands: uint64[rows, bands]; keys: uint64[rows].
    """
    for band in range(bands.shape[1]):
        hashes = bands[:, band]
        part = (hashes >> np.uint64(40)) % np.uint64(partitions)
        for number in range(partitions):
            chosen = part == number
            if chosen.any():
                yield band * partitions + number, np.column_stack([hashes[chosen], keys[chosen]]).tobytes()


def bucket_edges(packed: Iterable[bytes]) -> np.ndarray:
    """Star edges of the buckets of one group: uint64[edges, 2], the smallest key of a bucket to each other one."""
    pairs = np.concatenate([np.frombuffer(part, dtype=np.uint64) for part in packed]).reshape(-1, 2)
    order = np.lexsort((pairs[:, 1], pairs[:, 0]))
    hashes, keys = pairs[order, 0], pairs[order, 1]
    begins = np.concatenate([[True], hashes[1:] != hashes[:-1]])
    centre = keys[heads_of(begins)]
    other = ~begins & (keys != centre)
    return np.column_stack([centre[other], keys[other]])


def components(edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Connected components of uint64[edges, 2]: the keys, ascending, and for each the smallest of its component."""
    keys, ends = np.unique(edges, return_inverse=True)
    ends = ends.reshape(-1, 2)
    graph = coo_array((np.ones(len(ends), dtype=np.int8), (ends[:, 0], ends[:, 1])), shape=(len(keys), len(keys)))
    _, labels = connected_components(graph, directed=False)
    _, first = np.unique(labels, return_index=True)  # keys are sorted, so the first of a label is its smallest
    return keys, keys[first[labels]]
