"""Two processes give the loss and the gradients of one with the rows of both: TCM over ranks, and MLM's mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.distributed as dist

from tests.objectives.masked_models import tiny
from tests.objectives.test_translico import made, rows_of
from xlcorpus.objectives.objective import NO_LABEL, Batch

pytestmark = pytest.mark.slow  # two processes that import torch and transformers
RANKS = 2
ROWS = [range(6), range(6, 14)]  # of each rank: pairs stay together, and one rank has more, as in a last batch
SETTINGS: list[dict[str, Any]] = [
    {"negatives": "ranks", "similarity": "dot"},
    {"negatives": "ranks", "similarity": "cosine", "temperature": 0.1},
]


def joined_batch() -> Batch:
    """The rows of all ranks, rank by rank; of the first, few tokens are masked."""
    random = np.random.default_rng(4)
    sides = [random.integers(5, 40, random.integers(2, 12)).tolist() for _ in range(14)]
    batch = made(probability=0.4).collate(*rows_of(*zip(sides[::2], sides[1::2], strict=True)))
    batch["labels"][1:6, 2:] = NO_LABEL
    return batch


def part_of(batch: Batch, rank: int) -> Batch:
    """The rows of a rank."""
    return {name: values[list(ROWS[rank])] for name, values in batch.items()}


def work(rank: int, folder: str) -> None:
    """One rank: its losses and the gradients that DDP leaves, in a file."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=RANKS)
    found = []
    for options in SETTINGS:
        model = torch.nn.parallel.DistributedDataParallel(tiny("xlm-roberta"))
        losses = made(**options).losses(model, part_of(joined_batch(), rank))
        losses.total.backward()
        found.append((dict(losses.parts), {name: one.grad for name, one in model.module.named_parameters()}))
        model.eval()
        if rank == 0:  # no collective in evaluation: one rank alone may do it
            made(**options).losses(model.module, joined_batch())
    torch.save(found, f"{folder}/{rank}.pt")
    dist.barrier()
    dist.destroy_process_group()


def test_two_processes_equal_one(tmp_path: Path) -> None:
    torch.multiprocessing.spawn(work, args=(str(tmp_path),), nprocs=RANKS)
    ranks = [torch.load(tmp_path / f"{rank}.pt") for rank in range(RANKS)]
    for options, *found in zip(SETTINGS, *ranks, strict=True):
        model = tiny("xlm-roberta")
        alone = made(**options).losses(model, joined_batch())
        alone.total.backward()
        wanted = {name: one.grad for name, one in model.named_parameters()}
        for name, part in alone.parts.items():
            torch.testing.assert_close(torch.stack([parts[name] for parts, _ in found]).mean(), part)
        for _, gradients in found:
            torch.testing.assert_close(gradients, wanted, rtol=1e-4, atol=1e-6)
        # and not what each rank finds among its own pairs
        apart = made(**{**options, "negatives": "batch"})
        own = [apart.losses(tiny("xlm-roberta"), part_of(joined_batch(), rank)).parts["tcm"] for rank in range(RANKS)]
        assert not torch.allclose(torch.stack(own).mean(), alone.parts["tcm"], rtol=1e-2)
