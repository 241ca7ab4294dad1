"""Documents that the inputs of a mix hold twice: found through one shuffle of their ids, and refused by name.

Epochs count how often a document is used; one that is there twice would be used twice in one epoch, unseen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

import numpy as np
import pyarrow as pa

from xlcorpus.dataset import storage
from xlcorpus.dataset.beside import read_beside
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError
from xlcorpus.mix.census import census_file
from xlcorpus.mix.texts import LATIN
from xlcorpus.text.draws import id_halves
from xlcorpus.text.hashes import mix
from xlcorpus.text.ragged import begins_of

IDS_A_GROUP = 4 << 20  # what one worker sorts: 32 bytes each, and as much again for the sort
_PACKED = pa.schema([("one", pa.uint64()), ("two", pa.uint64()), ("shard", pa.int64()), ("row", pa.int64())])
_SHOWN = 3


@dataclass(frozen=True)
class PackIds:
    """The rows of a shard by what tells them apart, in `groups` groups: never text.

    That is the id (of a swapped pair its own), and of rows of which a document may have several what sets them apart
    (`Texts.version`); a romanised text beside its document is there as often as that.
    """

    folder: Location
    groups: int

    @classmethod
    def of(cls, folder: Location, rows: int) -> PackIds:
        """For about so many rows."""
        return cls(folder, rows // IDS_A_GROUP + 1)

    def __call__(self, number: int) -> Iterator[tuple[int, pa.RecordBatch]]:
        """(number of the group, batch of both halves of the key, shard, row) of shard `number`."""
        file = census_file(self.folder, number)
        if not storage.is_file(file):
            return
        counted = read_beside(file).select(["doc_id", "text_key", "row", "variant"])
        counted = counted.filter(pa.array(counted.column("variant").to_numpy() != LATIN))
        halves = id_halves(counted.column("doc_id"))
        one, two = halves[:, 0] ^ mix(counted.column("text_key").to_numpy()), halves[:, 1]
        shard = np.full(len(one), number, dtype=np.int64)
        columns = [pa.array(one), pa.array(two), pa.array(shard), counted.column("row")]
        packed = pa.RecordBatch.from_arrays(columns, schema=_PACKED)
        group_of = mix(two) % np.uint64(self.groups)
        for group in np.unique(group_of).tolist():
            yield group, packed.filter(pa.array(group_of == group))


@dataclass
class Repeated:
    """Rows that are there already: how many by (shard of the first, its own shard), and the first few of them.

    shown: (shard, row) of the first and of the second.
    """

    rows: Counter[tuple[int, int]] = field(default_factory=Counter)
    shown: list[tuple[tuple[int, int], tuple[int, int]]] = field(default_factory=list)

    def add(self, other: Repeated) -> None:
        """Add the rows of another group."""
        self.rows.update(other.rows)
        self.shown = sorted([*self.shown, *other.shown])[:_SHOWN]


def find_repeated(group: tuple[int, Iterable[pa.RecordBatch]]) -> Iterator[tuple[int, Repeated]]:
    """(0, the rows of a group whose key is that of an earlier row, by shard and row); nothing where there is none."""
    parts = pa.Table.from_batches(list(group[1]), schema=_PACKED)
    one, two, shard, row = (parts.column(name).to_numpy() for name in _PACKED.names)
    order = np.lexsort((row, shard, two, one))
    one, two, shard, row = one[order], two[order], shard[order], row[order]
    again = ~(begins_of(one) | begins_of(two))
    if not again.any():
        return
    places = np.flatnonzero(again)
    first = np.maximum.accumulate(np.where(again, 0, np.arange(len(again))))[places]
    by_shards, counts = np.unique(np.stack([shard[first], shard[places]]), axis=1, return_counts=True)
    found = Repeated()
    for source, target, count in zip(*by_shards.tolist(), counts.tolist(), strict=True):
        found.rows[source, target] = count
    ordered = np.lexsort((row[places], shard[places], row[first], shard[first]))[:_SHOWN]
    for at in ordered.tolist():
        here, there = int(first[at]), int(places[at])
        found.shown.append(((int(shard[here]), int(row[here])), (int(shard[there]), int(row[there]))))
    yield 0, found


@dataclass(frozen=True)
class RefuseRepeated:
    """Say which documents are there twice.

    inputs: folders; first: number of the first shard of each; shards: names of all; mixes: inputs that are mixes.
    """

    folder: Location
    inputs: tuple[str, ...]
    first: tuple[int, ...]
    shards: tuple[str, ...]
    mixes: tuple[str, ...]

    @classmethod
    def of(cls, folder: Location, inputs: Sequence[Dataset]) -> RefuseRepeated:
        """For the inputs, whose shards are numbered through."""
        counts = [len(dataset.manifest.shards) for dataset in inputs]
        return cls(
            folder,
            tuple(str(dataset.folder) for dataset in inputs),
            tuple(sum(counts[:number]) for number in range(len(counts))),
            tuple(f"{dataset.folder}/{shard.name}" for dataset in inputs for shard in dataset.manifest.shards),
            tuple(str(one.folder) for one in inputs if "mix_epoch" in one.manifest.arrow_schema.names),
        )

    def __call__(self, group: tuple[int, Iterable[Repeated]]) -> NoReturn:
        """Raises UserError with counts by input, the first few ids, and what to do."""
        found = Repeated()
        for part in group[1]:
            found.add(part)
        pairs: Counter[tuple[int, int]] = Counter()
        for (one, other), count in found.rows.items():
            pairs[self._input_of(one), self._input_of(other)] += count
        within = sorted({self.inputs[one] for one, other in pairs if one == other})
        said = [
            f"{count:,} of {self.inputs[one]} {'in it again' if one == other else f'in {self.inputs[other]} too'}"
            for (one, other), count in sorted(pairs.items())
        ]
        shown = "".join(f"\n  doc_id {self._id_of(one)}: {self._at(one)}, {self._at(two)}" for one, two in found.shown)
        raise UserError(
            f"documents that the mix is given twice: {pairs.total():,}, and they would count twice: {'; '.join(said)}"
            f"{shown}",
            remedy=self._remedy(within),
        )

    def _remedy(self, within: Sequence[str]) -> str:
        repeating = [folder for folder in within if folder in self.mixes]
        if repeating:
            return f"{', '.join(repeating)} repeats documents in epochs: mix the datasets that it was made of"
        if within:
            return f"take out what is there twice: xlcorpus dedup {within[0]} --output FOLDER, and mix that"
        return (
            "leave one of these inputs out, or ingest the raw files of all of them with one command, which reads each "
            "once; --max-epochs repeats documents"
        )

    def _input_of(self, shard: int) -> int:
        return int(np.searchsorted(self.first, shard, side="right")) - 1

    def _id_of(self, place: tuple[int, int]) -> str:
        counted = read_beside(census_file(self.folder, place[0]))
        found = np.flatnonzero(counted.column("row").to_numpy() == place[1])
        doc_id: bytes = counted.column("doc_id")[int(found[0])].as_py()
        return doc_id.hex()

    def _at(self, place: tuple[int, int]) -> str:
        return f"{self.shards[place[0]]} row {place[1]:,}"
