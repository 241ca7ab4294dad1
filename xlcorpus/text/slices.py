"""Slices of a column of texts that fit a core's cache."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from xlcorpus.text.codepoints import CodePoints, back_to_characters, string_buffers, utf8_lengths
from xlcorpus.text.ragged import sums_before
from xlcorpus.text.segment import Spans

# Arrays of a piece of about this many bytes stay in a core's cache, which is twice as fast as 16 MB at once and keeps
# the memory of a batch small (2 to 3 times its bytes). A longer text is a piece by itself.
PIECE_BYTES = 1 << 19


def cut_long(texts: pa.Array) -> tuple[pa.LargeStringArray, np.ndarray]:
    """The texts, long ones cut at characters: large_string[n], and the text that each piece is of, int64[n].

    For sums over characters: as code points with their rows a document of 40 MB takes 1.1 GB, PIECE_BYTES take 15 MB.
    """
    data, offsets = string_buffers(texts)
    octets = np.frombuffer(data, dtype=np.uint8)
    lengths = np.diff(offsets)
    inside = [
        np.arange(offsets[row] + PIECE_BYTES, offsets[row + 1], PIECE_BYTES)
        for row in np.flatnonzero(lengths > PIECE_BYTES)
    ]
    cuts = back_to_characters(octets, np.concatenate([np.zeros(0, dtype=np.int64), *inside]))
    bounds = np.concatenate([offsets, cuts])
    order = np.argsort(bounds, kind="stable")
    rows = np.cumsum(order < len(offsets))[:-1] - 1
    return pa.LargeStringArray.from_buffers(len(rows), pa.py_buffer(bounds[order]), pa.py_buffer(data)), rows


def span_texts(texts: pa.Array, points: CodePoints, spans: Spans) -> pa.LargeStringArray:
    """large_string[spans]: what spans of some texts hold. points: of these texts."""
    data, _ = string_buffers(texts)
    at = sums_before(utf8_lengths(points.codes))
    edges = np.zeros(2 * len(spans) + 1, dtype=np.int64)
    edges[:-1:2], edges[1::2] = at[spans.starts], at[spans.ends]
    edges[-1] = edges[-2] if len(spans) else 0
    both = pa.LargeStringArray.from_buffers(2 * len(spans), pa.py_buffer(edges), pa.py_buffer(data))
    return both.take(pa.array(np.arange(0, 2 * len(spans), 2)))  # the others are what stands between


def pieces(texts: pa.Array) -> Iterator[tuple[int, pa.Array]]:
    """Consecutive slices of whole texts of about PIECE_BYTES each, with the row that each one starts at."""
    _, offsets = string_buffers(texts)
    cuts = np.searchsorted(offsets[:-1], np.arange(0, int(offsets[-1]) + 1, PIECE_BYTES))
    cuts = np.unique(np.concatenate([[0], cuts, [len(texts)]]))
    for start, end in zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True):
        yield start, texts.slice(start, end - start)
