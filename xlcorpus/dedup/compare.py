"""Compare candidates: their shingles once more from the shards, to spill files by block; then group by group."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

import numpy as np
import pyarrow as pa

from xlcorpus.dataset.beside import read_beside, read_some, write_beside, write_each
from xlcorpus.dataset.columns import parts_by
from xlcorpus.dataset.dataset import Shard, read_batches
from xlcorpus.dataset.storage import Location
from xlcorpus.dedup.independent import Block, judge
from xlcorpus.dedup.match import Matched, seats_file
from xlcorpus.dedup.sets import MOST_ROWS, as_column, from_column, jaccard, jaccard_of_both, joined_sets, sets_of
from xlcorpus.dedup.texts import DOCUMENTS, Texts, row_shingles
from xlcorpus.errors import IntegrityError
from xlcorpus.text.hashes import hash_arrays

_SPILLED = pa.schema([("seat", pa.int32()), ("label", pa.int32()), ("shingles", pa.large_list(pa.uint64()))])


@dataclass(frozen=True)
class Shingled:
    """The pieces of a spill file in their order: group and block, and the checksum of each."""

    pieces: tuple[tuple[int, int], ...]
    checksums: tuple[int, ...]


@dataclass(frozen=True)
class ShingleShard:
    """The shingles of those texts of a shard that are to be compared, in pieces, each of one block."""

    folder: Location
    shingle_size: int
    texts: Texts = DOCUMENTS

    def __call__(self, number: int, shard: Shard) -> Shingled:
        """Writes a spill file where there are any."""
        seats = read_beside(seats_file(self.folder, number))
        pieces: list[tuple[int, int]] = []
        checksums: list[int] = []

        def noted() -> Iterator[pa.RecordBatch]:
            for place, piece in self._pieces(shard, seats):
                pieces.append((place >> 32, place & 0xFFFFFFFF))
                checksums.append(_checksum(piece))
                yield piece

        if seats.num_rows:
            write_each(_spill_file(self.folder, number), _SPILLED, noted())
        return Shingled(tuple(pieces), tuple(checksums))

    def _pieces(self, shard: Shard, seats: pa.RecordBatch) -> Iterator[tuple[int, pa.RecordBatch]]:
        rows = seats.column("row").to_numpy()
        places = (seats.column("group").to_numpy().astype(np.int64) << 32) + seats.column("block").to_numpy()
        start = 0
        for batch in read_batches(shard, list(self.texts.columns)):
            first, last = np.searchsorted(rows, [start, start + batch.num_rows])
            for begin in range(first, last, MOST_ROWS):
                some = slice(begin, min(begin + MOST_ROWS, last))
                texts = self.texts.seen(batch.take(pa.array(rows[some] - start)))
                found = sets_of(row_shingles(texts, self.shingle_size))
                columns = [seats.column(name)[some.start : some.stop] for name in ("seat", "label")]
                spilled = pa.RecordBatch.from_arrays([*columns, as_column(found)], schema=_SPILLED)
                yield from parts_by(places[some], spilled)
            start += batch.num_rows


Piece = tuple[int, int, int]  # number of the shard, of the piece in its spill file, and the checksum


@dataclass(frozen=True)
class Group:
    """Texts that are compared on one worker: the bounds of its blocks, and the pieces of each block."""

    bounds: tuple[int, ...]
    pieces: tuple[tuple[Piece, ...], ...]


def groups_of(matched: Matched, shingled: Sequence[tuple[int, Shingled]]) -> list[Group]:
    """The groups, of the records of all shards (number, record)."""
    found: dict[tuple[int, int], list[Piece]] = defaultdict(list)
    for number, record in shingled:
        for place, (piece, checksum) in enumerate(zip(record.pieces, record.checksums, strict=True)):
            found[piece].append((number, place, checksum))
    return [
        Group(bounds, tuple(tuple(found[group, block]) for block in range(len(bounds) - 1)))
        for group, bounds in enumerate(matched.groups)
    ]


@dataclass(frozen=True)
class Compared:
    """How many texts a group has, and how many pairs of them were compared."""

    texts: int
    pairs: int


@dataclass(frozen=True)
class JudgeGroup:
    """Which texts of a group stay, and which of these each other one is like. both: they are pairs of texts."""

    folder: Location
    threshold: float
    both: bool = False

    def __call__(self, number: int, group: Group) -> Compared:
        """Writes for each seat the seat of the text that stays, and the similarity to it."""
        similarity = jaccard_of_both if self.both else jaccard
        found = judge(group.bounds, lambda block: self._block(group.pieces[block]), self.threshold, similarity)
        columns = [pa.array(found.kept.astype(np.int32)), pa.array(found.similarity.astype(np.float32))]
        write_beside(
            verdict_file(self.folder, number), pa.RecordBatch.from_arrays(columns, names=["kept", "similarity"])
        )
        return Compared(len(found.kept), found.compared)

    def _block(self, pieces: Sequence[Piece]) -> Block:
        """The texts of a block in the order of their seats; copies, so that the files are let go.

        Raises IntegrityError where a piece is not what was written.
        """
        seats, labels, sets = [], [], []
        for shard, mine in groupby(pieces, key=itemgetter(0)):
            _, places, checksums = zip(*mine, strict=True)
            file = _spill_file(self.folder, shard)
            for piece, checksum in zip(read_some(file, places), checksums, strict=True):
                if _checksum(piece) != checksum:
                    raise IntegrityError(
                        f"{file} was damaged after it was written", remedy="start anew with --overwrite"
                    )
                seats.append(piece.column("seat").to_numpy().copy())
                labels.append(piece.column("label").to_numpy().copy())
                sets.append(from_column(piece.column("shingles")))
        order = np.argsort(np.concatenate(seats))
        return Block(joined_sets(sets).take(order), np.concatenate(labels)[order])


def _checksum(piece: pa.RecordBatch) -> int:
    sets = from_column(piece.column("shingles"))
    return hash_arrays((piece.column("seat").to_numpy(), piece.column("label").to_numpy(), sets.offsets, sets.hashes))


def _spill_file(folder: Location, number: int) -> Location:
    return folder / f"{number:05d}.shingles.arrow"


def verdict_file(folder: Location, number: int) -> Location:
    """What `JudgeGroup` found of group `number`."""
    return folder / f"{number:05d}.verdicts.arrow"
