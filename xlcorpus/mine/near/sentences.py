"""The sentences of documents in two languages: listed shard by shard, then each text once, by the hash of its text.

So what is near to what depends on the texts alone, not on their order, their files or how these are cut. Of equal texts
the one with the lowest doc_id stands for all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from xlcorpus.dataset.beside import read_each, write_beside, write_each
from xlcorpus.dataset.dataset import Shard, read_batches
from xlcorpus.dataset.record import Done
from xlcorpus.dataset.storage import Location
from xlcorpus.lexicon.entries import one_array
from xlcorpus.mine.language_pair import LanguagePair
from xlcorpus.mine.sentences import own_sentences
from xlcorpus.pairs.margin import BLOCK
from xlcorpus.pairs.sides import SIDES
from xlcorpus.translico.choose import halves

ORIGIN = pa.struct([("file", pa.string()), ("offset", pa.int64())])
LISTED = pa.schema(
    [
        ("key", pa.binary(16)),  # xxh3-128 of the text
        ("text", pa.string()),
        ("doc_id", pa.binary(16)),
        ("sentence", pa.int32()),  # its number in the document
        ("lang", pa.string()),  # the document's label
        ("source", pa.string()),
        ("origin", ORIGIN),
    ]
)
SETTLED = pa.schema([*LISTED, ("shard", pa.int64()), ("place", pa.int64())])  # place: in the list of the shard


def list_file(folder: Location, number: int, side: str) -> Location:
    """The sentences of a shard in the language of a side (LISTED), in its order."""
    return folder / f"{number}.{side}.arrow"


def documents_file(folder: Location, number: int) -> Location:
    """How many sentences each document of a shard has, int64; ELSEWHERE in another language."""
    return folder / f"{number}.documents.arrow"


def side_file(folder: Location, side: str) -> Location:
    """The different sentences of a side (SETTLED) by their keys, in batches of BLOCK."""
    return folder / f"{side}.arrow"


@dataclass(frozen=True)
class ListSides:
    """List the sentences of a shard."""

    folder: Location
    pair: LanguagePair
    sentence_breaker: str | None

    def __call__(self, number: int, shard: Shard) -> Done:
        """Nothing to say."""
        of_sides = []
        for side, label in zip(SIDES, (self.pair.src, self.pair.tgt), strict=True):
            counts = [np.zeros(0, np.int64)]
            write_each(list_file(self.folder, number, side), LISTED, self._sentences(shard, label, counts))
            of_sides.append(np.concatenate(counts))
        both = pa.array(np.maximum(*of_sides))
        write_beside(documents_file(self.folder, number), pa.RecordBatch.from_pydict({"n": both}))
        return Done()

    def _sentences(self, shard: Shard, label: str, counts: list[np.ndarray]) -> Iterator[pa.RecordBatch]:
        for batch in read_batches(shard, ["doc_id", "text", "lang", "source", "origin"]):
            own = own_sentences(batch, label, self.sentence_breaker)
            counts.append(own.counts)
            rows = pa.array(own.rows)
            columns = [own.found.pair_ids, own.found.texts, batch.column("doc_id").take(rows)]
            columns.append(pa.array(own.found.index))
            columns += [batch.column(name).take(rows).cast(LISTED.field(name).type) for name in LISTED.names[4:]]
            yield pa.RecordBatch.from_arrays(columns, schema=LISTED)


@dataclass(frozen=True)
class Settled:
    """Different sentences of a side."""

    count: int


@dataclass(frozen=True)
class SettleSide:
    """One of equal texts, all by their keys. Holds the sentences of a side in memory."""

    folder: Location
    shards: int

    def __call__(self, number: int, side: str) -> Settled:
        """How many there are."""
        parts = [_numbered(self.folder, shard, side) for shard in range(self.shards)]
        table = pa.concat_tables([SETTLED.empty_table(), *parts]).combine_chunks()
        keys, ids = (halves(one_array(table[name])) for name in ("key", "doc_id"))
        sentence = table["sentence"].to_numpy()
        order = np.lexsort((sentence, ids[:, 1], ids[:, 0], keys[:, 1], keys[:, 0]))
        sorted_keys = keys[order]
        first = np.ones(len(order), dtype=bool)
        first[1:] = (sorted_keys[1:] != sorted_keys[:-1]).any(axis=1)
        kept = table.take(pa.array(order[first]))
        write_each(side_file(self.folder, side), SETTLED, kept.combine_chunks().to_batches(max_chunksize=BLOCK))
        return Settled(kept.num_rows)


def _numbered(folder: Location, shard: int, side: str) -> pa.Table:
    table = pa.Table.from_batches(read_each(list_file(folder, shard, side)), schema=LISTED)
    places = np.arange(table.num_rows)
    return table.append_column("shard", pa.array(np.full(len(places), shard))).append_column("place", pa.array(places))
