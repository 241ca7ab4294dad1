"""The passes of mix over files, after the count: choose over all shards, scatter the texts, gather each new shard."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.beside import read_beside, read_each, write_beside
from xlcorpus.dataset.columns import append_columns
from xlcorpus.dataset.dataset import read_batches
from xlcorpus.dataset.decisions import decide
from xlcorpus.dataset.storage import write_arrow
from xlcorpus.errors import UserError
from xlcorpus.mix.allocate import CellPlan
from xlcorpus.mix.choose import choose
from xlcorpus.mix.count import count_file, key_of
from xlcorpus.mix.rows import DOCUMENT, mixed_rows, mixed_schema

_SHUFFLED = ("doc_id", "units", "dup_size", "src_units", "tgt_units", "row", "view")
_SIDES = ("src_units", "tgt_units")
SPILL_BYTES = 128 << 20  # of texts that a worker holds before it writes them to spill files
_SMALL_BYTES = 64 << 10  # pieces smaller than this are put together: a batch in a spill file has a head of a kilobyte


def uses_file(folder: Path, number: int) -> Path:
    """Uses of the documents of shard `number`."""
    return folder / f"{number:05d}.uses.arrow"


def spill_file(folder: Path, target: int, source: int, run: int = 0) -> Path:
    """Documents on their way from input shard `source` to output shard `target`, in one or more runs."""
    return folder / f"{target:05d}" / f"{source:05d}-{run:05d}.arrow"


@dataclass(frozen=True)
class PackCounts:
    """Pass 2a: the texts of a shard by cell, packed for the shuffle: ids, units, shard and row; never text."""

    folder: Path
    cells: tuple[str, ...]  # keys, in the order of the plan

    def __call__(self, number: int) -> Iterator[tuple[int, pa.RecordBatch]]:
        """(number of the cell in the plan, batch of doc_id, units, sizes, row, view, shard)."""
        file = count_file(self.folder, number)
        if not file.is_file():
            return
        counted = read_beside(file)
        cell = counted.column("cell")
        codes = cell.indices.to_numpy(zero_copy_only=False)
        place = {key: at for at, key in enumerate(self.cells)}
        for code, key in enumerate(cell.dictionary.to_pylist()):
            rows = pa.array(np.flatnonzero(codes == code))
            if key not in place or not len(rows):
                continue
            taken = counted.select(list(_SHUFFLED)).take(rows)
            shard = pa.repeat(pa.scalar(number, pa.int64()), len(rows))
            yield place[key], append_columns(taken, pa.RecordBatch.from_arrays([shard], names=["shard"]))


@dataclass(frozen=True)
class ChooseCell:
    """Pass 2b: draw the texts of one cell."""

    plan: tuple[CellPlan, ...]
    seed: int

    def __call__(self, group: tuple[int, Iterable[pa.RecordBatch]]) -> Iterator[tuple[int, pa.RecordBatch]]:
        """(shard, batch of row, view, class, epoch, place and units): one row a use."""
        number, parts = group[0], pa.concat_batches(list(group[1]))
        item = self.plan[number]
        if not item.budget:
            return
        # In a fixed order, for a document that two inputs hold: its uses have equal keys.
        parts = parts.take(pc.sort_indices(parts, sort_keys=[("shard", "ascending"), ("row", "ascending")]))
        ids = np.frombuffer(parts.column("doc_id").buffers()[1], dtype=np.uint64).reshape(-1, 2)[: parts.num_rows]
        units = parts.column("units").to_numpy()
        repeats = None
        if item.rehydration is not None:
            repeats = item.rehydration.repeats(item.cell.lang, parts.column("dup_size").to_numpy())
        chosen = choose(ids, units, item.budget, self.seed, repeats)
        taken = parts.take(pa.array(chosen.index))
        facts = pa.RecordBatch.from_arrays(
            [
                pa.repeat(pa.scalar(number, pa.int32()), len(chosen.index)),
                pa.array(chosen.epoch),
                pa.array(chosen.place),
            ],
            names=["class", "epoch", "place"],
        )
        uses = append_columns(taken.select(["row", "view", "units", *_SIDES]), facts)
        shards = taken.column("shard").to_numpy()
        for shard in np.unique(shards):
            yield int(shard), uses.filter(pa.array(shards == shard))


@dataclass(frozen=True)
class WriteUses:
    """Pass 2c: write the uses of the texts of one shard."""

    folder: Path

    def __call__(self, number: int, uses: Iterable[pa.RecordBatch]) -> None:
        """Nothing is written for a shard without uses."""
        parts = list(uses)
        if parts:
            together = pa.concat_batches(parts)
            keys = [("row", "ascending"), ("view", "ascending"), ("epoch", "ascending")]
            write_beside(uses_file(self.folder, number), together.take(pc.sort_indices(together, sort_keys=keys)))


@dataclass(frozen=True)
class Scattered:
    """What became of the rows of one input shard: how many are used, all uses, and decisions for the others."""

    rows: int
    used: int
    uses: int
    decisions: list[pa.RecordBatch]


@dataclass(frozen=True)
class Scatter:
    """Pass 3: the chosen texts of a shard for each output shard; decisions on the others.

    schema: the output's columns; those that a shard lacks are null. plan: of all cells; targets: output shards.
    """

    folder: Path
    schema: pa.Schema
    plan: tuple[CellPlan, ...]
    targets: int
    template: str
    keep_text: bool = False

    def __call__(self, number: int, path: Path, kind: str) -> tuple[Scattered, dict[int, pa.RecordBatch]]:
        """kind: name of the shard's schema. The texts are in any order: they carry their place."""
        pieces: dict[int, list[pa.RecordBatch]] = {}
        scattered = self._scatter(number, path, kind, lambda target, texts: pieces.setdefault(target, []).append(texts))
        return scattered, {target: pa.concat_batches(pieces.pop(target)) for target in sorted(pieces)}

    def spill(self, number: int, path: Path, kind: str) -> Scattered:
        """The same with the texts in spill files: no more than SPILL_BYTES in memory, however often they are used."""
        spills = Spills(self.folder, number, SPILL_BYTES)
        scattered = self._scatter(number, path, kind, spills.add)
        spills.flush()
        return scattered

    def _scatter(self, number: int, path: Path, kind: str, add: Callable[[int, pa.RecordBatch], None]) -> Scattered:
        """Hand the texts to `add`, with their output shard, piece by piece."""
        file = uses_file(self.folder, number)
        uses = read_beside(file) if file.is_file() else None
        rows_used = uses.column("row").to_numpy() if uses is not None else np.zeros(0, dtype=np.int64)
        unnamed = self._unnamed(number)
        decisions, start, used = [], 0, 0
        for batch in read_batches(path):
            first, last = np.searchsorted(rows_used, [start, start + batch.num_rows])
            gone = np.ones(batch.num_rows, dtype=bool)
            if uses is not None and last > first:
                here = uses.slice(first, last - first)
                gone[rows_used[first:last] - start] = False
                for target, texts in self._texts(batch, here, start, kind):
                    add(target, texts)
            used += int((~gone).sum())
            if gone.any():
                left = unnamed[start : start + batch.num_rows][gone]
                reasons = pc.if_else(pa.array(left), "not_in_mix", "over_budget")
                described = _described(batch, pa.array(gone), kind, keep_text=self.keep_text)
                decisions.append(decide(described, "mix", reasons, keep_text=self.keep_text))
            start += batch.num_rows
        return Scattered(start, used, len(rows_used), decisions)

    def _unnamed(self, number: int) -> np.ndarray:
        """bool[rows]: no text of the row is in a cell that the mix takes."""
        file = count_file(self.folder, number)
        if not file.is_file():
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
        self, batch: pa.RecordBatch, uses: pa.RecordBatch, start: int, kind: str
    ) -> Iterator[tuple[int, pa.RecordBatch]]:
        views = uses.column("view").to_numpy()
        for view in np.unique(views).tolist():
            facts = uses.filter(pa.array(views == view))
            target = np.minimum((facts.column("place").to_numpy() * self.targets).astype(np.int64), self.targets - 1)
            # By output shard, so that texts are copied once and cut without copying.
            order = np.argsort(target, kind="stable")
            facts, target = facts.take(pa.array(order)), target[order]
            rows = batch.take(pa.array(facts.column("row").to_numpy() - start))
            extra = pa.RecordBatch.from_arrays(
                [
                    pa.DictionaryArray.from_arrays(facts.column("class"), self._names).cast(pa.string()),
                    facts.column("epoch"),
                    facts.column("units"),
                    facts.column("place"),
                    facts.column("class"),
                    *(facts.column(name) for name in _SIDES),
                ],
                names=["mix_class", "mix_epoch", "mix_units", *_PLACED],
            )
            together = append_columns(conform(mixed_rows(rows, kind, view, self.template), self.schema), extra)
            cuts = [*np.flatnonzero(np.append(True, target[1:] != target[:-1])).tolist(), len(target)]
            for first, last in itertools.pairwise(cuts):
                yield int(target[first]), together.slice(first, last - first)

    @functools.cached_property
    def _names(self) -> pa.Array:
        """string[cells]: what the column mix_class says."""
        return pa.array([item.name for item in self.plan], pa.string())


_PLACED = ("__place", "__class", "__src_units", "__tgt_units")


def _described(batch: pa.RecordBatch, rows: pa.Array, kind: str, *, keep_text: bool) -> pa.RecordBatch:
    """The rows (bool) with the columns that decisions want; texts are copied only where they are kept."""
    if kind == DOCUMENT:
        wanted = ("doc_id", "lang", "origin", *(("text",) if keep_text else ()))
        return batch.select([name for name in wanted if name in batch.schema.names]).filter(rows)
    return mixed_rows(batch.filter(rows), kind, 0, "{src}\t{tgt}")


class Spills:
    """Texts of one input shard on their way to spill files, which are written whenever there are `most_bytes`."""

    def __init__(self, folder: Path, number: int, most_bytes: int) -> None:
        self._folder, self._number, self._most_bytes = folder, number, most_bytes
        self._parts: dict[int, list[pa.RecordBatch]] = {}
        self._bytes = self._run = 0

    def add(self, target: int, texts: pa.RecordBatch) -> None:
        """Texts for one output shard."""
        self._parts.setdefault(target, []).append(texts)
        self._bytes += texts.nbytes
        if self._bytes >= self._most_bytes:
            self.flush()

    def flush(self) -> None:
        """Write what is held, a file for each output shard; no file stays open, however many there are."""
        for target, parts in self._parts.items():
            if sum(part.nbytes for part in parts) < _SMALL_BYTES * len(parts):
                parts = [pa.concat_batches(parts)]
            write_arrow(spill_file(self._folder, target, self._number, self._run), parts[0].schema, parts)
        self._parts, self._bytes = {}, 0
        self._run += 1


def read_spills(folder: Path, target: int) -> list[pa.RecordBatch]:
    """The texts on their way to output shard `target`."""
    return [batch for file in sorted((folder / f"{target:05d}").glob("*.arrow")) for batch in read_each(file)]


@dataclass(frozen=True)
class Gathered:
    """One output shard, and by cell (its name) the units, texts, and units of both sides of pairs."""

    documents: pa.RecordBatch
    cells: dict[str, list[int]]


def gather(parts: Sequence[pa.RecordBatch], schema: pa.Schema) -> Gathered:
    """Pass 4: the texts of one output shard in the order of the mixture (columns of `schema` and mix_*)."""
    columns = pa.schema([*schema, *MIX_FIELDS])
    if not parts:
        return Gathered(pa.RecordBatch.from_arrays([pa.array([], field.type) for field in columns], schema=columns), {})
    together = pa.concat_batches(list(parts))
    keys = [("__place", "ascending"), ("__class", "ascending"), ("__doc_id", "ascending"), ("mix_epoch", "ascending")]
    ids = pc.cast(together.column("doc_id"), pa.binary())
    keyed = append_columns(together, pa.RecordBatch.from_arrays([ids], names=["__doc_id"]))
    order = pc.sort_indices(keyed.select([name for name, _ in keys]), sort_keys=keys)
    documents: pa.RecordBatch = together.select(columns.names).take(order)
    summed = pa.Table.from_batches([together.select(["mix_class", "mix_units", *_PLACED[2:]])]).group_by("mix_class")
    wanted = [("mix_units", "sum"), ([], "count_all"), *((name, "sum") for name in _PLACED[2:])]
    cells = {
        row["mix_class"]: [row["mix_units_sum"], row["count_all"], *(row[f"{name}_sum"] for name in _PLACED[2:])]
        for row in summed.aggregate(wanted).to_pylist()
    }
    return Gathered(pa.RecordBatch.from_arrays(documents.columns, schema=columns), cells)


def add_sums(names: Sequence[str], parts: Sequence[Mapping[str, Sequence[int]]]) -> dict[str, tuple[int, ...]]:
    """Sums of `Gathered.cells` over all output shards, for every name."""
    none = (0, 0, 0, 0)
    return {name: tuple(map(sum, zip(none, *(part.get(name, none) for part in parts), strict=True))) for name in names}


MIX_FIELDS = (
    pa.field("mix_class", pa.string()),
    pa.field("mix_epoch", pa.int32()),
    pa.field("mix_units", pa.int64()),
)


def conform(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """The batch with exactly the columns of `schema`: missing ones are null, their order is the schema's."""
    columns = [
        batch.column(field.name)
        if batch.schema.get_field_index(field.name) >= 0
        else pa.nulls(batch.num_rows, field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def unite_schemas(schemas: Sequence[tuple[str, str, pa.Schema]]) -> pa.Schema:
    """All columns of the rows of several datasets (name, name of the schema, columns) as they go into a mix.

    In order of first appearance, doc_id and text first, without earlier mix_* columns.

    Raises UserError naming both datasets where a column has two types.
    """
    fields: dict[str, tuple[str, pa.Field]] = {}
    ours = {field.name for field in MIX_FIELDS}
    for where, kind, schema in schemas:
        for field in mixed_schema(kind, schema):
            if field.name in ours:
                continue
            known = fields.setdefault(field.name, (where, field))
            if known[1].type != field.type:
                raise UserError(
                    f"column {field.name!r} is {known[1].type} in {known[0]} and {field.type} in {where}",
                    remedy="rename or convert the column in one of the datasets before mixing them",
                )
    found = [field for _, field in fields.values()]
    first = ("doc_id", "text", "lang", "kind")
    found.sort(key=lambda field: first.index(field.name) if field.name in first else len(first))
    # Nulls stand where a dataset lacks a column, even one that another dataset says is never null.
    return pa.schema([field.remove_metadata().with_nullable(True) for field in found])
