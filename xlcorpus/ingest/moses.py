"""Two parallel text files: line n of the one and line n of the other are a pair; the locator is the first's offset."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa

from xlcorpus.dataset.result import Result
from xlcorpus.errors import UserError
from xlcorpus.ingest.lines import Lines, LongLine, Torn, read_lines
from xlcorpus.ingest.options import SIDES, ReadOptions
from xlcorpus.ingest.plan import FileRange
from xlcorpus.ingest.rows import Assembler, Reject
from xlcorpus.ingest.text_values import check_texts

_TO_THE_END = 1 << 62
_Line = bytes | LongLine


def read_moses(part: FileRange, options: ReadOptions, schema: pa.Schema) -> Iterator[Result]:
    """The pairs of a range. Every line is a record, empty ones too: they have a decision (empty_src, empty_tgt).

    Reject reasons: invalid_utf8, nul_bytes, record_too_large. Raises UserError where the files are not what they were
    when the run was planned (`cut_parallel` has counted their lines).
    """
    assembler = Assembler(part.file, options, schema)
    limit = options.max_record_bytes
    source = _Side(read_lines(part, limit))
    second = replace(part.file, path=part.file.beside, compression=part.file.beside_compression)
    target = _Side(read_lines(FileRange(second, part.beside, _TO_THE_END), limit))
    while source.fill():
        if not target.fill():
            raise UserError(
                f"{part.file.beside} ends before {part.file.path}: it has changed since the run was planned",
                remedy="run the same command again with --overwrite",
            )
        count = min(source.waiting, target.waiting)
        offsets, sources = source.take(count)
        _, targets = target.take(count)
        yield from _pairs(offsets, sources, targets, assembler, options)


@dataclass
class _Side:
    """The lines of one file: those that were read and wait for the other file's."""

    blocks: Iterator[Lines | LongLine | Torn]
    offsets: list[int] = field(default_factory=list)
    lines: list[_Line] = field(default_factory=list)
    at: int = 0

    @property
    def waiting(self) -> int:
        """How many lines wait."""
        return len(self.lines) - self.at

    def fill(self) -> bool:
        """Read on where no line waits; false at the end. Raises UserError where the file is damaged."""
        while not self.waiting:
            block = next(self.blocks, None)
            if block is None:
                return False
            if isinstance(block, Torn):
                raise UserError(f"a parallel file is damaged: {block.damage.message}", remedy="restore the file")
            self.at = 0
            if isinstance(block, LongLine):
                self.offsets, self.lines = [block.offset], [block]
            else:
                spans = zip(block.starts.tolist(), block.ends.tolist(), strict=True)
                self.offsets, self.lines = block.offsets.tolist(), [block.data[start:end] for start, end in spans]
        return True

    def take(self, count: int) -> tuple[list[int], list[_Line]]:
        """Offsets and lines of the next ones."""
        span = slice(self.at, self.at + count)
        self.at += count
        return self.offsets[span], self.lines[span]


def _pairs(
    offsets: list[int], sources: list[_Line], targets: list[_Line], assembler: Assembler, options: ReadOptions
) -> Iterator[Result]:
    rejects: list[Reject] = []
    at: list[int] = []
    sides: dict[str, list[bytes]] = {"src": [], "tgt": []}
    size = 0
    for offset, source, target in zip(offsets, sources, targets, strict=True):
        if isinstance(source, bytes) and isinstance(target, bytes):
            at.append(offset)
            sides["src"].append(source)
            sides["tgt"].append(target)
            size += len(source) + len(target) + 2
            continue
        name, line = ("src", source) if isinstance(source, LongLine) else ("tgt", target)
        assert isinstance(line, LongLine)
        message = (
            f"{SIDES[name]} has {line.size:,} bytes; at most {options.max_record_bytes:,} are read (--max-record-bytes)"
        )
        rejects.append(Reject(offset, "record_too_large", message, line.head))
        size += line.size
    where = np.array(at, dtype=np.int64)
    raw = {name: pa.array(values, pa.binary()) for name, values in sides.items()}
    good, wrong = check_texts(raw, where, options)
    if wrong:
        keep = pa.array(good)
        where, raw = where[good], {name: column.filter(keep) for name, column in raw.items()}
        rejects = sorted([*rejects, *wrong], key=lambda one: one.offset)
    texts = {name: column.cast(pa.string()) for name, column in raw.items()}
    yield from assembler.rows(where, texts, {}, size=size, rejects=rejects)
