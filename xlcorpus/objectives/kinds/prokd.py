"""ProKD's teacher (Ge et al. 2023, AAAI): tagging of labelled rows, and classes of both languages brought together.

Labelled rows are the source language, rows without labels the target: its tokens have the class that the model gives
them. Figures of momentum, temperature and weight are ours: the publication's were not to be had (methods B17).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import torch

from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError
from xlcorpus.objectives.kinds.tagging import Tagging
from xlcorpus.objectives.labelled import LABELS, TAGGER, LabelledOptions, label_costs, settings_of
from xlcorpus.objectives.objective import NO_LABEL, Batch, Losses, ObjectiveKind
from xlcorpus.objectives.own_weights import own_weights_of
from xlcorpus.objectives.prototypes import Prototypes, aligned
from xlcorpus.options import option

SOURCE, TARGET = 0, 1


class ProKdOptions(LabelledOptions, allow_inf_nan=False):
    """Prototypes and what their distance counts."""

    momentum: float = option(0.9, ge=0, lt=1, description="share of a prototype that stays in a step")
    temperature: float = option(0.1, gt=0, description="what similarities of prototypes are divided by")
    align_weight: float = option(1.0, ge=0, description="of the alignment beside the labels' loss")


class ProKd(Tagging):
    """Tagging's batch, and text, bool[rows, L]: tokens that are no special ids."""

    name = "prokd"
    options: ProKdOptions

    def fit_rows(self, folder: Location, rows: int) -> None:
        """As of tagging; raises UserError where every row has labels too."""
        super().fit_rows(folder, rows)
        if all((_labelled(batch.column(0))).all() for batch in Dataset.open(folder).batches([LABELS])):
            raise UserError(
                f"{folder}: all rows have labels, so there is no language to bring near",
                remedy="pack both languages in one dataset, the target without tags (null), or train with tagging",
            )

    def collate(self, rows: pa.RecordBatch, keys: np.ndarray) -> Batch:
        """Nothing is drawn, so the keys do not matter."""
        batch = super().collate(rows, keys)
        special = torch.tensor(sorted(self.vocabulary.special))
        batch["text"] = batch["attention_mask"].bool() & ~torch.isin(batch["input_ids"], special)
        return batch

    def own_weights(self, model: Any) -> Prototypes:
        """A prototype a class, of source and target."""
        return Prototypes(2, len(self.labels), model.config.hidden_size)

    def losses(self, model: Any, batch: Batch) -> Losses:
        """prokd: labels and aligned, its parts, and the share of labels that is right; collective in training."""
        output = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], output_hidden_states=True)
        states, labels, options = output.hidden_states[-1], batch["labels"], self.options
        found = self.mean(*label_costs(output.logits, labels), training=model.training)
        chosen = labels != NO_LABEL
        without = batch["text"] & ~chosen.any(dim=1, keepdim=True)
        own = own_weights_of(model, self.key)
        given = ((states[chosen], labels[chosen]), (states[without], output.logits[without].argmax(dim=-1)))
        (source, here), (target, there) = (own.moved(side, *one, options.momentum) for side, one in enumerate(given))
        near = aligned(source, target, here & there, options.temperature)
        if model.training:
            own.keep(SOURCE, source, here)
            own.keep(TARGET, target, there)
        total = found.total + options.align_weight * near
        parts = {"labels": found.total.detach(), "aligned": near.detach(), "prokd_right": found.parts["prokd_right"]}
        return Losses(total, {"prokd": total.detach(), **parts})


def _labelled(column: pa.Array) -> np.ndarray:
    """bool[rows]: rows with a label."""
    offsets = column.offsets.to_numpy() - column.offsets[0].as_py()
    flat = column.flatten().to_numpy(zero_copy_only=False) >= 0
    before = np.concatenate([[0], np.cumsum(flat)])
    found: np.ndarray = before[offsets[1:]] > before[offsets[:-1]]
    return found


OBJECTIVE = ObjectiveKind("prokd", "labels", TAGGER, ProKdOptions, ("pad",), ProKd, settings_of)
