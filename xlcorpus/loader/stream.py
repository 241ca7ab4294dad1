"""Batches of one or several sources, shared by ranks and workers without a word between them, resumed at the row."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch.utils.data import IterableDataset, get_worker_info

from xlcorpus.errors import UserError
from xlcorpus.loader.ahead import Ahead
from xlcorpus.loader.order import LANES, Order
from xlcorpus.loader.schedule import Schedule
from xlcorpus.loader.source import Source
from xlcorpus.objectives.objective import Batch

WINDOW_TOKENS = 1 << 20  # gathered at once, 4 MB: what the calls cost is spread over so many
COLLATE_TOKENS = 1 << 16  # at once: 1.5 MB of ids, labels and positions stay in a core's cache
_LOOK_AHEAD = 4096  # micro-batches of all sources that are planned to find a window of a rare one


@dataclass(frozen=True)
class _Turn:
    """A micro-batch of all ranks: number, source, first sample, how many, and what each source had given after it."""

    number: int
    source: int
    first: int
    size: int
    taken: tuple[int, ...]


@dataclass
class _Feed:
    """What is to come of a source in one worker: turns, windows that are being decoded, rows, and batches made of them.

    begun: rows of each turn of a window; left: the same of the window at hand, `rows` with its `keys`, from `start` on.
    """

    source: Source
    ahead: Ahead
    window_rows: int
    turns: deque[_Turn] = field(default_factory=deque)
    begun: deque[list[int]] = field(default_factory=deque)
    left: deque[int] = field(default_factory=deque)
    ready: deque[Batch] = field(default_factory=deque)
    rows: Any = None
    keys: Any = None
    start: int = 0

    def begin(self, windows: int, plan: Callable[[], bool], samples: Callable[[_Turn], np.ndarray]) -> None:
        """Have so many windows begun, or as many as there are turns for; plan: take one more turn into the plans."""
        while len(self.begun) < windows:
            window: list[np.ndarray] = []
            room = self.window_rows
            while room > 0 and (self.turns or plan()):
                if self.turns:
                    window.append(samples(self.turns.popleft()))
                    room -= len(window[-1])
            if not window:
                return
            self.ahead.plan(np.concatenate(window))
            self.begun.append([len(one) for one in window])

    def take(self) -> None:
        """The next window is at hand."""
        self.rows, self.keys = self.ahead.take()
        self.left.extend(self.begun.popleft())
        self.start = 0

    def collate(self) -> None:
        """Make the next batch, or several at once where the objective can: a call costs as much as 4,000 tokens."""
        objective, sizes = self.source.objective, [self.left.popleft()]
        most = COLLATE_TOKENS // self.source.rows.length if objective.by_row else 0
        while self.left and sum(sizes) + self.left[0] <= most:
            sizes.append(self.left.popleft())
        stop = self.start + sum(sizes)
        made = objective.collate(self.rows.slice(self.start, stop - self.start), self.keys[self.start : stop])
        self.start = stop
        if len(sizes) == 1:
            self.ready.append(made)
            return
        cuts = {name: values.split(sizes) for name, values in made.items()}
        self.ready.extend(dict(zip(cuts, parts, strict=True)) for parts in zip(*cuts.values(), strict=True))


class TokenStream(IterableDataset[dict[str, Any]]):
    """Collated micro-batches of a rank, for `DataLoader(stream, batch_size=None, num_workers=W)`.

    Micro-batch m of all ranks together is the next rows x ranks samples of one source (`Schedule`, `Order`). Of these a
    rank has the samples whose number modulo `ranks` is its own, and worker m mod W makes its batch: what the objective
    collates, and the number of the source as `source`. Every `iter` begins where the stream was made or loaded.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        *,
        rows: int,
        seed: int = 0,
        rank: int = 0,
        ranks: int = 1,
        lanes: int = LANES,
        samples: int | None = None,
    ) -> None:
        """rows: of a rank's micro-batch; lanes: see `Order`; samples: of all ranks and sources, None: without end.

        With samples, the last micro-batch may be shorter, with at most one row more on one rank than on another; what
        is then less than a row for each rank is left out (`left_out`), so that all ranks make as many steps. Raises
        UserError where a rank would have no rows, or a source none, too few for its objective, or not the columns.
        """
        super().__init__()
        for name, value in (("rows", rows), ("ranks", ranks), ("lanes", lanes)):
            if value < 1:
                raise UserError(f"{name} is {value}", remedy="give 1 or more")
        if not 0 <= rank < ranks:
            raise UserError(f"there is no rank {rank} of {ranks}", remedy=f"give a rank from 0 to {ranks - 1}")
        if not sources:
            raise UserError("there is no source to train on", remedy="name a dataset of token shards")
        for source in sources:
            _check(source, ranks)
            source.objective.check_rows(rows, ranks)
        if samples is not None and samples < ranks:
            raise UserError(
                f"{samples} samples for {ranks} ranks: a rank would have none", remedy="give more, or use fewer ranks"
            )
        self.sources, self.seed, self.lanes = tuple(sources), seed, lanes
        self.rows, self.rank, self.ranks, self.samples = rows, rank, ranks, samples
        self._known: tuple[int, tuple[int, ...]]
        self._loaded = 0  # how often a state was
        self._shared = torch.zeros(2 + len(self.sources), dtype=torch.int64).share_memory_()
        self._begin((0,) * len(self.sources), 0)
        Schedule([source.weight for source in sources], self._first)  # refuses weights

    @property
    def left_out(self) -> int:
        """Samples at the end that are too few for a row on each rank; 0 without an end."""
        rest = (self.samples or 0) % (self.rows * self.ranks)
        return rest if rest < self.ranks else 0

    @property
    def steps(self) -> int | None:
        """Micro-batches of a rank, from the first sample to the last; None without an end."""
        return None if self.samples is None else -(-(self.samples - self.left_out) // (self.rows * self.ranks))

    def state_dict(self, after: int | None = None) -> dict[str, Any]:
        """How many samples each source has given to all ranks, and of what; whatever the ranks and workers are.

        after: so many micro-batches of a rank after the stream was made or loaded: where a DataLoader has workers, they
        are ahead of the training, and this process knows nothing of them. None: after the last one given here.
        Within a worker `since` is added: torchdata's stateful loader gives it back to the same worker.
        """
        if after is None:
            state, since = self._state(self._taken), {"samples": [*self._first], "batches": self._given}
            return state | {"since": since} if get_worker_info() else state
        if after < self._known[0]:
            self._known = (0, self._first)
        number, taken = self._known
        for turn in islice(self._turns(taken, number), after - number):
            self._known = (turn.number + 1, turn.taken)
        return self._state(self._known[1])

    def rows_of(self, number: int) -> tuple[Source, np.ndarray, np.ndarray]:
        """Source, row groups and rows in these (int64[n]) of this rank's micro-batch of a number.

        number: from 0 on, since the stream was made or loaded.
        """
        turn = next(islice(self._turns(self._first, 0), number, None))
        source = self.sources[turn.source]
        places = Order(source.rows.groups, self.seed, self.lanes).places(self._samples(turn))
        return source, places.groups, places.rows

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where a stream over the same sources was, of whatever ranks, workers and rows a micro-batch.

        Workers that persist (`persistent_workers`) do so from their loader's next iteration on. Raises UserError where
        the state is of other data, weights, seed or lanes, or none at all.
        """
        mine = self._state(self._first)
        if not _is_state(state, len(self.sources)):
            raise UserError(
                f"this is no state of a token stream over so many sources ({len(self.sources)}): {str(state)[:200]}",
                remedy="give what state_dict returned, or begin anew",
            )
        for name, what in _SAME.items():
            if state.get(name) != mine[name]:
                raise UserError(
                    f"the state to go on from was made with other {what}: {state.get(name)}; here {mine[name]}",
                    remedy="go on with those that it was made with, or begin anew",
                )
        since = state.get("since", {"samples": state["samples"], "batches": 0})
        self._begin(tuple(since["samples"]), since["batches"])
        self._taken = tuple(state["samples"])
        if get_worker_info() is None:
            self._loaded += 1
            self._shared.copy_(torch.tensor([self._loaded, self._given, *self._first]))

    def __iter__(self) -> Iterator[dict[str, Any]]:
        # glibc gives the pages of every batch back and takes them anew, a quarter of the CPU time, until it has once
        # freed a piece as large as this (the most that its threshold follows); then 64 MB may stay with the process.
        np.empty(31 << 20, dtype=np.uint8)
        info = get_worker_info()
        loaded, given, *first = self._shared.tolist()
        if info and loaded != self._loaded:  # by the process that this worker was made by, since then
            self._begin(tuple(first), given)
            self._loaded = loaded
        worker, workers = (info.id, info.num_workers) if info else (0, 1)
        pool = ThreadPoolExecutor(1, thread_name_prefix="xlcorpus-decode")
        try:
            yield from self._batches(worker, workers, pool)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _begin(self, first: tuple[int, ...], given: int) -> None:
        """Begin where the sources had given `first`; `given` micro-batches after that are behind us."""
        self._first, self._skipped, self._given, self._taken = first, given, given, first
        self._known = (0, first)

    def _state(self, taken: tuple[int, ...]) -> dict[str, Any]:
        return {
            "seed": self.seed,
            "lanes": self.lanes,
            "sources": [source.rows.manifest.content_fingerprint for source in self.sources],
            "weights": [source.weight for source in self.sources],
            "samples": [*taken],
        }

    def _turns(self, taken: tuple[int, ...], number: int) -> Iterator[_Turn]:
        """The micro-batches from here on."""
        schedule = Schedule([source.weight for source in self.sources], taken)
        whole = self.rows * self.ranks
        while True:
            size = whole if self.samples is None else min(whole, self.samples - sum(schedule.taken))
            if size < self.ranks:
                return
            source = schedule.take(size)
            yield _Turn(number, source, schedule.taken[source] - size, size, tuple(schedule.taken))
            number += 1

    def _samples(self, turn: _Turn) -> np.ndarray:
        """int64[n]: those of this rank."""
        first = turn.first + (self.rank - turn.first) % self.ranks
        return np.arange(first, turn.first + turn.size, self.ranks)

    def _batches(self, worker: int, workers: int, pool: ThreadPoolExecutor) -> Iterator[dict[str, Any]]:
        feeds = []
        for source in self.sources:
            order = Order(source.rows.groups, self.seed, self.lanes)
            ahead = Ahead(source.rows, order, source.objective.columns, pool)
            feeds.append(_Feed(source, ahead, max(self.lanes, WINDOW_TOKENS // source.rows.length)))
        turns = self._turns(self._first, 0)
        mine = (turn for turn in turns if turn.number % workers == worker and turn.number >= self._skipped)
        planned: deque[_Turn] = deque()

        def plan() -> bool:
            """Take one more micro-batch into the plans, if there is one and they are not too long."""
            if len(planned) < _LOOK_AHEAD:
                for turn in islice(mine, 1):
                    planned.append(turn)
                    feeds[turn.source].turns.append(turn)
                    return True
            return False

        while planned or plan():
            turn, feed = planned[0], feeds[planned[0].source]
            if not feed.ready and not feed.left:
                feed.begin(2, plan, self._samples)  # one to take, and one to be decoded meanwhile
                feed.take()
            if not feed.ready:
                feed.collate()
            planned.popleft()
            self._taken, self._given = turn.taken, turn.number + 1
            yield {**feed.ready.popleft(), "source": turn.source}


_SAME = {"sources": "datasets", "weights": "weights", "seed": "seeds", "lanes": "lanes"}


def _is_state(state: Any, sources: int) -> bool:
    samples = state.get("samples") if isinstance(state, Mapping) else None
    return isinstance(samples, list) and len(samples) == sources and all(type(n) is int and n >= 0 for n in samples)


def _check(source: Source, ranks: int) -> None:
    rows = source.rows
    rows.require_rows()
    if rows.count < ranks:
        raise UserError(
            f"{rows.folder} has {rows.count} rows for {ranks} ranks: a rank would have none of an epoch",
            remedy="give more rows, or use fewer ranks",
        )
    rows.require(source.objective.columns or (), type(source.objective).__name__)
