"""The tensors of packs: ids, labels and positions, and what kernels derive from positions on the model's device."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import torch

from xlcorpus.pack.segments import Parts, fill_up
from xlcorpus.pretrain.objective import NO_LABEL, Batch
from xlcorpus.text.ragged import ranges


def pack_tensors(packs: pa.RecordBatch, length: int, pad: int, *, across: bool = False) -> Batch:
    """input_ids, labels and position_ids of packs, int64[rows, length] each, on the CPU.

    labels: the ids, aligned as transformers wants them (the model shifts them); NO_LABEL at the first token of every
    part, which nothing before it foretells, and in the padding (by its place: where pad is eos, an eos keeps its
    label). position_ids: from 0 in each part and in the padding, so they alone say where parts begin.
    across: all documents of a row count as one part, and their tokens attend to one another.
    """
    parts = Parts.of(packs, length, across=across)
    ids = fill_up(packs.column("input_ids"), length, pad)
    labels = ids.copy()
    labels.ravel()[unlabelled_cells(parts)] = NO_LABEL
    return {
        "input_ids": torch.from_numpy(ids),
        "labels": torch.from_numpy(labels),
        "position_ids": torch.from_numpy(parts.position_ids()),
    }


def unlabelled_cells(parts: Parts) -> np.ndarray:
    """int64[cells]: the first cell of each part, and all of the padding."""
    at = parts.padding
    return np.concatenate([parts.starts, ranges(parts.starts[at], parts.sizes[at])])


def segments_of(position_ids: torch.Tensor) -> torch.Tensor:
    """int64[rows, length]: equal where tokens are of one part. The padding is a part of its own. Any device."""
    return (position_ids == 0).cumsum(-1)


def cu_seqlens_of(position_ids: torch.Tensor) -> tuple[torch.Tensor, int]:
    """int32[parts + 1]: where each part begins among all cells, and their end; and the size of the largest part.

    Waits for the device: their number is not known before.
    """
    starts = (position_ids.ravel() == 0).nonzero().ravel()
    ends = torch.cat([starts, starts.new_tensor([position_ids.numel()])])
    return ends.to(torch.int32), int(ends.diff().max())
