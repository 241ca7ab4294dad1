"""What the words of sentence pairs say: those of both sides, stretches that follow themselves, the longest one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from xlcorpus.text import properties
from xlcorpus.text.codepoints import CodePoints, code_points
from xlcorpus.text.hashes import SpanHasher
from xlcorpus.text.ragged import sums_before
from xlcorpus.text.repeats import within_text
from xlcorpus.text.segment import Spans, runs, spans_of
from xlcorpus.text.words import is_spaced, tokens

LONGEST_STRETCH = 20  # tokens that are looked for again right behind themselves
# Of a stretch, what stands between and behind its words among them (RepetitionFilter's min_length).
LEAST_CHARACTERS = 3


@dataclass(frozen=True)
class SideWords:
    """The tokens of the texts of a side and their hashes, uint64[tokens]."""

    points: CodePoints
    spans: Spans
    hashes: np.ndarray

    @classmethod
    def of(cls, folded: pa.Array) -> SideWords:
        """folded: string[rows], as they are compared."""
        points = code_points(folded)
        spans = tokens(points)
        return cls(points, spans, SpanHasher.of_codes(points.codes).hash(spans.starts, spans.ends))

    def distinct(self) -> tuple[np.ndarray, np.ndarray]:
        """Different words with a letter of each text, in scripts with spaces: keys uint64[n], sorted, rows int64[n]."""
        letters = sums_before(properties.letters().take(self.points.codes))
        chosen = is_spaced(self.points, self.spans) & (letters[self.spans.ends] > letters[self.spans.starts])
        rows = self.spans.rows[chosen]
        keys, first = np.unique(within_text(self.hashes[chosen], rows, len(self.points)), return_index=True)
        return keys, rows[first]

    def repetition(self) -> np.ndarray:
        """int64[rows]: times that a stretch of 1 to 20 tokens stands in a row, the most; 1 where none does twice."""
        times = np.ones(len(self.points), dtype=np.int64)
        begins, rows = self.spans.starts, self.spans.rows
        for size in range(1, min(LONGEST_STRETCH, int(self.spans.per_text.max(initial=0)) // 2) + 1):
            same = (self.hashes[size:] == self.hashes[:-size]) & (rows[size:] == rows[:-size])
            if not same.any():
                continue
            starts, ends = _stretches(same)
            long = (ends - starts >= size) & (begins[starts + size] - begins[starts] >= LEAST_CHARACTERS)
            np.maximum.at(times, rows[starts[long]], 1 + (ends[long] - starts[long]) // size)
        return times

    def longest(self) -> np.ndarray:
        """int64[rows]: characters of the longest stretch without white space and letters of scripts without spaces."""
        inside = ~(properties.whitespace() | properties.unspaced()).take(self.points.codes)
        found = spans_of(*runs(inside, self.points.offsets), self.points)
        longest = np.zeros(len(self.points), dtype=np.int64)
        np.maximum.at(longest, found.rows, found.lengths)
        return longest


def _stretches(same: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Starts and ends, int64[n], of what is true in a row."""
    edges = np.diff(same.astype(np.int8), prepend=0, append=0)
    return np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)


def overlap(one: SideWords, other: SideWords) -> np.ndarray:
    """float64[rows], 0 to 1: of the different words of the side that has fewer, those that the other side has too; 0
    where a side has none. Letters of scripts without spaces are shares of words, which the other side has not."""
    count = len(one.points)
    (keys, rows), (keys_beside, rows_beside) = one.distinct(), other.distinct()
    _, shared, _ = np.intersect1d(keys, keys_beside, assume_unique=True, return_indices=True)
    sizes = (
        np.bincount(own, minlength=count)
        + side.points.sum_per_text(properties.words_per_character().take(side.points.codes))
        for own, side in ((rows, one), (rows_beside, other))
    )
    found: np.ndarray = np.bincount(rows[shared], minlength=count) / np.maximum(np.minimum(*sizes), 1)
    return found
