"""Scatter the chosen texts of an input shard to the output shards; decide on the rows that are left."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset import storage
from xlcorpus.dataset.beside import read_beside
from xlcorpus.dataset.columns import append_columns
from xlcorpus.dataset.dataset import Shard, read_batches
from xlcorpus.dataset.decisions import DECISION, decide, empty
from xlcorpus.dataset.kinds import DOCUMENT
from xlcorpus.dataset.result import Result
from xlcorpus.dataset.spills import SPILL_BYTES, Spills
from xlcorpus.dataset.storage import Location
from xlcorpus.dataset.united import conform
from xlcorpus.mix.allocate import CellPlan
from xlcorpus.mix.census import census_file, key_of
from xlcorpus.mix.mixed_rows import Form, mixed_rows
from xlcorpus.mix.texts import ORIGINAL
from xlcorpus.mix.uses import SIDES, uses_file

PLACED = ("__place", "__cell", "__src_units", "__tgt_units")  # columns that the texts have on their way

Take = Callable[[int, pa.RecordBatch], None]  # takes texts for an output shard


@dataclass(frozen=True)
class Scatter:
    """The chosen texts of a shard for each output shard; decisions on the others.

    schema: the output's columns; those that a shard lacks are null. plan: of all cells; targets: output shards; form:
    of the rows.
    """

    folder: Location
    schema: pa.Schema
    plan: tuple[CellPlan, ...]
    targets: int
    template: str
    form: Form
    keep_text: bool = False

    def __call__(self, number: int, shard: Shard, take: Take) -> Iterator[Result]:
        """What became of the rows, batch by batch; `take` is given the texts, in any order: they carry their place."""
        file = uses_file(self.folder, number)
        uses = read_beside(file) if storage.is_file(file) else None
        rows_used = uses.column("row").to_numpy() if uses is not None else np.zeros(0, dtype=np.int64)
        unnamed = self._unnamed(number)
        start = 0
        for batch in read_batches(shard):
            first, last = np.searchsorted(rows_used, [start, start + batch.num_rows])
            gone = np.ones(batch.num_rows, dtype=bool)
            if uses is not None and last > first:
                here = uses.slice(first, last - first)
                gone[rows_used[first:last] - start] = False
                for target, texts in self._texts(batch, here, start, shard.schema):
                    take(target, texts)
            decisions = None
            if gone.any():
                left = unnamed[start : start + batch.num_rows][gone]
                reasons = pc.if_else(pa.array(left), "not_in_mix", "over_budget")
                described = _described(batch, pa.array(gone), shard.schema, keep_text=self.keep_text)
                decisions = decide(described, "mix", reasons, keep_text=self.keep_text)
            repeated = int(last - first - (~gone).sum())
            yield Result(empty(self.schema), decisions, rows_in=batch.num_rows, repeated=repeated)
            start += batch.num_rows

    def to_files(self, number: int, shard: Shard) -> Iterator[Result]:
        """The same with the texts in spill files: no more than SPILL_BYTES in memory, however often they are used."""
        spills = Spills(self.folder, number, SPILL_BYTES)
        yield from self(number, shard, spills.add)
        spills.flush()

    def _unnamed(self, number: int) -> np.ndarray:
        """bool[rows]: no text of the row is in a cell that the mix takes."""
        file = census_file(self.folder, number)
        if not storage.is_file(file):
            return np.zeros(0, dtype=bool)
        counted = read_beside(file)
        cell = counted.column("cell")
        planned = {key_of(item.cell) for item in self.plan if item.path}
        taken = np.array([key in planned for key in cell.dictionary.to_pylist()], dtype=bool)
        rows = counted.column("row").to_numpy()
        named = np.zeros(int(rows.max(initial=-1)) + 1, dtype=bool)
        named[rows[taken[cell.indices.to_numpy(zero_copy_only=False)]]] = True
        return ~named

    def _texts(
        self, batch: pa.RecordBatch, uses: pa.RecordBatch, start: int, schema: str
    ) -> Iterator[tuple[int, pa.RecordBatch]]:
        variants = uses.column("variant").to_numpy()
        for variant in np.unique(variants).tolist():
            facts = uses.filter(pa.array(variants == variant))
            target = np.minimum((facts.column("place").to_numpy() * self.targets).astype(np.int64), self.targets - 1)
            # By output shard, so that texts are copied once and cut without copying.
            order = np.argsort(target, kind="stable")
            facts, target = facts.take(pa.array(order)), target[order]
            rows = batch.take(pa.array(facts.column("row").to_numpy() - start))
            extra = pa.RecordBatch.from_arrays(
                [
                    pa.DictionaryArray.from_arrays(facts.column("cell"), self._names).cast(pa.string()),
                    facts.column("epoch"),
                    facts.column("units"),
                    facts.column("place"),
                    facts.column("cell"),
                    *(facts.column(name) for name in SIDES),
                ],
                names=["mix_class", "mix_epoch", "mix_units", *PLACED],
            )
            mixed = mixed_rows(rows, schema, variant, self.template, self.form)
            together = append_columns(conform(mixed, self.schema), extra)
            cuts = [*np.flatnonzero(np.append(True, target[1:] != target[:-1])).tolist(), len(target)]
            for first, last in itertools.pairwise(cuts):
                yield int(target[first]), together.slice(first, last - first)

    @functools.cached_property
    def _names(self) -> pa.Array:
        """string[cells]: what the column mix_class says."""
        return pa.array([item.name for item in self.plan], pa.string())


def _described(batch: pa.RecordBatch, rows: pa.Array, schema: str, *, keep_text: bool) -> pa.RecordBatch:
    """The rows (bool) with the columns that decisions want; texts are copied only where they are kept."""
    if schema == DOCUMENT:
        wanted = ("doc_id", "lang", "origin", *(("text",) if keep_text else ()))
        return batch.select([name for name in wanted if name in batch.schema.names]).filter(rows)
    if "origin" not in batch.schema.names:  # of views
        batch = batch.append_column("origin", pa.nulls(batch.num_rows, DECISION.field("origin").type))
    return mixed_rows(batch.filter(rows), schema, ORIGINAL, "{src}\t{tgt}")
