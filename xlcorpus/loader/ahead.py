"""The rows of a dataset at given samples of its order, row groups decoded ahead of need in a thread."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from xlcorpus.loader.held import Held
from xlcorpus.loader.order import Order
from xlcorpus.loader.rows import TokenRows


@dataclass(frozen=True)
class _Window:
    """Samples to come: their groups (each once), which of these each is in, its row there, and its key."""

    groups: list[int]
    which: np.ndarray
    rows: np.ndarray
    keys: np.ndarray
    last: dict[int, int]


class Ahead:
    """Of one process. In memory: a group for each lane that it meets, those of the next window, and a window."""

    def __init__(self, rows: TokenRows, order: Order, columns: Sequence[str] | None, pool: Executor) -> None:
        """columns: to read, None: all; pool: of one thread."""
        self._rows, self._order, self._columns, self._pool = rows, order, columns, pool
        self._held = Held(min(2 * order.lanes, len(rows.groups)))
        self._decoded: dict[int, Future[None]] = {}
        self._lanes: dict[int, int] = {}
        self._planned: list[_Window] = []

    def plan(self, samples: np.ndarray) -> None:
        """Begin to decode what these samples (int64[n], n > 0) need."""
        places = self._order.places(samples)
        groups, which = np.unique(places.groups, return_inverse=True)
        keys = self._order.keys(places.epochs, self._rows.firsts[places.groups] + places.rows)
        # The group that each lane is in at the end: the window after this one goes on in it.
        lanes, back = np.unique(places.lanes[::-1], return_index=True)
        last = dict(zip(lanes.tolist(), places.groups[::-1][back].tolist(), strict=True))
        self._planned.append(_Window(groups.tolist(), which, places.rows, keys, last))
        for group in self._planned[-1].groups:
            if group not in self._decoded:
                self._decoded[group] = self._pool.submit(self._decode, group)

    def take(self) -> tuple[pa.RecordBatch, np.ndarray]:
        """Rows and keys of the window planned first, in the order of its samples."""
        window = self._planned.pop(0)
        for group in window.groups:
            self._decoded[group].result()
        rows = self._held.gather(window.groups, window.which, window.rows)
        self._lanes |= window.last
        needed = {*self._lanes.values(), *(group for later in self._planned for group in later.groups)}
        for group in self._decoded.keys() - needed:
            del self._decoded[group]
            self._held.drop(group)
        return rows, window.keys

    def _decode(self, group: int) -> None:
        self._held.put(group, self._rows.read(group, self._columns))
