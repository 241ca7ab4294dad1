"""Texts to evaluate on: sentence pairs and documents, of a dataset or of raw files as `ingest` reads them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset import storage
from xlcorpus.dataset.dataset import Dataset, is_dataset
from xlcorpus.errors import UserError
from xlcorpus.ingest.columns import output_schema
from xlcorpus.ingest.find import find_files
from xlcorpus.ingest.read import cut_files, read_ranges
from xlcorpus.loader.rows import TokenRows
from xlcorpus.pack.facts import SCHEMA
from xlcorpus.raw.options import ReadOptions
from xlcorpus.text.labels import UNKNOWN_LANGUAGE, language_of

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


def read_documents(given: str, options: ReadOptions) -> Texts:
    """Documents of a file, a folder, or a dataset with texts and languages. Raises UserError where there is none."""
    if not is_dataset(storage.locate(given)):
        return _read_files(given, options, DOCUMENT)
    dataset = Dataset.open(storage.locate(given))
    if not {*DOCUMENT} <= {*dataset.manifest.arrow_schema.names}:
        raise _no(given, "documents with languages", dataset, "xlcorpus identify")
    return _checked(given, dataset.to_arrow(list(DOCUMENT)))


def _read_files(given: str, options: ReadOptions, columns: tuple[str, ...]) -> Texts:
    files = find_files([given], options)
    schema = output_schema(files, options)
    if missing := [name for name in columns if name not in schema.names]:
        raise UserError(
            f"nothing says the language of {given} (it has no column {missing[0]})",
            remedy="--lang LANGUAGE, or --lang-column COLUMN",
        )
    parts = [part for parts in cut_files(files, target_bytes=options.task_bytes) for part in parts]
    results = list(read_ranges(parts, options, schema))
    lost = sum(one.num_rows for result in results for one in (result.decisions, result.rejects) if one is not None)
    batches = [result.rows.select(list(columns)) for result in results]
    table = pa.Table.from_batches(batches, schema=pa.schema([schema.field(name) for name in columns]))
    return _checked(given, table, lost)


def _checked(given: str, table: pa.Table, skipped: int = 0, packed: TokenRows | None = None) -> Texts:
    texts = [name for name in table.column_names if "lang" not in name]
    whole = pa.array(np.ones(table.num_rows, dtype=bool))
    for name in texts:
        column = table.column(name)
        if packed is None:
            lengths = pc.utf8_length(pc.utf8_trim_whitespace(column.cast(pa.string())))
        else:
            lengths = pc.list_value_length(column)
        whole = pc.and_(whole, pc.fill_null(pc.greater(lengths, 0), False).combine_chunks())
    kept = table.filter(whole)
    if not kept.num_rows:
        raise UserError(f"{given} holds no text", remedy="name a file or folder with texts that are not empty")
    for name in table.column_names:
        if "lang" in name:
            place = kept.column_names.index(name)
            kept = kept.set_column(place, name, pc.fill_null(kept.column(name).cast(pa.string()), UNKNOWN_LANGUAGE))
    return Texts(given, kept, skipped + table.num_rows - kept.num_rows, packed)


def _no(given: str, what: str, dataset: Dataset, make: str) -> UserError:
    return UserError(
        f"{given} holds rows of the schema {dataset.manifest.schema}, not {what}", remedy=f"make them with {make}"
    )
