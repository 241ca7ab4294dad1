"""Trains the tiny language models of word mining: `mine_tiny_lm` and `mine_sample_lm`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch


def losses(model: Any, batches: Iterable[Sequence[Sequence[int]]], rate: float, steps: int) -> Iterator[float]:
    """Train on token ids, a batch a step, and give the loss of each. rate: the highest of a schedule over `steps`."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, betas=(0.9, 0.95), weight_decay=0.1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps, pct_start=0.05)
    for batch in batches:
        ids = torch.tensor(batch)
        loss = model(input_ids=ids, labels=ids).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        yield loss.item()
