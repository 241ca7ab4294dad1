"""Vectors of sentences in files, block by block, and the nearest ones of the other side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from scipy import sparse

from xlcorpus.dataset.beside import read_beside, read_some, write_beside
from xlcorpus.dataset.record import Done
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError
from xlcorpus.mine.embedder import embedder_of
from xlcorpus.mine.near.options import PairsAlignOptions
from xlcorpus.mine.near.sentences import side_file
from xlcorpus.pairs.cosines import Vectors
from xlcorpus.pairs.margin import Near, nearest, nearest_by_faiss

WHOLE = -1  # a block: all of them
_OTHER = {"src": "tgt", "tgt": "src"}


@dataclass(frozen=True)
class Part:
    """A block of a side, and how many blocks each side has."""

    side: str
    block: int
    blocks: dict[str, int]


def counts_file(folder: Location) -> Location:
    """What the embedder counts of all sentences, added up."""
    return folder / "counts.arrow"


@dataclass(frozen=True)
class CountBlock:
    """What the embedder counts of a block, to a file of the task's number."""

    folder: Location
    options: PairsAlignOptions

    def __call__(self, number: int, part: Part) -> Done:
        """Nothing to say."""
        batch = _sentences(self.folder, part)
        counted = embedder_of(self.options).count(batch.column("text"), batch.column("lang"))
        write_beside(self.folder / f"{number}.counts.arrow", pa.RecordBatch.from_pydict({"n": pa.array(counted)}))
        return Done()


def add_counts(folder: Location, tasks: int) -> None:
    """Add up what `CountBlock` counted."""
    total = np.zeros((), dtype=np.int64)
    for number in range(tasks):
        total = total + read_beside(folder / f"{number}.counts.arrow").column("n").to_numpy()
    write_beside(counts_file(folder), pa.RecordBatch.from_pydict({"n": pa.array(np.atleast_1d(total))}))


@dataclass(frozen=True)
class EmbedBlock:
    """The vectors of a block, to a file."""

    folder: Location
    options: PairsAlignOptions

    def __call__(self, number: int, part: Part) -> Done:
        """Nothing to say."""
        batch = _sentences(self.folder, part)
        counts = read_beside(counts_file(self.folder)).column("n").to_numpy()
        made = embedder_of(self.options).embed(batch.column("text"), batch.column("lang"), counts)
        write_beside(_vectors_file(self.folder, part.side, part.block), _as_batch(made))
        return Done()


@dataclass(frozen=True)
class SearchBlock:
    """The nearest sentences of the other side of each of a block, or of a whole side, to a file."""

    folder: Location
    options: PairsAlignOptions

    def __call__(self, number: int, part: Part) -> Done:
        """Nothing to say. Raises UserError of faiss."""
        other = _OTHER[part.side]
        keys = (read_vectors(self.folder, other, block) for block in range(part.blocks[other]))
        if part.block == WHOLE:
            queries = (read_vectors(self.folder, part.side, block) for block in range(part.blocks[part.side]))
            near = nearest_by_faiss(_dense(queries), _dense(keys), self.options.neighbours, self.options.faiss_index)
        else:
            near = nearest(read_vectors(self.folder, part.side, part.block), keys, self.options.neighbours)
        width = near.places.shape[1]
        lists = [pa.FixedSizeListArray.from_arrays(pa.array(one.ravel()), width) for one in (near.places, near.cosines)]
        write_beside(_near_file(self.folder, part), pa.RecordBatch.from_arrays(lists, ["places", "cosines"]))
        return Done()


def read_near(folder: Location, parts: list[Part]) -> Near:
    """What `SearchBlock` found of the parts of a side."""
    batches = [read_beside(_near_file(folder, part)) for part in parts]
    width = batches[0].column("places").type.list_size
    columns = [
        np.concatenate([batch.column(name).flatten().to_numpy() for batch in batches]).reshape(-1, width)
        for name in ("places", "cosines")
    ]
    return Near(*columns)


def read_vectors(folder: Location, side: str, block: int) -> Vectors:
    """float32[n, d] of a block: an array, or a sparse matrix."""
    batch = read_beside(_vectors_file(folder, side, block))
    values = batch.column("values")
    if batch.num_columns == 1:
        return values.flatten().to_numpy().reshape(len(values), -1)
    width = int(batch.schema.metadata[b"width"])
    inner = values.flatten().to_numpy(), batch.column("indices").flatten().to_numpy(), values.offsets.to_numpy()
    return sparse.csr_matrix(inner, shape=(len(values), width))


def _as_batch(vectors: Vectors) -> pa.RecordBatch:
    if not sparse.issparse(vectors):
        flat = pa.array(np.ascontiguousarray(vectors).ravel())
        return pa.RecordBatch.from_arrays([pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1])], ["values"])
    offsets = pa.array(vectors.indptr.astype(np.int32))
    columns = [pa.ListArray.from_arrays(offsets, pa.array(one)) for one in (vectors.data, vectors.indices)]
    batch = pa.RecordBatch.from_arrays(columns, ["values", "indices"])
    return batch.replace_schema_metadata({"width": str(vectors.shape[1])})


def _dense(blocks: Iterator[Vectors]) -> np.ndarray:
    made: list[Any] = list(blocks)
    if any(sparse.issparse(one) for one in made):
        raise UserError("--search faiss takes dense vectors, tfidf makes sparse ones", remedy="--search exact")
    return np.concatenate(made)


def _sentences(folder: Location, part: Part) -> pa.RecordBatch:
    (batch,) = read_some(side_file(folder, part.side), [part.block])
    return batch


def _vectors_file(folder: Location, side: str, block: int) -> Location:
    return folder / f"{side}.{block}.vectors.arrow"


def _near_file(folder: Location, part: Part) -> Location:
    return folder / f"{part.side}.{part.block}.near.arrow"
