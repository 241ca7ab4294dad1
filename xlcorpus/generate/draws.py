"""States that pairs are drawn from: of the document's id, the operator, the seed and which pair of it each is."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from xlcorpus.dataset.columns import column_or_null, fixed_binary
from xlcorpus.text.draws import draw_keys, id_halves

_COPIES = np.uint64(1 << 20)  # above the most pairs of a document, so that epochs of it have others


def turns(batch: pa.RecordBatch, copy: int) -> np.ndarray:
    """uint64[rows]: which pair of its document each is; a document that a mix repeats has others in each epoch."""
    epochs = column_or_null(batch, "mix_epoch", pa.int32()).fill_null(0).to_numpy(zero_copy_only=False)
    return epochs.astype(np.uint64) * _COPIES + np.uint64(copy)


def states(batch: pa.RecordBatch, purpose: str, copy: int) -> np.ndarray:
    """uint64[rows]: where the numbers of each pair begin; the same wherever the document stands."""
    return draw_keys(id_halves(batch.column("doc_id")), purpose, turns(batch, copy))


def pair_ids(batch: pa.RecordBatch, purpose: str, copy: int) -> pa.Array:
    """binary[16][rows]: ids of pairs, from those of their documents (salted by xxh3, as all draws are)."""
    halves = [states(batch, f"{purpose}/id/{half}", copy) for half in range(2)]
    return fixed_binary(np.stack(halves, axis=1))
