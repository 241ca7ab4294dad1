"""What the tools' own writers make of documents, in files of the names that an export gives them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Documents = list[list[int]]


def write_megatron(folder: Path, documents: Documents, dtype: np.dtype[Any], **_: Any) -> None:
    """IndexedDatasetBuilder, a sequence a document."""
    import torch
    from megatron.core.datasets.indexed_dataset import IndexedDatasetBuilder

    builder = IndexedDatasetBuilder(str(folder / "part-00000.bin"), dtype=dtype.type)
    for document in documents:
        builder.add_item(torch.tensor(document))
        builder.end_document()
    builder.finalize(str(folder / "part-00000.idx"))


def write_datatrove(folder: Path, documents: Documents, dtype: np.dtype[Any], tokenizer: str, **_: Any) -> None:
    """TokenizedFile, with its metadata."""
    from datatrove.pipeline.tokens.tokenizer import TokenizedFile

    made = {"save_final_metadata": True, "token_size": dtype.itemsize}
    file = TokenizedFile(str(folder), "part-00000.ds", tokenizer_name_or_path=tokenizer, **made)
    for document in documents:
        file.write(document, None)
    file.close()


def write_olmo(folder: Path, documents: Documents, dtype: np.dtype[Any], end: int, **_: Any) -> None:
    """OLMo-core has a writer of the places alone, which looks for the id that ends documents."""
    from olmo_core.data.utils import write_document_indices

    file = folder / "part-00000.npy"
    np.concatenate(documents).astype(dtype).tofile(file)
    write_document_indices(file, dtype=dtype.type, eos_token_id=end)


def write_litgpt(folder: Path, documents: Documents, dtype: np.dtype[Any], **_: Any) -> None:
    """The writer behind `litdata.optimize`."""
    import torch
    from litdata.streaming.item_loader import TokensLoader
    from litdata.streaming.writer import BinaryWriter

    writer = BinaryWriter(str(folder), chunk_bytes=64_000_000, item_loader=TokensLoader())
    for number, document in enumerate(documents):
        writer[number] = torch.tensor(document, dtype=getattr(torch, dtype.name))
    writer.done()
    writer.merge()


def write_mds(folder: Path, documents: Documents, dtype: np.dtype[Any], **_: Any) -> None:
    """MDSWriter."""
    from streaming import MDSWriter

    with MDSWriter(columns={"tokens": f"ndarray:{dtype.name}"}, out=str(folder), size_limit=None) as writer:
        for document in documents:
            writer.write({"tokens": np.array(document, dtype=dtype)})


WRITERS: dict[str, Callable[..., None]] = {
    "megatron": write_megatron,
    "datatrove": write_datatrove,
    "olmo": write_olmo,
    "litgpt": write_litgpt,
    "mds": write_mds,
}
