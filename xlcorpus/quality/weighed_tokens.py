"""The words of a batch: tokens with their hashes, and how much of a word each one is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from xlcorpus.quality.character_classes import LETTER, UNSPACED, where
from xlcorpus.text import properties
from xlcorpus.text.codepoints import CodePoints
from xlcorpus.text.hashes import SpanHasher
from xlcorpus.text.ragged import offsets_of, ranges, sum_segments, sum_spans
from xlcorpus.text.segment import Spans, spans_of
from xlcorpus.text.words import shares, tokens


@dataclass(frozen=True)
class WeighedTokens:
    """The tokens of a batch.

    hashes: uint64[tokens]; share: float64[tokens], words that each token counts for (`text.words.shares`); lettered:
    bool[tokens], holds a letter.
    """

    spans: Spans
    hashes: np.ndarray
    share: np.ndarray
    lettered: np.ndarray

    @cached_property
    def letters_before(self) -> np.ndarray:
        """int64[tokens + 1]: letters, marks and numbers in all tokens before each one."""
        return offsets_of(self.spans.ends - self.spans.starts)

    @cached_property
    def per_text(self) -> np.ndarray:
        """float64[rows]: words of each text, as `text.words.count_words`."""
        return sum_segments(self.share, self.spans.offsets)

    @cached_property
    def lettered_per_text(self) -> np.ndarray:
        """float64[rows]: words with a letter."""
        return sum_segments(np.where(self.lettered, self.share, 0.0), self.spans.offsets)

    @cached_property
    def characters_per_text(self) -> np.ndarray:
        """int64[rows]: letters, marks and numbers."""
        return np.diff(self.letters_before[self.spans.offsets])


def shown_tokens(points: CodePoints, flags: np.ndarray) -> Spans:
    """The tokens that show something: a joiner or variation selector alone, as between the parts of an emoji, does not.

    The classes of what they leave out become 0 in `flags`.
    """
    spans, unseen = tokens(points), properties.unseen()
    odd = np.flatnonzero(unseen.take(points.codes.take(spans.starts)))
    if not len(odd):
        return spans
    hidden = odd[sum_spans(~unseen.take(points.codes), spans.starts[odd], spans.ends[odd]) == 0]
    flags[ranges(spans.starts[hidden], spans.lengths[hidden])] = 0
    return spans_of(np.delete(spans.starts, hidden), np.delete(spans.ends, hidden), points)


def weigh_tokens(points: CodePoints, spans: Spans, flags: np.ndarray, hasher: SpanHasher) -> WeighedTokens:
    """Words of all texts: `spans` are their tokens, `flags` the characters' classes, `hasher` holds the code points."""
    count = len(spans)
    letter = (flags & np.uint16(LETTER)) != 0
    # Between two tokens there are no letters, so a token's letters are those before the next token.
    lettered = np.logical_or.reduceat(letter, spans.starts) if count else np.zeros(0, dtype=bool)
    # Ones that take no memory: 8 bytes a word are much in a long text.
    share = shares(points, spans) if len(where(flags, UNSPACED)) else np.broadcast_to(np.float64(1), count)
    return WeighedTokens(spans, hasher.hash(spans.starts, spans.ends), share, lettered)
