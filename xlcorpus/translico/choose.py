"""Choose sentences by hash: one of equal texts, and of each (language, script) a share, none below a floor.

Sentences are dealt out by their order key, a hash of (seed, text). So equal texts meet in one partition, the keys of
the partitions ascend, and the smallest n keys of a group are whole partitions and the beginning of one more: a table
of counts says how many each partition gives, and no partition is larger than the data divided by their number.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pyarrow as pa

from xlcorpus.dataset.beside import read_each, write_beside
from xlcorpus.dataset.columns import parts_by
from xlcorpus.dataset.storage import Location
from xlcorpus.text.draws import draw_keys, id_halves
from xlcorpus.text.ragged import sums_before_alike

PARTITION_ROWS = 1 << 20  # sentences that one worker sorts at once: about 100 MB

LISTED = pa.schema(
    [
        pa.field("pair_id", pa.binary(16)),
        pa.field("doc_id", pa.binary(16)),
        pa.field("group", pa.int32()),
        pa.field("sentence", pa.int32()),
    ]
)

Group = tuple[str | None, str | None]  # language, script
Part = tuple[int, pa.RecordBatch]


@dataclass(frozen=True)
class Listed:
    """The sentences of a shard: how many, and its groups in its own numbering."""

    sentences: int
    groups: tuple[Group, ...]


def list_file(folder: Location, number: int) -> Location:
    """The sentences of shard `number` (schema LISTED), in the order of the shard."""
    return folder / f"{number:05d}.sentences.arrow"


def state_file(folder: Location, number: int) -> Location:
    """Which sentences of shard `number` are the first of their text, and which of those are chosen."""
    return folder / f"{number:05d}.states.arrow"


def halves(ids: pa.Array) -> np.ndarray:
    """uint64[n, 2]: 16-byte ids as two numbers that sort as the bytes do."""
    return id_halves(ids).byteswap()


def order_keys(pair_ids: np.ndarray, seed: int) -> np.ndarray:
    """uint64[n]: where each sentence stands in the shuffled order; a hash of (seed, text) alone.

    pair_ids: uint64[n, 2], xxh3-128 of the texts; the purpose is hashed by xxh3.
    """
    return draw_keys(pair_ids, f"translico/order/{seed}")


@dataclass(frozen=True)
class DealSentences:
    """The sentences of a shard by partition, packed for the shuffle: ids and numbers, never text.

    groups: number of each (language, script) in the whole dataset; local: those of each shard, in its own numbering.
    """

    folder: Location
    groups: Mapping[Group, int]
    local: Mapping[int, tuple[Group, ...]]
    partitions: int
    seed: int

    @classmethod
    def of(cls, folder: Location, listed: Sequence[Listed], seed: int) -> DealSentences:
        """From the records of the lists of all shards, in order."""
        groups = sorted({group for shard in listed for group in shard.groups}, key=str)
        return cls(
            folder,
            groups={group: number for number, group in enumerate(groups)},
            local={number: shard.groups for number, shard in enumerate(listed)},
            partitions=1 + sum(shard.sentences for shard in listed) // PARTITION_ROWS,
            seed=seed,
        )

    def __call__(self, number: int) -> Iterator[Part]:
        """(partition, batch of pair_id, doc_id, group, sentence, shard, row); row counts the shard's sentences."""
        numbers = np.array([self.groups[group] for group in self.local[number]], dtype=np.int32)
        row = 0
        for batch in read_each(list_file(self.folder, number)):
            keys = order_keys(halves(batch.column("pair_id")), self.seed)
            target = ((keys >> np.uint64(32)) * np.uint64(self.partitions)) >> np.uint64(32)
            packed = pa.RecordBatch.from_arrays(
                [
                    batch.column("pair_id"),
                    batch.column("doc_id"),
                    pa.array(numbers[batch.column("group").to_numpy()]),
                    batch.column("sentence"),
                    pa.array(np.full(batch.num_rows, number, dtype=np.int32)),
                    pa.array(np.arange(row, row + batch.num_rows, dtype=np.int64)),
                ],
                names=["pair_id", "doc_id", "group", "sentence", "shard", "row"],
            )
            yield from parts_by(target, packed)
            row += batch.num_rows


@dataclass(frozen=True)
class KeepFirst:
    """One sentence of each text in a partition: that of the smallest (doc_id, sentence)."""

    seed: int

    def __call__(self, given: tuple[int, Iterable[pa.RecordBatch]]) -> Iterator[Part]:
        """(partition, batch of group, shard, row), in the shuffled order."""
        partition, rows = given[0], pa.concat_batches(list(given[1]))
        pairs, documents = halves(rows.column("pair_id")), halves(rows.column("doc_id"))
        shard, row = rows.column("shard").to_numpy(), rows.column("row").to_numpy()
        sentence = rows.column("sentence").to_numpy()
        # Shard and row decide where a dataset holds a document twice (a mix of several epochs).
        keys = (row, shard, sentence, documents[:, 1], documents[:, 0], pairs[:, 1], pairs[:, 0])
        order = np.lexsort((*keys, order_keys(pairs, self.seed)))
        sorted_pairs = pairs[order]
        first = np.ones(len(order), dtype=bool)
        first[1:] = (sorted_pairs[1:] != sorted_pairs[:-1]).any(axis=1)
        yield partition, rows.select(["group", "shard", "row"]).take(pa.array(order[first]))


def count_groups(part: Part) -> Iterator[Part]:
    """(0, batch of partition, group, count): distinct texts of each group in a partition, for one worker."""
    partition, rows = part
    groups, counts = np.unique(rows.column("group").to_numpy(), return_counts=True)
    yield (
        0,
        pa.RecordBatch.from_arrays(
            [pa.array(np.full(len(groups), partition, dtype=np.int64)), pa.array(groups), pa.array(counts)],
            names=["partition", "group", "count"],
        ),
    )


def wanted(distinct: int, share: float, floor: int) -> int:
    """Sentences to choose of a group: its share, rounded up, at least the floor, and no more than there are.

    The share is taken as it is written (0.07 of 100 is 7, though the float is a little more).
    """
    return min(distinct, max(floor, math.ceil(Fraction(str(share)) * distinct)))


@dataclass(frozen=True)
class Apportion:
    """How many sentences of each group each partition gives, so that together they are the smallest keys."""

    share: float
    floor: int

    def __call__(self, given: tuple[int, Iterable[pa.RecordBatch]]) -> Iterator[Part]:
        """(partition, batch of group, quota)."""
        counted = pa.concat_batches(list(given[1])).sort_by("partition")
        group, count = counted.column("group").to_numpy(), counted.column("count").to_numpy()
        totals = np.zeros(int(group.max(initial=-1)) + 1, dtype=np.int64)
        np.add.at(totals, group, count)
        due = np.array([wanted(total, self.share, self.floor) for total in totals.tolist()], dtype=np.int64)
        quota = np.clip(due[group] - sums_before_alike(group, count), 0, count)
        quotas = pa.RecordBatch.from_arrays([pa.array(group), pa.array(quota)], names=["group", "quota"])
        yield from parts_by(counted.column("partition").to_numpy(), quotas)


def take_quota(rows: pa.RecordBatch, quotas: pa.RecordBatch) -> Iterator[Part]:
    """(shard, batch of row, chosen) of a partition: the first sentences of each group are chosen, up to its quota."""
    group, shard = rows.column("group").to_numpy(), rows.column("shard").to_numpy()
    quota = np.zeros(int(group.max(initial=-1)) + 1, dtype=np.int64)
    quota[quotas.column("group").to_numpy()] = quotas.column("quota").to_numpy()
    rank = sums_before_alike(group, np.ones(len(group), dtype=np.int64))
    states = pa.RecordBatch.from_arrays(
        [rows.column("row"), pa.array(rank < quota[group])],
        names=["row", "chosen"],
    )
    yield from parts_by(shard, states)


@dataclass(frozen=True)
class WriteStates:
    """The sentences of a shard that are the first of their text, and whether they are chosen, written beside it."""

    folder: Location

    def __call__(self, given: tuple[int, Iterable[pa.RecordBatch]]) -> list[int]:
        """given: number of the shard, batches of row and chosen in any order; the number again."""
        states = pa.concat_batches(list(given[1]))
        order = np.argsort(states.column("row").to_numpy(), kind="stable")
        write_beside(state_file(self.folder, given[0]), states.take(pa.array(order)))
        return [given[0]]
