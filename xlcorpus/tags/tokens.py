"""Tokens of texts: where the tokens of a column stand in their text, what joins them, tokens where nobody gave any."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.text import properties
from xlcorpus.text.codepoints import CodePoints, code_points, string_buffers, utf8_lengths
from xlcorpus.text.ragged import offsets_of, ranges, rows_of, sum_spans, sums_before
from xlcorpus.text.segment import Spans, spans_of
from xlcorpus.text.words import joined_tokens

TOKENS = pa.list_(pa.string())


@dataclass(frozen=True)
class Units:
    """Tokens of a batch of texts, in order.

    offsets: int64[texts + 1], the tokens of each text; starts, ends: int64[n], code points of the texts laid end to
    end; those that are not in the text have neither (placed: bool[n]).
    """

    offsets: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    placed: np.ndarray

    def __len__(self) -> int:
        """Number of tokens."""
        return len(self.starts)

    @property
    def rows(self) -> np.ndarray:
        """int64[n]: the text of each."""
        return rows_of(self.offsets)


def units_of(spans: Spans) -> Units:
    """Spans as tokens."""
    return Units(spans.offsets, spans.starts, spans.ends, np.ones(len(spans), dtype=bool))


def units_of_text(points: CodePoints) -> Units:
    """Tokens of texts without any: words (`words.joined_tokens`: of scripts without spaces single characters), and
    each other character but white space by itself."""
    words = joined_tokens(points)
    alone = ~properties.whitespace().take(points.codes)
    alone[ranges(words.starts, words.lengths)] = False
    others = np.flatnonzero(alone)
    starts = np.sort(np.append(words.starts, others))
    ends = np.sort(np.append(words.ends, others + 1))
    return units_of(spans_of(starts, ends, points))


def sizes_of_lists(column: pa.Array) -> np.ndarray:
    """int64[rows]: items of each list, 0 for null."""
    return pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False).astype(np.int64)


def place_tokens(points: CodePoints, column: pa.Array) -> Units:
    """Where the tokens of a column list<string> stand in the texts, from left to right.

    Without white space most texts are their tokens end to end: such are placed at once. In others each token is looked
    for behind the one before; what is not found is not placed.
    """
    offsets = offsets_of(sizes_of_lists(column))
    tokens = code_points(pc.list_flatten(column).cast(pa.string()))
    white = properties.whitespace()
    own, theirs = ~white.take(points.codes), ~white.take(tokens.codes)
    of_text = np.flatnonzero(own)
    sizes = sum_spans(theirs, tokens.offsets[:-1], tokens.offsets[1:])
    in_text = np.searchsorted(of_text, points.offsets)
    before = sums_before(sizes)
    same = np.diff(in_text) == np.diff(before[offsets])
    spelled, written = points.codes[of_text], tokens.codes[theirs]
    shift = np.repeat(in_text[:-1] - before[offsets[:-1]], np.diff(before[offsets]))
    at = np.arange(len(written)) + shift
    different = written != spelled.take(at, mode="clip") if len(spelled) else np.ones(len(written), dtype=bool)
    same &= sum_spans(different, before[offsets[:-1]], before[offsets[1:]]) == 0
    row = rows_of(offsets)
    placed = same[row] & (sizes > 0)
    starts, ends = np.full(len(row), -1, dtype=np.int64), np.full(len(row), -1, dtype=np.int64)
    first = before[:-1] + (in_text[:-1] - before[offsets[:-1]])[row]
    starts[placed] = of_text[first[placed]]
    ends[placed] = of_text[(first + sizes)[placed] - 1] + 1
    for number in np.flatnonzero(~same & (np.diff(offsets) > 0)).tolist():
        begin, stop = points.offsets[number : number + 2].tolist()
        text, here = points.codes[begin:stop].tobytes().decode("utf-32-le"), 0
        for token in range(offsets[number], offsets[number + 1]):
            wanted = tokens.codes[tokens.offsets[token] : tokens.offsets[token + 1]].tobytes().decode("utf-32-le")
            found = text.find(wanted, here) if wanted else -1
            if found >= 0:
                here = found + len(wanted)
                starts[token], ends[token], placed[token] = begin + found, begin + here, True
    return Units(offsets, starts, ends, placed)


def join_tokens(column: pa.Array) -> pa.Array:
    """string[rows]: the tokens of lists as texts, null for null.

    Between two of them is a space, but not where both are of a script without spaces (Chinese, Thai, ...) there.
    """
    offsets = offsets_of(sizes_of_lists(column))
    texts = pc.fill_null(pc.list_flatten(column).cast(pa.string()), "")
    tokens = code_points(texts)
    unspaced = properties.unspaced()
    there = tokens.lengths > 0
    first = np.zeros(len(tokens), dtype=bool)
    last = np.zeros(len(tokens), dtype=bool)
    first[there] = unspaced.take(tokens.codes[tokens.offsets[:-1][there]])
    last[there] = unspaced.take(tokens.codes[tokens.offsets[1:][there] - 1])
    gap = np.append(False, ~(last[:-1] & first[1:]))[: len(tokens)]
    gap[offsets[:-1][np.diff(offsets) > 0]] = False
    spaced = pc.binary_join_element_wise(pa.array(["", " "]).take(pa.array(gap.astype(np.int8))), texts, "")
    lists = pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), spaced.cast(pa.string()))
    joined = pc.binary_join(lists, "")
    return pc.if_else(pc.is_null(column), pa.scalar(None, pa.string()), joined) if column.null_count else joined


def cut_out(texts: pa.Array, points: CodePoints, starts: np.ndarray, ends: np.ndarray) -> pa.StringArray:
    """string[k]: stretches of texts, starts and ends in code points of the texts laid end to end, in any order."""
    data, _ = string_buffers(texts)
    before = sums_before(utf8_lengths(points.codes))
    first, sizes = before[starts], before[ends] - before[starts]
    content = np.frombuffer(data, dtype=np.uint8)[ranges(first, sizes)]
    edges = offsets_of(sizes).astype(np.int32)
    return pa.StringArray.from_buffers(len(sizes), pa.py_buffer(edges), pa.py_buffer(np.ascontiguousarray(content)))
