"""Masked language modelling: masked tokens from both sides of their document (Devlin et al. 2019; methods B2)."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import torch

from xlcorpus.objectives.attention import AttentionOptions
from xlcorpus.objectives.masking import Masker, MaskOptions
from xlcorpus.objectives.objective import NO_LABEL, Batch, ObjectiveKind, Vocabulary
from xlcorpus.objectives.packed import PackObjective


class MlmOptions(AttentionOptions, MaskOptions):
    """Options of masked language modelling."""


class Mlm(PackObjective):
    """input_ids with some masked, labels at those alone, and position_ids; what is not trained on (`loss_spans`) is
    neither masked nor labelled."""

    causal = False

    def __init__(self, options: MlmOptions, vocabulary: Vocabulary, length: int) -> None:
        super().__init__(options, vocabulary, length)
        self._masker = Masker(options, vocabulary)

    def collate(self, rows: pa.RecordBatch, keys: np.ndarray) -> Batch:
        """The packs, masked by their keys."""
        packs = self.packs(rows)
        ids, labels = self._masker.mask(packs.ids, keys, "mlm", packs.parts.starts, packs.trained())
        return packs.tensors(labels, ids)

    def targets(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """What was masked."""
        at = batch["labels"] != NO_LABEL
        return at, batch["labels"][at]


OBJECTIVE = ObjectiveKind("mlm", None, "AutoModelForMaskedLM", MlmOptions, ("mask",), Mlm)
