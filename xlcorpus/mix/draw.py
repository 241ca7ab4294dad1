"""Draw the documents of one cell by hash up to its budget, and give each its place in the mixture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xlcorpus.text.draws import draw_keys
from xlcorpus.text.ragged import ranges


@dataclass(frozen=True)
class Drawn:
    """Uses of documents: positions in the cell's arrays (int64), epoch (int32), place in (0, 1) (float64)."""

    index: np.ndarray
    epoch: np.ndarray
    place: np.ndarray


def order_keys(doc_ids: np.ndarray, seed: int, epoch: int, copy: int = 0) -> np.ndarray:
    """uint64[n]: where each document stands in the shuffled order of an epoch. A hash of (seed, doc_id, epoch) alone.

    doc_ids: uint64[n, 2], the halves of each id (`id_halves`); copy: which of the times that a rehydrated document
    counts for.
    """
    turn = f"{epoch}.{copy}" if copy else str(epoch)
    return draw_keys(doc_ids, f"mix/order/{seed}/{turn}")


def draw_cell(
    doc_ids: np.ndarray, units: np.ndarray, budget: int, seed: int, repeats: np.ndarray | None = None
) -> Drawn:
    """Draw documents of one cell up to its budget: whole epochs first, then the first of one more.

    doc_ids: uint64[n, 2]; units: int64[n]; repeats: int64[n], how often each counts in an epoch (rehydration), once
    without it. Documents are taken while they fit; then one more, the nearest in size to what is left, if that brings
    the sum closer to the budget. A document's place is the middle of its part of the cell, so that after any share of
    the mixture that same share of every cell has gone by.
    """
    if repeats is None:
        repeats = np.ones(len(units), dtype=np.int64)
    copies = [np.flatnonzero(repeats > copy) for copy in range(int(repeats.max(initial=0)))]
    rows = np.concatenate([np.zeros(0, dtype=np.int64), *copies])
    indices = [np.zeros(0, dtype=np.int64)]
    left, epoch, total = budget, 0, int(units[rows].sum())
    while left > 0 and len(rows):
        keys = np.concatenate([order_keys(doc_ids[part], seed, epoch, copy) for copy, part in enumerate(copies)])
        order = rows[np.lexsort((doc_ids[rows, 1], doc_ids[rows, 0], keys))]
        if total > left:
            order = order[draw_near(units[order], left)]
        left -= total
        indices.append(order)
        epoch += 1
        if not total:
            break
    index = np.concatenate(indices)
    taken = units[index]
    place = (np.cumsum(taken) - taken / 2) / max(int(taken.sum()), 1)
    return Drawn(index, _nth_use(index), place)


def _nth_use(index: np.ndarray) -> np.ndarray:
    """int32[n]: how often the same index stands before."""
    order = np.argsort(index, kind="stable")
    ordered = index[order]
    begins = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])) if len(index) else np.zeros(0, dtype=np.int64)
    nth = np.empty(len(index), dtype=np.int32)
    lengths = np.diff(np.append(begins, len(index)))
    nth[order] = ranges(np.zeros(len(lengths), dtype=np.int64), lengths)
    return nth


def draw_near(units: np.ndarray, budget: int) -> np.ndarray:
    """Positions, ascending, of the documents to take in this order so that their sum is near the budget.

    units: int64[n]. The sum misses the budget by at most half of the smallest document that is left out.
    """
    taken = fit(units, budget)
    rest = np.setdiff1d(np.arange(len(units)), taken, assume_unique=True)
    left = budget - int(units[taken].sum())
    if len(rest):
        nearest = rest[int(np.argmin(np.abs(units[rest] - left)))]
        if abs(int(units[nearest]) - left) < left:
            taken = np.sort(np.append(taken, nearest))
    return taken


def fit(units: np.ndarray, budget: int) -> np.ndarray:
    """Positions, ascending, of the documents to take in this order: each that still fits into what is left.

    units: int64[n]. Long runs are taken at once, so this is n log n however many documents are passed over.
    """
    taken: list[np.ndarray] = []
    candidates = np.arange(len(units))
    left = budget
    while len(candidates):
        candidates = candidates[units[candidates] <= left]
        run = int(np.searchsorted(np.cumsum(units[candidates]), left, side="right"))
        taken.append(candidates[:run])
        left -= int(units[candidates[:run]].sum())
        candidates = candidates[run:]
    return np.concatenate(taken) if taken else candidates
