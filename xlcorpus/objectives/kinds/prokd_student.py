"""ProKD's student (Ge et al. 2023, AAAI): self-training on the target, soft labels weighted by nearness to prototypes.

Its rows are the target's with the labels of the teacher (`xlcorpus predict`). Figures are ours, as in `prokd`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import torch

from xlcorpus.objectives.kinds.tagging import Tagging
from xlcorpus.objectives.labelled import SOFT, TAGGER, LabelledOptions, settings_of, soft_costs, soft_of
from xlcorpus.objectives.objective import NO_LABEL, Batch, Losses, ObjectiveKind
from xlcorpus.objectives.own_weights import own_weights_of
from xlcorpus.objectives.prototypes import Prototypes, reweighted
from xlcorpus.options import option


class ProKdStudentOptions(LabelledOptions, allow_inf_nan=False):
    """Prototypes and how nearness counts."""

    momentum: float = option(0.9, ge=0, lt=1, description="share of a prototype that stays in a step")
    temperature: float = option(1.0, gt=0, description="what distances to prototypes are divided by")


class ProKdStudent(Tagging):
    """Tagging's batch, and soft, float32[rows, L, labels], the teacher's distributions."""

    columns = ("input_ids", SOFT)
    name = "prokd_student"
    options: ProKdStudentOptions

    def collate(self, rows: pa.RecordBatch, keys: np.ndarray) -> Batch:
        """Nothing is drawn, so the keys do not matter."""
        batch = super().collate(rows, keys)
        here = batch["attention_mask"].bool()
        made = torch.zeros(*here.shape, len(self.labels))
        made[here] = soft_of(rows, here.sum(dim=1).numpy(), len(self.labels))
        return batch | {"soft": made}

    def own_weights(self, model: Any) -> Prototypes:
        """A prototype a class."""
        return Prototypes(1, len(self.labels), model.config.hidden_size)

    def losses(self, model: Any, batch: Batch) -> Losses:
        """The divergence from the weighted labels, whose gradient is that of their cross entropy, and how many tokens
        have the class of the teacher; collective in training."""
        output = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], output_hidden_states=True)
        chosen = batch["labels"] != NO_LABEL
        states, soft = output.hidden_states[-1][chosen].detach(), batch["soft"][chosen]
        own = own_weights_of(model, self.key)
        learnt = reweighted(soft, states, own.means[0].clone(), own.seen[0], self.options.temperature)
        logits, taught = output.logits[chosen], soft.argmax(dim=-1)
        if model.training:
            own.keep(0, *own.moved(0, states, taught, self.options.momentum))
        return self.mean(soft_costs(logits, learnt), logits.argmax(dim=-1) == taught, training=model.training)


OBJECTIVE = ObjectiveKind("prokd_student", "labels", TAGGER, ProKdStudentOptions, ("pad",), ProKdStudent, settings_of)
