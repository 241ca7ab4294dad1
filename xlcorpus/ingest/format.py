"""What a format of raw files is; found by name in `ingest/formats` and among the entry points of other packages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from xlcorpus.dataset.result import Result
from xlcorpus.dataset.storage import Location
from xlcorpus.raw.input_columns import Column
from xlcorpus.raw.input_files import InputFile
from xlcorpus.raw.names import suffixes_of
from xlcorpus.raw.options import ReadOptions
from xlcorpus.raw.ranges import FileRange, whole_file
from xlcorpus.raw.search import Candidate
from xlcorpus.raw.streams import read_head
from xlcorpus.registry import Registry


@dataclass(frozen=True)
class Look:
    """A first look at a file: path, compression, the first 4 KB of its content.

    returns: its lines end with carriage returns alone.
    """

    path: Location
    compression: str
    head: bytes
    returns: bool = False

    @property
    def suffix(self) -> str:
        """The suffix that says the format, '' where there is none."""
        return suffixes_of(self.path.name)[0]

    def more(self, size: int) -> bytes:
        """The first `size` bytes of the content."""
        return read_head(self.path, self.compression, size)


def _no_opinion(look: Look) -> bool | None:
    return None


def _no_columns(files: Sequence[InputFile], options: ReadOptions) -> Mapping[str, Column]:
    return {}


@dataclass(frozen=True)
class Format:
    """A format of raw files.

    name: as users write it; kinds: what it holds (documents, pairs); suffixes: of file names, in lower case.
    read: the records that begin in a range, as batches of rows of a schema, decisions and rejects; the reader is
    called anew for each range. cut: a file that is not empty as ranges of about so many bytes.
    sniff: whether a file is of this format by its content: yes, no (though its name says so), or None where only the
    name can tell. mistaken: what is wrong with a file whose name says this format but which is none, and the remedy.
    compressed: whether it can be read through gzip and the like.
    columns: what columns files have besides texts, with all files of the formats that share the function.
    columns_rank: the smaller, the earlier come its columns and the more their types count: types that files
    declare (0), columns without types (1), types that are inferred from values (2). extra: its records may have fields
    that no column can hold, and keep them in the column `extra`.
    group: takes those files out of the candidates that make one input together (parallel text). A format that has it
    is not for --format.
    """

    name: str
    kinds: tuple[str, ...]
    read: Callable[[FileRange, ReadOptions, pa.Schema], Iterator[Result]]
    suffixes: tuple[str, ...] = ()
    cut: Callable[[InputFile, int], Iterator[FileRange]] = whole_file
    sniff: Callable[[Look], bool | None] = _no_opinion
    mistaken: tuple[str, str] | None = None
    compressed: bool = True
    columns: Callable[[Sequence[InputFile], ReadOptions], Mapping[str, Column]] = _no_columns
    columns_rank: int = 2
    extra: bool = False
    group: Callable[[Sequence[Candidate], ReadOptions], tuple[list[InputFile], list[Candidate]]] | None = None


FORMATS: Registry[Format] = Registry("input format", "xlcorpus.ingest.formats", "FORMAT", "xlcorpus.formats")


def formats_of(kind: str) -> dict[str, Format]:
    """The formats that hold documents, or pairs, and that --format may name."""
    return {name: one for name, one in FORMATS.all.items() if kind in one.kinds and one.group is None}
