"""The columns of JSON Lines files and their types, from the first records of each."""

from __future__ import annotations

import codecs
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError, nearest
from xlcorpus.ingest.json_values import BadLine, JsonType, arrow_type, from_json, infer, parse_line, unify
from xlcorpus.raw.input_columns import Column
from xlcorpus.raw.input_files import InputFile
from xlcorpus.raw.lines import BOM, lines_of
from xlcorpus.raw.options import ReadOptions, say_column
from xlcorpus.raw.streams import read_head
from xlcorpus.tags.tokens import TOKENS
from xlcorpus.templates.turns import are_turns
from xlcorpus.text.json_numbers import encodable

SAMPLE_BYTES = 1 << 20
SAMPLE_LINES = 1000
MAX_COLUMNS = 500  # JSON objects keyed by ids would make a column each; what is beyond goes to `extra`
_SURE = 20  # records of all files; one without text is a bad record, so many are a wrong --text-column
_SEVERAL = 2  # records of one file: where none has the column, the file is of another kind
_SHOWN = 5  # most files, and names of columns, that an error lists


@dataclass
class _Sample:
    """What the sampled records of all JSONL files hold, or those of one."""

    types: dict[str, JsonType] = field(default_factory=dict)
    where: dict[str, Location] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    characters: dict[str, int] = field(default_factory=dict)
    turns: set[str] = field(default_factory=set)
    records: int = 0

    def add(self, record: Mapping[str, object], path: Location) -> None:
        self.records += 1
        for name, value in record.items():
            type = infer(value)
            self.types[name] = unify(self.types[name], type) if name in self.types else type
            self.where.setdefault(name, path)
            self.counts[name] = self.counts.get(name, 0) + 1
            if are_turns(value):
                self.turns.add(name)
            if isinstance(value, str):
                self.characters[name] = self.characters.get(name, 0) + len(value)

    def add_file(self, other: _Sample) -> None:
        """Add what the records of one file hold."""
        self.records += other.records
        self.turns |= other.turns
        for name, type in other.types.items():
            self.types[name] = unify(self.types[name], type) if name in self.types else type
            self.where.setdefault(name, other.where[name])
            self.counts[name] = self.counts.get(name, 0) + other.counts[name]
        for name, characters in other.characters.items():
            self.characters[name] = self.characters.get(name, 0) + characters

    def suggestion(self, wanted: str) -> str:
        """Which column may be meant instead, and which there are."""
        columns = ", ".join(sorted(self.types)[:50])
        most = max(self.characters, key=lambda name: (self.characters[name], name), default=None)
        text = f"; most text is in {most!r}" if most is not None else ""
        text += f"; turns of conversations are in {min(self.turns)!r}" if self.turns else ""
        return f"{nearest(wanted, self.types)}{text}; columns: {columns}"


def sampled_columns(files: Sequence[InputFile], options: ReadOptions) -> dict[str, Column]:
    """The columns that the first records of all files have, sorted by name.

    Raises UserError where a file has no text column (two records or more lack it), or is no JSON Lines at all.
    """
    sample = _Sample()
    lacking: dict[str, list[tuple[Location, _Sample]]] = {}
    for file in files:
        own = _sample_file(file, options.max_record_bytes)
        sample.add_file(own)
        for output, wanted in options.texts.items():
            if own.records >= _SEVERAL and wanted not in own.types:
                lacking.setdefault(output, []).append((file.path, own))
    for output, found in lacking.items():
        wanted, (path, own) = options.texts[output], found[0]
        others = ", ".join(str(other) for other, _ in found[1:_SHOWN]) + (", ..." if len(found) > _SHOWN else "")
        more = f" (nor have {len(found) - 1:,} more files: {others})" if others else ""
        raise UserError(
            f"{path} has no column {wanted!r}{more}: {own.suggestion(wanted)}",
            remedy=f"{say_column(output)}, or leave out files that have none",
        )
    for output, wanted in options.texts.items():
        if sample.records >= _SURE and wanted not in sample.types:
            raise UserError(
                f"none of the first {sample.records:,} records has a column {wanted!r}: {sample.suggestion(wanted)}",
                remedy=say_column(output),
            )
    texts = {name for output, name in options.texts.items() if output != "text" or name not in sample.turns}
    texts = {name for name in texts if not _is_tokens(sample, name)}
    names = [name for name in sample.types if name and name not in texts and encodable(name)]
    names = sorted(names, key=lambda name: (-sample.counts[name], name))[:MAX_COLUMNS]
    return {
        name: Column(
            arrow_type(sample.types[name]),
            sample.where[name],
            json=sample.types[name] == "json",
            unknown=sample.types[name] == "null",
            fits=from_json,
        )
        for name in sorted(names)
    }


def _is_tokens(sample: _Sample, name: str) -> bool:
    """Whether a column of text holds tokens, which stay a column beside the text that is made of them."""
    return name in sample.types and sample.types[name] != "json" and arrow_type(sample.types[name]) == TOKENS


def _sample_file(file: InputFile, limit: int) -> _Sample:
    """What the first records of a file hold; raises UserError where it is UTF-16 or a JSON array."""
    own = _Sample()
    head, lines = _first_lines(file, limit)
    for line in lines:
        try:
            own.add(parse_line(line), file.path)
        except BadLine:
            continue  # its reader rejects it
    if not own.records:
        if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise UserError(
                f"{file.path} is UTF-16, not UTF-8", remedy="rewrite it with iconv -f UTF-16 -t UTF-8 FILE > NEW"
            )
        if head.removeprefix(BOM).lstrip().startswith(b"[") and file.size > len(b"[]"):
            raise UserError(
                f"{file.path} is one JSON array, not one JSON object a line",
                remedy="rewrite it with jq -c '.[]' FILE > FILE.jsonl",
            )
    return own


def _first_lines(file: InputFile, limit: int) -> tuple[bytes, list[bytes]]:
    """The file's beginning, and its first 1,000 whole lines within 1 MiB, or its first line where that is longer."""
    size = SAMPLE_BYTES
    head = read_head(file.path, file.compression, size)
    while len(lines_of(head, 1, returns=file.returns)) == 1 and len(head) == size and size < limit:
        size = min(size * 8, limit)
        head = read_head(file.path, file.compression, size)
    lines = lines_of(head.removeprefix(BOM), SAMPLE_LINES, returns=file.returns)
    if len(head) == size or len(lines) > SAMPLE_LINES:
        lines.pop()  # cut off, or what follows the thousandth line
    return head, [line for line in lines if line.strip()]
