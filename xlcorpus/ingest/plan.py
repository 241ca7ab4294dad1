"""Cut the input files into tasks: a pure function of the sorted files, so that every runner gets the same tasks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import pyarrow as pa
import pyarrow.parquet as pq

from xlcorpus.ingest.files import InputFile
from xlcorpus.ingest.parallel_lines import cut_parallel

TARGET_BYTES = 64 << 20


@dataclass(frozen=True)
class FileRange:
    """Part of a file: `start` to `end` (exclusive), in bytes, for Parquet in row groups.

    A line belongs to the range in which it begins. A compressed, CSV, WARC or ARC file is one range, 0 to its size.
    beside: of two parallel files, where in the second one the lines of this range of the first begin.
    """

    file: InputFile
    start: int
    end: int
    beside: int = 0


@dataclass(frozen=True)
class IngestTask:
    """What one worker reads: its number, from 0, and the ranges in order."""

    number: int
    ranges: tuple[FileRange, ...]


def plan_tasks(files: Sequence[InputFile], *, target_bytes: int = TARGET_BYTES) -> list[IngestTask]:
    """Tasks of about `target_bytes` on disk each, in the order of the files; empty files are in none.

    Large files are split where they can be, small ones are put together. Raises ValueError for a target below 1,
    UserError where two parallel files differ in their number of lines.
    """
    if target_bytes < 1:
        raise ValueError(f"target_bytes must be at least 1, not {target_bytes}")
    tasks: list[IngestTask] = []
    ranges: list[FileRange] = []
    total = 0
    for part, size in (pair for file in files for pair in _parts(file, target_bytes)):
        if ranges and total + size > target_bytes:
            tasks.append(IngestTask(len(tasks), tuple(ranges)))
            ranges, total = [], 0
        ranges.append(part)
        total += size
    if ranges:
        tasks.append(IngestTask(len(tasks), tuple(ranges)))
    return tasks


def _parts(file: InputFile, target: int) -> Iterator[tuple[FileRange, int]]:
    """The ranges of one file with their sizes in bytes."""
    if file.size == 0:
        return
    if file.format == "parquet":
        yield from _row_groups(file, target)
    elif file.format == "moses":
        yield from _parallel(file, target)
    elif file.format in ("jsonl", "text", "tsv") and file.compression == "none":
        for start in range(0, file.size, target):
            end = min(start + target, file.size)
            yield FileRange(file, start, end), end - start
    else:
        yield FileRange(file, 0, file.size), file.size


def _row_groups(file: InputFile, target: int) -> Iterator[tuple[FileRange, int]]:
    try:
        metadata = pq.read_metadata(file.path)
    except (pa.ArrowException, OSError):
        yield FileRange(file, 0, 1), file.size  # its reader will say what is wrong with it
        return
    start, size = 0, 0
    for group in range(metadata.num_row_groups):
        columns = (metadata.row_group(group).column(index) for index in range(metadata.num_columns))
        weight = sum(column.total_compressed_size for column in columns)
        if group > start and size + weight > target:
            yield FileRange(file, start, group), size
            start, size = group, 0
        size += weight
    if metadata.num_row_groups > start:
        yield FileRange(file, start, metadata.num_row_groups), size


def _parallel(file: InputFile, target: int) -> Iterator[tuple[FileRange, int]]:
    cuts = cut_parallel(file, target)
    for (start, beside), (end, _) in pairwise(cuts):
        yield FileRange(file, start, end, beside), file.size * (end - start) // max(cuts[-1][0], 1)
