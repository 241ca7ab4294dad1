"""Queries, the documents that they are to find, and all others: of rows of triples, crops or pairs, each text once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset import storage
from xlcorpus.dataset.dataset import Dataset, is_dataset
from xlcorpus.errors import UserError
from xlcorpus.evaluate.batches import HOLD_OUT_MORE
from xlcorpus.evaluate.texts import has_text, read_pairs, text_numbers
from xlcorpus.loader.rows import TokenRows
from xlcorpus.pack.facts import SCHEMA
from xlcorpus.raw.options import ReadOptions
from xlcorpus.text.labels import UNKNOWN_LANGUAGE


@dataclass(frozen=True)
class Side:
    """Texts, each once: string[n], or their ids (list<int32>); langs: the label of each."""

    texts: pa.Array
    langs: list[str]


@dataclass(frozen=True)
class Collection:
    """relevant: int64[k, 2], a query and a document that it is to find; packed: the rows that the ids are of."""

    given: str
    queries: Side
    documents: Side
    relevant: np.ndarray
    packed: TokenRows | None = None

    def some(self, most: int) -> Collection:
        """With at most so many queries, evenly from all; the documents stay."""
        count = len(self.queries.texts)
        kept = np.arange(min(most, count)) * count // min(most, count)
        place = np.full(count, -1, dtype=np.int64)
        place[kept] = np.arange(len(kept))
        pairs = self.relevant[place[self.relevant[:, 0]] >= 0]
        queries = Side(self.queries.texts.take(pa.array(kept)), [self.queries.langs[at] for at in kept.tolist()])
        relevant = np.stack([place[pairs[:, 0]], pairs[:, 1]], axis=1)
        return Collection(self.given, queries, self.documents, relevant, self.packed)


def read_collection(given: str, options: ReadOptions) -> Collection:
    """Rows of the views triples and crops, documents with the columns query and positive (or text), or sentence pairs,
    of which src asks and tgt is to be found. Raises UserError where there is no such row."""
    folder = storage.locate(given)
    if is_dataset(folder):
        dataset = Dataset.open(folder)
        names = dataset.manifest.arrow_schema.names
        packed = TokenRows.open(folder) if dataset.manifest.schema_name == SCHEMA else None
        end = "" if packed is None else "_ids"
        if "query" + end in names:
            positive = f"positive{end}" if packed is not None or "positive" in names else "text"
            columns = ["query" + end, positive, *([f"negative{end}"] if f"negative{end}" in names else [])]
            table = dataset.to_arrow([*columns, "lang"])
            return _collection(given, [table.column(one) for one in columns], [table.column("lang")] * 3, packed)
    pairs = read_pairs(given, options)
    sides = [pairs.table.column(name) for name in ("src", "tgt")]
    return _collection(given, sides, [pairs.table.column(f"{name}_lang") for name in ("src", "tgt")], pairs.packed)


def _collection(
    given: str, columns: list[pa.ChunkedArray], langs: list[pa.ChunkedArray], packed: TokenRows | None
) -> Collection:
    """columns: queries, the documents that they are to find, and, where there are such, others."""
    whole = [has_text(one).to_numpy(zero_copy_only=False) for one in columns]
    asked = np.flatnonzero(whole[0] & whole[1])
    if not len(asked):
        raise UserError(f"{given} has no query with a document", remedy=HOLD_OUT_MORE if packed else "give other rows")
    rows = [asked, asked, *(np.flatnonzero(one) for one in whole[2:])]
    kept = [one.take(pa.array(at)) for one, at in zip(columns, rows, strict=True)]
    names = [
        pc.fill_null(one.cast(pa.string()), UNKNOWN_LANGUAGE).take(pa.array(at)).to_pylist()
        for one, at in zip(langs, rows, strict=False)
    ]
    queries, query = _distinct(kept[0], names[0])
    of_documents = [lang for some in names[1 : len(kept)] for lang in some]
    documents, document = _distinct(pa.chunked_array([c for one in kept[1:] for c in one.chunks]), of_documents)
    relevant = np.unique(np.stack([query, document[: len(asked)]], axis=1), axis=0)
    return Collection(given, queries, documents, relevant, packed)


def _distinct(column: pa.ChunkedArray, langs: list[str]) -> tuple[Side, np.ndarray]:
    """Each text once, in the order of its first row, and which one each row has (int64[rows])."""
    texts = column.combine_chunks()
    texts = pa.concat_arrays(texts.chunks) if isinstance(texts, pa.ChunkedArray) else texts
    numbers = text_numbers(texts)
    firsts = np.unique(numbers, return_index=True)[1]
    return Side(texts.take(pa.array(firsts)), [langs[at] for at in firsts.tolist()]), numbers
