"""What objectives over packs share: how their documents are kept apart in the model at hand."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import pyarrow as pa
import torch

from xlcorpus.errors import UserError
from xlcorpus.objectives.attention import AttentionOptions, Needs, check_model, choose
from xlcorpus.objectives.label_costs import costs_at, spread, unwrapped
from xlcorpus.objectives.objective import Batch, Losses, Objective, Vocabulary
from xlcorpus.objectives.parts import Packs
from xlcorpus.objectives.ranks import mean_over_ranks
from xlcorpus.pack.packs import LOSS


class PackObjective(Objective):
    """An objective over packs: a loss at each label of a batch."""

    columns: tuple[str, ...] = ("input_ids", "doc_starts")
    optional = (LOSS,)
    by_row = True
    causal: bool

    def __init__(self, options: AttentionOptions, vocabulary: Vocabulary, length: int) -> None:
        self.attention, self.vocabulary, self.length = options, vocabulary, length
        self._needs: tuple[tuple[int, str], Needs] | None = None

    @property
    def pad(self) -> int:
        """The id that rows are filled up with, a special one (unk is text): it has no label, no document sees it."""
        ids, special = self.vocabulary.ids, self.vocabulary.special
        return next((ids[role] for role in ("pad", "eos", *ids) if ids.get(role) in special), 0)

    def needs(self, model: Any) -> Needs:
        """What the model's attention is given; found once for each model."""
        inner = unwrapped(model)
        this = id(inner), str(getattr(inner.config, "_attn_implementation", None))
        if self._needs is None or self._needs[0] != this:
            self._needs = this, choose(inner, self.vocabulary, self.attention, causal=self.causal)
        return self._needs[1]

    def prepare(self, model: Any) -> None:
        """Choose and try the attention; raises UserError where the model has too few embeddings or does not train."""
        check_model(model, self.vocabulary, self.length)
        if model.device.type == "cpu" and getattr(model.config, "_attn_implementation", None) == "flex_attention":
            raise UserError(
                "FlexAttention has no backward pass on a CPU",
                remedy="train with attn_implementation='sdpa', or on a GPU",
            )
        self.needs(model)

    def packs(self, rows: pa.RecordBatch) -> Packs:
        """The rows filled up."""
        return Packs.of(rows, self.length, self.pad, across=self.attention.across_documents)

    @abstractmethod
    def targets(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """bool[rows, length], where logits are wanted, and int64[n], the id to find at each of them."""

    def losses(self, model: Any, batch: Batch) -> Losses:
        """The mean over all labels, of all ranks in training; collective there."""
        costs, at = self._costs(model, batch)
        return Losses(mean_over_ranks(costs.sum(), at.sum(), training=model.training))

    @torch.no_grad()
    def label_losses(self, model: Any, batch: Batch) -> torch.Tensor:
        """float32[rows, length]: the cost (nats) of each label, 0 where there is none."""
        losses = spread(*self._costs(model, batch))
        return losses.roll(1, dims=1) if self.causal else losses

    def _costs(self, model: Any, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        chosen, ids = self.targets(batch)
        given = self.needs(model).inputs(batch["position_ids"])
        return costs_at(model, chosen, ids, input_ids=batch["input_ids"], **given)[0], chosen
