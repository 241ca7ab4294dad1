"""Token classification (Devlin et al. 2019, 5.3): names, parts of speech, languages of words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch

from xlcorpus.errors import UserError
from xlcorpus.objectives.joined import width_of
from xlcorpus.objectives.labelled import LABELS, TAGGER, LabelledObjective, LabelledOptions, settings_of
from xlcorpus.objectives.objective import NO_LABEL, Batch, ObjectiveKind
from xlcorpus.pack.packs import sizes_of
from xlcorpus.pack.segments import fill_up


class Tagging(LabelledObjective):
    """The cost of the label of each token that has one.

    A batch: input_ids, attention_mask, labels, int64[rows, L]; labels are NO_LABEL where there is none.
    """

    columns: tuple[str, ...] = ("input_ids",)
    column = LABELS
    name = "tagging"

    def numbers(self, column: pa.Array) -> np.ndarray:
        """They are numbers already."""
        found: np.ndarray = pc.list_flatten(column).to_numpy(zero_copy_only=False).astype(np.int64)
        return found

    def collate(self, rows: pa.RecordBatch, keys: np.ndarray) -> Batch:
        """Nothing is drawn, so the keys do not matter; raises UserError for other numbers of labels than of ids."""
        width = width_of([rows.column("input_ids")], self.length)
        batch = self.padded(rows.column("input_ids"), width)
        if LABELS in rows.schema.names:
            sizes = [sizes_of(rows.column(name)) for name in ("input_ids", LABELS)]
            if (sizes[0] != sizes[1]).any():
                ids, labels = (one[np.flatnonzero(sizes[0] != sizes[1])[0]] for one in sizes)
                raise UserError(
                    f"a row has {ids} ids and {labels} labels", remedy="pack it again: xlcorpus pack --view labels"
                )
            batch["labels"] = torch.from_numpy(fill_up(rows.column(LABELS), width, NO_LABEL).astype(np.int64))
        return batch

    def logits(self, model: Any, batch: Batch) -> torch.Tensor:
        """float[rows, L, labels]."""
        found: torch.Tensor = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
        return found


OBJECTIVE = ObjectiveKind("tagging", "labels", TAGGER, LabelledOptions, ("pad",), Tagging, settings_of)
