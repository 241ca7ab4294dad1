"""Cut the input files into tasks: a pure function of the sorted files, so that every runner gets the same tasks."""

from __future__ import annotations

from collections.abc import Sequence

from xlcorpus.ingest.format import FORMATS
from xlcorpus.raw.input_files import InputFile
from xlcorpus.raw.ranges import FileRange


def cut_files(files: Sequence[InputFile], *, target_bytes: int) -> list[tuple[FileRange, ...]]:
    """What each task reads, about `target_bytes` on disk, in the order of the files; empty files are in none.

    Large files are split where they can be, small ones are put together. Raises ValueError for a target below 1,
    UserError where two parallel files differ in their number of lines.
    """
    if target_bytes < 1:
        raise ValueError(f"target_bytes must be at least 1, not {target_bytes}")
    tasks: list[tuple[FileRange, ...]] = []
    ranges: list[FileRange] = []
    total = 0
    for part in (part for file in files if file.size for part in FORMATS.find(file.format).cut(file, target_bytes)):
        if ranges and total + part.size > target_bytes:
            tasks.append(tuple(ranges))
            ranges, total = [], 0
        ranges.append(part)
        total += part.size
    if ranges:
        tasks.append(tuple(ranges))
    return tasks
