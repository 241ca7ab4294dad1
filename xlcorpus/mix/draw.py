"""Draw the documents of one cell by hash up to its budget, and give each its place in the mixture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xlcorpus.text.draws import draw_keys
from xlcorpus.text.ragged import ranges

_LONG = 8  # times the median: such a document is very long in its cell
_LATE = 50  # times its length: one that closes a budget then misses it by 1 % at most


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
    doc_ids: np.ndarray,
    units: np.ndarray,
    budget: int,
    seed: int,
    repeats: np.ndarray | None = None,
    *,
    nearest: bool = False,
) -> Drawn:
    """Draw documents of one cell up to its budget: whole epochs first, then the first of one more.

    doc_ids: uint64[n, 2]; units: int64[n]; repeats: int64[n], how often each counts in an epoch (rehydration), once
    without it. The uses are the beginning of one order, whatever the budget (`beginning`), so a smaller budget draws a
    part of what a larger one does; nearest: as near to the budget as one document more or less allows (`draw_near`),
    and no such promise. A document's place is the middle of its part of the cell, so that after any share of the
    mixture that same share of every cell has gone by.
    """
    if repeats is None:
        repeats = np.ones(len(units), dtype=np.int64)
    copies = [np.flatnonzero(repeats > copy) for copy in range(int(repeats.max(initial=0)))]
    rows = np.concatenate([np.zeros(0, dtype=np.int64), *copies])
    indices = [np.zeros(0, dtype=np.int64)]
    left, epoch, total = budget, 0, int(units[rows].sum())
    while left > 0 and len(rows):
        keys = np.concatenate([order_keys(doc_ids[part], seed, epoch, copy) for copy, part in enumerate(copies)])
        turns = (doc_ids[rows, 1], doc_ids[rows, 0], keys)
        order = rows[np.lexsort(turns if nearest else (*turns, late(keys, units[rows])))]
        if total > left:
            order = order[draw_near(units[order], left) if nearest else beginning(units[order], left)]
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


def late(keys: np.ndarray, units: np.ndarray) -> np.ndarray:
    """float64[n]: when each document's turn comes, in units: where its key puts it, but a very long one not before the
    sum is `_LATE` times its length, so that a budget does not end in the middle of it.

    keys: uint64[n], even over their range; units: int64[n]. Very long: `_LONG` times the median. The order is the same
    for every budget.
    """
    turns = keys.astype(np.float64) / 2.0**64 * float(units.sum())
    long = units > _LONG * np.median(units) if len(units) else np.zeros(0, dtype=bool)
    return np.where(long, np.maximum(turns, _LATE * units.astype(np.float64)), turns)


def beginning(units: np.ndarray, budget: int) -> np.ndarray:
    """Positions of the first documents whose sum is nearest to the budget, the fewer of two.

    units: int64[n]. The sum misses the budget by at most half of the document that comes next or was the last.
    """
    sums = np.concatenate([[0], np.cumsum(units)])
    return np.arange(int(np.argmin(np.abs(sums - budget))))


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
