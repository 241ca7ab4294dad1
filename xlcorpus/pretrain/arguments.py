"""A stage of a recipe as transformers' TrainingArguments."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import torch
from accelerate import DistributedType
from transformers import TrainingArguments

from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError, first_line, nearest
from xlcorpus.pretrain.plan import Plan
from xlcorpus.pretrain.recipe import ScheduleOptions, StageOptions

# Settings of ours that `trainer:` may change.
_FREE = (
    "optim",
    "lr_scheduler_type",
    "lr_scheduler_kwargs",
    "report_to",
    "log_level",
    "ddp_find_unused_parameters",
    "use_cpu",
)
_KNOWN = tuple(one.name for one in fields(TrainingArguments))
_RECOMPUTE = "activation_checkpointing" if "activation_checkpointing" in _KNOWN else "gradient_checkpointing"
_ADAMW = {True: "adamw_torch_fused", False: "adamw_torch"}  # fused: one kernel for all weights, on GPUs


def training_arguments(stage: StageOptions, plan: Plan, seed: int, folder: Location) -> TrainingArguments:
    """folder: for TensorBoard and the like. Raises UserError for what `trainer:` has and TrainingArguments has not."""
    optimizer, schedule = stage.optimizer, stage.schedule
    ours: dict[str, Any] = {
        "output_dir": str(folder),
        "max_steps": plan.steps or 1,
        "per_device_train_batch_size": stage.rows,
        "gradient_accumulation_steps": plan.accumulation,
        "learning_rate": optimizer.lr,
        "weight_decay": optimizer.weight_decay,
        "adam_beta1": optimizer.betas[0],
        "adam_beta2": optimizer.betas[1],
        "adam_epsilon": optimizer.eps,
        "max_grad_norm": optimizer.clip,
        "optim": _ADAMW[torch.cuda.is_available()] if optimizer.name == "adamw" else optimizer.name,
        "warmup_steps": schedule.warmup_steps(plan.steps),
        **_schedule(schedule, plan.steps, optimizer.lr),
        "bf16": stage.precision == "bf16",
        _RECOMPUTE: stage.gradient_checkpointing,
        "torch_compile": stage.compile,
        "logging_strategy": "steps",
        "logging_steps": stage.log_every,
        "logging_nan_inf_filter": False,  # a loss that is no number ends the run, see engine
        "save_strategy": "no",  # engine says when
        "eval_strategy": "no",
        "ignore_data_skip": True,  # the stream begins at the row
        "remove_unused_columns": False,
        "report_to": "none",
        "log_level": "error",
        "disable_tqdm": True,
        "seed": seed,
        # accelerate takes ranks without an accelerator for as many runs of their own, unless it is told.
        "use_cpu": not torch.accelerator.is_available(),
        "ddp_find_unused_parameters": len(stage.data) > 1,  # an objective may leave weights out
    }
    for name in stage.trainer:
        if name not in _KNOWN:
            raise UserError(
                f"stage {stage.name}: trainer: there is no {name!r}; {nearest(name, _KNOWN)}",
                remedy="name TrainingArguments of the transformers that is installed",
            )
        if name in ours and name not in _FREE:
            raise UserError(
                f"stage {stage.name}: trainer: {name} follows from the recipe", remedy="set the recipe's own key"
            )
    try:
        arguments = TrainingArguments(**{**ours, **stage.trainer})
    except (ValueError, TypeError, ImportError, RuntimeError) as error:
        raise UserError(
            f"stage {stage.name}: {first_line(error)}",
            remedy="change `trainer:`, `precision` or `compile`",
        ) from error
    # Several GPUs without torchrun: one is used; Trainer's DataParallel would cut our batches, and is slow.
    arguments._n_gpu = min(arguments.n_gpu, 1)
    if arguments.fsdp:
        _check_fsdp(arguments, stage.name)
    return arguments


def _check_fsdp(arguments: TrainingArguments, stage: str) -> None:
    """Raise UserError where FSDP would not shard, or not save a model, without a word."""
    if arguments.distributed_state.distributed_type == DistributedType.MULTI_CPU:
        raise UserError(
            f"stage {stage}: trainer: fsdp needs GPUs; on CPUs accelerate takes DDP in its place",
            remedy="leave fsdp out",
        )
    kept = arguments.fsdp_config.get("state_dict_type", "FULL_STATE_DICT")
    if kept != "FULL_STATE_DICT":
        raise UserError(
            f"stage {stage}: trainer: fsdp_config: with state_dict_type {kept} no model is saved",
            remedy="leave state_dict_type out",
        )


def _schedule(schedule: ScheduleOptions, steps: int, lr: float) -> dict[str, Any]:
    """Kind and settings by transformers' names."""
    least = schedule.min_lr
    if schedule.name == "constant" or least == 1:
        return {"lr_scheduler_type": "constant_with_warmup", "lr_scheduler_kwargs": {}}
    if schedule.name == "cosine":
        return {"lr_scheduler_type": "cosine_with_min_lr", "lr_scheduler_kwargs": {"min_lr_rate": least}}
    if schedule.name == "linear":
        return {"lr_scheduler_type": "polynomial", "lr_scheduler_kwargs": {"lr_end": least * lr, "power": 1.0}}
    decay = min(max(1, round(schedule.decay * steps)), steps - schedule.warmup_steps(steps))
    settings = {"num_decay_steps": decay, "decay_type": "linear", "min_lr_ratio": least}
    return {"lr_scheduler_type": "warmup_stable_decay", "lr_scheduler_kwargs": settings}
