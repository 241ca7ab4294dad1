"""Sentence pairs as tokens laid end to end, and the grids of their token pairs.

A token is what `text.words.tokens` says: in scripts with spaces a run of letters, marks and numbers; in scripts
without (Han, Kana, Thai, Khmer, ...) one character with its marks. Punctuation is no token.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.errors import UserError
from xlcorpus.text.codepoints import CodePoints, code_points
from xlcorpus.text.hashes import hash_spans, mix
from xlcorpus.text.ragged import offsets_of, ranges, rows_of
from xlcorpus.text.segment import Spans
from xlcorpus.text.words import tokens

ALIGN = pa.list_(pa.struct([pa.field("src", pa.int32()), pa.field("tgt", pa.int32())]))
_BLOCK_CELLS = 1 << 21  # token pairs that are worked on at once: about 150 MB of arrays


@dataclass(frozen=True)
class Side:
    """One side of a bitext.

    points: the texts as they are; spans: their tokens; words: uint64[tokens], hashes of the lower-cased tokens.
    """

    points: CodePoints
    spans: Spans
    words: np.ndarray

    def __len__(self) -> int:
        """Number of texts."""
        return len(self.points)

    @cached_property
    def sizes(self) -> np.ndarray:
        """int64[rows]: tokens of each text."""
        return self.spans.per_text


def read_side(texts: pa.Array, prefix: int = 0) -> Side:
    """Tokens of texts (string[rows]; a null is an empty text).

    prefix: characters of a token that count for its hash, 0 for all; a short prefix takes inflected forms together.
    """
    points = code_points(texts)
    lowered = code_points(pc.utf8_lower(texts))
    if not np.array_equal(points.offsets, lowered.offsets):  # one character for one, as Arrow does it
        raise AssertionError("lower case changed the number of characters")
    spans = tokens(points)
    ends = np.minimum(spans.ends, spans.starts + prefix) if prefix else spans.ends
    return Side(points, spans, hash_spans(lowered.codes, spans.starts, ends))


def check_rows(source: Side, target: Side) -> None:
    """Raise UserError unless both sides have as many texts."""
    if len(source) != len(target):
        raise UserError(
            f"a bitext needs as many source as target texts: {len(source):,} against {len(target):,}",
            remedy="give two columns of the same pairs dataset",
        )


def hash_pairs(source: Side, target: Side) -> np.ndarray:
    """uint64[rows]: a hash of the words of each pair, the same wherever the pair stands."""
    left = hash_spans(source.words, source.spans.offsets[:-1], source.spans.offsets[1:])
    right = hash_spans(target.words, target.spans.offsets[:-1], target.spans.offsets[1:])
    return mix(left ^ mix(right + np.uint64(1)))


@dataclass(frozen=True)
class Grid:
    """Token pairs (cells) of some sentence pairs, ordered by pair, child token, parent token.

    Each child token is explained by one parent token. rows: int64[pairs], rows of the bitext; child: int64[children],
    positions in the child side's tokens; parents: int64[children], parent tokens of the same pair; offsets:
    int64[children + 1], cells of each child; parent: int64[cells], positions in the parent side's tokens.
    """

    rows: np.ndarray
    child: np.ndarray
    parents: np.ndarray
    offsets: np.ndarray
    parent: np.ndarray

    @cached_property
    def cell_child(self) -> np.ndarray:
        """int64[cells]: number of the cell's child among `child`."""
        return rows_of(self.offsets)


def make_grid(parent: Side, child: Side, rows: np.ndarray) -> Grid:
    """The grid of the pairs `rows` (int64[pairs]), which must not be empty on either side."""
    sizes = child.sizes[rows]
    children = ranges(child.spans.offsets[rows], sizes)
    parents = np.repeat(parent.sizes[rows], sizes)
    starts = np.repeat(parent.spans.offsets[rows], sizes)
    return Grid(rows, children, parents, offsets_of(parents), ranges(starts, parents))


def blocks(rows: np.ndarray, cells: np.ndarray) -> Iterator[np.ndarray]:
    """Cut rows (int64[n]) into runs of at most `_BLOCK_CELLS` cells (int64[n] of each row), or of one row."""
    number = (np.cumsum(cells) - 1) // _BLOCK_CELLS if len(rows) else rows
    yield from np.split(rows, np.flatnonzero(np.diff(number)) + 1) if len(rows) else ()
