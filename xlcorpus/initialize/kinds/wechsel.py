"""WECHSEL (Minixhofer, Paischer and Rekabsaz 2022, methods B9): fastText vectors of two languages, rotated onto one
another by a dictionary; new rows are mixed of those of the nearest old pieces."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pyarrow as pa

from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.storage import locate
from xlcorpus.initialize.aligned import TextOptions
from xlcorpus.initialize.initialization import Asked, Initialization, NewRows, counted, mixed_rows
from xlcorpus.initialize.neighbours import nearest_rows, piece_vectors
from xlcorpus.lexicon.embed import EmbedOptions, Vectors, train_with_parts
from xlcorpus.lexicon.induce import breaker_of, seed_pairs, texts_of
from xlcorpus.lexicon.vecmap import fit_orthogonal
from xlcorpus.options import option
from xlcorpus.text.normalize import normalize_for_matching
from xlcorpus.tokenizer.tokenizer import CONTROL, Tokenizer


class WechselOptions(TextOptions):
    """As published: CBOW of 100 dimensions with 5-grams, 10 negatives and 20 epochs, 10 neighbours, temperature 0.1."""

    files = ("texts", "dictionary")

    texts: tuple[str, ...] = option(min_length=1, description="datasets with text in both languages")
    source: str = option(min_length=1, description="a language that the model knows")
    target: str = option(min_length=1, description="the language of the new pieces")
    dictionary: str = option(min_length=1, description="word pairs, the source's words first")
    pieces: Literal["n-grams", "words"] = option(
        "n-grams",
        description="vectors of pieces: by fastText's n-grams, or means of the words with them, by count",
    )
    neighbours: int = option(10, ge=1, description="old pieces that a new one is mixed of")
    temperature: float = option(0.1, gt=0, description="of the softmax over their cosines")
    dim: int = option(100, ge=2, le=4096, description="dimensions of the word vectors")
    epochs: int = option(20, ge=1, le=1000, description="of their training")
    min_count: int = option(5, ge=1, description="of a word in the texts")


def wechsel(asked: Asked, options: WechselOptions) -> NewRows:
    """Rows of the nearest old pieces, mixed; of pieces without a vector drawn from normals.

    Words, entries and pieces are in lower case, as our word vectors are. Raises UserError where a language has no text,
    or the dictionary no word of both.
    """
    old, new = asked.tokenizers("wechsel")
    datasets = [Dataset.open(locate(path)) for path in options.texts]
    (one, of_old), (other, of_new) = (
        _vectors(datasets, lang, tokenizer, options, asked.seed)
        for lang, tokenizer in ((options.source, old), (options.target, new))
    )
    pairs = seed_pairs(one, other, "numerals", locate(options.dictionary), (options.source, options.target))
    rotation = fit_orthogonal(one.matrix[pairs[:, 0]].astype(float), other.matrix[pairs[:, 1]].astype(float))
    near = list(
        nearest_rows(
            of_new[asked.wanted],
            (of_old @ rotation)[: len(next(iter(asked.matrices.values())))],
            options.neighbours,
            options.temperature,
        )
    )
    has = np.zeros(len(asked.wanted), dtype=bool)
    for places, _, _ in near:
        has[places] = True
    note = (
        f"vectors of {options.source} ({len(one):,} words) and {options.target} ({len(other):,} words), rotated by "
        f"{len(pairs):,} pairs" + (", too few to fix it in all dimensions" if len(pairs) < options.dim else "")
    )
    return NewRows(counted(mixed_rows(asked, near), has), (note,))


def _vectors(
    datasets: list[Dataset], lang: str, tokenizer: Tokenizer, options: WechselOptions, seed: int
) -> tuple[Vectors, np.ndarray]:
    """Word vectors of a language, and of a tokenizer's pieces: float64[ids, dimensions], 0 where there is none."""
    texts = texts_of(datasets, lang, options.max_bytes, seed)
    how = EmbedOptions(
        model="cbow",
        dim=options.dim,
        epoch=options.epochs,
        min_count=options.min_count,
        minn=5,
        maxn=5,
        seed=seed + 1,
    )
    breaker = breaker_of(texts, lang)
    if options.pieces == "words":
        vectors, _ = train_with_parts(texts, how, breaker)
        return vectors, piece_vectors(tokenizer, vectors.words, vectors.matrix, vectors.counts)
    plain = [
        "" if text is None or kind == CONTROL else text.strip()
        for text, kind in zip(tokenizer.piece_texts(), tokenizer.piece_kinds.tolist(), strict=True)
    ]
    parts = normalize_for_matching(pa.array(plain, pa.string())).to_pylist()
    vectors, found = train_with_parts(texts, how, breaker, parts=parts)
    return vectors, found.astype(np.float64)


INITIALIZATION = Initialization("wechsel", WechselOptions, wechsel)
