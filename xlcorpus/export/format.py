"""What an export format is: how documents become the files of another trainer. A file each in `formats/`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from xlcorpus.dataset import storage
from xlcorpus.dataset.storage import Location
from xlcorpus.export.documents import Documents
from xlcorpus.pack.facts import TokenizerFacts
from xlcorpus.registry import Registry

NARROW = np.dtype("<u2")
NARROW_VOCABULARY = 1 << 16  # ids up to 65,535


@dataclass(frozen=True)
class Target:
    """Where an export is written, with ids of which type, by which tokenizer, and the id that ends each document."""

    folder: Location
    dtype: np.dtype[Any]
    tokenizer: TokenizerFacts
    end: int | None
    block: int | None = None


@dataclass
class Counted:
    """A file of tokens: its names, what was written into it; pieces: int32, tokens of the documents as they came."""

    names: tuple[str, ...]
    documents: int = 0
    tokens: int = 0
    pieces: list[np.ndarray] = field(default_factory=list)

    def ids(self, documents: Iterable[Documents], target: Target) -> Iterator[bytes]:
        """The bytes of the ids, counted as they pass."""
        for some in documents:
            self.documents += len(some.sizes)
            self.tokens += len(some.ids)
            self.pieces.append(some.sizes.astype(np.int32))
            yield some.ids.astype(target.dtype).tobytes()

    @property
    def sizes(self) -> np.ndarray:
        """int32[documents]: tokens of each document that passed."""
        return np.concatenate([np.zeros(0, dtype=np.int32), *self.pieces])


@dataclass(frozen=True)
class Format:
    """A format by its name; subclasses write it. The defaults are those of flat ids in files of any size.

    wide: type of the ids where they do not fit 16 bits; file_bytes: where a file ends unless asked otherwise;
    most_bytes: what its offsets can hold; document_bytes: what a document takes beside its ids; in_blocks: whether its
    items may be cut at a length of the trainer's; cuts_by_end: whether readers find documents by the id that ends them.
    """

    name: str
    summary: str
    wide: np.dtype[Any] = field(default_factory=lambda: np.dtype("<i4"))
    file_bytes: int = 2_000_000_000
    most_bytes: int | None = None
    document_bytes: int = 0
    in_blocks: bool = False
    cuts_by_end: bool = False

    def dtype(self, vocab_size: int) -> np.dtype[Any]:
        """The type of the ids of a vocabulary."""
        return NARROW if vocab_size <= NARROW_VOCABULARY else self.wide

    def write(self, target: Target, number: int, documents: Iterable[Documents]) -> Counted:
        """Write file `number` of the export, all documents of it."""
        raise NotImplementedError

    def finish(self, target: Target, files: list[Counted]) -> tuple[str, ...]:
        """Write what lies beside the files of tokens; its names."""
        return ()

    def opened_by(self, target: Target, files: list[Counted]) -> list[str]:
        """Lines of Python that open the export (`FOLDER` is its path), for the card."""
        raise NotImplementedError


def write_flat(target: Target, name: str, documents: Iterable[Documents], *beside: str) -> Counted:
    """A file of ids end to end; beside: names of the files that the format writes to it."""
    counted = Counted((name, *beside))
    storage.write_parts(target.folder / name, counted.ids(documents, target))
    return counted


FORMATS: Registry[Format] = Registry("export format", "xlcorpus.export.formats", "FORMAT", "xlcorpus.export_formats")
