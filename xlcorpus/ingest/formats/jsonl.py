"""JSON Lines: whole blocks through Arrow's parser; where a block is not plain sailing, line by line.

Kept: NaN and Infinity (as Python writes them), raw control characters inside strings, of a key that occurs twice the
last value. Rejected with a named reason: see `read_jsonl`. Lines of white space alone are no records.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from xlcorpus.dataset.result import Result
from xlcorpus.dataset.united import holds_json
from xlcorpus.ingest.format import Format, Look
from xlcorpus.ingest.json_columns import sampled_columns
from xlcorpus.ingest.json_values import (
    BadLine,
    Misfit,
    fitter,
    from_json,
    holds_float,
    json_name,
    parse_line,
)
from xlcorpus.raw.assemble import Assembler
from xlcorpus.raw.input_columns import EXTRA, fields_by_input
from xlcorpus.raw.lines import BOM, Lines, LongLine, Torn, lines_of, read_lines
from xlcorpus.raw.names import uncompressed_name
from xlcorpus.raw.options import SIDES, ReadOptions
from xlcorpus.raw.ranges import FileRange, cut_lines
from xlcorpus.raw.rejects import Reject, unread
from xlcorpus.tags.tokens import TOKENS, join_tokens
from xlcorpus.templates.turns import are_turns, text_of_turns, texts_of_turns
from xlcorpus.text.json_numbers import EXACT, dump, encodable, is_rounded, may_round

_LOOK = 1 << 16
_FEW_LINES, _FEW_BYTES = 64, 1 << 14  # line by line these take less time than one call of Arrow's parser: 1 ms
_SPACE = b" \t\r\f\v"
# Locator, texts in the order of `ReadOptions.texts`, other fields.
_Record = tuple[int, tuple[str, ...], dict[str, Any]]


def read_jsonl(part: FileRange, options: ReadOptions, schema: pa.Schema) -> Iterator[Result]:
    """Records of a range of a JSON Lines file.

    Reject reasons: invalid_json, not_an_object, missing_text, text_not_string, invalid_utf8, invalid_unicode (lone
    surrogates), nul_bytes, record_too_large, truncated_file, corrupt_file; of pairs with src or tgt in the place of
    text. Decisions and rejects of `Assembler.rows` besides.
    """
    reader = Reader(part, options, schema)
    for lines in read_lines(part, options.max_record_bytes):
        if isinstance(lines, Lines):
            yield from reader.block(lines)
        elif isinstance(lines, LongLine):
            yield from reader.long(lines)
        else:
            yield from reader.torn(lines)


class Reader:
    """What the blocks of one range have in common."""

    def __init__(self, part: FileRange, options: ReadOptions, schema: pa.Schema) -> None:
        self.options = options
        self.assembler = Assembler(part.file, options, schema)
        self.fields = fields_by_input(schema)
        self.fitters: dict[str, Callable[[Any], Any]] = {
            name: dump if holds_json(field) else fitter(field.type) for name, field in self.fields.items()
        }
        plain = [
            pa.field(name, field.type)
            for name, field in self.fields.items()
            if not holds_json(field) and from_json(field.type)
        ]
        # Turns of conversations and lists of tokens give the text, and stay as a column.
        self.listed = {name for name in options.texts.values() if name in self.fields}
        texts = [pa.field(name, pa.string()) for name in options.texts.values() if name not in self.listed]
        # A field that is not listed makes Arrow fail, and the block is read line by line: nothing is dropped unseen.
        self.with_floats = [name for name, field in self.fields.items() if holds_float(field.type)]
        self.parse_options = pj.ParseOptions(
            explicit_schema=pa.schema([*texts, *plain]),
            unexpected_field_behavior="error",
        )

    def long(self, line: LongLine) -> Iterator[Result]:
        yield from self._emit([], [unread(line, "the line", self.options)], line.size)

    def torn(self, torn: Torn) -> Iterator[Result]:
        """A damaged file ends here; the line that the damage cut off counts as a record if it is whole all the same."""
        records: list[_Record] = []
        offset, rest = torn.offset, torn.data
        if rest.strip():
            try:
                records.append((offset, *self._record(rest)))
                offset, rest = offset + len(rest), b""
            except BadLine:
                pass
        reject = Reject(offset, torn.damage.reason, torn.damage.message, rest)
        yield from self._emit(records, [reject], len(torn.data))

    def block(self, lines: Lines) -> Iterator[Result]:
        lines = lines.without_empty()
        if not len(lines.starts):
            return
        few = len(lines.starts) <= _FEW_LINES and lines.size <= _FEW_BYTES
        table = None if few else self.parse(lines)
        if table is None:
            yield from self._line_by_line(lines)
            return
        offsets = lines.offsets
        rejects: list[Reject] = []
        missing = np.zeros(len(offsets), dtype=bool)
        for name in self.options.texts.values():
            missing |= np.asarray(pc.is_null(table.column(name)))
        if missing.any():
            for index in np.flatnonzero(missing).tolist():
                line = lines.data[lines.starts[index] : lines.ends[index]]
                error = self._no_text(parse_line(line))
                rejects.append(Reject(int(offsets[index]), error.reason, error.message, line))
            offsets, table = offsets[~missing], table.filter(pa.array(~missing))
        texts = {output: table.column(name).combine_chunks() for output, name in self.options.texts.items()}
        for output, one in texts.items():
            if one.type == TOKENS:
                texts[output] = join_tokens(one)
            elif self.options.texts[output] in self.listed:
                texts[output] = texts_of_turns(one)
        columns = {
            self.fields[name].name: table.column(name).combine_chunks()
            for name in table.column_names
            if name in self.fields
        }
        yield from self.assembler.rows(offsets, texts, columns, size=lines.size, rejects=rejects)

    def parse(self, lines: Lines) -> pa.Table | None:
        """The block as a table with one row a line, or None where that is not certain to be what the lines say."""
        first, last = int(lines.starts[0]), int(lines.ends[-1])
        data = lines.data[first:last] if first or last < len(lines.data) - 1 else lines.data
        values = np.frombuffer(lines.data, dtype=np.uint8)
        # Each line is one object if it begins with { and ends with } and there are as many rows as lines.
        if (values[lines.starts] != 0x7B).any():
            return None
        if (values[lines.ends - 1] != 0x7D).any() or b"\0" in data or b"\\u0000" in data:
            return None
        if self.with_floats and may_round(data):
            return None
        try:
            pa.array([data], pa.binary()).cast(pa.string())  # Arrow's JSON parser takes invalid UTF-8 as it is
            table = pj.read_json(
                pa.BufferReader(data),
                read_options=pj.ReadOptions(use_threads=False, block_size=len(data) + 1),
                parse_options=self.parse_options,
            )
        except (pa.ArrowException, UnicodeDecodeError):
            return None
        if table.num_rows != len(lines.starts) or not all(_exact(column) for column in table.itercolumns()):
            return None
        return table

    def _line_by_line(self, lines: Lines) -> Iterator[Result]:
        records: list[_Record] = []
        rejects: list[Reject] = []
        for offset, line in zip(lines.offsets.tolist(), lines.contents(), strict=True):
            if not line.strip(_SPACE):
                continue
            try:
                records.append((offset, *self._record(line)))
            except BadLine as error:
                several = self._between_returns(offset, line)
                records += several
                if not several:
                    rejects.append(Reject(offset, error.reason, error.message, line))
        yield from self._emit(records, rejects, lines.size)

    def _between_returns(self, offset: int, line: bytes) -> list[_Record]:
        """The records of a line that is several, with carriage returns alone between them; none where one is no record.

        Elsewhere such a return is white space, or stands raw in a string: it is not taken for the end of a line.
        """
        found: list[_Record] = []
        for part in line.split(b"\r") if b"\r" in line else ():
            if part.strip(_SPACE):
                try:
                    found.append((offset, *self._record(part)))
                except BadLine:
                    return []
            offset += len(part) + 1
        return found

    def _record(self, line: bytes) -> tuple[tuple[str, ...], dict[str, Any]]:
        """Texts and the other fields of a line; raises BadLine."""
        record = parse_line(line)
        texts = []
        for output, name in self.options.texts.items():
            text = record.get(name)
            if text is None:
                raise self._no_text(record)
            if name in self.listed and are_turns(text):
                text = text_of_turns(text)
            elif name in self.listed and isinstance(text, list) and all(isinstance(token, str) for token in text):
                text = join_tokens(pa.array([text], TOKENS))[0].as_py() if all(map(encodable, text)) else "\ud800"
            if not isinstance(text, str):
                raise BadLine(f"{output}_not_string", f"column {name!r} holds a JSON {json_name(text)}, not a string")
            if "\0" in text:
                raise BadLine("nul_bytes", f"{SIDES[output]} holds NUL characters")
            if not encodable(text):
                raise BadLine(
                    "invalid_unicode", f"{SIDES[output]} holds a lone surrogate (half of an escaped character)"
                )
            texts.append(text)
        for name in self.options.texts.values():
            if name not in self.listed:
                del record[name]
        return tuple(texts), record

    def _no_text(self, record: dict[str, Any]) -> BadLine:
        """What is wrong with a record of which a text is missing or null."""
        output, name = next(pair for pair in self.options.texts.items() if record.get(pair[1]) is None)
        if name in record:
            return BadLine(f"missing_{output}", f"column {name!r} is null")
        there = ", ".join(list(record)[:20]) or "no columns"
        return BadLine(f"missing_{output}", f"there is no column {name!r}; the record has: {there}")

    def _emit(self, records: list[_Record], rejects: list[Reject], size: int) -> Iterator[Result]:
        offsets = np.array([offset for offset, _, _ in records], dtype=np.int64)
        texts = {
            output: pa.array([texts[number] for _, texts, _ in records], pa.string())
            for number, output in enumerate(self.options.texts)
        }
        columns = self._columns([record for _, _, record in records])
        yield from self.assembler.rows(offsets, texts, columns, size=size, rejects=rejects)

    def _columns(self, records: list[dict[str, Any]]) -> dict[str, pa.Array]:
        """Arrays by output name; takes the values out of the records, and what is left over goes to `extra`."""
        columns: dict[str, pa.Array] = {}
        for name, fit in self.fitters.items():
            field, values = self.fields[name], []
            for record in records:
                value = record.pop(name, None)
                if value is not None:
                    given = value
                    try:
                        value = fit(given)
                    except Misfit:
                        value = None
                    # What its column holds nearly is kept in both places: numbers of 18 digits can still be compared.
                    if value is None or (name in self.with_floats and is_rounded(given)):
                        record[name] = given
                values.append(value)
            columns[field.name] = pa.array(values, field.type)
        columns[EXTRA] = pa.array([dump(record) if record else None for record in records], pa.string())
        return columns


def _exact(column: pa.ChunkedArray | pa.Array) -> bool:
    """Whether all doubles are finite and below 2^53.

    Arrow takes spellings of infinity that JSON parsers do not, and rounds integers that a double cannot hold.
    """
    if pa.types.is_floating(column.type):
        return bool(pc.all(pc.less(pc.abs(column), float(EXACT)), min_count=0).as_py())
    if pa.types.is_nested(column.type):
        return all(_exact(inner) for inner in _children(column))
    return True


def _children(column: pa.ChunkedArray | pa.Array) -> list[pa.ChunkedArray | pa.Array]:
    if pa.types.is_list(column.type):
        return [pc.list_flatten(column)]
    return list(column.flatten())


def _sniff(look: Look) -> bool | None:
    """A file without any suffix may be JSON Lines (Spark's `part-00000.gz`), one called .json may be one document."""
    if "." in uncompressed_name(look.path.name) and not (look.suffix == "json" and look.head):
        return None
    line, *more = lines_of(look.more(_LOOK).removeprefix(BOM).lstrip(), 1, returns=look.returns)
    if not more and len(line) > _LOOK // 2:
        return line.startswith(b"{")
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


FORMAT = Format(
    name="jsonl",
    kinds=("documents", "pairs"),
    suffixes=("jsonl", "ndjson", "json", "jsonlines"),
    sniff=_sniff,
    mistaken=("is one JSON document, not one JSON object a line", "rewrite it with jq -c '.[]' FILE > FILE.jsonl"),
    cut=cut_lines,
    columns=sampled_columns,
    extra=True,
    read=read_jsonl,
)
