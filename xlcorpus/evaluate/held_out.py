"""A model on the rows held out from each source of its data, while it trains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from xlcorpus.evaluate.batches import batches
from xlcorpus.evaluate.measures.bits.costs import Bits
from xlcorpus.evaluate.measures.bits.per_byte import bits_per_byte
from xlcorpus.evaluate.models import evaluating
from xlcorpus.loader.rows import TokenRows
from xlcorpus.objectives.objective import Objective
from xlcorpus.objectives.packed import PackObjective
from xlcorpus.pretrain.recipe import StageOptions
from xlcorpus.pretrain.sources import Data
from xlcorpus.tokenizer.open import open_once


@dataclass(frozen=True)
class HeldOut:
    """What `train.pretrain` takes as its evaluation. tokenizer: path of that of the shards, None: not known."""

    tokenizer: str | None

    def __call__(self, model: Any, data: Data, stage: StageOptions) -> dict[str, Any]:
        """By name of the source: loss (nats a token; of views the objective's), and of packs the bits per byte of each
        language with their error."""
        asked, found = stage.evaluation, {}
        for number, rows in data.holdouts:
            objective = data.sources[number].objective
            if not isinstance(objective, PackObjective):
                found[data.names[number]] = losses(model, objective, rows, batch=asked.batch, limit=asked.rows)
                continue
            pieces = None if self.tokenizer is None else open_once(self.tokenizer).piece_bytes
            bits = bits_per_byte(model, objective, rows, batch=asked.batch, limit=asked.rows, piece_bytes=pieces)
            found[data.names[number]] = _told(bits)
        return found


def losses(
    model: Any, objective: Objective, rows: TokenRows, *, batch: int = 8, limit: int | None = None
) -> dict[str, float]:
    """The objective's loss and what it is made of, means over rows. batch, limit: as of `bits_per_byte`."""
    sums: dict[str, float] = {}
    seen = 0
    with evaluating(model) as device, torch.no_grad():
        for given, keys in batches(rows, objective.columns, batch, limit):
            made = {name: value.to(device) for name, value in objective.collate(given, keys).items()}
            found = objective.losses(model, made)
            for name, value in {"loss": found.total, **found.parts}.items():
                sums[name] = sums.get(name, 0.0) + float(value) * given.num_rows
            seen += given.num_rows
    return {name: value / seen for name, value in sums.items()}


def _told(found: Mapping[str, Bits]) -> dict[str, Any]:
    if not found:  # a few rows without a label
        return {}
    together = Bits.together([*found.values()])
    every = [*found.items(), ("all", together)]
    return {"loss": together.loss, together.measure: {lang: _short(bits) for lang, bits in every}}


def _short(bits: Bits) -> dict[str, Any]:
    return {name: bits.facts[name] for name in (bits.measure, "error")}
