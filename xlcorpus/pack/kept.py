"""The columns that packs keep of their documents: laid aside by row, and put beside the packs that the rows are in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset import storage
from xlcorpus.dataset.beside import read_each, write_each
from xlcorpus.dataset.dataset import Shard, read_batches, shard_fields
from xlcorpus.dataset.kept import ROW, Kept, beside, cuts_of, weights_of
from xlcorpus.dataset.storage import Location
from xlcorpus.text.ragged import offsets_of


def packed_schema(packs: pa.Schema, kept: pa.Schema, *, one: bool) -> pa.Schema:
    """The columns of packs that keep these columns: lists, a value a part; one: as they are, of the one document."""
    listed = (field if one else pa.field(field.name, pa.list_(field.type)) for field in kept)
    return pa.schema([*(field for field in packs if field.name != ROW), *listed])


@dataclass(frozen=True)
class KeptValues:
    """The kept columns of the rows of a shard, mapped from a file: no more of them is in memory than packs are made of,
    however long documents wait for a pack. starts: int64[batches + 1]; weights: int64[rows]."""

    schema: pa.Schema
    batches: tuple[pa.RecordBatch, ...]
    starts: np.ndarray
    weights: np.ndarray

    @classmethod
    def laid_aside(cls, kept: Kept, shard: Shard, file: Location) -> KeptValues:
        """Read the columns of a shard, and lay them aside; raises UserError for one that is not there."""
        schema = kept.schema(shard_fields(shard))
        write_each(file, schema, (kept.of(batch) for batch in read_batches(shard, kept.wanted)))
        batches = tuple(read_each(file))
        storage.remove(file)  # what is mapped stays until it is let go
        weights = [weights_of(batch) for batch in batches]
        sizes = np.array([len(one) for one in weights], dtype=np.int64)
        return cls(schema, batches, offsets_of(sizes), np.concatenate([np.zeros(0, dtype=np.int64), *weights]))

    def take(self, rows: np.ndarray) -> pa.RecordBatch:
        """The values of these rows, in this order; rows: int64[n]."""
        of = np.searchsorted(self.starts, rows, side="right") - 1
        order = np.argsort(of, kind="stable")
        found, at = np.unique(of[order], return_index=True)
        parts = [
            self.batches[number].take(pa.array(rows[order][start:stop] - self.starts[number]))
            for number, start, stop in zip(found.tolist(), at.tolist(), [*at[1:].tolist(), len(rows)], strict=True)
        ]
        if not parts:
            return pa.RecordBatch.from_arrays([pa.nulls(0, field.type) for field in self.schema], schema=self.schema)
        taken = pa.concat_batches(parts) if len(parts) > 1 else parts[0]
        if len(parts) == 1 or (order[1:] > order[:-1]).all():
            return taken
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        return taken.take(pa.array(place))

    def beside(self, packs: pa.RecordBatch, *, one: bool) -> Iterator[pa.RecordBatch]:
        """Packs with the kept values of their parts in the place of `ROW`, in batches of at most 16 MB of them."""
        lists = packs.column(ROW)
        rows = pc.list_flatten(lists).to_numpy()
        at = offsets_of(pc.list_value_length(lists).to_numpy(zero_copy_only=False).astype(np.int64))
        sums = offsets_of(self.weights[rows])
        plain = packs.drop_columns([ROW])
        for start, stop in cuts_of(np.diff(sums[at])):
            taken = self.take(rows[at[start] : at[stop]])
            offsets = pa.array((at[start : stop + 1] - at[start]).astype(np.int32))
            columns = taken.columns if one else [pa.ListArray.from_arrays(offsets, column) for column in taken.columns]
            made = pa.RecordBatch.from_arrays(columns, names=taken.schema.names)
            yield beside(plain.slice(start, stop - start), made)
