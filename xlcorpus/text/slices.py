"""Slices of a column of texts that fit a core's cache."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from xlcorpus.text.codepoints import string_buffers

# Arrays of a piece of about this many bytes stay in a core's cache, which is twice as fast as 16 MB at once and keeps
# the memory of a batch small (2 to 3 times its bytes). A longer text is a piece by itself.
PIECE_BYTES = 1 << 19


def pieces(texts: pa.Array) -> Iterator[tuple[int, pa.Array]]:
    """Consecutive slices of whole texts of about PIECE_BYTES each, with the row that each one starts at."""
    _, offsets = string_buffers(texts)
    cuts = np.searchsorted(offsets[:-1], np.arange(0, int(offsets[-1]) + 1, PIECE_BYTES))
    cuts = np.unique(np.concatenate([[0], cuts, [len(texts)]]))
    for start, end in zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True):
        yield start, texts.slice(start, end - start)
