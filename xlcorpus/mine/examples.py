"""Which pairs stand in a prompt as examples: the nearest by vectors, of these the best by BM25.

El Mekki and Abdul-Mageed (2025, arXiv:2410.11006) take of the pairs that pass the filter the 20 whose source sides are
nearest to the query, and of these the 8 with the best BM25; where fewer than 8 pass, the nearest of all pairs. BM25 is
Okapi's as rank_bm25 0.2.2 has it. Which texts its frequencies are counted on is not published; here it is the whole
pool, not the 20.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy import sparse

from xlcorpus.pairs import margin
from xlcorpus.pairs.cosines import Vectors
from xlcorpus.pairs.margin import in_blocks
from xlcorpus.text.codepoints import code_points
from xlcorpus.text.hashes import SpanHasher
from xlcorpus.text.normalize import as_seen
from xlcorpus.text.ragged import rows_of
from xlcorpus.text.words import joined_tokens

K1, B, EPSILON = 1.5, 0.75, 0.25


def words_of(texts: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """uint64[words], int64[texts + 1]: hashes of the words of each text (`text.words`), in NFKC and lower case."""
    points = code_points(pc.utf8_lower(as_seen(texts)))
    spans = joined_tokens(points)
    return SpanHasher.of_codes(points.codes).hash(spans.starts, spans.ends), spans.offsets


@dataclass(frozen=True)
class Bm25:
    """words: uint64[n], ascending, all there are; counts: float64[texts, n]; idf: float64[n]; lengths: float64[texts],
    words of each."""

    words: np.ndarray
    counts: sparse.csr_matrix
    idf: np.ndarray
    lengths: np.ndarray

    @classmethod
    def of(cls, texts: pa.Array) -> Bm25:
        """Count the words of string[texts]. A word of more than half of the texts has EPSILON times the mean idf."""
        hashes, offsets = words_of(texts)
        words, numbers = np.unique(hashes, return_inverse=True)
        places = rows_of(offsets), numbers
        counts = sparse.csr_matrix((np.ones(len(numbers)), places), shape=(len(texts), len(words)))
        having = np.bincount(counts.indices, minlength=len(words))
        idf = np.log(len(texts) - having + 0.5) - np.log(having + 0.5)
        rare = EPSILON * (idf.mean() if len(idf) else 0.0)
        return cls(words, counts, np.where(idf < 0, rare, idf), np.diff(offsets).astype(np.float64))

    def scores(self, query: np.ndarray, texts: np.ndarray) -> np.ndarray:
        """float64[k]: of each of these texts (int64[k]) for the words of a query (uint64, `words_of`)."""
        at = np.searchsorted(self.words, query)
        at = at[(at < len(self.words)) & (self.words.take(at, mode="clip") == query)] if len(self.words) else at[:0]
        found = self.counts[texts][:, at].toarray()
        mean = self.lengths.mean() if len(self.lengths) else 1.0
        size = (K1 * (1 - B + B * self.lengths[texts] / max(mean, 1e-9)))[:, None]
        scores: np.ndarray = (self.idf[at] * (found * (K1 + 1) / (found + size))).sum(axis=1)
        return scores


def nearest(queries: Vectors, pool: Vectors, count: int, own: np.ndarray) -> np.ndarray:
    """int64[queries, count]: the rows of the pool with the greatest cosines, the best first, of equal ones the first.

    own: int64[queries], a row that is left out for each, -1 for none. -1 stands where there are no more.
    """
    found = np.full((queries.shape[0], count), -1, dtype=np.int64)
    start = 0
    for block in in_blocks(queries):
        near, here = margin.nearest(block, in_blocks(pool), count + 1).places, slice(start, start + block.shape[0])
        others = near != own[here, None]
        order = np.argsort(~others, axis=1, kind="stable")[:, :count]
        kept = np.take_along_axis(others, order, axis=1)
        found[here, : order.shape[1]] = np.where(kept, np.take_along_axis(near, order, axis=1), -1)
        start = here.stop
    return found


@dataclass(frozen=True)
class Pool:
    """Pairs that examples are chosen from. asked: string[n], the sides in the language of the queries; vectors: theirs;
    passed: bool[n], which passed the filter."""

    asked: pa.Array
    vectors: Vectors
    passed: np.ndarray


def choose_examples(
    queries: pa.Array, vectors: Vectors, pool: Pool, own: np.ndarray, *, shots: int = 8, top: int = 20
) -> np.ndarray:
    """int64[queries, shots]: pairs of the pool for each query, the best first; -1 where there are no more.

    own: int64[queries], the pair that was made of the query itself, -1 for none: it is no example.
    """
    chosen = np.full((len(queries), shots), -1, dtype=np.int64)
    kept = np.flatnonzero(pool.passed)
    usable = len(kept) - np.isin(own, kept).astype(np.int64)
    enough, few = np.flatnonzero(usable >= shots), np.flatnonzero(usable < shots)
    if len(enough):
        number = np.full(len(pool.passed) + 1, -1, dtype=np.int64)
        number[kept] = np.arange(len(kept))
        near = nearest(vectors[enough], pool.vectors[kept], top, number[own[enough]])
        bm25 = Bm25.of(pool.asked.take(pa.array(kept)))
        hashes, offsets = words_of(queries.take(pa.array(enough)))
        for place, row in enumerate(enough.tolist()):
            some = near[place][near[place] >= 0]
            scores = bm25.scores(hashes[offsets[place] : offsets[place + 1]], some)
            best = kept[some[np.argsort(-scores, kind="stable")[:shots]]]
            chosen[row, : len(best)] = best
    if len(few):
        chosen[few] = nearest(vectors[few], pool.vectors, shots, own[few])
    return chosen


def listed(chosen: np.ndarray) -> tuple[pa.Array, pa.Array]:
    """Offsets and numbers of lists of what was chosen (int64[rows, k], -1 for none), the last column first."""
    turned = chosen[:, ::-1]
    there = turned >= 0
    offsets = np.append(0, np.cumsum(there.sum(axis=1))).astype(np.int32)
    return pa.array(offsets), pa.array(turned[there])
