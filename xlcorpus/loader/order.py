"""The order of training: which row sample i of a dataset is, for i = 0, 1, ... over all epochs without a break.

A pure function of (rows of each group, seed, lanes), so that ranks and workers need no word with one another: they take
different samples of one sequence. Of each epoch, the row groups are permuted and laid end to end; this line is cut into
`lanes` stretches of equal length, within a row; sample i is the next row of lane i mod lanes. The rows of a group are
permuted within their lane. So each row comes exactly once an epoch, and what takes every R-th sample, R a divisor of
lanes, meets each R-th lane alone: a group is decoded by one rank, but for the `lanes - 1` that a cut goes through.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xlcorpus.text.hashes import hash_text, mix
from xlcorpus.text.ragged import offsets_of

LANES = 64  # 64 groups of 1 MB in memory; see docs/training.md for what they mix


@dataclass(frozen=True)
class Places:
    """Where samples are: their epochs, row groups, rows in these, and lanes; int64[n] each."""

    epochs: np.ndarray
    groups: np.ndarray
    rows: np.ndarray
    lanes: np.ndarray


@dataclass(frozen=True)
class _Epoch:
    """Groups in the order of their line, and where each begins there (and the end)."""

    groups: np.ndarray
    begins: np.ndarray


class Order:
    """The sequence of the rows of a dataset."""

    def __init__(self, sizes: np.ndarray, seed: int, lanes: int = LANES) -> None:
        """sizes: int64[groups], rows of each, not all 0; lanes: at least 1."""
        self.count = int(sizes.sum())
        if lanes < 1 or not self.count:
            raise ValueError(f"{lanes} lanes, {self.count} rows")
        self.lanes, self._seed = lanes, seed
        self._groups = np.flatnonzero(sizes)
        self._sizes = sizes[self._groups].astype(np.int64)
        self._epochs: dict[int, _Epoch] = {}
        self._shuffled: dict[tuple[int, int], np.ndarray] = {}

    def places(self, samples: np.ndarray) -> Places:
        """Where these samples (int64[n], in any order) are. What is cached is bounded by what one call asks for."""
        epochs, within = np.divmod(samples, self.count)
        lanes = within % self.lanes
        size, longer = divmod(self.count, self.lanes)  # of stretches: the first `longer` have a row more
        first = lanes * size + np.minimum(lanes, longer)
        end = first + size + (lanes < longer)
        line = first + within // self.lanes

        groups, rows = np.empty_like(line), np.empty_like(line)
        held: dict[tuple[int, int], np.ndarray] = {}
        asked = np.unique(epochs).tolist()
        self._epochs = {epoch: self._epochs.get(epoch) or self._permute(epoch) for epoch in asked}
        for epoch, found in self._epochs.items():
            here = slice(None) if len(asked) == 1 else np.flatnonzero(epochs == epoch)
            at = line[here]
            group = np.searchsorted(found.begins, at, side="right") - 1
            begin = found.begins[group]
            start, stop = np.maximum(begin, first[here]), np.minimum(found.begins[group + 1], end[here])
            groups[here] = self._groups[found.groups[group]]
            rows[here] = self._shuffle(epoch, start, stop, at - start, held) + (start - begin)
        self._shuffled = held
        return Places(epochs, groups, rows, samples % self.lanes)

    def keys(self, epochs: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """uint64[n]: a hash of (seed, epoch, row of the dataset), which all random choices in a row follow from."""
        salt = hash_text(f"choices in row, seed {self._seed}")
        return mix(rows.astype(np.uint64) ^ mix(epochs.astype(np.uint64) ^ salt))

    def _permute(self, epoch: int) -> _Epoch:
        groups = np.argsort(self._draws(epoch, "groups", 0, len(self._sizes)), kind="stable")
        return _Epoch(groups, offsets_of(self._sizes[groups]))

    def _shuffle(
        self,
        epoch: int,
        starts: np.ndarray,
        stops: np.ndarray,
        places: np.ndarray,
        held: dict[tuple[int, int], np.ndarray],
    ) -> np.ndarray:
        """int64[n]: the place in start:stop of the line that stands at each place of it after the shuffle."""
        known, first, which = np.unique(starts, return_index=True, return_inverse=True)
        for start, stop in zip(known.tolist(), stops[first].tolist(), strict=True):
            found = self._shuffled.get((epoch, start))
            if found is None:
                found = np.argsort(self._draws(epoch, "rows", start, stop), kind="stable")
            held[epoch, start] = found
        permuted = [held[epoch, start] for start in known.tolist()]
        begins = offsets_of(np.array([len(one) for one in permuted]))
        return np.concatenate(permuted)[begins[which] + places]

    def _draws(self, epoch: int, purpose: str, start: int, stop: int) -> np.ndarray:
        return mix(np.arange(start, stop, dtype=np.uint64) ^ hash_text(f"{purpose}, seed {self._seed}, epoch {epoch}"))
