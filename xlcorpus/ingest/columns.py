"""The columns of an ingested dataset: ours, then every other column of the user's input.

A column of the input that bears a name of ours is kept as `input_<name>`; string columns `url`, `timestamp`,
`license` and `kind` become ours (`--kind-column` names another one for the last), and of pairs `src_lang` and
`tgt_lang` where no option says the language. Where `--src-column tgt --tgt-column src` turns pairs round, `src_NAME`
becomes `tgt_NAME` and the other way round: each column stays with its text. `lang` is made of the column that
`--lang-column` names, which stays beside it as it is. Each field remembers the input column it is filled from in its
metadata (`input`), and whether its strings are JSON (`json`), so that a reader needs nothing but the schema. What
Parquet files say of columns to Hugging Face's datasets is in the metadata of the schema (`dataset.features`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from xlcorpus.dataset.columns import free_name
from xlcorpus.dataset.features import metadata_of
from xlcorpus.dataset.schema import load_schema
from xlcorpus.dataset.united import JSON, nullable
from xlcorpus.errors import UserError, nearest
from xlcorpus.ingest.format import FORMATS
from xlcorpus.pairs.swap import other_side
from xlcorpus.raw.input_columns import ADOPTED, EXTRA, INPUT_KEY, Column, united
from xlcorpus.raw.input_files import InputFile
from xlcorpus.raw.options import SIDES, ReadOptions

KIND = "kind"


def output_schema(files: Sequence[InputFile], options: ReadOptions) -> pa.Schema:
    """The schema of every batch of rows read from `files`: columns of ours that ingest makes, then the extra ones.

    Extra columns stand by the rank of their formats: in the order of the Parquet files' schemas, then of the headers of
    TSV and CSV files, then those of JSONL sorted by name, `extra` last; of several types they are united (`united`).
    Raises UserError where a Parquet, TSV or CSV file lacks a text column, where no record in the sample of the JSONL
    files has a text column, where nothing says the language of a side of pairs, and where no file has a column that
    options name.
    """
    formats = {file.format: FORMATS.find(file.format) for file in files}
    # Formats that share a function are looked at together, in the order of the files.
    ranked = sorted(formats.values(), key=lambda one: (one.columns_rank, one.name))
    together: dict[Any, list[InputFile]] = {one.columns: [] for one in ranked}
    for file in files:
        together[formats[file.format].columns].append(file)
    found: dict[str, list[Column]] = {}
    for columns, mine in together.items():
        for name, column in columns(mine, options).items():
            found.setdefault(name, []).append(column)
    merged = {name: united(name, columns) for name, columns in found.items()}
    readable = sum(file.size > 0 for file in files)
    merged = {
        name: one if one.files == readable else replace(one, type=nullable(one.type)) for name, one in merged.items()
    }
    if any(file.size for file in files):
        _check_named(merged, options)
    adopted = _adopted(merged, files, options)
    return _assemble(merged, adopted, options, with_extra=any(one.extra for one in formats.values()))


def _check_named(columns: Mapping[str, Column], options: ReadOptions) -> None:
    """Raises UserError where a column that options name is not there, or holds no strings."""
    for flag, name in (("--lang-column", options.lang_column), ("--kind-column", options.kind_column)):
        if name is None:
            continue
        if name not in columns:
            there = ", ".join(list(columns)[:50]) or "none besides the texts"
            raise UserError(
                f"no input file has a column {name!r}: {nearest(name, columns)}; columns: {there}",
                remedy=f"name one of them with {flag}, or leave it out",
            )
        if not _is_text(columns[name]):
            what = "values of several types" if columns[name].json else str(columns[name].type)
            raise UserError(
                f"column {name!r} of {columns[name].where} holds {what}, not strings",
                remedy=f"name a column of strings with {flag}",
            )


def _is_text(column: Column) -> bool:
    return column.type in (pa.string(), pa.null()) and not column.json


def _adopted(columns: Mapping[str, Column], files: Sequence[InputFile], options: ReadOptions) -> dict[str, str]:
    """The columns of ours that columns of the input become; raises UserError for a missing language of a pair."""
    text = {name for name, column in columns.items() if _is_text(column)}
    adopted = {name: name for name in ADOPTED if name in text} if options.kind == "documents" else {}
    for name, given in options.languages.items() if options.kind == "pairs" else ():
        column = options.language_column(name)
        if given is None and column in adopted:
            raise UserError(
                f"both sides would have the languages of the column {column!r}",
                remedy=f"say that of {SIDES[name[:3]]} with --{name.replace('_', '-')} swh_Latn",
            )
        if given is None and column in text:
            adopted[column] = name
        elif given is None and any(file.size for file in files):
            found = f"; column {column!r} of the input is {columns[column].type}" if column in columns else ""
            raise UserError(
                f"nothing says the language of {SIDES[name[:3]]}{found}",
                remedy=f"say it with --{name.replace('_', '-')} swh_Latn (language and script), "
                f"or give the input a column {column!r} of such codes",
            )
    if options.kind_column is not None:
        adopted.pop(KIND, None)
        if options.kind_column in text:
            adopted[options.kind_column] = KIND
    return adopted


def _made(options: ReadOptions) -> list[pa.Field]:
    """The columns of ours that these options make."""
    ours, documents = load_schema(options.schema_name), load_schema("document").arrow
    made = ours.columns_of("ingest")
    if options.kind_column is not None and options.kind == "pairs":
        made.append(documents.field(KIND))
    if options.kind == "documents" and options.languages:
        made.append(documents.field("lang"))
    return made


def _assemble(
    columns: Mapping[str, Column], adopted: Mapping[str, str], options: ReadOptions, *, with_extra: bool
) -> pa.Schema:
    ours = load_schema(options.schema_name)
    # Steps tell pairs from documents by the column text, and make lang and cs_... of pairs: none may be the input's.
    later = {"text", *load_schema("codeswitch").names} if options.kind == "pairs" else set()
    fields = []
    filled_from = {ours: name for name, ours in adopted.items()}
    for field in _made(options):
        metadata = dict(field.metadata or {})
        if field.name in filled_from:
            metadata[INPUT_KEY] = filled_from[field.name].encode()
        fields.append(field.with_metadata(metadata))
    reserved = ours.names | {field.name for field in fields} | later | ({EXTRA} if with_extra else frozenset())
    taken = reserved | columns.keys()
    said: dict[str, str | None] = {}
    for name, column in columns.items():
        if name in adopted:
            continue
        own = other_side(name) if options.turned else name
        output = free_name(name, taken) if {name, own} & reserved else own
        taken |= {output}
        metadata = {INPUT_KEY: name.encode()} | (JSON if column.json else {})
        fields.append(pa.field(output, column.type, metadata=metadata))
        if column.feature is not None:
            said[output] = column.feature or None
    if with_extra:
        about = b"JSON object of the input's fields that have no column, or whose value does not fit its column"
        fields.append(pa.field(EXTRA, pa.string(), metadata={b"description": about}))
    return pa.schema(fields, metadata=metadata_of(said) or None)
