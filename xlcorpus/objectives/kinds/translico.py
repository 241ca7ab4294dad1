"""TransliCo (Liu et al., ACL 2024; code cisnlp/TransliCo): a text and its romanisation, drawn together.

MLM on both views, and Transliteration Contrastive Modelling (TCM): of all vectors in the batch, each must find that of
its other view. Defaults are those of the launch script, `run_finetune.sh`, not of the dataclass, which has layer 7,
weight 1.0 and the vector of cls.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pyarrow as pa
import torch

from xlcorpus.objectives.attention import check_model
from xlcorpus.objectives.contrast import check_layer, check_rows, contrast, pool
from xlcorpus.objectives.joined import around_text, column_of, join, width_of
from xlcorpus.objectives.label_costs import masked_costs
from xlcorpus.objectives.masking import Masker, MaskOptions
from xlcorpus.objectives.objective import NO_LABEL, Batch, Losses, Objective, ObjectiveKind, Vocabulary
from xlcorpus.objectives.ranks import gather_rows, mean_over_ranks
from xlcorpus.options import option
from xlcorpus.pack.segments import fill_up

SIDES = ("text", "text_latn")
_SCALE = 0.5  # of the contrastive loss, before its weight; the published code has it within


class TranslicoOptions(MaskOptions, allow_inf_nan=False):
    """MLM's options and TCM's."""

    layer: int = option(8, ge=0, description="hidden_states[layer] makes the vectors; 0: the embeddings")
    pooling: Literal["mean", "cls"] = option("mean", description="mean of the tokens of text, or the first token's")
    similarity: Literal["dot", "cosine"] = option(
        "dot", description="dot: as published, saturates in wide models; cosine: use a temperature of about 0.05"
    )
    temperature: float = option(1.0, gt=0, description="what similarities are divided by")
    tcm_weight: float = option(0.5, ge=0, description="of TCM beside MLM; 0: MLM on both views alone")
    negatives: Literal["batch", "ranks"] = option(
        "batch", description="vectors to choose from: of the rank's own micro-batch (as published), or of all ranks"
    )


class Translico(Objective):
    """MLM on both views and TCM.

    A batch has 2 rows a pair, the text and then its romanisation: input_ids (masked), attention_mask, labels,
    int64[2 * rows, L]; text_mask, bool[2 * rows, L]: tokens of text, which the vector is the mean of.
    """

    columns = tuple(f"{side}_ids" for side in SIDES)

    def __init__(self, options: TranslicoOptions, vocabulary: Vocabulary, length: int) -> None:
        """Raises UserError where a special id is missing."""
        self.options, self.vocabulary = options, vocabulary
        self._length, self._pad = length, vocabulary.id_of("pad")
        self._around, self._masker = around_text(vocabulary), Masker(options, vocabulary)
        self.added = len(SIDES) * sum(map(len, self._around))

    def collate(self, rows: pa.RecordBatch, keys: np.ndarray) -> Batch:
        before, after = self._around
        lists = [join([before, column_of(rows, f"{side}_ids", "translico"), after]) for side in SIDES]
        width = width_of([ids for ids, _ in lists], self._length)
        place = np.arange(width)
        views: dict[str, list[np.ndarray]] = {"input_ids": [], "labels": [], "attention_mask": [], "text_mask": []}
        for side, (ids, starts) in zip(SIDES, lists, strict=True):
            inputs, labels = self._masker.mask(fill_up(ids, width, self._pad), keys, f"translico {side}")
            views["input_ids"].append(inputs)
            views["labels"].append(labels)
            views["attention_mask"].append((place < starts[:, -1:]).astype(np.int64))
            views["text_mask"].append((starts[:, 1:2] <= place) & (place < starts[:, 2:3]))
        return {name: torch.from_numpy(np.stack(both, axis=1).reshape(-1, width)) for name, both in views.items()}

    def check_rows(self, rows: int, ranks: int) -> None:
        """Raise UserError where a text has no other beside it that it must not find."""
        if self.options.tcm_weight > 0:
            all_rows = rows * ranks if self.options.negatives == "ranks" else rows
            check_rows(all_rows, "translico contrasts two pairs", "negatives: ranks on several")

    def prepare(self, model: Any) -> None:
        """Raise UserError where the model lacks ids, positions, or the layer that the vectors are of."""
        check_model(model, self.vocabulary, self._length)
        if self.options.tcm_weight > 0:
            check_layer(model, self.options.layer, self.options.pooling, "TransliCo's vectors")

    def label_losses(self, model: Any, batch: Batch) -> torch.Tensor:
        """float32[2 * rows, L]: nats for each masked token, 0 elsewhere."""
        return self._costs(model, batch, vectors=False)[0]

    def losses(self, model: Any, batch: Batch) -> Losses:
        """mlm_text + mlm_text_latn + tcm_weight * tcm; collective in training where there are several ranks."""
        tcm = self.options.tcm_weight > 0
        costs, output = self._costs(model, batch, vectors=tcm)
        chosen = batch["labels"] != NO_LABEL
        parts = {
            f"mlm_{side}": mean_over_ranks(costs[place::2].sum(), chosen[place::2].sum(), training=model.training)
            for place, side in enumerate(SIDES)
        }
        total = torch.stack(list(parts.values())).sum()
        if tcm:
            parts["tcm"] = self._tcm(output.hidden_states, batch["text_mask"], training=model.training)
            total = total + self.options.tcm_weight * parts["tcm"]
        return Losses(total, {name: part.detach() for name, part in parts.items()})

    def _costs(self, model: Any, batch: Batch, *, vectors: bool) -> tuple[torch.Tensor, Any]:
        inputs = {name: batch[name] for name in ("input_ids", "attention_mask")}
        return masked_costs(model, batch["labels"], **inputs, output_hidden_states=vectors)

    def _tcm(self, hidden_states: Any, text: torch.Tensor, *, training: bool) -> torch.Tensor:
        vectors = pool(hidden_states[self.options.layer], text, self.options.pooling)
        first, candidates = 0, vectors
        if training and self.options.negatives == "ranks":
            candidates, first = gather_rows(vectors)
        costs = contrast(vectors, candidates, first, self.options.similarity, self.options.temperature)
        return _SCALE * mean_over_ranks(costs.sum(), costs.new_tensor(len(costs)), training=training)


OBJECTIVE = ObjectiveKind(
    "translico", "translico", "AutoModelForMaskedLM", TranslicoOptions, ("pad", "mask"), Translico
)
