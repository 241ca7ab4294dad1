"""Bilingual dictionaries out of the word vectors of two languages (methods A2.1), without parallel text.

VecMap (Artetxe, Labaka and Agirre 2018, "A robust self-learning method for fully unsupervised cross-lingual mappings",
ACL; 2018, "Generalizing and improving bilingual word embedding mappings", AAAI): an orthogonal map from a seed of word
pairs, then in turn a dictionary from the map and a map from the dictionary. Similarities: CSLS (Conneau et al. 2018).

The public program of CSR4mBART sorts similarities in rising order and keeps the first three candidates, so the least
similar ones; here `top_k` keeps the highest, which a test holds fast.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from xlcorpus.errors import UserError
from xlcorpus.lexicon.embed import Vectors

_BLOCK = 1024  # rows of similarities that are held at once
INDUCED = pa.schema([("src", pa.string()), ("tgt", pa.string()), ("score", pa.float64()), ("rank", pa.int32())])


@dataclass(frozen=True)
class InduceOptions:
    """How to induce.

    candidates: for each word; neighbours: of CSLS; self_learning: improve the map by its own dictionaries; cutoff: the
    most frequent words that these are made of; keep: share of the similarities that survive the first stochastic
    dictionary (1: none is dropped), doubled when the objective stops rising; patience: rounds without a rise before
    that; rounds: at most; reweight: power of the singular values that both sides are scaled by at the end (0: none);
    seed: of what is dropped.
    """

    candidates: int = 3
    neighbours: int = 10
    self_learning: bool = True
    cutoff: int = 1_000
    keep: float = 0.5
    patience: int = 10
    rounds: int = 100
    reweight: float = 0.5
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("candidates", "neighbours", "cutoff", "patience", "rounds"):
            if getattr(self, name) < 1:
                raise UserError(f"induction: {name} = {getattr(self, name)}", remedy="use 1 or more")
        if not 0 < self.keep <= 1:
            raise UserError(f"induction: keep = {self.keep}", remedy="use a share above 0 and up to 1")


def normalize(matrix: np.ndarray) -> np.ndarray:
    """Rows of length 1, columns of mean 0, rows of length 1: float64[words, dimensions]; zero rows stay zero."""
    matrix = unit(matrix.astype(np.float64))
    return unit(matrix - matrix.mean(axis=0))


def unit(matrix: np.ndarray) -> np.ndarray:
    """Rows of length 1, of zeros zeros: float[rows, dimensions]."""
    length = np.linalg.norm(matrix, axis=1, keepdims=True)
    found: np.ndarray = matrix / np.where(length > 0, length, 1)
    return found


def top_k(similarity: np.ndarray, count: int) -> np.ndarray:
    """int64[rows, count]: columns of the HIGHEST values of each row (float[rows, columns]), the highest first.

    Of equal values the first column wins.
    """
    count = min(count, similarity.shape[1])
    order: np.ndarray = np.argsort(-similarity, axis=1, kind="stable")[:, :count]
    return order


def numeral_seed(source: Vectors, target: Vectors) -> np.ndarray:
    """int64[n, 2]: words (or pieces, with the mark of a space) of digits alone that both languages have."""
    return _shared(source, target, lambda word: word.removeprefix("\u2581").isdecimal())


def identical_seed(source: Vectors, target: Vectors) -> np.ndarray:
    """int64[n, 2]: words that both languages write alike, numerals too."""
    return _shared(source, target, lambda word: True)


def _shared(source: Vectors, target: Vectors, wanted: Callable[[str], bool]) -> np.ndarray:
    place = {word: number for number, word in enumerate(target.words)}
    pairs = [(number, place[word]) for number, word in enumerate(source.words) if word in place and wanted(word)]
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def dictionary_seed(source: Vectors, target: Vectors, pairs: Iterable[tuple[str, str]]) -> np.ndarray:
    """int64[n, 2]: the word pairs (lower case) that both vocabularies know."""
    one = {word: number for number, word in enumerate(source.words)}
    other = {word: number for number, word in enumerate(target.words)}
    known = sorted({(one[src], other[tgt]) for src, tgt in pairs if src in one and tgt in other})
    return np.array(known, dtype=np.int64).reshape(-1, 2)


def fit_orthogonal(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """float64[d, d]: the orthogonal map that takes rows of source nearest to those of target (Procrustes)."""
    left, _, right = np.linalg.svd(source.T @ target)
    rotation: np.ndarray = left @ right
    return rotation


def neighbourhood(one: np.ndarray, other: np.ndarray, neighbours: int) -> np.ndarray:
    """float64[rows of one]: mean similarity with the nearest rows of other."""
    neighbours = min(neighbours, len(other))
    means = [
        np.partition(one[start : start + _BLOCK] @ other.T, -neighbours, axis=1)[:, -neighbours:].mean(axis=1)
        for start in range(0, len(one), _BLOCK)
    ]
    return np.concatenate(means)


def _dictionary(
    one: np.ndarray, other: np.ndarray, options: InduceOptions, keep: float, generator: np.random.Generator
) -> tuple[np.ndarray, float]:
    """Best partner of each word, both ways (int64[n, 2]), and their mean similarity. CSLS, some values dropped."""
    similarity = one @ other.T
    size = min(options.neighbours, *similarity.shape)
    one_mean = np.partition(similarity, -size, axis=1)[:, -size:].mean(axis=1)
    other_mean = np.partition(similarity, -size, axis=0)[-size:].mean(axis=0)
    pairs, best = [], []
    for score, flip in (
        (2 * similarity - other_mean, False),
        (2 * similarity.T - one_mean, True),
    ):
        # Dropped values are 0, as in VecMap, where similarities are above.
        if keep < 1:
            score = np.where(generator.random(score.shape, dtype=np.float32) < keep, score, -4.0)
        partner = np.argmax(score, axis=1)
        found = np.stack([np.arange(len(partner)), partner], axis=1)
        pairs.append(found[:, ::-1] if flip else found)
        best.append((similarity.T if flip else similarity)[np.arange(len(partner)), partner].mean())
    return np.concatenate(pairs), float(np.mean(best))


def map_vectors(
    source: Vectors, target: Vectors, seed: np.ndarray, options: InduceOptions | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Both languages in one space: float64[source words, d], float64[target words, d], rows of length 1.

    seed: int64[n, 2], word numbers; its pairs stay in every dictionary of self-learning. Raises UserError without a
    seed, or where the dimensions differ.
    """
    options = options or InduceOptions()
    if not len(seed):
        raise UserError(
            f"no word pair to begin with, among {len(source):,} and {len(target):,} words",
            remedy="give a seed dictionary, or more text, so that both sides share numerals or words",
        )
    if source.matrix.shape[1] != target.matrix.shape[1]:
        raise UserError(
            f"vectors of {source.matrix.shape[1]} and {target.matrix.shape[1]} dimensions", remedy="train both alike"
        )
    one, other = normalize(source.matrix), normalize(target.matrix)
    pairs = seed
    if options.self_learning:
        pairs = _self_learn(one, other, seed, options)
    return _final_map(one, other, pairs, options.reweight)


def _self_learn(one: np.ndarray, other: np.ndarray, seed: np.ndarray, options: InduceOptions) -> np.ndarray:
    """The dictionary of the best round: int64[n, 2]."""
    generator = np.random.default_rng(options.seed)
    frequent, common = one[: options.cutoff], other[: options.cutoff]
    pairs, best_pairs = seed, seed
    best, waited, keep = -np.inf, 0, options.keep
    for _ in range(options.rounds):
        rotation = fit_orthogonal(one[pairs[:, 0]], other[pairs[:, 1]])
        pairs, objective = _dictionary(frequent @ rotation, common, options, keep, generator)
        pairs = np.concatenate([pairs, seed])
        waited += 1
        if objective > best + 1e-6:
            best, best_pairs, waited = objective, pairs, 0
        if waited >= options.patience:
            if keep >= 1:
                break
            keep, waited = min(1.0, 2 * keep), 0
    return best_pairs


def _final_map(one: np.ndarray, other: np.ndarray, pairs: np.ndarray, reweight: float) -> tuple[np.ndarray, np.ndarray]:
    """Orthogonal where reweight is 0; else whitening, rotation, symmetric re-weighting, de-whitening (AAAI 2018)."""
    left, right = one[pairs[:, 0]], other[pairs[:, 1]]
    if not reweight:
        return unit(one @ fit_orthogonal(left, right)), unit(other)
    whiten_one, whiten_other = _whitening(left), _whitening(right)
    u, singular, v = np.linalg.svd((left @ whiten_one).T @ (right @ whiten_other))
    scale = singular**reweight
    mapped_one = (one @ whiten_one @ u) * scale @ u.T @ np.linalg.pinv(whiten_one) @ u
    mapped_other = (other @ whiten_other @ v.T) * scale @ v @ np.linalg.pinv(whiten_other) @ v.T
    return unit(mapped_one), unit(mapped_other)


def _whitening(rows: np.ndarray) -> np.ndarray:
    """float64[d, d]: takes rows to unit covariance; directions that the rows do not have stay as they are."""
    _, singular, v = np.linalg.svd(rows, full_matrices=True)
    full = np.ones(rows.shape[1])
    significant = singular > 1e-6 * singular[0]
    full[: len(singular)][significant] = 1 / singular[significant]
    whitening: np.ndarray = (v.T * full) @ v
    return whitening


def retrieve(source: Vectors, target: Vectors, one: np.ndarray, other: np.ndarray, options: InduceOptions) -> pa.Table:
    """The best candidates of each source word by CSLS, the highest first: rows `INDUCED`, by source word and rank.

    one, other: from `map_vectors`. score: 2 * cosine - mean cosine of each word with its nearest of the other language.
    """
    one_mean = neighbourhood(one, other, options.neighbours)
    other_mean = neighbourhood(other, one, options.neighbours)
    best, scores = [], []
    for start in range(0, len(one), _BLOCK):
        part = slice(start, start + _BLOCK)
        score = 2 * (one[part] @ other.T) - one_mean[part, None] - other_mean
        columns = top_k(score, options.candidates)
        best.append(columns)
        scores.append(np.take_along_axis(score, columns, axis=1))
    found = np.concatenate(best)
    each = found.shape[1]
    return pa.table(
        [
            pa.array(source.words, pa.string()).take(pa.array(np.repeat(np.arange(len(one)), each))),
            pa.array(target.words, pa.string()).take(pa.array(found.ravel())),
            pa.array(np.concatenate(scores).ravel()),
            pa.array(np.tile(np.arange(1, each + 1, dtype=np.int32), len(one))),
        ],
        schema=INDUCED,
    )


def induce(source: Vectors, target: Vectors, seed: np.ndarray, options: InduceOptions | None = None) -> pa.Table:
    """A dictionary from source to target (`INDUCED`); the other direction is another call, with its own seed.

    The same vectors, seed and options give the same rows. Raises UserError as `map_vectors`.
    """
    options = options or InduceOptions()
    return retrieve(source, target, *map_vectors(source, target, seed, options), options)
