"""Texts to evaluate on: sentence pairs and documents, of a dataset or of raw files as `ingest` reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset import storage
from xlcorpus.dataset.dataset import Dataset, is_dataset
from xlcorpus.errors import UserError, nearest
from xlcorpus.evaluate.batches import HOLD_OUT_MORE
from xlcorpus.evaluate.options import EvaluateOptions
from xlcorpus.ingest.columns import output_schema
from xlcorpus.ingest.find import find_files
from xlcorpus.ingest.read import cut_files, read_ranges
from xlcorpus.loader.rows import TokenRows
from xlcorpus.pack.facts import SCHEMA
from xlcorpus.pack.packs import values_of
from xlcorpus.raw.input_files import InputFile
from xlcorpus.raw.options import ReadOptions
from xlcorpus.text.labels import UNKNOWN_LANGUAGE, encode_pairs, language_of

PAIR = ("src", "tgt", "src_lang", "tgt_lang")
DOCUMENT = ("text", "lang")


@dataclass(frozen=True)
class Texts:
    """A table of string columns, PAIR or DOCUMENT, and how many records were no texts (empty, damaged).

    given: where they are from; packed: the rows of a view that it is of; src and tgt are lists of ids then.
    """

    given: str
    table: pa.Table
    skipped: int = 0
    packed: TokenRows | None = None


def read_pairs(given: str, options: ReadOptions) -> Texts:
    """Sentence pairs of a file, a folder, a dataset of pairs, or of what `pack --view` made of one; of the view
    translico, texts and how they are read in Latin letters. Raises UserError where there is none, or nothing says a
    language."""
    if not is_dataset(storage.locate(given)):
        return _read_files(given, options, PAIR)
    dataset = Dataset.open(storage.locate(given))
    names = dataset.manifest.arrow_schema.names
    packed = TokenRows.open(dataset.folder) if dataset.manifest.schema_name == SCHEMA else None
    end = "" if packed is None else "_ids"
    for src, tgt, *labels in (PAIR, ("text", "text_latn", "lang")):
        columns = [src + end, tgt + end, *labels]
        if {*columns} <= {*names}:
            break
    else:
        raise _no(
            given, "sentence pairs", dataset, "xlcorpus ingest --kind pairs, or xlcorpus romanize --view translico"
        )
    table = dataset.to_arrow(columns)
    if len(labels) == 1:
        latin = [f"{language_of(lang or UNKNOWN_LANGUAGE)}_Latn" for lang in table.column("lang").to_pylist()]
        table = table.append_column("latin", pa.array(latin, pa.string()))
    return _checked(given, table.rename_columns(PAIR), packed=packed)


def some_of_each(table: pa.Table, most: int) -> pa.Table:
    """Of a table of pairs, at most so many of each two languages, evenly from all."""
    names, of = encode_pairs(*(table.column(name).combine_chunks() for name in ("src_lang", "tgt_lang")))
    found = [np.flatnonzero(of == number) for number in range(len(names))]
    rows = [one[np.arange(min(len(one), most)) * len(one) // min(len(one), most)] for one in found]
    return table.take(pa.array(np.sort(np.concatenate(rows))))


def has_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """bool[rows]: whether there is more than white space. column: string, or list<int32>, ids of texts."""
    if pa.types.is_list(column.type):
        sizes = pc.list_value_length(column)
    else:
        sizes = pc.utf8_length(pc.utf8_trim_whitespace(column.cast(pa.string())))
    return pc.fill_null(pc.greater(sizes, 0), False)


def text_numbers(texts: pa.Array) -> np.ndarray:
    """int64[rows]: a number that equal texts share, by their first rows. texts: string, or list<int32>, no null."""
    if pa.types.is_list(texts.type):  # Arrow tells no two lists apart: their bytes
        values, offsets = values_of(texts)
        data = [None, pa.py_buffer(offsets * values.itemsize), pa.py_buffer(np.ascontiguousarray(values))]
        texts = pa.Array.from_buffers(pa.large_binary(), len(texts), data)
    return texts.dictionary_encode().indices.to_numpy(zero_copy_only=False).astype(np.int64)


def read_documents(given: str, options: ReadOptions) -> Texts:
    """Documents of a file, a folder, or a dataset with texts and languages. Raises UserError where there is none."""
    if not is_dataset(storage.locate(given)):
        return _read_files(given, options, DOCUMENT)
    dataset = Dataset.open(storage.locate(given))
    if not {*DOCUMENT} <= {*dataset.manifest.arrow_schema.names}:
        raise _no(given, "documents with languages", dataset, "xlcorpus identify")
    return _checked(given, dataset.to_arrow(list(DOCUMENT)))


def read_rows(given: str, text_column: str, options: EvaluateOptions) -> tuple[pa.Table, int]:
    """All columns of a dataset, or of raw files whose records have a text in `text_column`, under its own name; and
    how many records were damaged or empty. `lang` is there where options or a column say it."""
    place = storage.locate(given)
    if is_dataset(place):
        table = Dataset.open(place).to_arrow()
        if text_column not in table.column_names:
            raise UserError(
                f"{given} has no column {text_column}; {nearest(text_column, table.column_names)}",
                remedy="name the column of the text: --premise COLUMN",
            )
        lost = 0
    else:
        reading = options.reading("documents", text_column)
        files = find_files([given], reading)
        schema = output_schema(files, reading)
        batches, lost = _records(files, reading, schema)
        table = pa.Table.from_batches(batches, schema=schema)
        if text_column not in table.column_names:
            table = table.append_column(text_column, table.column("text"))
    if not table.num_rows:
        raise UserError(
            f"{given} holds no record with a text in {text_column}", remedy="name its column: --premise COLUMN"
        )
    return table.combine_chunks(), lost


def _records(files: Sequence[InputFile], options: ReadOptions, schema: pa.Schema) -> tuple[list[pa.RecordBatch], int]:
    """Rows, and how many records are none."""
    parts = [part for parts in cut_files(files, target_bytes=options.task_bytes) for part in parts]
    results = list(read_ranges(parts, options, schema))
    lost = sum(one.num_rows for result in results for one in (result.decisions, result.rejects) if one is not None)
    return [result.rows for result in results], lost


def _read_files(given: str, options: ReadOptions, columns: tuple[str, ...]) -> Texts:
    files = find_files([given], options)
    schema = output_schema(files, options)
    if missing := [name for name in columns if name not in schema.names]:
        raise UserError(
            f"nothing says the language of {given} (it has no column {missing[0]})",
            remedy="--lang LANGUAGE, or --lang-column COLUMN",
        )
    rows, lost = _records(files, options, schema)
    batches = [batch.select(list(columns)) for batch in rows]
    table = pa.Table.from_batches(batches, schema=pa.schema([schema.field(name) for name in columns]))
    return _checked(given, table, lost)


def _checked(given: str, table: pa.Table, skipped: int = 0, packed: TokenRows | None = None) -> Texts:
    texts = [name for name in table.column_names if "lang" not in name]
    whole = pa.array(np.ones(table.num_rows, dtype=bool))
    for name in texts:
        whole = pc.and_(whole, has_text(table.column(name)).combine_chunks())
    kept = table.filter(whole)
    if not kept.num_rows:
        what = "sentence pair" if len(texts) == 2 else "text"
        more = HOLD_OUT_MORE if packed is not None else "name a file or folder with texts that are not empty"
        raise UserError(f"{given} holds no {what}", remedy=more)
    for name in table.column_names:
        if "lang" in name:
            place = kept.column_names.index(name)
            kept = kept.set_column(place, name, pc.fill_null(kept.column(name).cast(pa.string()), UNKNOWN_LANGUAGE))
    return Texts(given, kept, skipped + table.num_rows - kept.num_rows, packed)


def _no(given: str, what: str, dataset: Dataset, make: str) -> UserError:
    return UserError(
        f"{given} holds rows of the schema {dataset.manifest.schema}, not {what}", remedy=f"make them with {make}"
    )
