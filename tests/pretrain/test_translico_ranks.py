"""Two processes give the loss and the gradients of one with the rows of both: TCM over ranks, and MLM's mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.distributed as dist

from tests.pretrain.masked_models import tiny
from tests.pretrain.test_translico import made, rows_of
from xlcorpus.pretrain.objective import NO_LABEL, Batch

pytestmark = pytest.mark.slow  # two processes that import torch and transformers
RANKS, PAIRS = 2, 3


def joined_batch() -> Batch:
    """The rows of all ranks, rank by rank; of the first, few tokens are masked."""
    random = np.random.default_rng(4)
    pairs = [
        tuple(random.integers(5, 40, random.integers(2, 12)).tolist() for _ in range(2)) for _ in range(RANKS * PAIRS)
    ]
    batch = made(probability=0.4).collate(*rows_of(*pairs))  # type: ignore[arg-type]
    batch["labels"][1 : 2 * PAIRS, 2:] = NO_LABEL
    return batch


def work(rank: int, folder: str, options: dict[str, Any]) -> None:
    """One rank: its loss and the gradients that DDP leaves, in a file."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=RANKS)
    model = torch.nn.parallel.DistributedDataParallel(tiny("xlm-roberta"))
    rows = 2 * PAIRS
    losses = made(**options).losses(model, {k: v[rank * rows : (rank + 1) * rows] for k, v in joined_batch().items()})
    losses.total.backward()
    gradients = {name: one.grad for name, one in model.module.named_parameters()}
    torch.save({"parts": dict(losses.parts), "gradients": gradients}, f"{folder}/{rank}.pt")
    model.eval()
    if rank == 0:  # no collective in evaluation: one rank alone may do it
        made(**options).losses(model.module, joined_batch())
    dist.barrier()
    dist.destroy_process_group()


@pytest.mark.parametrize("options", [{"similarity": "dot"}, {"similarity": "cosine", "temperature": 0.1}])
def test_two_processes_equal_one(tmp_path: Path, options: dict[str, Any]) -> None:
    settings = {"negatives": "ranks", "layer": 2, **options}
    torch.multiprocessing.spawn(work, args=(str(tmp_path), settings), nprocs=RANKS)
    model = tiny("xlm-roberta")
    alone = made(**settings).losses(model, joined_batch())
    alone.total.backward()
    wanted = {name: one.grad for name, one in model.named_parameters()}
    ranks = [torch.load(tmp_path / f"{rank}.pt") for rank in range(RANKS)]
    for name, part in alone.parts.items():
        parts = [one["parts"][name] for one in ranks]
        torch.testing.assert_close(torch.stack(parts).mean(), part)
        assert not torch.allclose(parts[0], parts[1])
    for one in ranks:
        torch.testing.assert_close(one["gradients"], wanted, rtol=1e-4, atol=1e-6)
    # and not what each rank finds among its own pairs
    own = [
        made(**{**settings, "negatives": "batch"}).losses(
            tiny("xlm-roberta"), {k: v[place : place + 2 * PAIRS] for k, v in joined_batch().items()}
        )
        for place in (0, 2 * PAIRS)
    ]
    assert not torch.allclose(torch.stack([one.parts["tcm"] for one in own]).mean(), alone.parts["tcm"], rtol=1e-2)
