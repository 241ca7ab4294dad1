"""WECHSEL (Minixhofer, Paischer and Rekabsaz 2022, methods B9): fastText vectors of two languages, rotated onto one
another by a dictionary; new rows are mixed of those of the nearest old pieces."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pyarrow as pa
from pydantic import model_validator

from xlcorpus.dataset.storage import locate
from xlcorpus.errors import UserError, naming
from xlcorpus.initialize.aligned import TextOptions, read_texts
from xlcorpus.initialize.initialization import Asked, Initialization, NewRows, counted, mixed_rows
from xlcorpus.initialize.neighbours import nearest_rows, piece_vectors
from xlcorpus.initialize.overlap import text_pieces
from xlcorpus.lexicon.embed import EmbedOptions, Vectors, train_with_parts
from xlcorpus.lexicon.induce import breaker_of, seed_pairs
from xlcorpus.lexicon.vecmap import fit_orthogonal
from xlcorpus.options import option
from xlcorpus.text.normalize import normalize_for_matching
from xlcorpus.tokenizer.tokenizer import Tokenizer


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
    copy_equal: bool = option(
        True,
        description="keep rows of pieces of equal text where a tokenizer is replaced; false, as published: all pieces "
        "but special ones and bytes are made anew",
    )
    neighbours: int = option(10, ge=1, description="old pieces that a new one is mixed of")
    temperature: float = option(0.1, gt=0, description="of the softmax over their cosines")
    dim: int = option(100, ge=2, le=4096, description="dimensions of the word vectors")
    epochs: int = option(20, ge=1, le=1000, description="of their training")
    min_count: int = option(5, ge=1, description="of a word in the texts")

    @model_validator(mode="after")
    def _check_languages(self) -> WechselOptions:
        if self.source == self.target:
            raise UserError(
                f"source and target are both {self.source}",
                remedy="source: the language that the model knows, target: that of the new pieces",
            )
        return self


def wechsel(asked: Asked, options: WechselOptions) -> NewRows:
    """Rows of the nearest old pieces, mixed; of pieces without a vector drawn from normals.

    Words, entries and pieces are in lower case, as our word vectors are. Raises UserError where a language has no text,
    or the dictionary no word of both.
    """
    old, new = asked.tokenizers("wechsel")
    languages = (options.source, options.target)
    texts = read_texts(options, languages, options.dictionary, asked.seed)
    (one, of_old), (other, of_new) = (
        _vectors(lang, given, tokenizer, options, asked.seed)
        for lang, given, tokenizer in zip(languages, texts, (old, new), strict=True)
    )
    pairs = seed_pairs(one, other, "numerals", locate(options.dictionary), languages)
    rotation = fit_orthogonal(one.matrix[pairs[:, 0]].astype(float), other.matrix[pairs[:, 1]].astype(float))
    known = len(next(iter(asked.matrices.values())))
    near = nearest_rows(of_new[asked.wanted], (of_old @ rotation)[:known], options.neighbours, options.temperature)
    note = (
        f"vectors of {options.source} ({len(one):,} words) and {options.target} ({len(other):,} words), rotated by "
        f"{len(pairs):,} pairs" + (", too few to fix it in all dimensions" if len(pairs) < options.dim else "")
    )
    return NewRows(counted(*mixed_rows(asked, *near)), (note,))


def _vectors(
    lang: str, texts: pa.Array, tokenizer: Tokenizer, options: WechselOptions, seed: int
) -> tuple[Vectors, np.ndarray]:
    """Word vectors of a language, and of a tokenizer's pieces: float64[ids, dimensions], 0 where there is none."""
    how = EmbedOptions(
        model="cbow",
        dim=options.dim,
        epoch=options.epochs,
        min_count=options.min_count,
        minn=5,
        maxn=5,
        seed=seed + 1,
    )
    whole = text_pieces(tokenizer)
    plain = [(text or "").strip() if whole[at] else "" for at, text in enumerate(tokenizer.piece_texts())]
    parts = normalize_for_matching(pa.array(plain, pa.string())).to_pylist()
    with naming(lang):
        vectors, found = train_with_parts(texts, how, breaker_of(texts, lang), parts=parts)
    if options.pieces == "words":
        found = piece_vectors(tokenizer, vectors.words, vectors.matrix, vectors.counts)
    return vectors, found.astype(np.float64)


INITIALIZATION = Initialization("wechsel", WechselOptions, wechsel, lambda options: options.copy_equal)
