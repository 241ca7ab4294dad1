"""The census: what every text of a shard counts for, and how much, written beside the shard; sums by cell."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.beside import write_beside
from xlcorpus.dataset.columns import column_or_null
from xlcorpus.dataset.dataset import Shard, read_batches
from xlcorpus.dataset.kinds import CODESWITCH, RESTORE
from xlcorpus.dataset.storage import Location
from xlcorpus.mix.cells import NONE, Cell, merge_cells
from xlcorpus.mix.templated import PAIRS, tokens_by
from xlcorpus.mix.texts import AS_IS, LATIN, Texts, columns_read, texts_of, variants_of
from xlcorpus.mix.units import count_units, open_counter
from xlcorpus.pairs.swap import Directions
from xlcorpus.text.hashes import digests
from xlcorpus.tokenizer.template import Ids

_SWITCHED = (CODESWITCH, RESTORE)
_KEY = "\x1f"  # between the parts of a cell's key, which have a space where a name holds it
CENSUS = pa.schema(
    [
        pa.field("row", pa.int64()),
        pa.field("variant", pa.int8()),
        pa.field("doc_id", pa.binary(16)),
        pa.field("text_key", pa.uint64()),  # hash of `Texts.version`; 0 where there is none
        pa.field("cell", pa.dictionary(pa.int32(), pa.string())),
        pa.field("units", pa.int64()),
        pa.field("dup_size", pa.int32()),
        pa.field("src_units", pa.int32()),
        pa.field("tgt_units", pa.int32()),
    ]
)


@dataclass(frozen=True)
class Counting:
    """What is counted: the unit, with the tokenizer for `tokens` and the special ids around each text, and their
    number; the template, and which way round pairs are used; romanised texts; domains, and sizes of duplicate
    clusters, where the mix asks for them."""

    unit: str
    tokenizer: str | None = None
    template: str = PAIRS
    latin: bool = False
    domain: bool = False
    dup_size: bool = False
    specials: int = 0
    around: tuple[Ids, Ids] = ((), ())
    directions: Directions = AS_IS


@dataclass(frozen=True)
class ShardCells:
    """The record of a shard: its cells, sorted by key."""

    cells: tuple[Cell, ...]


def census_file(folder: Location, number: int) -> Location:
    """Census of shard `number`."""
    return folder / f"{number:05d}.counts.arrow"


@dataclass(frozen=True)
class CountShard:
    """Cell and units of every text of a shard (`CENSUS`, in the order of rows); sums by cell in the record."""

    folder: Location
    counting: Counting

    def __call__(self, number: int, shard: Shard) -> ShardCells:
        """The cells of the shard; of one without rows there is no file."""
        schema, counting = shard.schema, self.counting
        wanted = columns_read(
            schema,
            shard.columns,
            counting.template,
            latin=counting.latin,
            domain=counting.domain,
            dup_size=counting.dup_size,
        )
        ways = counting.directions
        variants = variants_of(schema, shard.columns, latin=counting.latin, directions=ways)
        counters = tuple(open_counter(counting.unit, counting.tokenizer, count) for count in (counting.specials, 0))
        parts: list[pa.RecordBatch] = []
        cells: list[Cell] = []
        first = 0
        for batch in read_batches(shard, wanted):
            for variant in variants:
                texts = texts_of(batch, schema, variant, counting.template, domain=counting.domain, directions=ways)
                units = None
                if variant != LATIN and counting.unit == "tokens" and counting.tokenizer is not None:
                    units = tokens_by(counting.template, schema, texts.used, counting.tokenizer, counting.around)
                docs = counting.unit == "docs"
                part = _count(batch, texts, first, variant, counters, units, switched=schema in _SWITCHED, docs=docs)
                parts.append(part)
                cells += _cells(part, texts, with_sizes=counting.dup_size and "dup_size" in wanted)
            first += batch.num_rows
        if parts:
            counted = pa.Table.from_batches(parts).unify_dictionaries().combine_chunks()
            if len(variants) > 1:
                counted = counted.sort_by([("row", "ascending"), ("variant", "ascending")])
            write_beside(census_file(self.folder, number), counted.to_batches()[0])
        return ShardCells(merge_cells(cells))


def _count(
    batch: pa.RecordBatch,
    texts: Texts,
    first: int,
    variant: int,
    counters: tuple[Callable[[pa.Array], np.ndarray], ...],
    units: np.ndarray | None,
    *,
    switched: bool,
    docs: bool,
) -> pa.RecordBatch:
    count = len(texts.rows)
    text_keys = np.zeros(count, dtype=np.uint64)
    if texts.version is not None:
        here = np.asarray(pc.is_valid(texts.version))
        text_keys[here] = np.frombuffer(digests(texts.version.filter(pa.array(here))), dtype=np.uint64)[::2]
    keys = pc.binary_join_element_wise(*map(_part, (texts.source, texts.kind, texts.lang, texts.domain)), _KEY)
    of_texts, of_sides = counters
    units = of_texts(texts.text) if units is None else units
    sides = [of_sides(side) for side in texts.sides] or [np.zeros(count, dtype=np.int64)] * 2
    if texts.switched is not None or texts.restored is not None:
        # Then the sides are what is of the text's own language and what was put in; of a document there are no parts.
        put_in = np.zeros(count, dtype=np.int64) if docs else _put_in(texts, units, sides[0], of_sides)
        parted = np.ones(count, dtype=bool) if switched or docs else put_in > 0
        whole = 0 if docs else units
        sides = [np.where(parted, whole - put_in, sides[0]), np.where(parted, put_in, sides[1])]
    columns = [
        pc.add(texts.rows, first),
        pa.repeat(pa.scalar(variant, pa.int8()), count),
        texts.ids,
        pa.array(text_keys),
        keys.dictionary_encode(),
        pa.array(units),
        pc.fill_null(column_or_null(batch, "dup_size", pa.int32()).take(texts.rows), 1).cast(pa.int32()),
        *(pa.array(side.astype(np.int32)) for side in sides),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=CENSUS)


def _put_in(texts: Texts, units: np.ndarray, inputs: np.ndarray, count: Callable[[pa.Array], np.ndarray]) -> np.ndarray:
    """int64[n]: units of each text that code-switching has put in. inputs: units of the first sides."""
    found = np.zeros(len(units), dtype=np.int64)
    if texts.switched is not None:
        found += count(texts.switched)
    if texts.restored is not None:
        found += np.round(texts.restored * inputs).astype(np.int64)
    return np.minimum(found, units)


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


def key_of(cell: Cell) -> str:
    """The cell's key in the column `cell`."""
    return _KEY.join(cell.key)


def cells_of(records: Iterable[ShardCells]) -> tuple[Cell, ...]:
    """The cells of all shards, by their records."""
    return merge_cells(cell for record in records for cell in record.cells)
