"""Word vectors of several languages in one space, trained by fastText on our own datasets, or read from files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np
import pyarrow as pa
from pydantic import model_validator

from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.storage import locate
from xlcorpus.errors import UserError, given_twice, naming
from xlcorpus.lexicon.dictionaries import read_entries
from xlcorpus.lexicon.embed import EmbedOptions, Vectors, read_vectors, train_vectors
from xlcorpus.lexicon.induce import breaker_of, seed_pairs, texts_of
from xlcorpus.lexicon.vecmap import InduceOptions, map_vectors
from xlcorpus.options import StepOptions, option


class TextOptions(StepOptions):
    """Text that something is learnt from."""

    files: ClassVar[tuple[str, ...]] = ("texts",)

    texts: tuple[str, ...] = option((), description="datasets of documents, or of sentence pairs, to learn from")
    max_bytes: int = option(200_000_000, ge=1, description="of text, of each language at most")

    @model_validator(mode="after")
    def _check_texts(self) -> TextOptions:
        if (twice := given_twice(self.texts)) is not None:
            raise UserError(f"texts: {twice} is named twice", remedy="name each dataset once")
        return self

    def datasets(self) -> list[Dataset]:
        """Those of `texts`."""
        return [Dataset.open(locate(path)) for path in self.texts]


class AlignedOptions(TextOptions):
    """Where word vectors in one space come from: texts of languages, or files."""

    files: ClassVar[tuple[str, ...]] = ("texts", "dictionary", "vectors")

    languages: tuple[str, ...] = option((), description="whose vectors are trained; all are mapped onto the first's")
    dictionary: str | None = option(None, min_length=1, description="word pairs, the first language's words first")
    words: Literal["numerals", "identical"] = option(
        "numerals", description="what languages are taken to have in common beside the dictionary"
    )
    vectors: tuple[str, ...] = option(
        (),
        description="instead of texts: files in one space, as `lexicon induce --vectors` writes LANG.mapped.vec",
    )
    dim: int = option(100, ge=2, le=4096, description="dimensions of the word vectors")
    epochs: int = option(20, ge=1, le=1000, description="of their training")
    min_count: int = option(2, ge=1, description="of a word in the texts")

    @model_validator(mode="after")
    def _check_vectors(self) -> AlignedOptions:
        if bool(self.vectors) == bool(self.texts):
            raise UserError(
                "`texts` (with `languages`) or `vectors` must be given, and not both",
                remedy="write texts: [out/mixed], languages: [eng_Latn, swh_Latn]",
            )
        twice = given_twice(self.languages)
        if bool(self.texts) != bool(self.languages) or twice:
            raise UserError(
                f"languages: {twice} is named twice" if twice else "`texts` and `languages` belong together",
                remedy="write texts: [out/mixed], languages: [eng_Latn, swh_Latn]",
            )
        return self


def aligned_vectors(options: AlignedOptions, seed: int) -> tuple[list[str], np.ndarray, tuple[str, ...]]:
    """Words of all languages, their vectors in one space (float64[words, dimensions]), and what to say of them.

    Each language is mapped onto the first by VecMap without re-weighting, so orthogonally. A word of several languages
    is there several times. Raises UserError where a language has no text, the dictionary no word of the vectors, or
    files have vectors of different sizes.
    """
    if options.vectors:
        read = [read_vectors(locate(path)) for path in options.vectors]
        for path, one in zip(options.vectors, read, strict=True):
            if one.matrix.shape[1] != read[0].matrix.shape[1]:
                raise UserError(
                    f"vectors: {path} has {one.matrix.shape[1]} dimensions and {options.vectors[0]} "
                    f"{read[0].matrix.shape[1]}, so they are not in one space",
                    remedy="give files that `xlcorpus lexicon induce --vectors` wrote together, LANG.mapped.vec",
                )
        words = [word for one in read for word in one.words]
        return words, np.concatenate([one.matrix for one in read]).astype(np.float64), (f"{len(words):,} words read",)
    texts = read_texts(options, options.languages, options.dictionary, seed)
    trained = [_train(options, lang, one, seed) for lang, one in zip(options.languages, texts, strict=True)]
    first, notes = trained[0], [f"vectors of {options.languages[0]}: {len(trained[0]):,} words"]
    mapped = [first.matrix.astype(np.float64)]
    for lang, other in zip(options.languages[1:], trained[1:], strict=True):
        place = None if options.dictionary is None else locate(options.dictionary)
        seeds = seed_pairs(first, other, options.words, place, (options.languages[0], lang))
        moved, mapped[0] = map_vectors(other, first, seeds[:, ::-1], InduceOptions(reweight=0, seed=seed))
        mapped.append(moved)
        notes.append(f"vectors of {lang}: {len(other):,} words, mapped from {len(seeds):,} pairs")
    return [word for one in trained for word in one.words], np.concatenate(mapped), tuple(notes)


def read_texts(options: TextOptions, languages: Sequence[str], dictionary: str | None, seed: int) -> list[pa.Array]:
    """Texts of each language, string[n]. What is wrong with texts and dictionary is said here, before hours of
    training: raises UserError where a language has no text, or the dictionary is none of these languages."""
    texts = [texts_of(options.datasets(), lang, options.max_bytes, seed) for lang in languages]
    for lang in languages[1:] if dictionary is not None else ():
        read_entries([locate(str(dictionary))], src=languages[0], tgt=lang)
    return texts


def _train(options: AlignedOptions, lang: str, texts: pa.Array, seed: int) -> Vectors:
    how = EmbedOptions(dim=options.dim, epoch=options.epochs, min_count=options.min_count, seed=seed + 1)
    with naming(lang):
        return train_vectors(texts, how, breaker_of(texts, lang))
