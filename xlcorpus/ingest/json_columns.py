"""The columns of JSON Lines files and their types, from the first records of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError, nearest
from xlcorpus.ingest.json_values import BadLine, JsonType, arrow_type, encodable, infer, parse_line, unify
from xlcorpus.raw.input_columns import Column
from xlcorpus.raw.input_files import InputFile
from xlcorpus.raw.lines import BOM, lines_of
from xlcorpus.raw.options import ReadOptions, say_column
from xlcorpus.raw.streams import read_head

SAMPLE_BYTES = 1 << 20
SAMPLE_LINES = 1000
MAX_COLUMNS = 500  # JSON objects keyed by ids would make a column each; what is beyond goes to `extra`
_SURE = 20  # one record without text is a bad record, so many are a wrong --text-column


@dataclass
class _Sample:
    """What the sampled records of all JSONL files hold."""

    types: dict[str, JsonType] = field(default_factory=dict)
    where: dict[str, Location] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    records: int = 0

    def add(self, record: Mapping[str, object], path: Location) -> None:
        self.records += 1
        for name, value in record.items():
            type = infer(value)
            self.types[name] = unify(self.types[name], type) if name in self.types else type
            self.where.setdefault(name, path)
            self.counts[name] = self.counts.get(name, 0) + 1


def sampled_columns(files: Sequence[InputFile], options: ReadOptions) -> dict[str, Column]:
    """The columns that the first records of all files have, sorted by name.

    Raises UserError where none of them has a text column.
    """
    sample = _Sample()
    for file in files:
        for line in _sample_lines(file, options.max_record_bytes):
            try:
                sample.add(parse_line(line), file.path)
            except BadLine:
                continue  # its reader rejects it
    for output, wanted in options.texts.items():
        if sample.records >= _SURE and wanted not in sample.types:
            raise UserError(
                f"none of the first {sample.records:,} records has a column {wanted!r}; "
                f"{nearest(wanted, sample.types)}; columns: {', '.join(sorted(sample.types))}",
                remedy=say_column(output),
            )
    names = [name for name in sample.types if name and name not in options.texts.values() and encodable(name)]
    names = sorted(names, key=lambda name: (-sample.counts[name], name))[:MAX_COLUMNS]
    return {
        name: Column(
            arrow_type(sample.types[name]),
            sample.where[name],
            json=sample.types[name] == "json",
            unknown=sample.types[name] == "null",
        )
        for name in sorted(names)
    }


def _sample_lines(file: InputFile, limit: int) -> Iterator[bytes]:
    """The first 1,000 whole lines within the first 1 MiB of the file, or its first line where that is longer."""
    size = SAMPLE_BYTES
    head = read_head(file.path, file.compression, size)
    while len(lines_of(head, 1, returns=file.returns)) == 1 and len(head) == size and size < limit:
        size = min(size * 8, limit)
        head = read_head(file.path, file.compression, size)
    lines = lines_of(head.removeprefix(BOM), SAMPLE_LINES, returns=file.returns)
    if len(head) == size or len(lines) > SAMPLE_LINES:
        lines.pop()  # cut off, or what follows the thousandth line
    return (line for line in lines if line.strip())
