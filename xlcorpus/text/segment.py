"""Words and lines of a batch as spans of code points, with rules that follow the script."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from xlcorpus.text import properties
from xlcorpus.text.codepoints import CodePoints
from xlcorpus.text.ragged import rows_of

LINE_FEED = 0x0A


@dataclass(frozen=True)
class Spans:
    """Spans of a batch in text order.

    starts, ends: int64[spans], positions in `CodePoints.codes`; offsets: int64[rows + 1], the spans of text i are
    offsets[i]:offsets[i + 1].
    """

    starts: np.ndarray
    ends: np.ndarray
    offsets: np.ndarray

    def __len__(self) -> int:
        """Number of spans in the whole batch."""
        return len(self.starts)

    @cached_property
    def lengths(self) -> np.ndarray:
        """int64[spans]: code points of each span."""
        sizes: np.ndarray = self.ends - self.starts
        return sizes

    @cached_property
    def per_text(self) -> np.ndarray:
        """int64[rows]: spans of each text."""
        return np.diff(self.offsets)

    @cached_property
    def rows(self) -> np.ndarray:
        """int64[spans]: the text of each span."""
        return rows_of(self.offsets)


def _offsets(starts: np.ndarray, points: CodePoints) -> np.ndarray:
    return np.searchsorted(starts, points.offsets).astype(np.int64)


def tokens(points: CodePoints, single_characters: np.ndarray | None = None) -> Spans:
    r"""Tokens: runs of letters, marks and numbers; one character where the script writes no spaces (spec A6).

    A mark that follows a single character belongs to it, so that Thai and Khmer vowel signs are never alone.
    single_characters: bool[0x110000], which characters are tokens by themselves (default: `properties.unspaced()`).
    """
    codes = points.codes
    word = properties.word_characters()[codes]
    single = (properties.unspaced() if single_characters is None else single_characters)[codes]
    mark = properties.matches(r"\p{M}")[codes]
    first = np.zeros(len(codes) + 1, dtype=bool)  # position is the first of a text (or the end of all)
    first[points.offsets] = True
    before_word = np.concatenate([[False], word[:-1]]) & ~first[:-1]
    before_single = np.concatenate([[False], single[:-1]]) & ~first[:-1]
    attached = mark & before_word
    start = word & (~before_word | (single & ~attached) | (~single & before_single & ~attached))
    starts = np.flatnonzero(start)
    # A token ends where the next one starts or where the run of word characters ends.
    run_end = np.flatnonzero(word & (np.concatenate([~word[1:], [True]]) | first[1:])) + 1
    ends = run_end[np.searchsorted(run_end, starts, side="right")] if len(starts) else starts
    if len(starts):
        ends = np.minimum(ends, np.concatenate([starts[1:], [len(codes)]]))
    return Spans(starts=starts, ends=ends, offsets=_offsets(starts, points))


def lines(points: CodePoints) -> Spans:
    """Lines that hold something other than white space, trimmed of white space at both ends."""
    solid = ~properties.whitespace()[points.codes]
    where = np.flatnonzero(solid)
    if not len(where):
        empty = np.zeros(0, dtype=np.int64)
        return Spans(starts=empty, ends=empty, offsets=np.zeros(len(points) + 1, dtype=np.int64))
    breaks = np.zeros(len(points.codes) + 1, dtype=np.int64)
    breaks[1:] = points.codes == LINE_FEED
    breaks[points.offsets[1:-1]] += 1
    line_of = np.cumsum(breaks)[where]
    begins = np.concatenate([[True], line_of[1:] != line_of[:-1]])
    starts = where[begins]
    ends = where[np.concatenate([begins[1:], [True]])] + 1
    return Spans(starts=starts, ends=ends, offsets=_offsets(starts, points))


def count_words(points: CodePoints, spans: Spans) -> np.ndarray:
    """float64[rows]: words of each text.

    A run of spaced script is one word; a character of an unspaced script is the share of a word that it is on
    average (`properties.LETTERS_PER_WORD`), so that counts compare across scripts.
    """
    share = properties.words_per_character()[points.codes]
    spaced = properties.words_per_character()[points.codes[spans.starts]] == 0
    starts_per_text = np.bincount(spans.rows[spaced], minlength=len(points)).astype(np.float64)
    return starts_per_text + points.sum_per_text(share)
