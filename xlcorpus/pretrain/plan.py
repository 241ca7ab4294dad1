"""What a stage comes to: rows and steps from tokens, and what will be in memory."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch

from xlcorpus.errors import UserError, naming
from xlcorpus.loader.source import Source
from xlcorpus.objectives.objective import Objective
from xlcorpus.pretrain.recipe import StageOptions
from xlcorpus.pretrain.sources import Data

_TOLERANCE = 0.1  # of the tokens of a step: rows of views have any length


@dataclass(frozen=True)
class Plan:
    """row_tokens: of a row, in the mean; step_rows: rows of a step over all ranks; accumulation: micro-batches of a
    step on each rank."""

    row_tokens: float
    step_rows: int
    accumulation: int
    steps: int

    @property
    def tokens(self) -> int:
        """Of all steps."""
        return round(self.steps * self.step_rows * self.row_tokens)


def plan_stage(stage: StageOptions, data: Data, ranks: int) -> Plan:
    """Rows of a step are `batch` tokens, as near as can be. Raises UserError where rows and ranks do not fit."""
    weights = [source.weight for source in data.sources]
    mean = sum(tokens_of_row(source) * source.weight for source in data.sources) / sum(weights)
    asked, micro = stage.batch / (mean if stage.batch_in == "tokens" else 1), stage.rows * ranks
    step_rows = round(asked / micro) * micro
    if abs(step_rows - asked) > _TOLERANCE * asked:
        more = f" on {ranks} ranks" if ranks > 1 else ""
        raise UserError(
            f"stage {stage.name}: a step of {stage.batch:,} {stage.batch_in} is {asked:,.0f} rows of {mean:,.0f}, and "
            f"micro-batches of {stage.rows} rows{more} do not come near it",
            remedy=f"write rows: {_fitting(asked, stage.rows, ranks)}, or batch: {max(step_rows, micro)} rows",
        )
    for source in data.sources:
        with naming(f"stage {stage.name}"):
            source.objective.check_rows(stage.rows, ranks)
        if source.rows.count < micro:
            raise UserError(
                f"{source.rows.folder} has {source.rows.count:,} rows, and a micro-batch on {ranks} ranks takes "
                f"{micro:,}: ranks would have none of their own",
                remedy="write fewer `rows`, use fewer ranks, or give more data",
            )
    steps = math.ceil(stage.budget / (step_rows * mean)) if stage.budget is not None else stage.steps or 0
    with naming(f"stage {stage.name}"):
        stage.schedule.warmup_steps(steps)
    return Plan(mean, step_rows, step_rows // micro, steps)


def tokens_of_row(source: Source) -> float:
    """Tokens of a row: of packs the context length, filled or not, of a view the mean, with what is put around it."""
    rows = source.rows
    counts = rows.manifest.notes.get("counts", {})
    tokens, count = counts.get("tokens"), counts.get("rows")
    if rows.view is not None and isinstance(tokens, dict) and count:
        return sum(tokens.values()) / count + source.objective.added
    return float(rows.length)


def _fitting(asked: float, rows: int, ranks: int) -> int:
    """The most rows of a micro-batch, up to what was given, that come near a step."""
    near = (one for one in range(rows, 0, -1) if abs(round(asked / (one * ranks)) * one * ranks - asked) < 0.02 * asked)
    return next(near, 1)


def memory_bytes(model: Any, stage: StageOptions, data: Data) -> dict[str, float]:
    """About how many bytes each rank needs; objectives: their own weights, as a momentum encoder and its queue.

    Teachers, and what is kept beside them, are left out.

    Activations by Korthikanti et al. 2022 (Reducing Activation Recomputation, 4.1) without the attention's scores,
    which none of the fused kernels keeps: 34 bytes a token, layer and unit of width in 16 bits; with gradient
    checkpointing, 2 and one layer at a time.
    """
    config = model.config.get_text_config()
    own = [weight for one in data.objectives.values() if one.teacher is None for weight in _own_weights(one, model)]
    trained = sum(one.numel() for one in (*model.parameters(), *own) if one.requires_grad)
    size = 2 if stage.precision == "bf16" else 4
    tokens = stage.rows * data.length
    width, layers = config.hidden_size, config.num_hidden_layers
    a_layer = 17 * size * tokens * width
    kept = size * tokens * width * layers + a_layer if stage.gradient_checkpointing else a_layer * layers
    states = 8 if stage.optimizer.name == "adamw" else 0
    return {
        "weights": 4.0 * model.num_parameters(),
        "objectives": float(sum(one.nbytes for one in own)),
        "gradients": 4.0 * trained,
        "optimizer": float(states * trained),
        "activations": float(kept),
        "logits": float(tokens * config.vocab_size * (size + 4)),
    }


def _own_weights(objective: Objective, model: Any) -> Iterator[torch.Tensor]:
    """What an objective keeps beside the model, buffers too, of the sizes that it has, on no device."""
    own = objective.own_weights(model)
    return iter(()) if own is None else (one.to("meta") for one in (*own.parameters(), *own.buffers()))
