"""The words of a text in another order, with everything between them where it was.

Either any words of the text change places, or those of each clause, whose first and last stay (both of Xiao et al.
2024, Pixel Sentence Representation Learning, arXiv:2402.08183, visual alignment). With a distance k, word i is sorted
by i + u, u uniform in [0, k + 1), so that none is moved by more than k places (Lample et al. 2018, arXiv:1711.00043,
section 2.3).
"""

from __future__ import annotations

import functools

import numpy as np
import pyarrow as pa

from xlcorpus.generate.changed import changed
from xlcorpus.generate.options import GenerateOptions
from xlcorpus.generate.source import Source
from xlcorpus.text import properties
from xlcorpus.text.codepoints import strings_of
from xlcorpus.text.draws import shares
from xlcorpus.text.ragged import begins_of, heads_of, offsets_of, ranges, sum_segments, sum_spans
from xlcorpus.text.segment import Spans


def shuffled(source: Source, states: np.ndarray, options: GenerateOptions) -> pa.Array:
    """string[texts]: the texts with their words in the order that is drawn; the same where no word can be moved."""
    words = source.words
    groups = _clauses(source, words) if options.within == "clause" else words.rows
    movable = np.ones(len(words), dtype=bool)
    if options.within == "clause":
        begins = begins_of(groups)
        movable = ~(begins | np.append(begins[1:], True)[: len(words)])
    order = np.arange(len(words))
    moved = np.flatnonzero(movable)
    order[moved] = _drawn(words, moved, groups[moved], states, options.distance)
    return _laid_out(source, words, order)


def _drawn(words: Spans, moved: np.ndarray, groups: np.ndarray, states: np.ndarray, distance: int | None) -> np.ndarray:
    """int64[moved]: which word comes where each of these stands. A text whose words all stay has them moved by one."""
    if not len(moved):
        return moved
    rows = words.rows[moved]
    place = moved - words.offsets[rows]
    keys = shares(states[rows], place + 1)
    if distance is not None:
        keys = place + keys * (distance + 1)
    order = moved[np.lexsort((keys, groups))]
    stays = sum_segments(order != moved, np.searchsorted(rows, np.arange(len(words.per_text) + 1)))[rows] == 0
    if stays.any():
        begins = begins_of(groups)
        after = np.append(moved[1:], moved[:1])
        last = np.append(begins[1:], True)
        after[last] = moved[heads_of(begins)[last]]
        order[stays] = after[stays]
    return order


@functools.cache
def _ends_of_clauses() -> np.ndarray:
    """bool[0x110000]: what parts clauses: Unicode's Terminal_Punctuation, terminators of sentences, line breaks."""
    breaks = properties.matches(r"[\n\v\f\r\x1c-\x1e\x85\u2028\u2029]")
    table: np.ndarray = properties.matches(r"\p{Terminal_Punctuation}") | properties.sentence_terminals() | breaks
    return table


def _clauses(source: Source, words: Spans) -> np.ndarray:
    """int64[words]: the number of the clause that each word is in, ascending through the texts."""
    if not len(words):
        return np.zeros(0, dtype=np.int64)
    ends = _ends_of_clauses().take(source.points.codes)
    begins = begins_of(words.rows)
    begins[1:] |= sum_spans(ends, words.ends[:-1], np.maximum(words.starts[1:], words.ends[:-1])) > 0
    return np.cumsum(begins)


def _laid_out(source: Source, words: Spans, order: np.ndarray) -> pa.Array:
    """string[texts]: each word's place taken by the word order[i]; int64[words]."""
    points, rows = source.points, words.rows
    # Of each text: what is before its first word, that word, what is before the second, ..., what is after the last.
    count = 2 * len(words) + len(points)
    starts, ends = np.zeros((2, count), dtype=np.int64)
    at = 2 * np.arange(len(words)) + rows
    begins = begins_of(rows)
    before = np.append(0, words.ends)[: len(words)]
    starts[at] = np.where(begins, points.offsets[rows], before)
    ends[at] = words.starts
    starts[at + 1], ends[at + 1] = words.starts[order], words.ends[order]
    tails = 2 * words.offsets[1:] + np.arange(len(points))
    some = words.per_text > 0
    starts[tails] = points.offsets[:-1]
    starts[tails[some]] = words.ends[words.offsets[1:][some] - 1]
    ends[tails] = points.offsets[1:]
    sizes = ends - starts
    edges = np.append(0, tails + 1)
    return strings_of(points.codes[ranges(starts, sizes)], offsets_of(sizes)[edges])


shuffle = changed(shuffled)
