"""LitData chunks that LitGPT reads with its TokensLoader: uint32 items, uint32 offsets, ids; index.json names them.

Layout: litdata/streaming/writer.py, item_loader.py (0.2.76, and 0.2.51, which LitGPT pins). Written here and not by
litdata, so that bytes depend on the documents alone and nothing need be installed. TokensLoader cuts each chunk into
blocks and leaves out what is over at its end: with --block (context length + 1) nothing is but in the last chunk.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from xlcorpus.dataset import storage
from xlcorpus.export.documents import Documents
from xlcorpus.export.format import Counted, Format, Target
from xlcorpus.text.ragged import offsets_of

_CODES = {"<i4": 16, "<u2": 20}  # in litdata/constants.py; int32 has two, this one its writer takes
_LEAF = '[1, {"type": null, "context": null, "children_spec": []}]'  # an item is a tensor, no tree of them


class _LitGpt(Format):
    def write(self, target: Target, number: int, documents: Iterable[Documents]) -> Counted:
        """A chunk; its offsets lie before its ids, so it is made in memory."""
        counted = Counted((f"chunk-0-{number}.bin",))
        ids = list(counted.ids(documents, target))
        storage.write_parts(target.folder / counted.names[0], [_header(counted.sizes, target.dtype), *ids])
        return counted

    def finish(self, target: Target, files: list[Counted]) -> tuple[str, ...]:
        """The index."""
        chunks: list[dict[str, Any]] = [
            {
                "chunk_bytes": storage.size_of(target.folder / file.names[0]),
                "chunk_size": file.documents,
                "dim": file.tokens,
                "filename": file.names[0],
            }
            for file in files
        ]
        config = {
            "chunk_bytes": max(chunk["chunk_bytes"] for chunk in chunks),
            "chunk_size": None,
            "compression": None,
            "data_format": [f"no_header_tensor:{_CODES[target.dtype.str]}"],
            "data_spec": _LEAF,
            "encryption": None,
            "item_loader": "TokensLoader",
        }
        storage.write_json(target.folder / "index.json", {"chunks": chunks, "config": config})
        return ("index.json",)

    def opened_by(self, target: Target, files: list[Counted]) -> list[str]:
        """Blocks of context length + 1."""
        return [
            "from litdata import StreamingDataset, TokensLoader",
            f'blocks = StreamingDataset("FOLDER", item_loader=TokensLoader(block_size={target.block or 2049}))',
        ]


def _header(sizes: np.ndarray, dtype: np.dtype[np.generic]) -> bytes:
    offsets = offsets_of(sizes) * dtype.itemsize + 4 * (len(sizes) + 2)
    return np.concatenate([[len(sizes)], offsets]).astype("<u4").tobytes()


FORMAT = _LitGpt(
    "litgpt",
    "LitGPT: chunks of litdata for its TokensLoader",
    file_bytes=64_000_000,
    most_bytes=1 << 30,
    document_bytes=4,
    in_blocks=True,
)
