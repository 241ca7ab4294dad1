"""The columns of an ingested dataset: ours, then every other column of the user's input.

A column of the input that bears a name of ours is kept as `input_<name>`; string columns `url`, `timestamp`,
`license` and `kind` become ours, and of pairs `src_lang` and `tgt_lang` where no option says the language. Each field
remembers the input column it is filled from in its metadata (`input`), and whether its strings are JSON (`json`), so
that a reader needs nothing but the schema.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from xlcorpus.dataset.schema import load_schema
from xlcorpus.errors import UserError, nearest
from xlcorpus.ingest.delimited import read_header
from xlcorpus.ingest.fields import ADOPTED, EXTRA, INPUT_KEY, JSON_KEY
from xlcorpus.ingest.files import InputFile
from xlcorpus.ingest.json_values import BadLine, Kind, arrow_type, encodable, infer, parse_line, unify
from xlcorpus.ingest.options import SIDES, ReadOptions, say_column
from xlcorpus.ingest.parquet import read_schema
from xlcorpus.ingest.streams import read_head

SAMPLE_BYTES = 1 << 20
SAMPLE_LINES = 1000
MAX_COLUMNS = 500  # JSON objects keyed by ids would make a column each; what is beyond goes to `extra`
_SURE = 20  # one record without text is a bad record, so many are a wrong --text-column


def output_schema(files: Sequence[InputFile], options: ReadOptions) -> pa.Schema:
    """The schema of every batch of rows read from `files`: columns of ours that ingest makes, then the extra ones.

    Extra columns stand in the order of the Parquet files' schemas, then of the headers of TSV and CSV files, then those
    of JSONL sorted by name, `extra` last. Raises UserError where a Parquet, TSV or CSV file lacks a text column or
    files disagree on a column's type, where no record in the sample of the JSONL files has a text column, and where
    nothing says the language of a side of pairs.
    """
    jsonl = [file for file in files if file.format == "jsonl"]
    merged = _parquet_columns([file for file in files if file.format == "parquet"], options)
    for file in files:
        for name in (read_header(file, options) or ()) if file.format in ("tsv", "csv") else ():
            column = _Column(pa.string(), file.path)
            if name not in options.texts.values():
                merged[name] = _merge(name, merged[name], column) if name in merged else column
    lines = _jsonl_columns(jsonl, options)
    for name in sorted(lines):
        merged[name] = _merge(name, merged[name], lines[name]) if name in merged else lines[name]
    adopted = _adopted(merged, files, options)
    return _assemble(merged, adopted, options, with_extra=bool(jsonl))


def _adopted(columns: Mapping[str, _Column], files: Sequence[InputFile], options: ReadOptions) -> frozenset[str]:
    """The columns of the input that become ours under the names they have; raises UserError for a missing language."""
    text = {name for name, column in columns.items() if column.type == pa.string() and not column.json}
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
    ours = {field.name for field in load_schema(options.schema).columns_of("ingest")}
    return frozenset(text.intersection(ours, wanted if options.languages else ADOPTED))


@dataclass(frozen=True)
class _Column:
    type: pa.DataType
    where: str  # the first file that has it
    json: bool = False
    unknown: bool = False  # only nulls were seen


def _merge(name: str, table: _Column, lines: _Column) -> _Column:
    same = table.type == lines.type and not lines.json
    if same or lines.unknown:
        return table
    raise _conflict(name, table.where, table.type, lines.where, "JSON" if lines.json else lines.type)


def _conflict(name: str, one: str, one_type: object, other: str, other_type: object) -> UserError:
    return UserError(
        f"column {name!r} is {one_type} in {one} and {other_type} in {other}",
        remedy="ingest these files separately, or rewrite the column to one type in all of them",
    )


def _assemble(
    columns: Mapping[str, _Column], adopted: frozenset[str], options: ReadOptions, *, with_extra: bool
) -> pa.Schema:
    ours = load_schema(options.schema)
    # Steps tell pairs from documents by the column text, and make lang and cs_... of pairs: none may be the input's.
    later = {"text", *load_schema("codeswitch").names} if options.schema == "pair" else set()
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


def _parquet_columns(files: Iterable[InputFile], options: ReadOptions) -> dict[str, _Column]:
    """Union of the files' schemas in order of appearance; a file that cannot be read has none (its reader says why)."""
    columns: dict[str, _Column] = {}
    for file in files:
        schema = read_schema(file, options)
        for field in schema or ():
            if field.name in options.texts.values():
                continue
            known = columns.get(field.name)
            if known is None or pa.types.is_null(known.type):
                columns[field.name] = _Column(field.type, file.path)
            elif known.type != field.type and not pa.types.is_null(field.type):
                raise _conflict(field.name, known.where, known.type, file.path, field.type)
    return columns


@dataclass
class _Sample:
    """What the sampled records of all JSONL files hold."""

    kinds: dict[str, Kind] = dataclasses.field(default_factory=dict)
    where: dict[str, str] = dataclasses.field(default_factory=dict)
    counts: dict[str, int] = dataclasses.field(default_factory=dict)
    records: int = 0

    def add(self, record: Mapping[str, object], path: str) -> None:
        self.records += 1
        for name, value in record.items():
            kind = infer(value)
            self.kinds[name] = unify(self.kinds[name], kind) if name in self.kinds else kind
            self.where.setdefault(name, path)
            self.counts[name] = self.counts.get(name, 0) + 1


def _jsonl_columns(files: Iterable[InputFile], options: ReadOptions) -> dict[str, _Column]:
    sample = _Sample()
    for file in files:
        for line in _sample_lines(file, options.max_record_bytes):
            try:
                sample.add(parse_line(line), file.path)
            except BadLine:
                continue  # its reader rejects it
    for output, wanted in options.texts.items():
        if sample.records >= _SURE and wanted not in sample.kinds:
            raise UserError(
                f"none of the first {sample.records:,} records has a column {wanted!r}; "
                f"{nearest(wanted, sample.kinds)}; columns: {', '.join(sorted(sample.kinds))}",
                remedy=say_column(output),
            )
    names = [name for name in sample.kinds if name and name not in options.texts.values() and encodable(name)]
    names = sorted(names, key=lambda name: (-sample.counts[name], name))[:MAX_COLUMNS]
    return {
        name: _Column(
            arrow_type(sample.kinds[name]),
            sample.where[name],
            json=sample.kinds[name] == "json",
            unknown=sample.kinds[name] == "null",
        )
        for name in names
    }


def _sample_lines(file: InputFile, limit: int) -> Iterator[bytes]:
    """The first 1,000 whole lines within the first 1 MiB of the file, or its first line where that is longer."""
    size = SAMPLE_BYTES
    head = read_head(file.path, file.compression, size)
    while b"\n" not in head and len(head) == size and size < limit:
        size = min(size * 8, limit)
        head = read_head(file.path, file.compression, size)
    lines = head.removeprefix(b"\xef\xbb\xbf").split(b"\n", SAMPLE_LINES)
    if len(head) == size or len(lines) > SAMPLE_LINES:
        lines.pop()  # cut off, or what follows the thousandth line
    return (line for line in lines if line.strip())
