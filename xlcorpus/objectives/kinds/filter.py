"""FILTER (Fang et al. 2021; code yuwfan/FILTER): a text and its translation, read as one in some layers, classified.

First round: the label on both sides. Self-teaching: the translation learns from soft labels too, which the model of the
first round made (`xlcorpus predict`). Defaults are those of the code's XNLI and PAWS-X (questions: 20 layers together).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import torch

from xlcorpus.objectives.fusion import check_fused, fused
from xlcorpus.objectives.joined import around_text, column_of, join, width_of
from xlcorpus.objectives.labelled import (
    CLASSIFIER,
    LABEL,
    SOFT,
    LabelledObjective,
    LabelledOptions,
    label_costs,
    numbers_of,
    settings_of,
    soft_costs,
    soft_of,
)
from xlcorpus.objectives.objective import Batch, Losses, ObjectiveKind, Vocabulary
from xlcorpus.objectives.ranks import mean_over_ranks
from xlcorpus.options import option

LAYERS = "filter_layers"  # of the model's config, so that it is evaluated as it was trained


class FilterOptions(LabelledOptions, allow_inf_nan=False):
    """Layers, and what the translation learns from."""

    apart: int = option(1, ge=0, description="first layers, which read each text by itself (the paper's m)")
    together: int = option(1, ge=0, description="layers behind them, which read both as one (the paper's k)")
    transfer: bool = option(True, description="the label holds for the translation too, as that of a whole text does")
    alpha: float = option(0.0, ge=0, le=1, description="share of soft labels in the translation's loss; 0: first round")
    temperature: float = option(0.1, gt=0, description="of both sides of soft labels (the code's default)")


class Filter(LabelledObjective):
    """A batch has 2 rows a pair, the text and its translation: input_ids, attention_mask, int64[2 * pairs, L]; labels,
    int64[pairs]; with alpha soft, float32[pairs, labels]."""

    columns: tuple[str, ...] = ("src_ids", "tgt_ids")
    column = LABEL
    name = "filter"
    options: FilterOptions

    def __init__(self, options: FilterOptions, vocabulary: Vocabulary, length: int) -> None:
        """Raises UserError where a special id is missing."""
        super().__init__(options, vocabulary, length)
        self._around = around_text(vocabulary)
        self.added = 2 * sum(map(len, self._around))
        if options.alpha:
            self.columns = (*self.columns, SOFT)

    def numbers(self, column: pa.Array) -> np.ndarray:
        """By their names."""
        return numbers_of(column, self.labels)

    def collate(self, rows: pa.RecordBatch, keys: np.ndarray) -> Batch:
        """Nothing is drawn, so the keys do not matter."""
        before, after = self._around
        sides = [join([before, column_of(rows, name, "bitext"), after])[0] for name in ("src_ids", "tgt_ids")]
        width = width_of(sides, self.length)
        both = [self.padded(ids, width) for ids in sides]
        batch = {name: torch.stack([one[name] for one in both], dim=1).flatten(0, 1) for name in both[0]}
        if LABEL in rows.schema.names:
            batch["labels"] = torch.from_numpy(self.numbers(rows.column(LABEL)))
        if self.options.alpha:
            batch["soft"] = soft_of(rows, np.ones(rows.num_rows, np.int64), len(self.labels))
        return batch

    def prepare(self, model: Any) -> None:
        """Raise UserError where the model lacks ids, positions or layers, or cannot read two texts as one."""
        super().prepare(model)
        text = [one for one in range(self.vocabulary.size) if one not in self.vocabulary.special]
        texts = torch.tensor([text[start : start + 6] for start in (0, 6, 12)], device=model.device)
        check_fused(model, self.options.apart, self.options.together, texts)
        setattr(model.config, LAYERS, [self.options.apart, self.options.together])

    def logits(self, model: Any, batch: Batch) -> torch.Tensor:
        """float[pairs, labels], of the translations."""
        return self._read(model, batch["input_ids"], batch["attention_mask"])[1::2]

    def losses(self, model: Any, batch: Batch) -> Losses:
        """filter, and what it is made of: source, target, soft; collective in training."""
        logits = self._read(model, batch["input_ids"], batch["attention_mask"])
        training, options = model.training, self.options
        source = self.mean(*label_costs(logits[::2], batch["labels"]), training=training)
        target = self.mean(*label_costs(logits[1::2], batch["labels"]), training=training)
        parts = {"source": source.total.detach(), "target": target.total.detach()}
        learnt = target.total if options.transfer else 0 * target.total
        if options.alpha:
            heat = options.temperature
            taught = torch.softmax(batch["soft"].clamp(min=1e-30).log() / heat, dim=-1)
            costs = soft_costs(logits[1::2] / heat, taught) * heat**2
            soft = mean_over_ranks(costs.sum(), costs.new_tensor(len(costs)), training=training)
            parts["soft"] = soft.detach()
            learnt = (1 - options.alpha) * learnt + options.alpha * soft
        total = source.total + learnt
        right = {"filter_right": target.parts["filter_right"]}
        return Losses(total, {"filter": total.detach(), **parts, **right})

    def _read(self, model: Any, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """float[2 * pairs, labels]."""
        with fused(model, self.options.apart, self.options.together, mask):
            found: torch.Tensor = model(input_ids=ids, attention_mask=mask).logits
        return found


OBJECTIVE = ObjectiveKind("filter", "bitext", CLASSIFIER, FilterOptions, ("pad",), Filter, settings_of)
