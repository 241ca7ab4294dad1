"""The columns of an ingested dataset: ours, then every other column of the user's input.

A column of the input that bears a name of ours is kept as `input_<name>`; string columns `url`, `timestamp`,
`license` and `kind` become ours, and of pairs `src_lang` and `tgt_lang` where no option says the language. Each field
remembers the input column it is filled from in its metadata (`input`), and whether its strings are JSON (`json`), so
that a reader needs nothing but the schema.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from xlcorpus.dataset.schema import load_schema
from xlcorpus.errors import UserError
from xlcorpus.ingest.format import FORMATS
from xlcorpus.raw.input_columns import ADOPTED, EXTRA, INPUT_KEY, JSON_KEY, Column, united
from xlcorpus.raw.input_files import InputFile
from xlcorpus.raw.options import SIDES, ReadOptions


def output_schema(files: Sequence[InputFile], options: ReadOptions) -> pa.Schema:
    """The schema of every batch of rows read from `files`: columns of ours that ingest makes, then the extra ones.

    Extra columns stand by the rank of their formats: in the order of the Parquet files' schemas, then of the headers of
    TSV and CSV files, then those of JSONL sorted by name, `extra` last. Raises UserError where a Parquet, TSV or CSV
    file lacks a text column or files disagree on a column's type, where no record in the sample of the JSONL files has
    a text column, and where nothing says the language of a side of pairs.
    """
    formats = {file.format: FORMATS.find(file.format) for file in files}
    # Formats that share a function are looked at together, in the order of the files.
    ranked = sorted(formats.values(), key=lambda one: (one.columns_rank, one.name))
    together: dict[Any, list[InputFile]] = {one.columns: [] for one in ranked}
    for file in files:
        together[formats[file.format].columns].append(file)
    merged: dict[str, Column] = {}
    for columns, mine in together.items():
        for name, column in columns(mine, options).items():
            merged[name] = united(name, merged[name], column) if name in merged else column
    adopted = _adopted(merged, files, options)
    return _assemble(merged, adopted, options, with_extra=any(one.extra for one in formats.values()))


def _adopted(columns: Mapping[str, Column], files: Sequence[InputFile], options: ReadOptions) -> frozenset[str]:
    """The columns of the input that become ours under the names they have; raises UserError for a missing language."""
    text = {name for name, column in columns.items() if column.type in (pa.string(), pa.null()) and not column.json}
    wanted = [name for name, given in options.languages.items() if given is None]
    for name in wanted:
        if name in text or not any(file.size for file in files):
            continue
        found = f"; column {name!r} of the input is {columns[name].type}" if name in columns else ""
        raise UserError(
            f"nothing says the language of {SIDES[name[:3]]}{found}",
            remedy=f"say it with --{name.replace('_', '-')} swh_Latn (language and script), "
            f"or give the input a column {name!r} of such codes",
        )
    ours = {field.name for field in load_schema(options.schema_name).columns_of("ingest")}
    return frozenset(text.intersection(ours, wanted if options.languages else ADOPTED))


def _assemble(
    columns: Mapping[str, Column], adopted: frozenset[str], options: ReadOptions, *, with_extra: bool
) -> pa.Schema:
    ours = load_schema(options.schema_name)
    # Steps tell pairs from documents by the column text, and make lang and cs_... of pairs: none may be the input's.
    later = {"text", *load_schema("codeswitch").names} if options.kind == "pairs" else set()
    fields = []
    for field in ours.columns_of("ingest"):
        metadata = dict(field.metadata or {})
        if field.name in adopted:
            metadata[INPUT_KEY] = field.name.encode()
        fields.append(field.with_metadata(metadata))
    reserved = ours.names | later | ({EXTRA} if with_extra else frozenset())
    taken = reserved | columns.keys()
    for name, column in columns.items():
        if name in adopted:
            continue
        output = name
        if name in reserved:
            output = f"input_{name}"
            while output in taken:
                output = f"input_{output}"
            taken |= {output}
        metadata = {INPUT_KEY: name.encode()} | ({JSON_KEY: b"1"} if column.json else {})
        fields.append(pa.field(output, column.type, metadata=metadata))
    if with_extra:
        about = b"JSON object of the input's fields that have no column, or whose value does not fit its column"
        fields.append(pa.field(EXTRA, pa.string(), metadata={b"description": about}))
    return pa.schema(fields)
