"""Parts of files: what a task reads is a sequence of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from xlcorpus.raw.input_files import InputFile


@dataclass(frozen=True)
class FileRange:
    """Part of a file: `start` to `end` (exclusive), in bytes, for Parquet in row groups; size: its bytes on disk.

    A line belongs to the range in which it begins. A compressed file, or one that cannot be cut, is one range, 0 to
    its size. beside: of two parallel files, where in the second one the lines of this range of the first begin.
    """

    file: InputFile
    start: int
    end: int
    beside: int = 0
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
