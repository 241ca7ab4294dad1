"""How many bytes of text each part of a document stands for, so that the parts of a document sum up to its text.

A document in one part has its own bytes. One that is split is cut where the bytes of its pieces say: exactly, where
these are the text's (a tokenizer that alters nothing, with a space before the first word or without); within a
character too, each part has the bytes of its own tokens. Where the tokenizer alters texts (XLM-R, BERT), so that the
pieces have other bytes, in proportion to them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from xlcorpus.pack.packs import Waiting
from xlcorpus.pack.strategies import Layout
from xlcorpus.text.ragged import copy_spans, offsets_of, sums_before_alike

_AT_ONCE = 1 << 17  # tokens: 512 kB, which stays in the cache


@dataclass(frozen=True)
class Dealt:
    """int64: bytes of each part of the layout; and of each document that waits, the bytes of the pieces that are
    packed, and of all its pieces (0 and 0 where none is packed)."""

    parts: np.ndarray
    pieces_begun: np.ndarray
    pieces: np.ndarray


def deal_bytes(waiting: Waiting, layout: Layout, piece_bytes: np.ndarray | None) -> Dealt:
    """The bytes of each part. piece_bytes: int32[vocabulary], None: 1 each."""
    parts, text = layout.parts, waiting.documents.text_bytes.to_numpy(zero_copy_only=False)
    found = text[parts.documents]
    pieces_begun, totals = np.zeros((2, len(layout.waiting)), dtype=np.int64)
    # The parts of the documents that are cut, and what waits of these: together all that is left of each.
    cut = np.flatnonzero(parts.sizes < waiting.totals[parts.documents])
    rests = np.flatnonzero(np.isin(layout.waiting, parts.documents[cut]) | (waiting.begun[layout.waiting] > 0))
    if not len(cut) + len(rests):
        return Dealt(found, pieces_begun, totals)

    of = np.concatenate([parts.documents[cut], layout.waiting[rests]])
    starts = np.concatenate([parts.starts[cut], layout.waiting_starts[rests]])
    sizes = np.concatenate([parts.sizes[cut], waiting.documents.lengths[of[len(cut) :]] - starts[len(cut) :]])
    pieces = _sums(waiting, of, starts, sizes, piece_bytes)
    order = np.lexsort((starts, of))
    before = np.empty_like(pieces)
    before[order] = sums_before_alike(of[order], pieces[order])
    left = np.zeros(len(waiting), dtype=np.int64)
    np.add.at(left, of, pieces)
    begun = waiting.pieces_begun[of]
    total = np.where(waiting.begun[of] > 0, waiting.pieces[of], left[of])

    begins = begun + before
    ends = waiting.begun[of] + starts + sizes == waiting.totals[of]
    dealt = np.where(ends, text[of], _text_before(begins + pieces, total, text[of])) - _text_before(
        begins, total, text[of]
    )
    found[cut] = dealt[: len(cut)]
    pieces_begun[rests], totals[rests] = begins[len(cut) :], total[len(cut) :]
    return Dealt(found, pieces_begun, totals)


def _text_before(pieces: np.ndarray, total: np.ndarray, text: np.ndarray) -> np.ndarray:
    """Bytes of text before a cut, behind as many bytes of pieces; total: of all pieces, text: of the whole text."""
    more = total - text
    scaled = pieces * text // np.maximum(total, 1)
    placed: np.ndarray = np.where((more == 0) | (more == 1), np.maximum(pieces - more, 0), scaled)
    return placed


def _sums(
    waiting: Waiting, of: np.ndarray, starts: np.ndarray, sizes: np.ndarray, piece_bytes: np.ndarray | None
) -> np.ndarray:
    """int64[parts]: bytes of the pieces of each part, some parts at a time."""
    if piece_bytes is None:
        return sizes
    ids, first = waiting.documents.ids, waiting.documents.offsets[of] + starts
    table, sums = pa.array(piece_bytes), np.empty(len(of), dtype=np.int64)
    offsets, done = offsets_of(sizes), 0
    most = max(_AT_ONCE, int(sizes.max())) * int(piece_bytes.max(initial=0))
    dtype = np.int32 if most < 1 << 31 else np.int64  # a fifth of the time where no number is made wider
    while done < len(of):
        stop = max(int(np.searchsorted(offsets, offsets[done] + _AT_ONCE, side="right")) - 1, done + 1)
        taken = pa.array(copy_spans(ids, first[done:stop], sizes[done:stop]))
        values = table.take(taken).to_numpy()  # half of what numpy's index takes
        sums[done:stop] = np.add.reduceat(values, offsets[done:stop] - offsets[done], dtype=dtype)
        done = stop
    return sums
