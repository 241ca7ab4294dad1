"""The words of a batch as datatrove's word breakers give them: ragged strings of code points, punctuation among them.

Words are strings of their own, not spans of the text: a breaker may leave out a space within a word, or give two words
that overlap (Kiwi, of Korean).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import pyarrow as pa

from xlcorpus.text.hashes import SpanHasher
from xlcorpus.text.ragged import offsets_of, rows_of


@dataclass(frozen=True)
class Words:
    """codes: uint32[m], the words' code points end to end; offsets: int64[words + 1], where each word begins in them;
    texts: int64[rows + 1], the words of text i are texts[i]:texts[i + 1]."""

    codes: np.ndarray
    offsets: np.ndarray
    texts: np.ndarray

    def __len__(self) -> int:
        """Number of words in the whole batch."""
        return len(self.offsets) - 1

    @cached_property
    def lengths(self) -> np.ndarray:
        """int64[words]: code points of each word."""
        return np.diff(self.offsets)

    @cached_property
    def per_text(self) -> np.ndarray:
        """int64[rows]: words of each text."""
        return np.diff(self.texts)

    @cached_property
    def rows(self) -> np.ndarray:
        """int64[words]: the text of each word."""
        return rows_of(self.texts)

    @cached_property
    def hasher(self) -> SpanHasher:
        """Of the words' code points."""
        return SpanHasher.of_codes(self.codes)

    @cached_property
    def hashes(self) -> np.ndarray:
        """uint64[words]: equal words, equal hash."""
        return self.hasher.hash(self.offsets[:-1], self.offsets[1:])

    def any_of(self, wanted: np.ndarray) -> np.ndarray:
        """bool[words]: words with a character of bool[0x110000]."""
        if not len(self):
            return np.zeros(0, dtype=bool)
        return np.asarray(np.logical_or.reduceat(wanted[self.codes], self.offsets[:-1]))


class WordBreaker(Protocol):
    """One way to find words. Raises UserError from `words` where its library is missing."""

    @property
    def name(self) -> str:
        """As the column `dt_word_breaker` has it."""

    def words(self, texts: pa.Array) -> Words:
        """The words of each text (string[rows])."""


def words_of(lists: Sequence[Sequence[str]]) -> Words:
    """The words of each text from lists of them; white space around words goes, and words of nothing else."""
    kept = [[word for word in map(str.strip, words) if word] for words in lists]
    joined = "".join(word for words in kept for word in words)
    return Words(
        np.frombuffer(joined.encode("utf-32-le"), dtype=np.uint32),
        offsets_of(np.array([len(word) for words in kept for word in words], dtype=np.int64)),
        offsets_of(np.array([len(words) for words in kept], dtype=np.int64)),
    )


def laid_end_to_end(parts: Sequence[Words]) -> Words:
    """The words of several batches as one."""
    if len(parts) == 1:
        return parts[0]
    none = np.zeros(0, dtype=np.int64)
    return Words(
        np.concatenate([np.zeros(0, dtype=np.uint32), *(part.codes for part in parts)]),
        offsets_of(np.concatenate([none, *(part.lengths for part in parts)])),
        offsets_of(np.concatenate([none, *(part.per_text for part in parts)])),
    )
