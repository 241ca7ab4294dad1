"""Put replacements into texts: all texts of a batch at once, cut at the edges of what is replaced and joined again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.text.codepoints import string_buffers, utf8_lengths
from xlcorpus.text.ragged import rows_of, sums_before

SPANS = pa.list_(
    pa.struct(
        [
            pa.field("start", pa.int32()),
            pa.field("end", pa.int32()),
            pa.field("src_token", pa.string()),
            pa.field("new_token", pa.string()),
            pa.field("tgt_lang", pa.string()),
        ]
    )
)


@dataclass(frozen=True)
class Replacements:
    """What is replaced in a batch, in text order.

    offsets: int64[rows + 1], the replacements of each row; starts, ends: int64[k], bytes in the batch's texts laid end
    to end; first, lengths: int64[k], the same in code points of the row's text; tokens: string[k], what replaces;
    sizes: int64[k], its code points; before, after: bool[k], a space goes there; langs: dictionary<string>[k].
    """

    offsets: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    first: np.ndarray
    lengths: np.ndarray
    tokens: pa.StringArray
    sizes: np.ndarray
    before: np.ndarray
    after: np.ndarray
    langs: pa.DictionaryArray


class BytePositions:
    """Bytes before code points, in UTF-8."""

    def __init__(self, codes: np.ndarray) -> None:
        """codes: uint32[n]. In English 1 code point in 200 is not ASCII: then only those are counted."""
        self._other = np.flatnonzero(codes >= 0x80)
        self._sparse = len(self._other) * 8 < len(codes)
        if self._sparse:
            self._more = utf8_lengths(codes[self._other]) - np.uint8(1)
        else:
            self._before = sums_before(utf8_lengths(codes))

    def __call__(self, positions: np.ndarray) -> np.ndarray:
        """int64[k]: bytes before each of int64[k] code points, ascending."""
        if not self._sparse:
            return self._before.take(positions)
        if not len(self._other):
            return positions
        place = np.searchsorted(positions, self._other, side="right")
        more = np.bincount(place, weights=self._more, minlength=len(positions) + 1)[:-1]
        return positions + np.cumsum(more[: len(positions)]).astype(np.int64)


def replace(texts: pa.StringArray, made: Replacements) -> tuple[pa.StringArray, pa.ListArray]:
    """Switched texts, string[rows], and their spans (`SPANS`), list[rows].

    start and end of a span are code points of the switched text. The span holds the new token, and the spaces that
    keep it from running into a neighbour; src_token put in its place gives the original. texts: without nulls.
    """
    rows, count = len(texts), len(made.starts)
    data, text_offsets = string_buffers(texts)
    # The texts' own bytes, cut at each text and at both edges of each replacement: no byte is copied for this.
    edges = np.empty(rows + 2 * count + 1, dtype=np.int32)
    row = rows_of(made.offsets)
    piece = np.arange(count) * 2 + row + 1
    row_piece = np.arange(rows + 1) + 2 * made.offsets
    edges[row_piece] = text_offsets
    edges[piece], edges[piece + 1] = made.starts, made.ends
    pieces = pa.StringArray.from_buffers(len(edges) - 1, pa.py_buffer(edges), pa.py_buffer(data))
    sources = pieces.take(pa.array(piece))
    order = np.arange(len(pieces))
    order[piece] = len(pieces) + np.arange(count)
    joined = pa.concat_arrays([pieces, _spaced(made)]).take(pa.array(order))
    joined_data, joined_edges = string_buffers(joined)
    cut = joined_edges[row_piece].astype(np.int32)
    switched = pa.StringArray.from_buffers(rows, pa.py_buffer(cut), pa.py_buffer(joined_data))
    size = made.sizes + made.before + made.after
    grown = sums_before(size - made.lengths)
    start = made.first + grown[:-1] - grown[made.offsets[row]]
    spans = pa.StructArray.from_arrays(
        [
            pa.array(start.astype(np.int32)),
            pa.array((start + size).astype(np.int32)),
            sources,
            made.tokens,
            made.langs.dictionary_decode(),
        ],
        fields=list(SPANS.value_type),
    )
    return switched, pa.ListArray.from_arrays(pa.array(made.offsets.astype(np.int32)), spans)


def _spaced(made: Replacements) -> pa.StringArray:
    """The tokens with their spaces; only those of unspaced scripts have any."""
    apart = made.before | made.after
    if not apart.any():
        return made.tokens
    space = pa.array(["", " "])
    chosen = pa.array(apart)
    before = space.take(pa.array(made.before[apart].astype(np.int8)))
    after = space.take(pa.array(made.after[apart].astype(np.int8)))
    spaced = pc.binary_join_element_wise(before, made.tokens.filter(chosen), after, "")
    return pc.replace_with_mask(made.tokens, chosen, spaced)
