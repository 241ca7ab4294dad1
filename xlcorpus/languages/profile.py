"""What each language of a sample is made of: characters in a row, words, pieces of a tokenizer, and its sizes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from xlcorpus.languages.bags import Bag, Counter
from xlcorpus.text import properties
from xlcorpus.text.codepoints import CodePoints, code_points
from xlcorpus.text.hashes import hash_spans, mix
from xlcorpus.text.normalize import normalize_for_matching
from xlcorpus.text.words import tokens
from xlcorpus.tokenizer.text_sample import texts_by_language
from xlcorpus.tokenizer.tokenizer import CONTROL, Tokenizer

_SPACE = 0x20


@dataclass(frozen=True)
class Profile:
    """The bags of one language: of its character n-grams, of its words, of the tokenizer's pieces."""

    ngrams: Bag
    words: Bag
    pieces: Bag


def profiles(batches: Iterable[pa.RecordBatch], tokenizer: Tokenizer, size: int) -> dict[str, Profile]:
    """The profile of each language, by its label in order. batches: text, lang (none: `und`); size: of n-grams.

    Texts in NFC and lower case. N-grams: `size` characters in a row within a word and the one space at either side of
    it; in scripts without spaces, within a run of their characters. Words: `text.words.tokens`, so single characters
    in scripts without spaces. Pieces: the tokenizer's ids of the texts as they are, without special ones.
    """
    counters: dict[str, tuple[Counter, Counter, Counter]] = {}
    ordinary = tokenizer.piece_kinds != CONTROL
    for batch in batches:
        for lang, texts in texts_by_language(batch):
            ngrams, words, pieces = counters.setdefault(lang, (Counter(), Counter(), Counter()))
            points = code_points(normalize_for_matching(texts))
            ngrams.add(ngram_hashes(points, size))
            spans = tokens(points)
            words.add(hash_spans(points.codes, spans.starts, spans.ends))
            ids, _ = tokenizer.encode_batch(texts)
            pieces.add(mix(ids[ordinary[ids]]))
    return {lang: Profile(*(one.bag() for one in counters[lang])) for lang in sorted(counters)}


def ngram_hashes(points: CodePoints, size: int) -> np.ndarray:
    """uint64[n]: hashes of all n-grams of `size` characters of the texts; see `profiles`."""
    codes = np.full(len(points.codes) + len(points) + 1, _SPACE, dtype=np.uint32)  # a space around each text
    place = np.arange(len(points.codes)) + points.rows + 1
    codes[place] = np.where(properties.word_characters().take(points.codes), points.codes, np.uint32(_SPACE))
    space = codes == _SPACE
    kept = ~space
    kept[1:] |= ~space[:-1]
    kept[0] = True
    codes, space = codes[kept], space[kept]
    if len(codes) < size:
        return np.zeros(0, np.uint64)
    starts = np.arange(len(codes) - size + 1)
    spaces = np.append(0, np.cumsum(space))
    if size > 2:  # none inside
        starts = starts[spaces[starts + size - 1] == spaces[starts + 1]]
    else:  # no space alone, no two with nothing between them
        starts = starts[spaces[starts + size] - spaces[starts] < size]
    return hash_spans(codes, starts, starts + size)
