"""Texts as what operators work on: letters (grapheme clusters), words, sentences; each found when it is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from xlcorpus.text import properties
from xlcorpus.text.characters import Classes
from xlcorpus.text.clusters import clusters
from xlcorpus.text.codepoints import CodePoints, code_points, strings_of
from xlcorpus.text.ragged import offsets_of, ranges
from xlcorpus.text.segment import Spans, joined, spans_of
from xlcorpus.text.sentence_breakers import SentenceBreaker
from xlcorpus.text.sentences import sentences
from xlcorpus.text.unspaced import bounds
from xlcorpus.text.words import spaced_words, unspaced_runs, without_letter


@dataclass(frozen=True)
class Source:
    """Some texts. breaker: finds more sentences where a script marks none."""

    points: CodePoints
    breaker: SentenceBreaker | None = None

    def __len__(self) -> int:
        """Number of texts."""
        return len(self.points)

    @cached_property
    def letters(self) -> Spans:
        """Grapheme clusters, and vowels of Burmese and the like, which are marks to Unicode, with what they follow: all
        that the texts are made of."""
        spans = clusters(self.points)
        return joined(spans, ~properties.marks().take(self.points.codes.take(spans.starts)))

    @cached_property
    def words(self) -> Spans:
        """Words, none of which begins or ends within a letter.

        In scripts without spaces what lies between two places where a word may begin and end (`text.unspaced`): mostly
        a syllable of Thai, Khmer or Burmese, a character of Chinese.
        """
        points = self.points
        classes = Classes.of(points.codes)
        starts, ends = spaced_words(points, classes)
        bare = without_letter(classes.flags, starts, ends)
        starts, ends = np.delete(starts, bare), np.delete(ends, bare)
        more = _syllables(points, classes.flags)
        starts, ends = np.sort(np.append(starts, more[0])), np.sort(np.append(ends, more[1]))
        return self._whole(starts, ends)

    @cached_property
    def sentences(self) -> Spans:
        """Sentences, without the white space around them."""
        return sentences(self.points, self.breaker)

    def _whole(self, starts: np.ndarray, ends: np.ndarray) -> Spans:
        """Spans made as long as the letters that they begin and end in; those that then overlap become one."""
        letters = self.letters
        starts = letters.starts[np.searchsorted(letters.starts, starts, side="right") - 1]
        ends = letters.ends[np.searchsorted(letters.ends, ends)]
        found = spans_of(starts, ends, self.points)
        apart = np.ones(len(starts), dtype=bool)
        apart[1:] = starts[1:] >= ends[:-1]
        return joined(found, apart)

    def pick(self, starts: np.ndarray, ends: np.ndarray) -> pa.Array:
        """string[n]: what lies between these places (int64[n]), also where they overlap."""
        sizes = ends - starts
        return strings_of(self.points.codes[ranges(starts, sizes)], offsets_of(sizes))

    def part(self, starts: np.ndarray, ends: np.ndarray) -> Source:
        """These stretches as texts of their own."""
        sizes = ends - starts
        return Source(CodePoints(self.points.codes[ranges(starts, sizes)], offsets_of(sizes)), self.breaker)


def source_of(texts: pa.Array, breaker: SentenceBreaker | None = None) -> Source:
    """From string[n]; a null is an empty text."""
    return Source(code_points(texts), breaker)


def _syllables(points: CodePoints, flags: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Runs of scripts without spaces, cut wherever a word may begin and one may end: int64 starts and ends."""
    starts, ends = unspaced_runs(points, flags)
    if not len(starts):
        return starts, ends
    sizes = ends - starts
    at = ranges(starts, sizes)
    begin, end = bounds(points.codes[at], flags[at], offsets_of(sizes)[:-1])
    begin[offsets_of(sizes)[:-1]] = False
    between = np.append(False, ~end[1:] & end[:-1])  # a tsheg of Tibetan is between two words, of neither
    first = begin & (end | between)
    return np.sort(np.append(starts, at[first])), np.sort(np.append(ends, (at - between)[first]))
