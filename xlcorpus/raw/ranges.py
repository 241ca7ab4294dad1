"""Parts of files: what a task reads is a sequence of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

from xlcorpus.raw.input_files import InputFile

FILES_A_TASK = 10_000  # small files take time too
FILE_WEIGHT = 1 << 14  # bytes that are read in the time it takes to open a file and make its first batch: 0.5 ms


class Part(Protocol):
    """Something to read."""

    @property
    def size(self) -> int:
        """About how many bytes on disk it takes."""


P = TypeVar("P", bound=Part)


@dataclass(frozen=True)
class FileRange:
    """Part of a file: `start` to `end` (exclusive), in bytes, for Parquet in row groups; size: its bytes on disk.

    A line belongs to the range in which it begins. A compressed file, or one that cannot be cut, is one range, 0 to
    its size. twin_start: of two parallel files, where in the second one the lines of this range of the first begin.
    """

    file: InputFile
    start: int
    end: int
    twin_start: int = 0
    size: int = 0


def whole_file(file: InputFile, target: int) -> Iterator[FileRange]:
    """The file in one range, whatever the target."""
    del target
    yield FileRange(file, 0, file.size, size=file.size)


def cut_lines(file: InputFile, target: int) -> Iterator[FileRange]:
    """A file of lines in ranges of `target` bytes; a compressed one in one."""
    if file.compression != "none":
        yield from whole_file(file, target)
        return
    for start in range(0, file.size, target):
        end = min(start + target, file.size)
        yield FileRange(file, start, end, size=end - start)


def weight_of(parts: Iterable[Part]) -> int:
    """About how many bytes of one large file take as long to read."""
    return sum(part.size + FILE_WEIGHT for part in parts)


def group_parts(parts: Iterable[P], *, target_bytes: int, most: int | None = None) -> list[tuple[P, ...]]:
    """What each task reads: parts put together, in order, to about `target_bytes`, and to at most so many.

    Raises ValueError for a target below 1.
    """
    if target_bytes < 1:
        raise ValueError(f"target_bytes must be at least 1, not {target_bytes}")
    tasks: list[tuple[P, ...]] = []
    current: list[P] = []
    size = 0
    for part in parts:
        if current and (size + part.size > target_bytes or len(current) == most):
            tasks.append(tuple(current))
            current, size = [], 0
        current.append(part)
        size += part.size
    return [*tasks, tuple(current)] if current else tasks
