"""Pass 1 of the mix: what every text of a shard counts for, and how much, written beside the shard."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.beside import write_beside
from xlcorpus.dataset.dataset import read_batches
from xlcorpus.mix.cells import NONE, Cell, merge_cells
from xlcorpus.mix.rows import Texts, columns_read, texts_of, views_of
from xlcorpus.mix.units import count_units, open_counter

_KEY = "\x1f"  # between the parts of a cell's key, which have a space where a name holds it
COUNTS = pa.schema(
    [
        pa.field("row", pa.int64()),
        pa.field("view", pa.int8()),
        pa.field("doc_id", pa.binary(16)),
        pa.field("cell", pa.dictionary(pa.int32(), pa.string())),
        pa.field("units", pa.int64()),
        pa.field("dup_size", pa.int32()),
        pa.field("src_units", pa.int32()),
        pa.field("tgt_units", pa.int32()),
    ]
)


@dataclass(frozen=True)
class Counting:
    """What is counted: the unit, with the tokenizer for `tokens`; the template of pairs; romanised texts; domains, and
    sizes of duplicate clusters, where the mix asks for them."""

    unit: str
    tokenizer: str | None = None
    template: str = ""
    latin: bool = False
    domain: bool = False
    dup_size: bool = False


def count_file(folder: Path, number: int) -> Path:
    """Counts of shard `number`."""
    return folder / f"{number:05d}.counts.arrow"


@dataclass(frozen=True)
class CountShard:
    """Cell and units of every text of a shard (`COUNTS`, in the order of rows); sums by cell in the record."""

    folder: Path
    counting: Counting

    def __call__(self, number: int, content: Mapping[str, Any]) -> dict[str, Any]:
        """Content: path of the shard, its columns and the name of its schema."""
        path, schema, counting = Path(content["path"]), content["schema"], self.counting
        names = content["columns"]
        wanted = columns_read(schema, names, latin=counting.latin, domain=counting.domain, dup_size=counting.dup_size)
        views = views_of(schema, names, latin=counting.latin)
        counter = open_counter(counting.unit, counting.tokenizer)
        parts: list[pa.RecordBatch] = []
        cells: list[Cell] = []
        first = 0
        for batch in read_batches(path, wanted):
            for view in views:
                texts = texts_of(batch, schema, view, counting.template, domain=counting.domain)
                part = _counts(batch, texts, first, view, counter)
                parts.append(part)
                cells += _cells(part, texts, with_sizes=counting.dup_size and "dup_size" in wanted)
            first += batch.num_rows
        if not parts:
            return {"rows_in": 0, "cells": []}
        counted = pa.Table.from_batches(parts).unify_dictionaries().combine_chunks()
        if len(views) > 1:
            counted = counted.sort_by([("row", "ascending"), ("view", "ascending")])
        write_beside(count_file(self.folder, number), counted.to_batches()[0])
        return {
            "rows_in": first,
            "rows_out": first,
            "bytes_in": path.stat().st_size,
            "cells": [[*cell.key, *_sizes(cell)] for cell in merge_cells(cells)],
        }


def _counts(batch: pa.RecordBatch, texts: Texts, first: int, view: int, counter: Any) -> pa.RecordBatch:
    count = len(texts.rows)
    keys = pc.binary_join_element_wise(*map(_part, (texts.source, texts.kind, texts.lang, texts.domain)), _KEY)
    sides = [np.zeros(count, dtype=np.int64)] * 2
    if texts.sides:
        sides = [counter(side) for side in texts.sides]
    at = batch.schema.get_field_index("dup_size")
    sizes = pc.fill_null(batch.column(at).take(texts.rows), 1) if at >= 0 else pa.array(np.ones(count, np.int32))
    columns = [
        pc.add(texts.rows, first),
        pa.repeat(pa.scalar(view, pa.int8()), count),
        batch.column("doc_id").take(texts.rows),
        keys.dictionary_encode(),
        pa.array(counter(texts.text)),
        sizes.cast(pa.int32()),
        *(pa.array(side.astype(np.int32)) for side in sides),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=COUNTS)


def _part(values: pa.Array) -> pa.Array:
    """Values as a part of a key. `none` is how rules name an empty value, so it is one: cells have distinct names."""
    return pc.replace_substring(pc.if_else(pc.equal(values, NONE), "", values), _KEY, " ")


def _cells(part: pa.RecordBatch, texts: Texts, *, with_sizes: bool) -> Iterable[Cell]:
    """What a batch adds to each cell."""
    cell = part.column("cell")
    codes = cell.indices.to_numpy(zero_copy_only=False)
    units = part.column("units").to_numpy()
    size_bytes = count_units(texts.text, "bytes")
    dup_size = part.column("dup_size").to_numpy()
    for code, key in enumerate(cell.dictionary.to_pylist()):
        mine = codes == code
        rows: list[tuple[int, int, int]] = []
        if with_sizes:
            for size in np.unique(dup_size[mine]).tolist():
                of_size = mine & (dup_size == size)
                rows.append((size, int(units[of_size].sum()), int(of_size.sum())))
        source, kind, lang, domain = key.split(_KEY)
        sums = int(units[mine].sum()), int(mine.sum()), int(size_bytes[mine].sum())
        yield Cell(source, kind, lang, domain, *sums, tuple(rows))


def _sizes(cell: Cell) -> tuple[Any, ...]:
    return cell.units, cell.documents, cell.text_bytes, cell.by_dup_size


def key_of(cell: Cell) -> str:
    """The cell's key in the column `cell`."""
    return _KEY.join(cell.key)


def cells_of(records: Sequence[Mapping[str, Any]]) -> tuple[Cell, ...]:
    """The cells of all shards, by their records."""
    return merge_cells(_cell(row) for record in records for row in record["cells"])


def _cell(row: Sequence[Any]) -> Cell:
    source, kind, lang, domain, units, documents, text_bytes, sizes = row
    by_dup_size = tuple((size, size_units, size_documents) for size, size_units, size_documents in sizes)
    return Cell(source, kind, lang, domain, units, documents, text_bytes, by_dup_size)
