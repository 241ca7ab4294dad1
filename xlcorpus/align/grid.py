"""The grids of the token pairs of sentence pairs, and pairs in blocks of a bounded number of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from xlcorpus.errors import UserError
from xlcorpus.pairs.side_tokens import Side
from xlcorpus.text.hashes import hash_spans, mix
from xlcorpus.text.ragged import offsets_of, ranges, rows_of

_BLOCK_CELLS = 1 << 21  # token pairs that are worked on at once: about 150 MB of arrays


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

    Each child token is explained by one parent token. rows: int64[pairs], rows of the sides; child: int64[children],
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
