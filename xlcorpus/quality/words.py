"""The words of a batch: tokens with their hashes, and how much of a word each one is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from xlcorpus.quality import characters
from xlcorpus.text.codepoints import CodePoints
from xlcorpus.text.hashes import SpanHasher
from xlcorpus.text.ragged import offsets_of, rows_of, sum_segments
from xlcorpus.text.segment import Spans
from xlcorpus.text.words import shares


@dataclass(frozen=True)
class WeighedTokens:
    """Tokens in text order.

    starts, ends: int64[tokens], positions in the codes; offsets: int64[rows + 1]; hashes: uint64[tokens]; share:
    float64[tokens], words that each token counts for (`text.words.shares`); lettered: bool[tokens], holds a letter;
    all_spaced: every share is 1.
    """

    starts: np.ndarray
    ends: np.ndarray
    offsets: np.ndarray
    hashes: np.ndarray
    share: np.ndarray
    lettered: np.ndarray
    all_spaced: bool

    @cached_property
    def rows(self) -> np.ndarray:
        """int64[tokens]: the text of each token."""
        return rows_of(self.offsets)

    @cached_property
    def letters_before(self) -> np.ndarray:
        """int64[tokens + 1]: letters, marks and numbers in all tokens before each one."""
        return offsets_of(self.ends - self.starts)

    @cached_property
    def per_text(self) -> np.ndarray:
        """float64[rows]: words of each text, as `text.words.count_words`."""
        return sum_segments(self.share, self.offsets)

    @cached_property
    def lettered_per_text(self) -> np.ndarray:
        """float64[rows]: words with a letter."""
        return sum_segments(np.where(self.lettered, self.share, 0.0), self.offsets)

    @cached_property
    def characters_per_text(self) -> np.ndarray:
        """int64[rows]: letters, marks and numbers."""
        before = self.letters_before[self.offsets]
        counts: np.ndarray = np.diff(before)
        return counts


def weigh_tokens(points: CodePoints, spans: Spans, flags: np.ndarray, hasher: SpanHasher) -> WeighedTokens:
    """Words of all texts: `spans` are their tokens, `flags` the characters' classes, `hasher` holds the code points."""
    count = len(spans)
    letter = (flags & np.uint16(characters.LETTER)) != 0
    # Between two tokens there are no letters, so a token's letters are those before the next token.
    lettered = np.logical_or.reduceat(letter, spans.starts) if count else np.zeros(0, dtype=bool)
    if len(characters.where(flags, characters.UNSPACED)):
        share = shares(points, spans)
    else:
        share = np.broadcast_to(np.float64(1), count)  # no memory: 8 bytes a word are much in a long text
    return WeighedTokens(
        starts=spans.starts,
        ends=spans.ends,
        offsets=spans.offsets,
        hashes=hasher.hash(spans.starts, spans.ends),
        share=share,
        lettered=lettered,
        all_spaced=bool((share == 1).all()),
    )
