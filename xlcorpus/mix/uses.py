"""Which texts the mix uses: packed by cell, drawn cell by cell, and written beside the shard they come from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset import storage
from xlcorpus.dataset.beside import read_beside, write_beside
from xlcorpus.dataset.columns import append_columns
from xlcorpus.dataset.storage import Location
from xlcorpus.mix.allocate import CellPlan
from xlcorpus.mix.census import census_file, key_of
from xlcorpus.mix.draw import draw_cell
from xlcorpus.text.draws import id_halves

SIDES = ("src_units", "tgt_units")
_SHUFFLED = ("doc_id", "text_key", "units", "dup_size", *SIDES, "row", "variant")


def uses_file(folder: Location, number: int) -> Location:
    """Uses of the documents of shard `number`."""
    return folder / f"{number:05d}.uses.arrow"


@dataclass(frozen=True)
class PackTexts:
    """The texts of a shard by cell, packed for the shuffle: ids, units, shard and row; never text."""

    folder: Location
    cells: tuple[str, ...]  # keys, in the order of the plan

    @classmethod
    def of(cls, folder: Location, plan: Iterable[CellPlan]) -> PackTexts:
        """By the cells of a plan."""
        return cls(folder, tuple(key_of(item.cell) for item in plan))

    def __call__(self, number: int) -> Iterator[tuple[int, pa.RecordBatch]]:
        """(number of the cell in the plan, batch of doc_id, units, sizes, row, variant, shard)."""
        file = census_file(self.folder, number)
        if not storage.is_file(file):
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
class DrawCell:
    """Draw the texts of one cell (`draw_cell`)."""

    plan: tuple[CellPlan, ...]
    seed: int

    def __call__(self, group: tuple[int, Iterable[pa.RecordBatch]]) -> Iterator[tuple[int, pa.RecordBatch]]:
        """(shard, batch of row, variant, cell, epoch, place and units): one row a use."""
        number, parts = group[0], pa.concat_batches(list(group[1]))
        item = self.plan[number]
        if not item.budget:
            return
        # In a fixed order, for code-switched rows of one document, wherever they stand: their uses have equal keys.
        order = [(name, "ascending") for name in ("text_key", "shard", "row")]
        parts = parts.take(pc.sort_indices(parts, sort_keys=order))
        repeats = None
        if item.rehydration is not None:
            repeats = item.rehydration.repeats(item.cell.lang, parts.column("dup_size").to_numpy())
        ids, units = id_halves(parts.column("doc_id")), parts.column("units").to_numpy()
        drawn = draw_cell(ids, units, item.budget, self.seed, repeats, nearest=item.nearest)
        taken = parts.take(pa.array(drawn.index))
        cell = pa.repeat(pa.scalar(number, pa.int32()), len(drawn.index))
        facts = pa.RecordBatch.from_arrays(
            [cell, pa.array(drawn.epoch), pa.array(drawn.place)], names=["cell", "epoch", "place"]
        )
        uses = append_columns(taken.select(["row", "variant", "units", *SIDES]), facts)
        shards = taken.column("shard").to_numpy()
        for shard in np.unique(shards):
            yield int(shard), uses.filter(pa.array(shards == shard))


@dataclass(frozen=True)
class WriteUses:
    """Write the uses of the texts of one shard."""

    folder: Location

    def __call__(self, group: tuple[int, Iterable[pa.RecordBatch]]) -> list[int]:
        """group: the shard and its uses, in any order. Nothing is written for a shard without uses."""
        number, parts = group[0], list(group[1])
        if parts:
            together = pa.concat_batches(parts)
            keys = [("row", "ascending"), ("variant", "ascending"), ("epoch", "ascending")]
            write_beside(uses_file(self.folder, number), together.take(pc.sort_indices(together, sort_keys=keys)))
        return [number]
