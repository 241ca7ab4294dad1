"""Translations found by the vectors of sentences alone: the ratio margin of Artetxe and Schwenk (2019, "Margin-based
Parallel Corpus Mining with Multilingual Sentence Embeddings", ACL), as LASER has it.

The margin of two sentences is their cosine divided by the mean of both sentences' mean cosines with their k nearest
ones of the other language: sentences that are near to everything are near to nothing in particular. Nothing depends on
blocks or on the order of computation; of equally near sentences the one with the lowest number is the nearest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from xlcorpus.errors import UserError
from xlcorpus.pairs.cosines import Vectors, blur, cosines, similarities

BLOCK = 4096  # rows of a side whose similarities with as many others are in memory at once: 64 MB
RETRIEVALS = ("max", "intersect", "forward", "backward")
_AT_ONCE = 1 << 16  # pairs whose exact cosines are taken at once
_MORE = 4  # neighbours that faiss is asked for beyond k: its sums are rounded, and order nothing that is equal


@dataclass(frozen=True)
class Near:
    """The nearest sentences of the other side, the nearest first.

    places: int64[n, k], their numbers; cosines: float64[n, k]; k is less than asked where the other side has fewer.
    """

    places: np.ndarray
    cosines: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """float64[n]: the mean of the cosines."""
        return self.cosines.sum(axis=1) / max(self.cosines.shape[1], 1)


@dataclass(frozen=True)
class Aligned:
    """Pairs of sentences, the one with the highest margin first: int64[p] numbers of both sides, margin, cosine."""

    src: np.ndarray
    tgt: np.ndarray
    margin: np.ndarray
    cosine: np.ndarray

    def taken(self, rows: np.ndarray) -> Aligned:
        """Those with these numbers, or for which rows (bool) holds."""
        return Aligned(self.src[rows], self.tgt[rows], self.margin[rows], self.cosine[rows])


def in_blocks(vectors: Vectors, rows: int = BLOCK) -> Iterator[Vectors]:
    """The vectors, so many rows at a time."""
    for start in range(0, vectors.shape[0], rows):
        yield vectors[start : start + rows]


def nearest(queries: Vectors, keys: Iterable[Vectors], count: int) -> Near:
    """The `count` nearest keys of each query, exactly; keys: blocks of rows, numbered as they come.

    Memory: a block of queries by a block of keys; pass at most BLOCK queries.
    """
    size = queries.shape[0]
    rows, places, values = np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
    least = np.full(size, -np.inf)  # of what each query has when it has `count`
    slack, begin = 2 * blur(queries), 0
    for block in keys:
        near = similarities(queries, block)
        found, columns = np.nonzero(_maybe(near, least, count, slack))
        exact = [
            cosines(queries[found[at : at + _AT_ONCE]], block[columns[at : at + _AT_ONCE]])
            for at in range(0, len(found), _AT_ONCE)
        ]
        rows = np.concatenate([rows, found])
        places = np.concatenate([places, columns + begin])
        values = np.concatenate([values, *exact])
        rows, places, values = _best(rows, places, values, count)
        full = np.bincount(rows, minlength=size) == count
        least[full] = values[np.searchsorted(rows, np.flatnonzero(full), side="right") - 1]
        begin += block.shape[0]
    width = min(count, begin)
    return Near(places.reshape(size, width), values.reshape(size, width))


def _maybe(near: np.ndarray, least: np.ndarray, count: int, slack: float) -> np.ndarray:
    """bool[n, m]: what may be among the nearest. The partition is spared where few are left anyway.

    Compared as float32, whose rounding the slack is far above: as float64 all values would be copied.
    """
    maybe = near >= (least - slack).astype(np.float32)[:, None]
    if near.shape[1] > count and np.count_nonzero(maybe) > 4 * count * len(near):
        of_block = np.partition(near, -count, axis=1)[:, -count].astype(np.float64)
        maybe = near >= (np.maximum(least, of_block) - slack).astype(np.float32)[:, None]
    return maybe


def _best(
    rows: np.ndarray, places: np.ndarray, values: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each row the `count` highest, the highest first; of equal ones the lowest places."""
    order = np.lexsort((places, -values, rows))
    ordered = rows[order]
    kept = order[np.arange(len(order)) - np.searchsorted(ordered, ordered) < count]
    return rows[kept], places[kept], values[kept]


def nearest_by_faiss(queries: np.ndarray, keys: np.ndarray, count: int, index: str = "Flat") -> Near:
    """`nearest` among those that an index of faiss finds, by inner products; all of them with `Flat`.

    queries, keys: float32[n, d]; index: as faiss's index_factory takes it (`IVF256,Flat`, `HNSW32`). All keys are in
    memory. Raises UserError where faiss is missing, or cannot make or train such an index.
    """
    faiss = _faiss()
    asked = min(count + _MORE, len(keys))
    try:
        made = faiss.index_factory(keys.shape[1], index, faiss.METRIC_INNER_PRODUCT)
        made.train(np.ascontiguousarray(keys))
        made.add(np.ascontiguousarray(keys))
    except (RuntimeError, AssertionError) as error:
        raise UserError(
            f"faiss cannot make the index {index!r} of {len(keys):,} vectors: {str(error).strip().splitlines()[-1]}",
            remedy="--faiss-index Flat, or one with fewer lists",
        ) from error
    _, found = made.search(np.ascontiguousarray(queries), asked)
    rows, places = np.repeat(np.arange(len(queries)), asked), found.ravel().astype(np.int64)
    there = places >= 0  # an index of lists may find fewer
    rows, places = rows[there], places[there]
    exact = [
        cosines(queries[rows[at : at + _AT_ONCE]], keys[places[at : at + _AT_ONCE]])
        for at in range(0, len(rows), _AT_ONCE)
    ]
    rows, places, values = _best(rows, places, np.concatenate([np.zeros(0), *exact]), count)
    width = min(count, len(keys))
    near = Near(np.full((len(queries), width), -1), np.zeros((len(queries), width)))
    rank = np.arange(len(rows)) - np.searchsorted(rows, rows)
    near.places[rows, rank], near.cosines[rows, rank] = places, values
    return near


def _faiss() -> Any:
    try:
        import faiss
    except ImportError as error:
        raise UserError("--search faiss needs the library faiss", remedy="pip install 'xlcorpus[mine]'") from error
    return faiss


def margins(near: Near, own: np.ndarray, other: np.ndarray) -> np.ndarray:
    """float64[n, k]: cosine / mean of both sentences' mean cosines (own, other: float64[n], [m]).

    0 where that mean is not above 0, and -inf where there is no neighbour.
    """
    around = (own[:, None] + other[near.places]) / 2
    found = np.where(around > 0, near.cosines / np.where(around > 0, around, 1), 0.0)
    return np.where(near.places >= 0, found, -np.inf)


def best_margins(src: Near, tgt: Near) -> tuple[Aligned, Aligned]:
    """Of each sentence of src the candidate with the highest margin, and of each of tgt, in their order."""
    there, back = _best_of(src, src.mean, tgt.mean), _best_of(tgt, tgt.mean, src.mean)
    return there, Aligned(back.tgt, back.src, back.margin, back.cosine)


def _best_of(near: Near, own: np.ndarray, other: np.ndarray) -> Aligned:
    numbers = np.arange(len(near.places))
    if not near.places.size:
        return Aligned(numbers[:0], numbers[:0], np.zeros(0), np.zeros(0))
    found = margins(near, own, other)
    place = found.argmax(axis=1)  # the first of equal ones, so the nearest
    return Aligned(numbers, near.places[numbers, place], found[numbers, place], near.cosines[numbers, place])


def align(there: Aligned, back: Aligned, retrieval: str = "max", threshold: float = 1.06) -> Aligned:
    """Pairs with at least this margin, the highest first. there, back: from `best_margins`; retrieval: of RETRIEVALS.

    forward: the best of each source sentence; backward: of each target sentence; intersect: where both agree; max:
    both together, greedily by margin, so that no sentence is in two pairs.
    """
    there, back = (
        _ordered(one.taken((one.margin >= threshold) & (one.src >= 0) & (one.tgt >= 0))) for one in (there, back)
    )
    if retrieval == "forward":
        return there
    if retrieval == "backward":
        return back
    if retrieval == "intersect":
        agreed = set(zip(back.src.tolist(), back.tgt.tolist(), strict=True))
        return there.taken(
            np.array([pair in agreed for pair in zip(there.src.tolist(), there.tgt.tolist(), strict=True)], bool)
        )
    columns = (np.concatenate(both) for both in zip(_columns(there), _columns(back), strict=True))
    return _greedily(_ordered(Aligned(*columns)))


def _greedily(pairs: Aligned) -> Aligned:
    """Each sentence once, in the first of its pairs."""
    sources, targets, kept = set[int](), set[int](), []
    for number, (src, tgt) in enumerate(zip(pairs.src.tolist(), pairs.tgt.tolist(), strict=True)):
        if src not in sources and tgt not in targets:
            kept.append(number)
            sources.add(src)
            targets.add(tgt)
    return pairs.taken(np.array(kept, dtype=np.int64))


def _columns(pairs: Aligned) -> tuple[np.ndarray, ...]:
    return pairs.src, pairs.tgt, pairs.margin, pairs.cosine


def _ordered(found: Aligned) -> Aligned:
    return found.taken(np.lexsort((found.tgt, found.src, -found.margin)))
