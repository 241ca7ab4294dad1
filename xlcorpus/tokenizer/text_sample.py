"""A sample of datasets to train or measure a tokenizer on: the same whatever the batches or the order of the files.

Every row counts, so a document that a mix uses three times stands three times, and the shares of the languages are
those of the data: each language has its part of the sample, in bytes, filled with its first documents in the order of
hash(seed, doc_id, mix_epoch); the document that reaches the end of the part is cut there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.columns import require_column, sum_by, text_or_empty
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.errors import UserError
from xlcorpus.text.codepoints import byte_lengths
from xlcorpus.text.draws import draw_keys, id_halves
from xlcorpus.text.labels import UNKNOWN_LANGUAGE
from xlcorpus.text.ragged import offsets_of, sums_before, sums_before_alike


@dataclass(frozen=True)
class Sample:
    """Texts in a fixed order, the hash's.

    table: text (large_string), lang (string), no nulls, and the columns that were asked for; available: bytes of text
    by language in the datasets.
    """

    table: pa.Table
    available: dict[str, int]

    def bytes_by_language(self) -> dict[str, int]:
        """Bytes of text by language in the sample."""
        lang, text = (self.table.column(name).combine_chunks() for name in ("lang", "text"))
        return dict(sorted(sum_by(lang, byte_lengths(text)).items()))

    def batches(self, rows: int = 1024) -> Iterator[pa.RecordBatch]:
        """The table in parts."""
        yield from self.table.combine_chunks().to_batches(max_chunksize=rows)

    def by_language(self) -> Sample:
        """The same with each language's texts side by side: what counts languages then sees few of them at a time."""
        order = pc.sort_indices(self.table, sort_keys=[("lang", "ascending")])  # stable
        return Sample(self.table.take(order), self.available)


def draw_sample(
    datasets: Sequence[Dataset], max_bytes: int | None, seed: int, columns: Sequence[str] = (), *, even: bool = False
) -> Sample:
    """Draw at most `max_bytes` bytes of text (None: all) by the rule above; see Sample. even: as much of each language,
    and of those that have less, all.

    Reads the datasets twice: ids and sizes (40 bytes a row stay in memory), then the texts. Raises UserError where a
    dataset has no text or doc_id, lacks one of `columns`, is given twice, or holds no text at all.
    """
    datasets = in_order(datasets, columns)
    facts = [_facts(dataset) for dataset in datasets]
    languages = sorted({name for one in facts for name in one[2].unique().to_pylist()})
    ids = np.concatenate([one[0] for one in facts])
    sizes = np.concatenate([one[1] for one in facts])
    codes = np.concatenate([pc.index_in(one[2], pa.array(languages, pa.string())).to_numpy() for one in facts])
    epochs = np.concatenate([one[3] for one in facts])
    available = np.bincount(codes, weights=sizes, minlength=len(languages)).astype(np.int64)
    if not int(sizes.sum()):
        names = ", ".join(str(dataset.folder) for dataset in datasets)
        raise UserError(
            f"there is no text in {names}", remedy="name a dataset with documents: `xlcorpus inspect` shows"
        )
    keys = sample_keys(ids, epochs, seed)
    order = np.lexsort((epochs, ids[:, 1], ids[:, 0], keys))
    taken = _taken(sizes, codes, order, _budgets(available, max_bytes, even=even))
    del ids, epochs, keys
    texts = _texts(datasets, [len(one[1]) for one in facts], taken, sizes, columns)
    chosen = order[taken[order] >= 0]
    place = np.empty(len(sizes), dtype=np.int64)
    place[np.flatnonzero(taken >= 0)] = np.arange(len(chosen))
    table = texts.take(pa.array(place[chosen]))
    return Sample(table, {name: int(size) for name, size in zip(languages, available, strict=True) if size})


def sample_keys(doc_ids: np.ndarray, epochs: np.ndarray, seed: int) -> np.ndarray:
    """uint64[n]: where each use of a document stands, a hash of (seed, doc_id, epoch) alone. doc_ids: uint64[n, 2]."""
    return draw_keys(doc_ids, f"tokenizer/sample/{seed}", epochs)


def languages_of(batch: pa.RecordBatch) -> pa.Array:
    """string[rows]: the language of each document, `und` where there is none."""
    return text_or_empty(batch, "lang", UNKNOWN_LANGUAGE)


def texts_by_language(batch: pa.RecordBatch) -> Iterator[tuple[str, pa.Array]]:
    """(label, its texts without nulls) of a batch, `und` where there is none."""
    langs = languages_of(batch).dictionary_encode()
    codes, texts = langs.indices.to_numpy(), text_or_empty(batch, "text")
    for number, lang in enumerate(langs.dictionary.to_pylist()):
        yield lang, texts.take(pa.array(np.flatnonzero(codes == number)))


def in_order(datasets: Sequence[Dataset], columns: Sequence[str] = ()) -> list[Dataset]:
    """The datasets by their fingerprints. Raises UserError for none, one that lacks text, doc_id or one of `columns`,
    and one that is given twice."""
    if not datasets:
        raise UserError("there is no dataset to read", remedy="name at least one dataset folder")
    by_print: dict[str, Dataset] = {}
    for dataset in datasets:
        for column in ("doc_id", "text", *columns):
            require_column(
                dataset.manifest.arrow_schema,
                column,
                str(dataset.folder),
                remedy="name a dataset of documents that has it",
            )
        first = by_print.setdefault(dataset.manifest.content_fingerprint, dataset)
        if first is not dataset:
            raise UserError(
                f"{first.folder} and {dataset.folder} are the same dataset", remedy="name each dataset once"
            )
    return [by_print[key] for key in sorted(by_print)]


def _facts(dataset: Dataset) -> tuple[np.ndarray, np.ndarray, pa.Array, np.ndarray]:
    """Of every row: id (uint64[n, 2]), bytes (int64), language, epoch (int64)."""
    wanted = [name for name in ("doc_id", "text", "lang", "mix_epoch") if name in dataset.manifest.arrow_schema.names]
    ids, sizes, langs, epochs = [np.zeros((0, 2), np.uint64)], [np.zeros(0, np.int64)], [pa.array([], pa.string())], []
    for batch in dataset.batches(wanted):
        ids.append(id_halves(batch.column("doc_id")))
        sizes.append(byte_lengths(batch.column("text")))
        langs.append(languages_of(batch))
        if "mix_epoch" in wanted:
            epochs.append(pc.fill_null(batch.column("mix_epoch"), 0).to_numpy().astype(np.int64))
    size = np.concatenate(sizes)
    return np.concatenate(ids), size, pa.concat_arrays(langs), np.concatenate(epochs) if epochs else size * 0


def _budgets(available: np.ndarray, max_bytes: int | None, *, even: bool) -> np.ndarray:
    """int64[languages]: bytes to take of each."""
    total = int(available.sum())
    if max_bytes is None or total <= max_bytes:
        return available
    if not even:
        return np.ceil(available * (max_bytes / total)).astype(np.int64)
    ordered = np.sort(available)
    # Once the k smallest are taken whole, the others have as much of the rest each.
    caps = (max_bytes - sums_before(ordered)[:-1]) // np.arange(len(ordered), 0, -1)
    short = np.flatnonzero(caps < ordered)
    return np.minimum(available, max(caps[short[0]], 1))


def _taken(sizes: np.ndarray, codes: np.ndarray, order: np.ndarray, budgets: np.ndarray) -> np.ndarray:
    """int64[rows]: bytes to take of each document, -1 for none of it."""
    order = order[sizes[order] > 0]
    left = budgets[codes[order]] - sums_before_alike(codes[order], sizes[order])
    taken = np.full(len(sizes), -1, dtype=np.int64)
    taken[order] = np.where(left > 0, np.minimum(sizes[order], left), -1)
    return taken


def _texts(
    datasets: Sequence[Dataset], rows: Sequence[int], taken: np.ndarray, sizes: np.ndarray, columns: Sequence[str]
) -> pa.Table:
    """The chosen documents in the datasets' order, cut to the bytes taken."""
    parts: list[pa.Table] = []
    for dataset, first in zip(datasets, offsets_of(np.array(rows))[:-1].tolist(), strict=True):
        names = dataset.manifest.arrow_schema.names
        wanted = [name for name in dict.fromkeys(("text", "lang", *columns)) if name in names]
        at = first
        for batch in dataset.batches(wanted):
            here = np.flatnonzero(taken[at : at + batch.num_rows] >= 0)
            chosen = batch.take(pa.array(here))
            text = _cut(chosen.column("text"), taken[at + here], sizes[at + here])
            values = {"text": text, "lang": languages_of(chosen), **{name: chosen.column(name) for name in columns}}
            parts.append(pa.table(values))
            at += batch.num_rows
    return pa.concat_tables(parts).combine_chunks()


def _cut(texts: pa.Array, taken: np.ndarray, sizes: np.ndarray) -> pa.Array:
    """Texts with no more than the bytes taken, never a part of a character. At most one text a language is cut."""
    texts = texts.cast(pa.large_string())
    short = np.flatnonzero(taken < sizes)
    if not len(short):
        return texts
    values = pc.take(texts, pa.array(short)).to_pylist()
    cut = [text.encode()[:count].decode("utf-8", "ignore") for text, count in zip(values, taken[short], strict=True)]
    mask = np.zeros(len(texts), dtype=bool)
    mask[short] = True
    return pc.replace_with_mask(texts, pa.array(mask), pa.array(cut, pa.large_string()))
