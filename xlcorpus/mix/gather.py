"""Gather what came for an output shard: its rows in the order of the mixture, and sums by cell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.columns import append_columns
from xlcorpus.dataset.decisions import empty
from xlcorpus.dataset.record import Written
from xlcorpus.mix.mixed_rows import MIX_FIELDS
from xlcorpus.mix.scatter import PLACED

Sums = tuple[int, int, int, int]  # of a cell: units, texts, and units of both sides of pairs
_NOTHING: Sums = (0, 0, 0, 0)


@dataclass(frozen=True)
class MixedShard:
    """The record of an output shard: what was written, and sums by cell (its name)."""

    written: Written
    cells: dict[str, Sums]


def gather(parts: Sequence[pa.RecordBatch], schema: pa.Schema) -> tuple[pa.RecordBatch, dict[str, Sums]]:
    """The texts of one output shard in the order of the mixture (columns of `schema` and mix_*), and sums by cell."""
    columns = pa.schema([*schema, *MIX_FIELDS])
    if not parts:
        return empty(columns), {}
    together = pa.concat_batches(list(parts))
    keys = [("__place", "ascending"), ("__cell", "ascending"), ("__doc_id", "ascending"), ("mix_epoch", "ascending")]
    ids = pc.cast(together.column("doc_id"), pa.binary())
    keyed = append_columns(together, pa.RecordBatch.from_arrays([ids], names=["__doc_id"]))
    order = pc.sort_indices(keyed.select([name for name, _ in keys]), sort_keys=keys)
    rows: pa.RecordBatch = together.select(columns.names).take(order)
    summed = pa.Table.from_batches([together.select(["mix_class", "mix_units", *PLACED[2:]])]).group_by("mix_class")
    wanted = [("mix_units", "sum"), ([], "count_all"), *((name, "sum") for name in PLACED[2:])]
    sums = summed.aggregate(wanted).to_pylist()
    cells = {
        row["mix_class"]: (row["mix_units_sum"], row["count_all"], row["__src_units_sum"], row["__tgt_units_sum"])
        for row in sums
    }
    return pa.RecordBatch.from_arrays(rows.columns, schema=columns), cells


def add_sums(names: Iterable[str], parts: Sequence[Mapping[str, Sums]]) -> dict[str, Sums]:
    """Sums of all output shards, for every name."""
    total = dict.fromkeys(names, _NOTHING)
    for part in parts:
        for name, more in part.items():
            units, texts, src, tgt = total[name]
            total[name] = (units + more[0], texts + more[1], src + more[2], tgt + more[3])
    return total
