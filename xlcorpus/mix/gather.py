"""Gather what came for an output shard: its rows in the order of the mixture, and sums by cell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.columns import append_columns
from xlcorpus.dataset.decisions import empty
from xlcorpus.dataset.record import Written
from xlcorpus.mix.mixed_rows import MIX_FIELDS
from xlcorpus.mix.scatter import PLACED
from xlcorpus.text.ragged import offsets_of

Sums = tuple[int, int, int, int]  # of a cell: units, texts, and units of both sides of pairs
_NOTHING: Sums = (0, 0, 0, 0)
PUT_IN = "\x1f"  # between the name of a cell and a language that its texts were switched into


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
    return pa.RecordBatch.from_arrays(rows.columns, schema=columns), cells | _units_put_in(together)


def _units_put_in(texts: pa.RecordBatch) -> dict[str, Sums]:
    """Of code-switched texts the units put in by cell and language (`put_in_by`); those of several languages in equal
    parts."""
    if "cs_langs" not in texts.schema.names:
        return {}
    langs = texts.column("cs_langs")
    several, row = pc.list_flatten(langs), pc.list_parent_indices(langs).to_numpy(zero_copy_only=False)
    sizes = pc.fill_null(pc.list_value_length(langs), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    units = texts.column(PLACED[3]).to_numpy(zero_copy_only=False).astype(np.int64)[row]
    place = np.arange(len(row)) - offsets_of(sizes)[row]
    part = units * (place + 1) // sizes[row] - units * place // sizes[row]
    names = pc.binary_join_element_wise(texts.column("mix_class").take(pa.array(row)), several, PUT_IN)
    summed = pa.table({"name": names, "units": part}).group_by("name").aggregate([("units", "sum")]).to_pylist()
    return {item["name"]: (0, 0, 0, item["units_sum"]) for item in summed}


def put_in_by(name: str, achieved: Mapping[str, Sums]) -> dict[str, int]:
    """Units that code-switching has put into the texts of a cell, by language."""
    head = name + PUT_IN
    found = {key.removeprefix(head): sums[3] for key, sums in achieved.items() if key.startswith(head)}
    return {lang: units for lang, units in sorted(found.items()) if units}


def add_sums(names: Iterable[str], parts: Sequence[Mapping[str, Sums]]) -> dict[str, Sums]:
    """Sums of all output shards, for every name and for what was put in (`put_in_by`)."""
    total = dict.fromkeys(names, _NOTHING)
    for part in parts:
        for name, more in part.items():
            units, texts, src, tgt = total.get(name, _NOTHING)
            total[name] = (units + more[0], texts + more[1], src + more[2], tgt + more[3])
    return total
