"""Two parallel text files (as Moses reads them): line n of the one translates line n of the other.

Lines end with a newline and nothing else (a carriage return before it is not part of the text), in a file without
newlines with carriage returns: the separators that Unicode knows besides are text, else the sides would come apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pyarrow as pa

from xlcorpus.dataset.result import Result
from xlcorpus.errors import UserError
from xlcorpus.raw.assemble import Assembler
from xlcorpus.raw.input_files import InputFile
from xlcorpus.raw.lines import Lines, LongLine, Torn, line_stops, never_within_crlf, read_lines
from xlcorpus.raw.options import SIDES, ReadOptions
from xlcorpus.raw.ranges import FileRange
from xlcorpus.raw.rejects import Reject, too_large
from xlcorpus.raw.streams import Damage, read_stream

_TO_THE_END = 1 << 62
_RETURNS = "the lines of one end with newlines, those of the other with carriage returns"
_Line = bytes | LongLine


def cut_parallel(file: InputFile, target: int) -> Iterator[FileRange]:
    """Ranges of about `target` bytes of both files together, which begin with the same line in both.

    Compressed files are not cut within. Raises UserError where the files differ in their number of lines, naming both,
    or one of them is damaged: nothing of them is read then.
    """
    twin = _twin(file)
    plain = file.compression == twin.compression == "none"
    share = target * (file.size - twin.size) // max(file.size, 1) if plain else 0
    lines, at, cuts = _scan(file, every=max(share, 1) if plain else None)
    cuts = [cut for cut in cuts if cut[1] < at]
    others, other_at, there = _scan(twin, at_lines=[number for number, _ in cuts])
    if lines != others:
        raise UserError(
            f"{file.path} has {lines:,} lines and {twin.path} has {others:,}: they are not parallel",
            remedy="make both have one line for each pair (an empty line where a side is missing)"
            + (f"; {_RETURNS}" if file.returns != twin.returns else ""),
        )
    inner = [(offset, other) for (_, offset), (_, other) in zip(cuts, there, strict=True)]
    if lines:
        for (start, twin_start), (end, _) in pairwise([(0, 0), *inner, (at, other_at)]):
            yield FileRange(file, start, end, twin_start, file.size * (end - start) // max(at, 1))


def _twin(file: InputFile) -> InputFile:
    assert file.twin is not None, "files of this format are two"
    return file.twin


def _scan(
    file: InputFile, *, every: int | None = None, at_lines: Sequence[int] = ()
) -> tuple[int, int, list[tuple[int, int]]]:
    """Number of lines, bytes, and cuts: numbers and offsets of lines.

    every: the first line that begins at or after each so many bytes behind the cut before; at_lines: these lines.
    """
    lines, size = 0, 0
    cuts: list[tuple[int, int]] = []
    last = 0  # where the last line ends that has an end
    goal = every
    wanted = list(reversed(at_lines))
    pieces = read_stream(file.path, file.compression)
    for piece in never_within_crlf(pieces) if file.returns else pieces:
        if isinstance(piece, Damage):
            raise UserError(
                f"{file.path} is damaged: {piece.message}",
                remedy="restore the file: of parallel files every line counts",
            )
        stops = line_stops(piece, returns=file.returns) + size
        while goal is not None and size + len(piece) > goal:
            place = int(np.searchsorted(stops, goal))
            if place == len(stops):
                break
            offset = int(stops[place])
            cuts.append((lines + place + 1, offset))
            goal = offset + (every or 0)
        while wanted and wanted[-1] <= lines + len(stops):
            number = wanted.pop()
            cuts.append((number, int(stops[number - lines - 1])))
        lines, size, last = lines + len(stops), size + len(piece), int(stops[-1]) if len(stops) else last
    return lines + (last < size), size, cuts


def read_parallel(part: FileRange, options: ReadOptions, schema: pa.Schema) -> Iterator[Result]:
    """The pairs of a range. Every line is a record, empty ones too: they have a decision (empty_src, empty_tgt).

    Reject reasons: invalid_utf8, nul_bytes, record_too_large. Raises UserError where the files are not what they were
    when the run was planned (`cut_parallel` has counted their lines).
    """
    assembler = Assembler(part.file, options, schema)
    limit = options.max_record_bytes
    source = _Side(read_lines(part, limit))
    twin = _twin(part.file)
    target = _Side(read_lines(FileRange(twin, part.twin_start, _TO_THE_END), limit))
    while source.fill():
        if not target.fill():
            raise UserError(
                f"{twin.path} ends before {part.file.path}: it has changed since the run was planned",
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
                self.offsets, self.lines = block.offsets.tolist(), list(block.contents())
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
        rejects.append(too_large(offset, SIDES[name], line.size, line.head, options))
        size += line.size
    raw = {name: pa.array(values, pa.binary()) for name, values in sides.items()}
    yield from assembler.rows(np.array(at, dtype=np.int64), raw, {}, size=size, rejects=rejects)
