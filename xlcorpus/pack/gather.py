"""The rows that tasks made, in their order, dealt to as many shards as are asked for; their sizes differ by a row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from xlcorpus.dataset.dataset import Shard, read_batches, shard_fields
from xlcorpus.dataset.decisions import empty
from xlcorpus.dataset.result import Result
from xlcorpus.text.ragged import offsets_of


@dataclass(frozen=True)
class Stretch:
    """The rows start to stop of a shard."""

    shard: Shard
    start: int
    stop: int


def deal(shards: Sequence[Shard], count: int) -> list[tuple[Stretch, ...]]:
    """The stretches of each of `count` shards; fewer where there are fewer rows, but one."""
    ends = offsets_of(np.array([shard.rows for shard in shards], dtype=np.int64))
    total = int(ends[-1])
    count = max(min(count, total), 1)
    cuts = [total * number // count for number in range(count + 1)]
    dealt = []
    for first, last in pairwise(cuts):
        begins = np.clip(first - ends[:-1], 0, np.diff(ends)).tolist()
        stops = np.clip(last - ends[:-1], 0, np.diff(ends)).tolist()
        found = zip(shards, begins, stops, strict=True)
        dealt.append(tuple(Stretch(*one) for one in found if one[1] < one[2]) or (Stretch(shards[0], 0, 0),))
    return dealt


def gathered(stretches: Sequence[Stretch]) -> Iterator[Result]:
    """The rows of some stretches, one after the other; first none, so that a dataset without rows has its columns."""
    yield Result(empty(shard_fields(stretches[0].shard)))
    for one in stretches:
        for batch in read_batches(one.shard, rows=(one.start, one.stop)):
            yield Result(batch)
