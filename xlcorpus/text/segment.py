"""Spans of code points of a batch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

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


def spans_of(starts: np.ndarray, ends: np.ndarray, points: CodePoints) -> Spans:
    """Spans (int64, ascending) of which each lies in one text."""
    return Spans(starts=starts, ends=ends, offsets=np.searchsorted(starts, points.offsets).astype(np.int64))


def joined(spans: Spans, begins: np.ndarray) -> Spans:
    """Spans put together: from each one that begins a new one (bool[spans], changed) to the next, within a text."""
    begins[spans.offsets[:-1][spans.per_text > 0]] = True
    first = np.flatnonzero(begins)
    last = np.append(first[1:], len(spans))[: len(first)] - 1
    return Spans(spans.starts[first], spans.ends[last], np.searchsorted(first, spans.offsets).astype(np.int64))


def runs(inside: np.ndarray, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Maximal runs of true (bool[n]) within each text (offsets: int64[rows + 1]): int64 starts and ends."""
    if not len(inside):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    edges = np.flatnonzero(inside[1:] != inside[:-1])
    edges += 1
    if inside[0]:
        edges = np.append(0, edges)
    if inside[-1]:
        edges = np.append(edges, len(inside))
    starts, ends = edges[0::2], edges[1::2]
    between = offsets[1:-1]
    between = between[(between > offsets[:-2]) & (between < len(inside))]  # once, where texts are empty
    between = between[inside[between - 1] & inside[between]]
    if len(between):  # a text that ends in a word, and one after it that begins with one
        starts, ends = np.sort(np.concatenate([starts, between])), np.sort(np.concatenate([ends, between]))
    return starts, ends
