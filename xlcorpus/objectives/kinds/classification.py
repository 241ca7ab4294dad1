"""Classification of texts (Devlin et al. 2019, 4.1). A pair is a text too: `pack --template` writes both in one row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import torch

from xlcorpus.errors import UserError
from xlcorpus.objectives.joined import width_of
from xlcorpus.objectives.labelled import (
    CLASSIFIER,
    LABEL,
    LabelledObjective,
    LabelledOptions,
    numbers_of,
    settings_of,
)
from xlcorpus.objectives.objective import Batch, ObjectiveKind
from xlcorpus.pack.packs import sizes_of


class Classification(LabelledObjective):
    """The cost of the label of each text.

    A batch: input_ids, attention_mask, int64[rows, L]; labels, int64[rows], NO_LABEL for rows without one.
    """

    columns = ("input_ids", "doc_starts")
    column = LABEL
    name = "classification"

    def numbers(self, column: pa.Array) -> np.ndarray:
        """By their names."""
        return numbers_of(column, self.labels)

    def collate(self, rows: pa.RecordBatch, keys: np.ndarray) -> Batch:
        """Nothing is drawn, so the keys do not matter; raises UserError for rows of several texts."""
        if (sizes_of(rows.column("doc_starts")) > 1).any():
            raise UserError("a row has several texts, and would have one label", remedy="pack with --strategy one")
        batch = self.padded(rows.column("input_ids"), width_of([rows.column("input_ids")], self.length))
        if LABEL in rows.schema.names:
            batch["labels"] = torch.from_numpy(self.numbers(rows.column(LABEL)))
        return batch

    def prepare(self, model: Any) -> None:
        """Raise UserError where the model lacks ids or positions, or does not know where texts end."""
        super().prepare(model)
        if model.config.pad_token_id is None:
            raise UserError(
                f"the {model.config.model_type} has no pad token, so it cannot tell where texts of a batch end",
                remedy="write pad_token_id into its config.json, or pack with a tokenizer whose pad is not eos",
            )

    def logits(self, model: Any, batch: Batch) -> torch.Tensor:
        """float[rows, labels]."""
        found: torch.Tensor = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
        return found


OBJECTIVE = ObjectiveKind("classification", None, CLASSIFIER, LabelledOptions, ("pad",), Classification, settings_of)
