"""Lists of differing lengths laid end to end: lengths to offsets, offsets to rows, positions of many ranges."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa


def sums_before(values: np.ndarray, dtype: Any = np.int64) -> np.ndarray:
    """dtype[n + 1]: what stands before each value summed up, and the sum of all (bool and numbers [n])."""
    sums = np.zeros(len(values) + 1, dtype=dtype)
    np.cumsum(values, out=sums[1:])
    return sums


def offsets_of(lengths: np.ndarray) -> np.ndarray:
    """int64[rows + 1]: where each row begins, laid end to end, and where the last one ends. lengths: [rows]"""
    return sums_before(lengths)


def sums_before_alike(codes: np.ndarray, values: np.ndarray) -> np.ndarray:
    """int64[n]: the sum of the earlier values with the same code; both whole numbers [n]."""
    order = np.argsort(codes, kind="stable")
    before = np.empty(len(codes), dtype=np.int64)
    before[order] = sums_in_runs(values[order], begins_of(codes[order]))
    return before


def sums_in_runs(values: np.ndarray, begins: np.ndarray) -> np.ndarray:
    """int64[n]: the sum of the earlier values in the run of each. begins: bool[n], the first of each run."""
    sums = offsets_of(values)[:-1]
    before: np.ndarray = sums - sums[heads_of(begins)]
    return before


def rows_of(offsets: np.ndarray) -> np.ndarray:
    """int64[items]: the row of each item. offsets: int64[rows + 1]."""
    return np.repeat(np.arange(len(offsets) - 1, dtype=np.int64), np.diff(offsets))


def begins_of(values: np.ndarray) -> np.ndarray:
    """bool[n]: the first of each run of equal values. values: whole numbers [n]."""
    begins = np.ones(len(values), dtype=bool)
    np.not_equal(values[1:], values[:-1], out=begins[1:])
    return begins


def heads_of(begins: np.ndarray) -> np.ndarray:
    """int64[n]: where the run of each item begins. begins: bool[n], the first of each run, so true at 0."""
    heads: np.ndarray = np.flatnonzero(begins)[np.cumsum(begins) - 1]
    return heads


def ranges(starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """int64[sum of lengths]: starts[i], starts[i] + 1, ... for each range, one after the other."""
    before = offsets_of(lengths)
    places = np.repeat(starts - before[:-1], lengths)
    places += np.arange(before[-1])  # in place: these are as long as all tokens of a window
    return places


def copy_spans(values: np.ndarray, starts: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """values[starts[i]:starts[i] + sizes[i]] one after the other, read-only; raises ValueError where spans overlap.

    values: [n], contiguous; starts, sizes: int64[spans], in any order. Each span is copied as a whole, as Arrow takes
    binary values: a tenth of the time of an index of every item (0.8 ns against 8 for int32 in spans of 700).
    """
    order = np.lexsort((sizes, starts))
    begins = starts[order]
    borders = np.stack([begins, begins + sizes[order]], axis=1).ravel()  # an even item is a span, an odd one a gap
    if (np.diff(borders, prepend=0, append=len(values)) < 0).any():
        raise ValueError("spans overlap, or are not within the values")
    places = np.empty(len(order), dtype=np.int64)
    places[order] = np.arange(0, 2 * len(order), 2)
    buffers = [None, pa.py_buffer(borders * values.itemsize), pa.py_buffer(values)]
    items = pa.LargeBinaryArray.from_buffers(pa.large_binary(), max(2 * len(order) - 1, 0), buffers)
    copied = items.take(pa.array(places)).buffers()[2]
    return np.frombuffer(copied or b"", dtype=values.dtype, count=int(sizes.sum()))


def sum_spans(values: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Sums of values[starts[i]:ends[i]]; empty spans give 0. int64 for bool and integers, else float64."""
    totals = sums_before(values, np.float64 if values.dtype.kind == "f" else np.int64)
    sums: np.ndarray = totals[ends] - totals[starts]
    return sums


def sum_segments(values: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """`sum_spans` of values[offsets[i]:offsets[i + 1]]."""
    return sum_spans(values, offsets[:-1], offsets[1:])
