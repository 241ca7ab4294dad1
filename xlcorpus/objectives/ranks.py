"""What the ranks of a run share in a loss; a run of one process has it all."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist


def rank_and_ranks() -> tuple[int, int]:
    """This process' number and how many there are: (0, 1) without a process group."""
    if dist.is_available() and dist.is_initialized():
        return dist.get_rank(), dist.get_world_size()
    return 0, 1


def gather_rows(rows: torch.Tensor) -> tuple[torch.Tensor, int]:
    """The rows of all ranks, those of rank 0 first, with gradients to the rank that each is of; and which are ours.

    rows: float[n, ...]; n may differ by rank, as it does in a last batch. ours: number of this rank's first row. The
    gradient of a row is the sum of those of all ranks' losses: where DDP averages these, it is that of one process.
    """
    rank, ranks = rank_and_ranks()
    if ranks == 1:
        return rows, 0
    counts = [torch.zeros(1, dtype=torch.int64, device=rows.device) for _ in range(ranks)]
    dist.all_gather(counts, counts[0].new_tensor([len(rows)]))
    sizes = torch.cat(counts).tolist()
    gathered: torch.Tensor = _Gather.apply(rows, sizes)
    return gathered, sum(sizes[:rank])


def mean_over_ranks(total: torch.Tensor, count: torch.Tensor, *, training: bool) -> torch.Tensor:
    """total / count, at least 1; in training by the mean count of all ranks.

    Ranks have differing numbers of labels. DDP averages their losses, which so are those of one process with all of
    them, and not a mean of means. Collective in training: every rank must call it.
    """
    _, ranks = rank_and_ranks()
    count = count.to(total.dtype)
    if training and ranks > 1:
        count = count.clone()
        dist.all_reduce(count)
        count /= ranks
    return total / count.clamp(min=1 / ranks)


class _Gather(torch.autograd.Function):
    """all_gather whose gradient is summed over ranks; torch.distributed.nn's own is deprecated in torch 2.15."""

    @staticmethod
    def forward(context: Any, rows: torch.Tensor, sizes: list[int]) -> torch.Tensor:
        context.sizes = sizes
        longest = rows.new_zeros((max(sizes), *rows.shape[1:]))  # all ranks must send as much
        longest[: len(rows)] = rows
        parts = [torch.empty_like(longest) for _ in sizes]
        dist.all_gather(parts, longest)
        return torch.cat([part[:size] for part, size in zip(parts, sizes, strict=True)])

    @staticmethod
    def backward(context: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        gradient = gradients[0].contiguous()
        dist.all_reduce(gradient)
        return gradient.split(context.sizes)[rank_and_ranks()[0]], None
