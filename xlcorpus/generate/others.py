"""What other documents of the same language offer, for pairs whose second side does not follow the first.

Documents stand in circles, each of one language, in the order of a hash of their ids, and each draws how far on its
partner stands: any other document of its circle, as often. Which circle that is says the same hash, and how many a
language has the number of its documents: no pair depends on the shards, or on the order in them. A language with one
document has no partner.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from xlcorpus.dataset.columns import batch_of, parts_by, text_or_empty
from xlcorpus.dataset.dataset import Shard, read_batches
from xlcorpus.dataset.record import Done
from xlcorpus.dataset.spills import Spills, read_spills
from xlcorpus.dataset.storage import Location
from xlcorpus.dataset.tally import count_values
from xlcorpus.generate.draws import states
from xlcorpus.generate.options import GenerateOptions
from xlcorpus.generate.pairs import purpose_of, sources
from xlcorpus.generate.spans import follows, offers
from xlcorpus.text.draws import below, draw_keys, id_halves, scaled
from xlcorpus.text.hashes import digests
from xlcorpus.text.ragged import begins_of, offsets_of

COLUMNS = ("doc_id", "text", "lang", "mix_epoch")
_FURTHER = 9  # the number of a state that says how far on the partner stands
_MOST = 1 << 16  # documents of a circle, about: what a worker holds
_OFFERED = pa.schema(
    [
        ("doc_id", pa.binary(16)),
        ("mix_epoch", pa.int32()),
        ("circle", pa.int64()),
        ("shard", pa.int64()),
        ("row", pa.int64()),
        ("text", pa.large_string()),
    ]
)
_MET = pa.schema([("copy", pa.int64()), ("row", pa.int64()), ("text", pa.large_string())])


@dataclass(frozen=True)
class Languages:
    """The record of a shard: documents of each language."""

    documents: dict[str, int]


@dataclass(frozen=True)
class CountLanguages:
    """Documents of each language."""

    def __call__(self, number: int, shard: Shard) -> Languages:
        """Reads one column."""
        counted = Counter[str]()
        for batch in read_batches(shard, ["lang"]):
            counted.update(count_values(text_or_empty(batch, "lang")))
        return Languages(dict(counted))


@dataclass(frozen=True)
class Circles:
    """The circles of all languages. documents: of each language, in the order of their names; most: of a circle."""

    documents: dict[str, int]
    most: int

    @classmethod
    def of(cls, counted: Sequence[Languages]) -> Circles:
        """Of the records of all shards."""
        total = sum((Counter(one.documents) for one in counted), Counter[str]())
        return cls(dict(sorted(total.items())), _MOST)

    @cached_property
    def _first(self) -> np.ndarray:
        """int64[languages + 1]: the first circle of each."""
        return offsets_of(-(-np.array([*self.documents.values()], dtype=np.int64) // self.most))

    @cached_property
    def workers(self) -> np.ndarray:
        """int64[circles]: the task that each belongs to, from 0 on: as many circles as have `most` documents."""
        counts = np.diff(self._first)
        sizes = np.repeat(np.array([*self.documents.values()], dtype=np.float64) / np.maximum(counts, 1), counts)
        before = np.cumsum(sizes) - sizes
        return np.unique(before // self.most, return_inverse=True)[1].reshape(-1)

    def of_documents(self, langs: pa.Array, keys: np.ndarray) -> np.ndarray:
        """int64[n]: the circle of documents. langs: string[n]; keys: uint64[n], hashes of their ids."""
        encoded = langs.dictionary_encode()
        place = {name: number for number, name in enumerate(self.documents)}
        number = np.array([place[name] for name in encoded.dictionary.to_pylist()], dtype=np.int64)
        lang = number[encoded.indices.to_numpy()] if len(langs) else np.zeros(0, dtype=np.int64)
        return self._first[lang] + scaled(keys, np.diff(self._first)[lang])


@dataclass(frozen=True)
class OfferShard:
    """What each document of a shard that has a sentence offers to others, on its way to its circle."""

    folder: Location
    circles: Circles
    options: GenerateOptions
    seed: int

    def __call__(self, number: int, shard: Shard) -> Done:
        """Leaves spill files."""
        spills = Spills(self.folder, number)
        for worker, offered in self._offered(number, read_batches(shard, [c for c in COLUMNS if c in shard.columns])):
            spills.add(worker, offered)
        spills.flush()
        return Done()

    def _offered(self, number: int, batches: Iterator[pa.RecordBatch]) -> Iterator[tuple[int, pa.RecordBatch]]:
        purpose, begin = purpose_of(self.options, self.seed), 0
        for batch in batches:
            ids = id_halves(batch.column("doc_id"))
            drawn = draw_keys(ids, f"{purpose}/offer", np.zeros(len(ids), dtype=np.uint64))
            circle = self.circles.of_documents(text_or_empty(batch, "lang"), draw_keys(ids, f"{purpose}/circle"))
            columns = {name: batch.column(name) for name in ("doc_id", "mix_epoch") if name in batch.schema.names}
            for start, source in sources(batch, self.options):
                here = slice(start, start + len(source))
                texts = offers(source, drawn[here], self.options)
                made = {
                    **{name: column[here] for name, column in columns.items()},
                    "circle": pa.array(circle[here]),
                    "shard": pa.array(np.full(len(source), number)),
                    "row": pa.array(np.arange(begin + here.start, begin + here.stop)),
                    "text": texts.cast(pa.large_string()),
                }
                some = batch_of(_OFFERED, made, len(source)).filter(texts.is_valid())
                yield from parts_by(self.circles.workers[some.column("circle").to_numpy()], some)
            begin += batch.num_rows


@dataclass(frozen=True)
class MeetOthers:
    """What the partner of each document of some circles offers it, on its way to the document's shard."""

    offered: Location
    met: Location
    options: GenerateOptions
    seed: int

    def __call__(self, number: int, nothing: None) -> Done:
        """Leaves spill files."""
        spills, parts = Spills(self.met, number), read_spills(self.offered, number)
        if parts:
            offered, purpose = pa.concat_batches(parts), purpose_of(self.options, self.seed)
            others, shards = Others.of(offered, purpose), offered.column("shard").to_numpy()
            for copy in range(self.options.copies):
                drawn = states(offered, purpose, copy)
                rows = np.flatnonzero(~follows(drawn, self.options))
                texts = others.partners(rows, drawn[rows])
                columns = [pa.array(np.full(len(rows), copy)), offered.column("row").take(pa.array(rows)), texts]
                met = pa.RecordBatch.from_arrays(columns, schema=_MET).filter(texts.is_valid())
                for shard, some in parts_by(shards[rows][texts.is_valid().to_numpy(zero_copy_only=False)], met):
                    spills.add(shard, some)
        spills.flush()
        return Done()


@dataclass(frozen=True)
class Others:
    """The documents of some circles.

    texts: large_string[n], what each offers, once, circle by circle; place: int64[rows], where each row's document
    stands; begins, sizes: int64[n], the circle of each.
    """

    texts: pa.Array
    place: np.ndarray
    begins: np.ndarray
    sizes: np.ndarray

    @classmethod
    def of(cls, offered: pa.RecordBatch, purpose: str) -> Others:
        """From rows of doc_id, circle and text, in any order."""
        ids, circle = id_halves(offered.column("doc_id")), offered.column("circle").to_numpy()
        # Should two texts have one id, no order of the input says which one stands for it.
        text = np.frombuffer(digests(offered.column("text")), dtype=np.uint64)[::2]
        order = np.lexsort((text, ids[:, 1], ids[:, 0], draw_keys(ids, f"{purpose}/circle"), circle))
        first = begins_of(circle[order]) | begins_of(ids[order][:, 0]) | begins_of(ids[order][:, 1])
        place = np.empty(len(order), dtype=np.int64)
        place[order] = np.cumsum(first) - 1
        heads = order[first]
        begins = np.flatnonzero(begins_of(circle[heads]))
        sizes = np.diff(np.append(begins, len(heads)))
        texts = offered.column("text").take(pa.array(heads))
        return cls(texts, place, np.repeat(begins, sizes), np.repeat(sizes, sizes))

    def partners(self, rows: np.ndarray, drawn: np.ndarray) -> pa.Array:
        """large_string[n]: what the partner of each row (int64[n]) offers; null where it has none."""
        here = self.place[rows]
        begin, size = self.begins[here], self.sizes[here]
        partner = begin + (here - begin + 1 + below(drawn, _FURTHER, size - 1)) % size
        return self.texts.take(pa.array(partner, mask=size == 1))


@dataclass(frozen=True)
class Met:
    """What documents of a shard have met. keys: int64[n], copy and row, ascending; texts: large_string[n]."""

    keys: np.ndarray
    texts: pa.Array

    @classmethod
    def of(cls, folder: Location, number: int) -> Met:
        """What has come to shard `number`."""
        met = pa.Table.from_batches(read_spills(folder, number), _MET).combine_chunks()
        keys = _keys(met["copy"].to_numpy(), met["row"].to_numpy())
        order = np.argsort(keys)
        return cls(keys[order], met["text"].combine_chunks().take(pa.array(order)))

    def offered(self, rows: np.ndarray, copy: int) -> pa.Array:
        """string[n]: what these rows (int64[n]) are given for a copy; null where that is nothing."""
        wanted = _keys(np.full(len(rows), copy), rows)
        at = np.searchsorted(self.keys, wanted)
        none = np.append(self.keys, -1)[at] != wanted
        return self.texts.take(pa.array(at, mask=none)).cast(pa.string())


def _keys(copies: np.ndarray, rows: np.ndarray) -> np.ndarray:
    return (copies << 32) | rows
