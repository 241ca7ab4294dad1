"""Megatron-LM's indexed dataset (NeMo, Megatron-Bridge, MaxText): ids in .bin, lengths and places in .idx.

Layout: megatron/core/datasets/indexed_dataset.py (megatron-core 0.16): 9 bytes of magic, uint64 version 1, uint8 code
of the ids' type, uint64 sequences, uint64 documents + 1; int32 tokens of each sequence, int64 byte where it begins,
int64 first sequence of each document and the number of all. Here each document is a sequence. Its own writer takes
uint16 below 65,500 ids; its reader takes what the code says.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

import numpy as np

from xlcorpus.dataset import storage
from xlcorpus.export.documents import Documents
from xlcorpus.export.format import Counted, Format, Target, write_flat
from xlcorpus.text.ragged import offsets_of

_MAGIC = b"MMIDIDX\x00\x00"
_CODES = {"<i4": 4, "<u2": 8}


class _Megatron(Format):
    def write(self, target: Target, number: int, documents: Iterable[Documents]) -> Counted:
        """A pair of files; Megatron is given the name without .bin."""
        stem = f"part-{number:05d}"
        counted = write_flat(target, f"{stem}.bin", documents, f"{stem}.idx")
        storage.write_parts(target.folder / f"{stem}.idx", _index(counted.sizes, target.dtype))
        return counted

    def opened_by(self, target: Target, files: list[Counted]) -> list[str]:
        """Of each pair an IndexedDataset; training is given all of them by --data-path."""
        return [
            "from megatron.core.datasets.indexed_dataset import IndexedDataset",
            f'documents = IndexedDataset("FOLDER/{files[0].names[0].removesuffix(".bin")}")',
        ]


def _index(sizes: np.ndarray, dtype: np.dtype[np.generic]) -> Iterator[bytes]:
    yield _MAGIC + struct.pack("<QBQQ", 1, _CODES[dtype.str], len(sizes), len(sizes) + 1)
    yield sizes.astype("<i4").tobytes()
    yield (offsets_of(sizes)[:-1] * dtype.itemsize).astype("<i8").tobytes()
    yield np.arange(len(sizes) + 1, dtype="<i8").tobytes()


FORMAT = _Megatron("megatron", "Megatron-LM, NeMo, MaxText: .bin and .idx", file_bytes=8_000_000_000)
