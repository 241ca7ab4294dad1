"""Which documents are held out of training: the same share of each language, chosen by the hash of the document.

A document goes with its near copies (`dup_cluster`, where there is that column) and with all rows of its doc_id, such
as repeats of later epochs and the sentences of a TransliCo view. Of each language the groups with the smallest hashes
are taken while they come nearest to the share of its rows; a group of several languages counts as one of the first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.beside import read_beside, write_beside
from xlcorpus.dataset.columns import languages_read, row_language, sum_by
from xlcorpus.dataset.dataset import Dataset, Shard, is_dataset, read_batches
from xlcorpus.dataset.decisions import empty
from xlcorpus.dataset.kinds import DOCUMENT, marks_read, rows_of_kind
from xlcorpus.dataset.storage import Location, locate
from xlcorpus.errors import UserError
from xlcorpus.pairs.swap import SWAPPED, ids_before_swaps, turned_ids
from xlcorpus.text.draws import row_states
from xlcorpus.text.ragged import begins_of, sums_before_alike

HELD_OUT = "held_out"
CLUSTER = "dup_cluster"
_LISTED = pa.schema([("document", pa.uint64()), ("group", pa.uint64()), ("lang", pa.string())])
_HELD = pa.schema([("document", pa.uint64())])

Side = Literal["training", "held"]


def id_column(columns: Sequence[str]) -> str:
    """What names the document of a row; of the rows of a view too, all of one document stay together."""
    return "doc_id" if "doc_id" in columns else "pair_id"


def hash_ids(ids: pa.Array, seed: int) -> np.ndarray:
    """uint64[rows]: a hash of the seed and each id."""
    return row_states(ids, f"holdout {seed}")


def labels_of(batch: pa.RecordBatch) -> pa.Array:
    """string[rows]: the language of each row, '' where it has none; of a pair eng_Latn-deu_Latn."""
    return pc.fill_null(row_language(batch).cast(pa.string()), "")


@dataclass(frozen=True)
class Listed:
    """The record of a shard whose documents are listed."""

    rows: int


@dataclass(frozen=True)
class ListDocuments:
    """Hashes and languages of the documents of each shard, beside it. kind: of a mix of several, the rows of this one;
    a pair and what it is with its sides exchanged are on one side of the holdout."""

    folder: Location
    seed: int
    kind: str = DOCUMENT

    def __call__(self, number: int, shard: Shard) -> Listed:
        """One pass over the columns that are needed."""
        ids_in = id_column(shard.columns)
        rows = 0
        made = []
        marks = marks_read(self.kind, shard.schema, shard.columns) if self.kind != DOCUMENT else []
        names = {ids_in, CLUSTER, *languages_read(shard.columns), *marks, SWAPPED}
        for batch in read_batches(shard, [name for name in shard.columns if name in names]):
            if marks:
                batch = batch.filter(pa.array(rows_of_kind(batch, shard.schema, self.kind)))
            ids = batch.column(ids_in)
            alike = ids
            if SWAPPED in batch.schema.names and batch.schema.field(SWAPPED).type == pa.bool_():
                alike = ids_before_swaps(batch)
            if CLUSTER in batch.schema.names and batch.column(CLUSTER).type == ids.type:
                alike = pc.coalesce(batch.column(CLUSTER), alike)
            columns = [*(pa.array(hash_ids(one, self.seed)) for one in (ids, alike)), labels_of(batch)]
            made.append(pa.RecordBatch.from_arrays(columns, schema=_LISTED))
            rows += batch.num_rows
        write_beside(listed(self.folder, number), pa.concat_batches([*made, empty(_LISTED)]))
        return Listed(rows)


def listed(folder: Location, number: int) -> Location:
    """Where the documents of a shard are listed."""
    return folder / f"documents-{number:05d}.arrow"


@dataclass(frozen=True)
class Chosen:
    """How many rows are held out, and of how many, by language."""

    held: dict[str, int] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Rows that are held out."""
        return sum(self.held.values())


@dataclass(frozen=True)
class ChooseDocuments:
    """The documents that are held out, of all shards: 20 bytes a document in memory. wanted: a share, or those of
    another dataset."""

    folder: Location
    wanted: float | Location
    seed: int

    def __call__(self, number: int, shards: int) -> Chosen:
        """Leaves their hashes in a file; raises UserError where there is none."""
        table = pa.Table.from_batches([read_beside(listed(self.folder, one)) for one in range(shards)], schema=_LISTED)
        langs = table["lang"].combine_chunks().dictionary_encode()
        names = langs.dictionary.to_pylist()
        rank = np.argsort(np.argsort(names, kind="stable"), kind="stable")
        codes = rank[langs.indices.to_numpy()] if len(langs) else np.zeros(0, dtype=np.int64)
        documents, groups = table["document"].to_numpy(), table["group"].to_numpy()
        if not len(documents):
            raise UserError("there are no documents to hold some out of", remedy="leave out --holdout, or give some")
        if isinstance(self.wanted, float):
            held = choose(documents, groups, codes, self.wanted)
            none = f"--holdout {self.wanted:.3%} of these {len(documents):,} documents is none in any language"
        else:
            # A pair is held out where the other dataset has it the other way round.
            both_ways = (one for ids in documents_of(self.wanted) for one in (ids, turned_ids(ids)))
            none_yet = np.zeros(0, dtype=np.uint64)
            hashes = np.concatenate([none_yet, *(hash_ids(ids, self.seed) for ids in both_ways)])
            held = joined(documents, groups, np.isin(documents, hashes))
            none = f"--holdout {self.wanted}: none of these {len(documents):,} documents is in it"
        if not held.any():
            raise UserError(none, remedy="hold out a larger share, another dataset, or nothing")
        if held.all():
            raise UserError(
                f"--holdout {self.wanted} takes all of these {len(documents):,} documents and leaves none to train on",
                remedy="hold out a smaller share, or those of another dataset; small languages want more documents",
            )
        hashes = pa.array(np.unique(documents[held]))
        write_beside(held_file(self.folder), pa.RecordBatch.from_arrays([hashes], schema=_HELD))
        labels = langs.dictionary.take(langs.indices)
        return Chosen(sum_by(labels, held.astype(np.int64)), sum_by(labels, np.ones(len(held), dtype=np.int64)))


def held_file(folder: Location) -> Location:
    """Where the hashes of the documents that are held out lie, ascending."""
    return folder / "held.arrow"


def choose(documents: np.ndarray, groups: np.ndarray, langs: np.ndarray, share: float) -> np.ndarray:
    """bool[rows]: which rows are held out.

    documents, groups: uint64[rows], hashes; langs: whole numbers [rows]. Rows of a document, and of a group, are on
    one side: where documents join groups to one another, all of these are held out.
    """
    order = np.lexsort((langs, groups))
    heads = np.flatnonzero(begins_of(groups[order]))
    keys, lang = groups[order][heads], langs[order][heads]
    sizes = np.diff(heads, append=len(order))
    target = share * np.bincount(lang, weights=sizes, minlength=1)[lang] if len(keys) else np.zeros(0)
    small = np.flatnonzero(sizes <= 2 * target)  # a larger one alone is further from the share than nothing
    before = np.empty(len(small), dtype=np.int64)
    by_hash = np.argsort(keys[small], kind="stable")
    before[by_hash] = sums_before_alike(lang[small][by_hash], sizes[small][by_hash])
    taken = keys[small][before + sizes[small] / 2 <= target[small]]
    return joined(documents, groups, np.isin(groups, taken))


def joined(documents: np.ndarray, groups: np.ndarray, held: np.ndarray) -> np.ndarray:
    """bool[rows]: the rows that are held, with all of their documents and groups."""
    while True:
        more = np.isin(documents, documents[held])
        more |= np.isin(groups, groups[more])
        if more.sum() == held.sum():
            return held
        held = more


def documents_of(folder: Location) -> Iterator[pa.Array]:
    """doc_ids of token shards whose documents are to be held out elsewhere, 16 bytes each."""
    dataset = Dataset.open(folder)
    name = "doc_ids" if "doc_ids" in dataset.manifest.arrow_schema.names else "pair_id"
    for batch in dataset.batches([name]):
        ids = batch.column(name)
        yield (ids.flatten() if name == "doc_ids" else ids).cast(pa.binary(16))


def check_documents(given: str) -> Dataset:
    """The dataset that --holdout names; raises UserError where it is none whose rows name their documents."""
    folder = locate(given)
    if not is_dataset(folder):
        raise UserError(
            f"--holdout {given!r} is neither a share of the documents nor a dataset",
            remedy="write 1%, or 0.01, or name the holdout of another dataset: OUTPUT/holdout",
        )
    dataset = Dataset.open(folder)
    names = set(dataset.manifest.arrow_schema.names)
    if dataset.manifest.schema_name != "token" or "text_latn_ids" in names:
        raise UserError(
            f"--holdout {given}: its rows do not name the documents that they are of",
            remedy="name the holdout of packs",
        )
    return dataset


@dataclass(frozen=True)
class HeldOut:
    """Which rows of a batch are on a side, by the file of hashes."""

    file: Location
    seed: int
    side: Side = "training"

    def rows(self, batch: pa.RecordBatch) -> np.ndarray:
        """bool[rows]: whether each row is held out."""
        hashes = hash_ids(batch.column(id_column(batch.schema.names)), self.seed)
        at = np.minimum(np.searchsorted(self._held, hashes), len(self._held) - 1)
        found: np.ndarray = self._held[at] == hashes
        return found

    @cached_property
    def _held(self) -> np.ndarray:
        """uint64[documents], ascending; opened once, not for each batch: its seal is a hash of the whole file."""
        hashes: np.ndarray = read_beside(self.file).column(0).to_numpy()
        return hashes


def parse_share(given: str) -> float | None:
    """`1%` or `0.01` as a share above 0 and at most a half, None for what is no number; raises UserError."""
    text = given.strip()
    try:
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        return None
    if not 0 < share <= 0.5:
        raise UserError(f"--holdout {given!r} is no share of the documents", remedy="write 1%, or 0.01; at most 50%")
    return share


def share_lines(chosen: Chosen) -> list[str]:
    """What was held out, in a line or two."""
    shares = [chosen.held.get(lang, 0) / rows for lang, rows in chosen.rows.items()]
    without = sorted(lang or "und" for lang, rows in chosen.rows.items() if not chosen.held.get(lang, 0))
    total = sum(chosen.rows.values())
    line = (
        f"held out: {chosen.total:,} of {total:,} documents ({chosen.total / total:.2%}), of a language "
        f"{min(shares):.2%} to {max(shares):.2%}"
    )
    more = f" and {len(without) - 9:,} more" if len(without) > 9 else ""
    none = [f"too few documents to hold one out: {', '.join(without[:9])}{more}"] if without else []
    return [line, *none]
