"""Packs as rows of schema token-1."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from xlcorpus.dataset.columns import put_columns
from xlcorpus.dataset.kept import ROW
from xlcorpus.dataset.schema import load_schema
from xlcorpus.pack.strategies import Parts
from xlcorpus.pack.token_documents import TokenDocuments
from xlcorpus.text.ragged import offsets_of

_FIELDS = {field.name: field for field in load_schema("token").fields}
BATCH_ROWS = 4096
BATCH_TOKENS = 1 << 20  # int32: 4 MB; what gathers them takes five times as much
TASK_ROWS = 1 << 32
PACK_AGAIN = "make the token shards again with this version of xlcorpus pack"  # the remedy where they are not whole


def fields_of(*names: str) -> pa.Schema:
    """These columns of schema token-1."""
    return pa.schema([_FIELDS[name] for name in names])


PACK = fields_of(
    "pack_id",
    "length",
    "input_ids",
    "doc_starts",
    "doc_ids",
    "doc_offsets",
    "doc_lengths",
    "langs",
    "kinds",
    "sources",
    "epochs",
    "part_bytes",
    "lang",
    "script",
    "lang_id",
    "script_id",
)
LOSS = "loss_spans"


def pack_schema(*, trains: bool) -> pa.Schema:
    """The columns of packs. trains: of which a part is marked as trained on."""
    return PACK.append(_FIELDS[LOSS]) if trains else PACK


@dataclass(frozen=True)
class Waiting:
    """Documents that are not packed yet, or not to their end.

    documents: the tokens that are left of each; begun: int64[documents], tokens that earlier packs hold; totals:
    int64[documents], tokens of the whole document; groups: int64[documents], equal where documents may share a pack;
    pieces_begun and pieces: int64[documents], bytes of the pieces (`Tokenizer.piece_bytes`) in earlier packs, and, of
    documents that were begun, of all.
    """

    documents: TokenDocuments
    begun: np.ndarray
    totals: np.ndarray
    groups: np.ndarray
    pieces_begun: np.ndarray
    pieces: np.ndarray

    @classmethod
    def of(cls, documents: TokenDocuments, groups: np.ndarray) -> Waiting:
        """Whole documents."""
        none = np.zeros(len(documents), dtype=np.int64)
        return cls(documents, none, documents.lengths, groups, none, none)

    def __len__(self) -> int:
        """Number of documents."""
        return len(self.documents)

    def rest(self, rows: np.ndarray, starts: np.ndarray, pieces_begun: np.ndarray, pieces: np.ndarray) -> Waiting:
        """What is left of these documents after `starts` more tokens."""
        sizes = self.documents.lengths[rows] - starts
        documents = self.documents.spans(rows, starts, sizes)
        return Waiting(documents, self.begun[rows] + starts, self.totals[rows], self.groups[rows], pieces_begun, pieces)

    @classmethod
    def concat(cls, parts: list[Waiting]) -> Waiting:
        """All documents of the parts, in order."""
        if len(parts) == 1:
            return parts[0]
        return cls(
            TokenDocuments.concat([part.documents for part in parts]),
            *(
                np.concatenate([getattr(part, name) for part in parts], dtype=np.int64)
                for name in ("begun", "totals", "groups", "pieces_begun", "pieces")
            ),
        )


@dataclass(frozen=True)
class Labels:
    """What the packs of a group are: language and script (swh_Latn), script, and their numbers."""

    lang: str
    script: str
    lang_id: int
    script_id: int


def pack_rows(
    waiting: Waiting, parts: Parts, part_bytes: np.ndarray, length: int, first: int, labels: dict[int, Labels]
) -> Iterator[pa.RecordBatch]:
    """Rows of all packs (schema PACK, and `kept.ROW` where documents have rows), in batches of at most 4,096 rows and
    4 MB of ids.

    part_bytes: int64[parts], of text; first: pack_id of the first; labels: of each group, where packs are pure.
    """
    step = max(1, min(BATCH_ROWS, BATCH_TOKENS // length))
    cuts = np.searchsorted(parts.packs, np.arange(0, parts.count + step, step))
    for number, (start, stop) in enumerate(zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True)):
        if start < stop:
            chunk = parts.take(np.arange(start, stop), parts.packs[start:stop] - number * step)
            yield _batch(waiting, chunk, part_bytes[start:stop], first + number * step, labels)


def _batch(
    waiting: Waiting, parts: Parts, part_bytes: np.ndarray, first: int, labels: dict[int, Labels]
) -> pa.RecordBatch:
    documents, count = waiting.documents, parts.count
    taken = documents.spans(parts.documents, parts.starts, parts.sizes)
    at = np.searchsorted(parts.packs, np.arange(count + 1))  # the first part of each pack, and the end
    ends = taken.offsets[at]
    starts = taken.offsets[:-1] - ends[parts.packs]

    def listed(values: pa.Array | np.ndarray, offsets: np.ndarray = at) -> pa.Array:
        return pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), pa.array(values))

    columns = [
        pa.array(np.arange(first, first + count, dtype=np.int64)),
        pa.array(np.diff(ends).astype(np.int32)),
        listed(taken.ids, ends),
        listed(starts.astype(np.int32)),
        listed(taken.doc_ids.cast(pa.binary())),
        listed((waiting.begun[parts.documents] + parts.starts).astype(np.int32)),
        listed(waiting.totals[parts.documents].astype(np.int32)),
        listed(taken.langs),
        listed(taken.kinds),
        listed(taken.sources),
        listed(taken.epochs),
        listed(part_bytes.astype(np.int32)),
        *_labels(waiting.groups[parts.documents[at[:-1]]], labels),
    ]
    trains = taken.trained is not None
    if taken.trained is not None:
        columns.append(loss_spans(taken.trained, ends))
    packs = pa.RecordBatch.from_arrays(columns, schema=pack_schema(trains=trains))
    return packs if taken.rows is None else put_columns(packs, {ROW: listed(taken.rows)})


def loss_spans(trained: np.ndarray, offsets: np.ndarray) -> pa.Array:
    """list<int32>[rows]: start, end, start, end, ... of the stretches of each row that are true. trained: bool[n];
    offsets: int64[rows + 1]."""
    begins, ends = np.zeros(len(trained) + 1, dtype=bool), np.zeros(len(trained) + 1, dtype=bool)
    begins[:-1], ends[1:] = trained, trained
    begins[1:-1] &= ~trained[:-1]
    ends[1:-1] &= ~trained[1:]
    inner = offsets[1:-1][(offsets[1:-1] > 0) & (offsets[1:-1] < len(trained))]
    begins[inner] = trained[inner]  # a stretch that goes on in the next row ends with its own
    ends[inner] = trained[inner - 1]
    first, last = np.flatnonzero(begins), np.flatnonzero(ends)
    row = np.searchsorted(offsets, first, side="right") - 1
    values = np.stack([first, last], axis=1) - offsets[row][:, None]
    counts = 2 * np.bincount(row, minlength=len(offsets) - 1)
    return pa.ListArray.from_arrays(pa.array(offsets_of(counts).astype(np.int32)), pa.array(values.ravel(), pa.int32()))


def _labels(groups: np.ndarray, labels: dict[int, Labels]) -> list[pa.Array]:
    """Columns lang, script, lang_id, script_id of packs."""
    names = ("lang", "script", "lang_id", "script_id")
    if not labels:
        return [pa.nulls(len(groups), PACK.field(name).type) for name in names]
    known, codes = np.unique(groups, return_inverse=True)
    of_group = [labels[group] for group in known.tolist()]
    where = pa.array(codes)
    return [pa.array([getattr(label, name) for label in of_group], PACK.field(name).type).take(where) for name in names]


def sizes_of(lists: pa.Array) -> np.ndarray:
    """int64[rows]: items of each list; 0 for a null."""
    return lists.value_lengths().fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)


def values_of(lists: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Items of all lists of numbers end to end, and int64[rows + 1] offsets into them."""
    if lists.null_count:
        return lists.flatten().to_numpy(zero_copy_only=False), offsets_of(sizes_of(lists))
    offsets = lists.offsets.to_numpy().astype(np.int64)  # a tenth of what pyarrow's functions cost for a few rows
    items = lists.values.to_numpy(zero_copy_only=False)[offsets[0] : offsets[-1]]
    offsets -= offsets[0]
    return items, offsets
