"""Labels projected through word alignment, from one side of a sentence pair to the other (annotation projection).

The words of a labelled span are followed by their links to words of the other sentence (Yarowsky, Ngai and Wicentowski
2001, "Inducing Multilingual Text Analysis Tools via Robust Projection across Aligned Corpora"). What becomes of words
that do not lie beside one another is the method:

- contiguous: all from the first to the last of them.
- longest: the longest run of them, where a gap of one word is bridged; of equal ones the first (García-Ferrero, Agerri
  and Rigau 2022, "Model and Data Transfer for Cross-Lingual Sequence Labelling in Zero-Resource Settings", and their
  program Easy-Label-Projection).
- strict: as contiguous, if no word between them is linked with a word outside of the span (the rule of phrase
  extraction, Koehn, Och and Marcu 2003).

Where two spans meet in a word the one of more words stays, of equal ones the first. Words are letters, marks and
numbers (`text.words.tokens`), so punctuation is at neither end of a projected span.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.tags.spans import LabelSpans
from xlcorpus.text.ragged import offsets_of, ranges, rows_of
from xlcorpus.text.segment import Spans

METHODS = ("contiguous", "longest", "strict")


def project_aligned(
    spans: LabelSpans, source: Spans, target: Spans, links: tuple[np.ndarray, np.ndarray], method: str = METHODS[0]
) -> tuple[LabelSpans, np.ndarray]:
    """Spans of the source texts in the target texts, in the source's order; which of the given (bool[k]) have no place.

    source, target: words of the texts; links: int64[n] twice, words of all sources and of all targets that are linked.
    """
    low = np.searchsorted(source.ends, spans.starts, side="right")
    high = np.maximum(np.searchsorted(source.starts, spans.ends, side="left"), low)
    order = np.lexsort((links[1], links[0]))
    one, other = links[0][order], links[1][order]
    first, sizes = np.searchsorted(one, low), np.searchsorted(one, high) - np.searchsorted(one, low)
    mine = rows_of(offsets_of(sizes))
    word = other[ranges(first, sizes)]
    pair = np.unique(np.stack([mine, word]), axis=1) if len(word) else np.stack([mine, word])
    mine, word = pair
    fits = sizes > 0
    begin, end = np.zeros(len(spans), dtype=np.int64), np.zeros(len(spans), dtype=np.int64)
    if method == "longest":
        mine, word = _longest_runs(mine, word)
    if len(word):
        heads = np.flatnonzero(np.append(True, mine[1:] != mine[:-1]))
        tails = np.append(heads[1:], len(mine)) - 1
        begin[mine[heads]], end[mine[heads]] = word[heads], word[tails] + 1
    if method == "strict":
        fits &= _consistent(begin, end, low, high, one, other)
    fits &= ~_outdone(np.where(fits, begin, 0), np.where(fits, end, 0), low, high)
    which = np.flatnonzero(fits)
    moved = spans.take(which)
    return moved.at(target.starts[begin[which]], target.ends[end[which] - 1]), ~fits


def _longest_runs(mine: np.ndarray, word: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of the words of each span, ascending, the ends of their longest run."""
    if not len(mine):
        return mine, word
    new = np.append(True, (mine[1:] != mine[:-1]) | (word[1:] > word[:-1] + 2))
    heads = np.flatnonzero(new)
    tails = np.append(heads[1:], len(mine)) - 1
    size = word[tails] - word[heads]
    best = np.lexsort((heads, -size, mine[heads]))
    best = best[np.append(True, np.diff(mine[heads][best]) != 0)]
    return np.repeat(mine[heads[best]], 2), np.stack([word[heads[best]], word[tails[best]]], axis=1).ravel()


def _consistent(
    begin: np.ndarray, end: np.ndarray, low: np.ndarray, high: np.ndarray, one: np.ndarray, other: np.ndarray
) -> np.ndarray:
    """bool[k]: no word within begin..end is linked with a word outside of low..high."""
    order = np.argsort(other, kind="stable")
    back, there = one[order], other[order]
    first = np.searchsorted(there, begin)
    sizes = np.maximum(np.searchsorted(there, end) - first, 0)
    mine = rows_of(offsets_of(sizes))
    linked = back[ranges(first, sizes)]
    astray = (linked < low[mine]) | (linked >= high[mine])
    fine: np.ndarray = np.bincount(mine[astray], minlength=len(begin)) == 0
    return fine


def _outdone(begin: np.ndarray, end: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """bool[k]: spans that give way to another one of more words, or as many and earlier. Spans that overlapped in the
    source may do so in the target."""
    beaten = np.zeros(len(begin), dtype=bool)
    there = np.flatnonzero(begin < end)
    if not len(there):
        return beaten
    order = there[np.argsort(begin[there], kind="stable")]
    furthest = np.maximum.accumulate(end[order])
    cuts = np.flatnonzero(begin[order][1:] >= furthest[:-1]) + 1
    for group in np.split(order, cuts):  # nearly all of one span
        if len(group) < 2:
            continue
        stay: list[int] = []
        for one in sorted(group.tolist(), key=lambda at: (begin[at] - end[at], at)):
            clash = any(
                begin[one] < end[other]
                and begin[other] < end[one]
                and (high[one] <= low[other] or high[other] <= low[one])
                for other in stay
            )
            beaten[one] = clash
            if not clash:
                stay.append(one)
    return beaten


def links_of(column: pa.Array, source: Spans, target: Spans) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
    """Links of a column `align` as words of all sources and of all targets; bool[texts], rows that have a wrong one.

    A link that is null or points outside of its sentence makes all of its row's links wrong.
    """
    items, rows = pc.list_flatten(column), pc.list_parent_indices(column).to_numpy(zero_copy_only=False)
    one, other = (
        pc.fill_null(pc.struct_field(items, name), -1).to_numpy(zero_copy_only=False).astype(np.int64)
        for name in ("src", "tgt")
    )
    rows = rows.astype(np.int64)
    wrong = (one < 0) | (other < 0) | (one >= source.per_text[rows]) | (other >= target.per_text[rows])
    bad = np.bincount(rows[wrong], minlength=len(column)) > 0
    kept = ~bad[rows]
    rows, one, other = rows[kept], one[kept], other[kept]
    return (one + source.offsets[rows], other + target.offsets[rows]), bad
