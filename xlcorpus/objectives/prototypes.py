"""Prototypes of classes: a vector each, the moving average of the states of its tokens (ProKD, Ge et al. 2023).

Own weights without a gradient of their own: in the checkpoints, and not beside the model that is saved.
"""

from __future__ import annotations

import torch
from torch.nn import functional

from xlcorpus.objectives.ranks import gather_rows

_LEAST = 1e-12


class Prototypes(torch.nn.Module):
    """Buffers: means, float32[sides, classes, d]; seen, bool[sides, classes]: those with a token so far."""

    means: torch.Tensor
    seen: torch.Tensor

    def __init__(self, sides: int, classes: int, width: int) -> None:
        super().__init__()
        self.register_buffer("means", torch.zeros(sides, classes, width))
        self.register_buffer("seen", torch.zeros(sides, classes, dtype=torch.bool))

    def moved(
        self, side: int, states: torch.Tensor, labels: torch.Tensor, momentum: float
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """float32[classes, d], the averages with these tokens of all ranks, and bool[classes], which there are.

        states: float[n, d], with gradients where they have them; labels: int64[n]; momentum: the share that stays; a
        class that was not seen begins as the mean of its tokens here.
        """
        classes, width = self.means.shape[1:]
        sums = self.means.new_zeros(classes, width).index_add(0, labels, states.float())
        counts = torch.bincount(labels, minlength=classes).to(sums.dtype)
        both = gather_rows(torch.cat([sums, counts[:, None]], dim=1)[None])[0].sum(dim=0)
        sums, counts = both[:, :-1], both[:, -1:].detach()
        mean, here, seen = sums / counts.clamp(min=1), counts > 0, self.seen[side].clone()[:, None]
        old = self.means[side].clone()
        made = torch.where(here, torch.where(seen, momentum * old + (1 - momentum) * mean, mean), old)
        return made, (here | seen)[:, 0]

    @torch.no_grad()
    def keep(self, side: int, means: torch.Tensor, seen: torch.Tensor) -> None:
        """What `moved` gave is what the next step begins with."""
        self.means[side], self.seen[side] = means.detach(), seen


def aligned(one: torch.Tensor, other: torch.Tensor, there: torch.Tensor, temperature: float) -> torch.Tensor:
    """A scalar: InfoNCE of finding each class' prototype on the other side, by cosine, the mean of both ways.

    one, other: float32[classes, d]; there: bool[classes], of both sides; 0 where fewer than two are.
    """
    if int(there.sum()) < 2:
        return 0 * (one.sum() + other.sum())
    similar = functional.normalize(one[there], dim=1) @ functional.normalize(other[there], dim=1).T / temperature
    own = torch.arange(len(similar), device=similar.device)
    return (functional.cross_entropy(similar, own) + functional.cross_entropy(similar.T, own)) / 2


def reweighted(
    soft: torch.Tensor, states: torch.Tensor, means: torch.Tensor, seen: torch.Tensor, temperature: float
) -> torch.Tensor:
    """float32[n, classes]: soft labels times softmax(-distance to the prototypes / temperature), summing to 1.

    soft: float32[n, classes]; states: float[n, d]; means: float32[classes, d]; seen: bool[classes]: the distance of
    others is the mean of these; where none is, the labels stay.
    """
    if not bool(seen.any()):
        return soft
    distances = torch.cdist(states.float(), means)
    mean = distances[:, seen].mean(dim=1, keepdim=True)
    weights = torch.softmax(-torch.where(seen, distances, mean) / temperature, dim=1)
    made = soft * weights
    return made / made.sum(dim=1, keepdim=True).clamp(min=_LEAST)
