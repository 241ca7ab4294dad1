"""MosaicML's MDS shards (Composer, LLM Foundry), a column `tokens` of arrays: a sample a document, or a block.

Layout: streaming/base/format/mds/{writer,encodings}.py (mosaicml-streaming 0.13): uint32 samples, uint32 offsets, the
settings as JSON; of each sample uint32 bytes, then uint8 (dimensions << 2 | width of the shape: 1, 2, 4 bytes), shape,
ids. Written here and not by the library, so that bytes depend on the documents alone. LLM Foundry cuts samples off at
max_seq_len: give it --block.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from xlcorpus.dataset import storage
from xlcorpus.export.documents import Documents
from xlcorpus.export.format import Counted, Format, Target
from xlcorpus.text.ragged import offsets_of, ranges

_BEFORE = 5  # bytes before the shape: uint32 size of the value, uint8 of dimensions and width


class _Mds(Format):
    def write(self, target: Target, number: int, documents: Iterable[Documents]) -> Counted:
        """A shard; its offsets lie before its samples, so it is made in memory."""
        counted = Counted((f"shard.{number:05d}.mds",))
        ids = list(counted.ids(documents, target))
        storage.write_parts(target.folder / counted.names[0], _shard(ids, counted, target.dtype))
        return counted

    def finish(self, target: Target, files: list[Counted]) -> tuple[str, ...]:
        """The index."""
        shards = [
            {
                "raw_data": {
                    "basename": file.names[0],
                    "bytes": storage.size_of(target.folder / file.names[0]),
                    "hashes": {},
                },
                "samples": file.documents,
                "zip_data": None,
                **_settings(target.dtype),
            }
            for file in files
        ]
        storage.write_json(target.folder / "index.json", {"shards": shards, "version": 2})
        return ("index.json",)

    def opened_by(self, target: Target, files: list[Counted]) -> list[str]:
        """Samples as they are."""
        return [
            "from streaming import StreamingDataset",
            'samples = StreamingDataset(local="FOLDER", shuffle=False, batch_size=1)',
        ]


def _settings(dtype: np.dtype[Any]) -> dict[str, Any]:
    return {
        "column_encodings": [f"ndarray:{dtype.name}"],
        "column_names": ["tokens"],
        "column_sizes": [None],
        "compression": None,
        "format": "mds",
        "hashes": [],
        "size_limit": None,
        "version": 2,
    }


def _shard(ids: list[bytes], counted: Counted, dtype: np.dtype[Any]) -> Iterator[bytes]:
    settings = json.dumps(_settings(dtype), sort_keys=True).encode()
    sizes = counted.sizes
    begins = 4 * (len(sizes) + 2) + len(settings)
    offsets = begins + offsets_of(4 + _value_bytes(sizes, dtype))
    yield np.concatenate([[len(sizes)], offsets]).astype("<u4").tobytes()
    yield settings
    for piece, of_piece in zip(ids, counted.pieces, strict=True):
        yield _samples(np.frombuffer(piece, dtype=np.uint8), of_piece, dtype)


def _widths(sizes: np.ndarray) -> np.ndarray:
    """Bytes of each shape."""
    return np.where(sizes < 1 << 8, 1, np.where(sizes < 1 << 16, 2, 4))


def _value_bytes(sizes: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray:
    return 1 + _widths(sizes) + sizes.astype(np.int64) * dtype.itemsize


def _samples(ids: np.ndarray, sizes: np.ndarray, dtype: np.dtype[Any]) -> bytes:
    """ids: uint8, those of all samples; sizes: int32[samples], tokens of each."""
    widths, values = _widths(sizes), _value_bytes(sizes, dtype)
    at = offsets_of(4 + values)
    heads = ranges(at[:-1], _BEFORE + widths)  # all bytes that are no ids
    said = np.zeros((len(sizes), _BEFORE + 4), dtype=np.uint8)
    said[:, :4] = values.astype("<u4").view(np.uint8).reshape(-1, 4)
    said[:, 4] = 1 << 2 | widths >> 1  # of the widths 1, 2, 4 the codes 0, 1, 2
    said[:, 5:] = sizes.astype("<u4").view(np.uint8).reshape(-1, 4)
    body = np.empty(at[-1], dtype=np.uint8)
    of_ids = np.ones(at[-1], dtype=bool)
    of_ids[heads] = False
    body[heads] = said[np.arange(_BEFORE + 4) < (_BEFORE + widths)[:, None]]
    body[of_ids] = ids
    return body.tobytes()


FORMAT = _Mds(
    "mds",
    "MosaicML streaming, LLM Foundry: .mds",
    file_bytes=64_000_000,
    most_bytes=1 << 30,
    document_bytes=13,
    in_blocks=True,
)
