"""Signals of lines and paragraphs: bullets, ellipses, final punctuation, length, repetition, links, notices."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from xlcorpus.quality.character_classes import BULLET, QUOTE, SOFT_TERMINAL, TERMINAL, count_per_text
from xlcorpus.text import properties
from xlcorpus.text.codepoints import CodePoints
from xlcorpus.text.hashes import SpanHasher
from xlcorpus.text.ragged import sum_segments
from xlcorpus.text.repeats import occurs_before
from xlcorpus.text.segment import LINE_FEED, Spans, joined

SHORT_LINE = 30  # characters (FineWeb)


@dataclass(frozen=True)
class Lines:
    """Lines of a batch that show something, trimmed, and its line feeds."""

    points: CodePoints
    spans: Spans
    feeds: np.ndarray  # int64[hits], positions of line feeds

    def count(self, wanted: np.ndarray) -> np.ndarray:
        """int64[rows]: lines of each text where bool[lines] is true."""
        return sum_segments(wanted, self.spans.offsets)

    def characters(self, wanted: np.ndarray) -> np.ndarray:
        """int64[rows]: characters in the lines of each text where bool[lines] is true."""
        return sum_segments(np.where(wanted, self.spans.lengths, 0), self.spans.offsets)

    def of(self, positions: np.ndarray) -> np.ndarray:
        """int64[n]: the last line that starts at or before each position; -1 before the first."""
        return np.searchsorted(self.spans.starts, positions, side="right") - 1

    def holding(self, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """bool[lines]: lines that hold one of the spans as a whole."""
        held = np.zeros(len(self.spans), dtype=bool)
        line = self.of(starts)
        inside = line >= 0
        inside[inside] = ends[inside] <= self.spans.ends[line[inside]]
        held[line[inside]] = True
        return held

    @functools.cached_property
    def paragraphs(self) -> Spans:
        """Runs of lines with no blank line between them."""
        feed_before = np.searchsorted(self.feeds, self.spans.starts)
        first = np.ones(len(self.spans), dtype=bool)
        first[1:] = feed_before[1:] - np.searchsorted(self.feeds, self.spans.ends[:-1]) > 1
        return joined(self.spans, first)


@functools.cache
def _shown() -> np.ndarray:
    """bool[0x110000]: what is neither white space nor unseen (U+200B, marks of direction), at both ends of lines."""
    shown: np.ndarray = ~(properties.whitespace() | properties.unseen())
    return shown


def find_lines(points: CodePoints) -> Lines:
    """Lines that show something, found from the line feeds, 40 times fewer than characters."""
    feeds = np.flatnonzero(points.codes == LINE_FEED)
    texts = len(points)
    cuts = np.concatenate([feeds + 1, points.offsets[:-1]])
    stops = np.concatenate([feeds, points.offsets[1:]])
    cuts.sort()
    stops.sort()
    starts, ends = _trim(points.codes, cuts, stops)
    offsets = np.searchsorted(starts, points.offsets).astype(np.int64) if texts else np.zeros(1, dtype=np.int64)
    return Lines(points=points, spans=Spans(starts=starts, ends=ends, offsets=offsets), feeds=feeds)


def _trim(codes: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Drop spans that show nothing; take what does not off both ends of the others."""
    keep = starts < ends
    starts, ends = starts[keep], ends[keep]
    starts = _first_shown(codes, starts, ends)
    keep = starts < ends
    starts, ends = starts[keep], ends[keep]
    size = len(codes)
    return starts, size - _first_shown(codes[::-1], size - ends, size - starts)


def _first_shown(codes: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """int64[spans]: the starts, moved to what shows something but not beyond the ends, one character at a time."""
    shown, starts = _shown(), starts.copy()
    moving = np.flatnonzero(~shown[codes[starts]])
    for _ in range(64):
        if not len(moving):
            return starts
        starts[moving] += 1
        moving = moving[starts[moving] < ends[moving]]
        moving = moving[~shown[codes[starts[moving]]]]
    places = np.append(np.flatnonzero(shown.take(codes)), len(codes))  # much white space: jump
    starts[moving] = np.minimum(places[np.searchsorted(places, starts[moving])], ends[moving])
    return starts


def line_counts(lines: Lines, flags: np.ndarray, hasher: SpanHasher) -> dict[str, np.ndarray]:
    """Counts of lines and characters by text, int64[rows] each, for the signals of lines and paragraphs."""
    spans, codes = lines.spans, lines.points.codes
    first, last = flags[spans.starts], flags[spans.ends - 1]
    final = codes[spans.ends - 1]
    dots = final == 0x2E
    for back in (2, 3):
        dots &= codes[np.maximum(spans.ends - back, 0)] == 0x2E
    ellipsis = (dots & (spans.lengths >= 3)) | (final == 0x2026) | (final == 0x22EF)
    punctuation = TERMINAL | SOFT_TERMINAL | QUOTE
    repeated = occurs_before(hasher.hash(spans.starts, spans.ends), spans.rows, len(lines.points))
    paragraphs = lines.paragraphs
    repeated_paragraphs = occurs_before(
        hasher.hash(paragraphs.starts, paragraphs.ends), paragraphs.rows, len(lines.points)
    )
    return {
        "lines": spans.per_text,
        "feeds": count_per_text(lines.feeds, lines.points.offsets),
        "bullet_lines": lines.count((first & np.uint16(BULLET)) != 0),
        "ellipsis_lines": lines.count(ellipsis),
        "punct_lines": lines.count((last & np.uint16(punctuation)) != 0),
        "short_lines": lines.count(spans.lengths <= SHORT_LINE),
        "dup_lines": lines.count(repeated),
        "dup_line_chars": lines.characters(repeated),
        "paragraphs": paragraphs.per_text,
        "dup_paragraphs": sum_segments(repeated_paragraphs, paragraphs.offsets),
        "dup_paragraph_chars": sum_segments(np.where(repeated_paragraphs, paragraphs.lengths, 0), paragraphs.offsets),
    }
