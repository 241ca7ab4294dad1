"""The tensors of packs: ids, labels and positions, and what kernels derive from positions on the model's device."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import torch

from xlcorpus.objectives.objective import NO_LABEL, Batch
from xlcorpus.pack.packs import LOSS, values_of
from xlcorpus.pack.segments import Parts, fill_up
from xlcorpus.text.ragged import ranges, rows_of


@dataclass(frozen=True)
class Packs:
    """Packs filled up to one length: ids (int64[rows, length]), their parts, and what is trained on (list<int32>[rows],
    as token-1 has it; None, or a null: everything)."""

    ids: np.ndarray
    parts: Parts
    loss_spans: pa.Array | None = None

    @classmethod
    def of(cls, packs: pa.RecordBatch, length: int, pad: int, *, across: bool = False) -> Packs:
        """across: all documents of a row count as one part, and their tokens attend to one another."""
        loss_spans = packs.column(LOSS) if LOSS in packs.schema.names else None
        return cls(fill_up(packs.column("input_ids"), length, pad), Parts.of(packs, length, across=across), loss_spans)

    def padding(self) -> np.ndarray:
        """int64[cells]: all of the padding, by its place: an eos of a document may be the same id."""
        at = np.flatnonzero(self.parts.padding)
        return ranges(self.parts.starts[at], self.parts.sizes[at])

    def trained(self) -> np.ndarray | None:
        """bool[rows, length]: the cells in `loss_spans`; None where packs have none, and everything is trained on."""
        if self.loss_spans is None:
            return None
        spans, offsets = values_of(self.loss_spans)
        begins = spans.reshape(-1, 2).astype(np.int64)
        begins += (rows_of(offsets // 2) * self.ids.shape[1])[:, None]
        found = np.zeros(self.ids.shape, dtype=bool)
        found.ravel()[ranges(begins[:, 0], begins[:, 1] - begins[:, 0])] = True
        found[np.asarray(self.loss_spans.is_null())] = True
        return found

    def next_labels(self) -> np.ndarray:
        """int64[rows, length]: the ids, which transformers' models shift; NO_LABEL at the first token of each part,
        which nothing before it foretells, in the padding, and where nothing is trained on."""
        labels, trained = self.ids.copy(), self.trained()
        cells = labels.ravel()
        cells[self.parts.starts] = NO_LABEL
        cells[self.padding()] = NO_LABEL
        if trained is not None:
            labels[~trained] = NO_LABEL
        return labels

    def tensors(self, labels: np.ndarray, ids: np.ndarray | None = None) -> Batch:
        """input_ids (or these in their place), labels and position_ids, on the CPU.

        position_ids are from 0 in each part and in the padding, so they alone say where parts begin.
        """
        return {
            "input_ids": torch.from_numpy(self.ids if ids is None else ids),
            "labels": torch.from_numpy(labels),
            "position_ids": torch.from_numpy(self.parts.position_ids()),
        }


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
