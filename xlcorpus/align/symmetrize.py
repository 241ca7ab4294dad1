"""Join the word alignments of the two directions into one (Koehn, Och and Marcu 2003; Och and Ney 2003).

grow-diag-final-and begins with the points that both directions have. *grow-diag* adds points of either direction that
touch a point (diagonals count) and cover a token not yet covered; *final-and* adds points that cover two such tokens.
The order in which points are tried decides between rivals; here it is always the order of (source, target), and the
search begins anew after each point. One point a sentence is added at a time, in all sentences at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xlcorpus.errors import UserError, nearest
from xlcorpus.text.ragged import offsets_of

METHODS = ("grow-diag-final-and", "intersection", "union")


@dataclass(frozen=True)
class Links:
    """Aligned tokens: row, source and target int64[links], token numbers in their sentences; by row, source, target."""

    row: np.ndarray
    source: np.ndarray
    target: np.ndarray

    def __len__(self) -> int:
        """Number of links."""
        return len(self.row)


def _neighbours(grid: np.ndarray, cell: np.ndarray, width: np.ndarray) -> np.ndarray:
    """bool[n]: one of the eight cells around is set; the grid has a margin of one cell around each sentence."""
    found = np.zeros(len(cell), dtype=bool)
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            if down or right:
                found |= grid[cell + down * width + right]
    return found


def symmetrize(
    forward: Links, backward: Links, source_sizes: np.ndarray, target_sizes: np.ndarray, method: str = METHODS[0]
) -> Links:
    """One alignment from two over the same sentences.

    source_sizes, target_sizes: int64[rows], tokens of each sentence; one byte a cell of each sentence's grid is used.
    Raises UserError for an unknown method.
    """
    if method not in METHODS:
        raise UserError(f"no symmetrisation {method!r}: {nearest(method, METHODS)}", remedy=f"use {METHODS[0]}")
    width = target_sizes + 2
    starts = offsets_of((source_sizes + 2) * width)

    def cells(links: Links) -> np.ndarray:
        return starts[links.row] + (links.source + 1) * width[links.row] + links.target + 1

    one, other = cells(forward), cells(backward)
    if method == "union":
        return _links(np.union1d(one, other), starts, width)
    both = np.intersect1d(one, other)
    if method == "intersection":
        return _links(both, starts, width)
    grid = np.zeros(int(starts[-1]), dtype=bool)
    grid[both] = True
    rest = np.setxor1d(one, other)
    first_source, first_target = offsets_of(source_sizes), offsets_of(target_sizes)
    covered_source = np.zeros(int(first_source[-1]), dtype=bool)
    covered_target = np.zeros(int(first_target[-1]), dtype=bool)
    start = _links(both, starts, width)
    covered_source[first_source[start.row] + start.source] = True
    covered_target[first_target[start.row] + start.target] = True
    for touching in (True, False):
        points = _links(rest, starts, width)
        cell, row = rest, points.row
        source, target = first_source[row] + points.source, first_target[row] + points.target
        added = [np.zeros(0, dtype=np.int64)]
        while len(cell):
            if touching:
                # A point whose two tokens are covered can never be added again; one that touches nothing yet may be.
                open_ = ~(covered_source[source] & covered_target[target])
            else:
                open_ = ~(covered_source[source] | covered_target[target])
            cell, row, source, target = cell[open_], row[open_], source[open_], target[open_]
            ready = np.flatnonzero(_neighbours(grid, cell, width[row])) if touching else np.arange(len(cell))
            if not len(ready):
                break
            # Cells are sorted, so the first ready one of each row is its first in the order of (source, target).
            ready = ready[np.concatenate([[True], np.diff(row[ready]) > 0])]
            grid[cell[ready]] = True
            covered_source[source[ready]] = True
            covered_target[target[ready]] = True
            added.append(cell[ready])
        rest = np.setdiff1d(rest, np.concatenate(added), assume_unique=True)
    return _links(np.flatnonzero(grid), starts, width)


def _links(cells: np.ndarray, starts: np.ndarray, width: np.ndarray) -> Links:
    """Links of cells (int64[n], sorted) of the padded grids that begin at `starts`."""
    row = np.searchsorted(starts, cells, side="right") - 1
    down, right = np.divmod(cells - starts[row], width[row])
    return Links(row, down - 1, right - 1)
