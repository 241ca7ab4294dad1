"""Word vectors of one language, trained on its text with fastText (Bojanowski et al. 2017)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Literal

import numpy as np
import pyarrow as pa

from xlcorpus.dataset import storage
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError, first_line
from xlcorpus.text.breakers import WordBreaker
from xlcorpus.text.characters import LIKE_APOSTROPHE, codes_of
from xlcorpus.text.codepoints import code_points
from xlcorpus.text.hashes import hash_parts, hash_text
from xlcorpus.text.normalize import normalize_for_matching
from xlcorpus.text.words import vocabulary

Cut = Callable[[pa.Array], Iterator[str]]  # the words (or pieces) of each text with a space between them
_BATCH = 4096  # texts that are split at once
_APOSTROPHES = codes_of(LIKE_APOSTROPHE)  # which are one to dictionaries (`folding.folds`)


@dataclass(frozen=True)
class Vectors:
    """words: by falling frequency; counts: int64[words]; matrix: float32[words, dimensions]."""

    words: list[str]
    counts: np.ndarray
    matrix: np.ndarray

    def __len__(self) -> int:
        """Number of words."""
        return len(self.words)


@dataclass(frozen=True)
class EmbedOptions:
    """How to train: with negative sampling and one thread, so that the same text gives the same vectors.

    model: skipgram, or cbow (as WECHSEL trains); minn, maxn: character n-grams that a word's vector is a sum of (0, 0:
    none); subsample: fastText's `t`. seed: of the order of the texts and, with the text itself, of the vectors at the
    start.
    """

    dim: int = 100
    epoch: int = 50
    window: int = 5
    min_count: int = 2
    negatives: int = 10
    minn: int = 0
    maxn: int = 0
    bucket: int = 100_000
    lr: float = 0.05
    subsample: float = 1e-4
    seed: int = 1
    model: Literal["skipgram", "cbow"] = "skipgram"


def word_lines(texts: pa.Array, breaker: WordBreaker | None = None) -> Iterator[str]:
    """The words of each text (string[n]) with a space between them: NFC, lower case, one kind of apostrophe.

    They are `text.words.vocabulary`, so those that code-switching looks up; breaker: for scripts without spaces, whose
    words are left out without it.
    """
    for start in range(0, len(texts), _BATCH):
        points = code_points(normalize_for_matching(texts.slice(start, _BATCH)))
        spans = vocabulary(points, breaker)
        other = np.isin(points.codes, _APOSTROPHES)
        other[np.append(spans.starts, spans.ends - 1)] = False  # a letter (diné biʼ); apostrophes are within words
        content = np.where(other, np.uint32(0x27), points.codes).tobytes().decode("utf-32-le")
        words = [content[one:end] for one, end in zip(spans.starts.tolist(), spans.ends.tolist(), strict=True)]
        for one, end in zip(spans.offsets[:-1].tolist(), spans.offsets[1:].tolist(), strict=True):
            yield " ".join(words[one:end])


def _order(seed: int, line: str) -> tuple[int, str]:
    return int(hash_text(f"{seed}\t{line}")), line


def _write_start(location: Location, words: Iterable[str], dim: int, seed: int) -> None:
    """Random vectors of words: what training begins with."""
    listed = sorted(words)
    write_vectors(location, listed, np.random.default_rng(seed).uniform(-1 / dim, 1 / dim, (len(listed), dim)))


def write_vectors(location: Location, words: Sequence[str], matrix: np.ndarray) -> None:
    """Vectors (float[words, dimensions]) in the text format of word2vec and fastText: `words dimensions`, then a line a
    word, with six digits behind the point. Raises OSError."""
    rows = (" ".join([word, *(f"{value:.6f}" for value in vector)]) for word, vector in zip(words, matrix, strict=True))
    storage.write_parts(location, (f"{row}\n".encode() for row in chain([f"{len(words)} {matrix.shape[1]}"], rows)))


def read_vectors(location: Location) -> Vectors:
    """Vectors that `write_vectors` wrote, or fastText and word2vec in their text format; counts are 0.

    Raises UserError where the file is no such table, or a line has another size than the first one says, or what is no
    finite number.
    """
    try:
        lines = storage.read_text(location).rstrip("\r\n").split("\n")  # words of the web hold other ends of lines
        rows, size = (int(one) for one in lines[0].split())
        if size < 1:
            raise ValueError(f"vectors of {size} dimensions")
    except (OSError, ValueError, IndexError) as error:
        raise UserError(
            f"{location} holds no word vectors: {first_line(error)}",
            remedy="name a file in word2vec's text format, whose first line is `words dimensions`, as "
            "`xlcorpus lexicon induce --vectors` writes",
        ) from error
    words, values = [], []
    for number, line in enumerate(lines[1:], 2):
        word, *fields = line.rstrip(" \r").split(" ")
        if len(fields) != size:
            raise UserError(
                f"{location}: line {number} has {len(fields):,} numbers and not {size:,}", remedy="write the file again"
            )
        try:
            with np.errstate(over="ignore"):
                vector = np.array(fields, dtype=np.float32)
        except ValueError as error:
            raise UserError(f"{location}: line {number}: {first_line(error)}", remedy="write the file again") from error
        if not np.isfinite(vector).all():
            raise UserError(
                f"{location}: line {number} holds what is no number of 32 bits (nan, inf or too large)",
                remedy="write the file again without this word",
            )
        words.append(word)
        values.append(vector)
    if len(words) != rows or not words:
        raise UserError(
            f"{location}: {len(words):,} words are there, and its first line says {rows:,}", remedy="copy it again"
        )
    return Vectors(words, np.zeros(len(words), dtype=np.int64), np.stack(values))


def train_vectors(
    texts: pa.Array,
    options: EmbedOptions | None = None,
    breaker: WordBreaker | None = None,
    cut: Cut | None = None,
) -> Vectors:
    """Train on texts (string[n]), whose order does not matter; all their words are held in memory.

    breaker: of the texts' script, where it has no spaces (`breakers.word_breaker_for`); cut: what to train on instead
    of words. Raises UserError where no word occurs `min_count` times.
    """
    return train_with_parts(texts, options, breaker, cut)[0]


def train_with_parts(
    texts: pa.Array,
    options: EmbedOptions | None = None,
    breaker: WordBreaker | None = None,
    cut: Cut | None = None,
    parts: Sequence[str] = (),
) -> tuple[Vectors, np.ndarray]:
    """`train_vectors`, and vectors of other strings by their n-grams (float32[parts, dimensions]): 0 where the texts
    have none of these."""
    import fasttext

    options = options or EmbedOptions()
    found = word_lines(texts, breaker) if cut is None else cut(texts)
    lines = sorted(filter(None, found), key=lambda line: _order(options.seed, line))
    counts: Counter[str] = Counter()
    for line in lines:
        counts.update(line.split(" "))
    frequent = {word: count for word, count in counts.items() if count >= options.min_count}
    if not frequent:
        raise UserError(
            f"no word occurs {options.min_count} times in {len(texts):,} texts",
            remedy="give more text or a lower min_count",
        )
    with storage.scratch_folder() as folder:
        text, start = folder / "text.txt", folder / "start.vec"
        storage.write_parts(text, (f"{line}\n".encode() for line in lines))
        # The start is ours for two reasons. With one thread fastText 0.9.2 leaves nine tenths of the vectors at zero.
        # And it takes no seed here: words of equal rank in two languages would begin with equal vectors, which looks
        # like knowledge where ranks agree, as in parallel text. So the start depends on the text too.
        _write_start(start, frequent, options.dim, int(hash_parts([str(options.seed), *lines])))
        model = fasttext.train_unsupervised(
            str(text),
            model=options.model,
            dim=options.dim,
            epoch=options.epoch,
            ws=options.window,
            minCount=options.min_count,
            neg=options.negatives,
            minn=options.minn,
            maxn=options.maxn,
            bucket=options.bucket if options.maxn else 0,
            lr=options.lr,
            t=options.subsample,
            pretrainedVectors=str(start),
            thread=1,
            verbose=0,
        )
    words = sorted(frequent, key=lambda word: (-frequent[word], word))
    matrix = np.array([model.get_word_vector(word) for word in words], dtype=np.float32)
    of_parts = np.zeros((len(parts), options.dim), dtype=np.float32)
    for number, part in enumerate(parts):
        if part:  # fastText gives "" the vector of the end of a line
            of_parts[number] = model.get_word_vector(part)
    return Vectors(words, np.array([frequent[word] for word in words], dtype=np.int64), matrix), of_parts
