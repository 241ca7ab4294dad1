"""Causal language modelling: each token of a document from those before it (Radford et al. 2018; methods B1)."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import torch

from xlcorpus.objectives.attention import AttentionOptions
from xlcorpus.objectives.objective import NO_LABEL, Batch, ObjectiveKind
from xlcorpus.objectives.packed import PackObjective


class ClmOptions(AttentionOptions):
    """Options of causal language modelling."""


class Clm(PackObjective):
    """input_ids, labels and position_ids; labels are input_ids, but for the first token of each part, padding, and, of
    rows with `loss_spans`, what is not trained on."""

    causal = True

    def collate(self, rows: pa.RecordBatch, keys: np.ndarray) -> Batch:
        """The packs as they are: nothing is drawn, so the keys do not matter."""
        packs = self.packs(rows)
        return packs.tensors(packs.next_labels())

    def targets(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """The next token of each, where it has a label."""
        following = batch["labels"].roll(-1, dims=1)
        following[:, -1] = NO_LABEL
        at = following != NO_LABEL
        return at, following[at]


OBJECTIVE = ObjectiveKind("clm", None, "AutoModelForCausalLM", ClmOptions, (), Clm)
