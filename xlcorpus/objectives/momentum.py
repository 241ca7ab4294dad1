"""A momentum encoder and the queue of its keys (MoCo, He et al. 2020, "Momentum Contrast", algorithm 1)."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch.nn import functional

from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError
from xlcorpus.objectives.contrast import find_keys
from xlcorpus.objectives.label_costs import unwrapped
from xlcorpus.objectives.objective import Batch, Losses, Objective
from xlcorpus.objectives.own_weights import own_weights_of
from xlcorpus.objectives.ranks import gather_rows, mean_over_ranks
from xlcorpus.options import StepOptions, option


class MomentumOptions(StepOptions, allow_inf_nan=False):
    """Options of contrast with a queue."""

    queue: int = option(131072, ge=1, description="keys of earlier texts that a query must not find")
    momentum: float = option(0.9999, ge=0, lt=1, description="share of the key encoder that stays in a step")
    temperature: float = option(0.25, gt=0, description="what similarities are divided by")
    similarity: str = option("dot", pattern="^(dot|cosine)$", description="dot, or cosine: vectors of length one")


class Momentum(torch.nn.Module):
    """What is kept beside the model: a copy of its encoder that follows it, and a ring of the last keys.

    projection: of both encoders' vectors, trained with the model's and followed likewise; None: vectors as they are.
    Buffers: keys, float32[queue, d]; filled and place, int64, how many there are and where the next one goes.
    """

    keys: torch.Tensor
    filled: torch.Tensor
    place: torch.Tensor

    def __init__(self, model: Any, queue: int, width: int, projection: torch.nn.Module | None = None) -> None:
        super().__init__()
        self.encoder = copy.deepcopy(model.base_model).requires_grad_(False)
        self.projection = projection or torch.nn.Identity()
        self.followed = copy.deepcopy(self.projection).requires_grad_(False)
        self.register_buffer("keys", torch.zeros(queue, width))
        self.register_buffer("filled", torch.zeros((), dtype=torch.int64))
        self.register_buffer("place", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def follow(self, model: Any, momentum: float) -> None:
        """weights <- momentum * weights + (1 - momentum) * the model's."""
        pairs = [(self.encoder, unwrapped(model).base_model), (self.followed, self.projection)]
        for mine, theirs in pairs:
            for name, old in mine.named_parameters():  # by name: a model without a head has all of this in it too
                old.lerp_(theirs.get_parameter(name), 1 - momentum)

    @torch.no_grad()
    def put(self, keys: torch.Tensor) -> None:
        """Take keys (float32[n, d]) in, the oldest ones going; of more than the queue holds, the last."""
        size = len(self.keys)
        kept = keys[-size:]
        at = (self.place + len(keys) - len(kept) + torch.arange(len(kept), device=keys.device)) % size
        self.keys[at] = kept.to(self.keys.dtype)
        self.place.copy_((self.place + len(keys)) % size)
        self.filled.copy_(torch.clamp(self.filled + len(keys), max=size))

    def queued(self) -> torch.Tensor:
        """float32[filled, d]: the keys in the queue, which are not trained."""
        return self.keys[: int(self.filled)].clone()


class MomentumObjective(Objective):
    """Queries by the model, keys by the encoder that follows it: each query must find its own key among those queued.

    A batch has 2 rows an example, the query's text and the key's. Keys are made without dropout. In evaluation a query
    has the other keys of its batch against it, whatever is queued; one alone the queue.
    """

    options: MomentumOptions
    name: str
    rows_a_key = 1

    @abstractmethod
    def vectors(self, encoder: Any, batch: Batch, rest: list[torch.Tensor] | None = None) -> torch.Tensor:
        """float32[rows, d], of some rows by an encoder.

        rest: of the model alone: takes zeros with which a loss holds all weights, as DDP wants them in the graph.
        """

    def fit_rows(self, folder: Location, rows: int) -> None:
        """Raise UserError where the queue is longer than an epoch: a text's own earlier key would be a wrong one."""
        keys = -(-rows // self.rows_a_key)
        if self.options.queue > keys:
            raise UserError(
                f"the queue holds {self.options.queue:,} keys, and {rows:,} rows make {keys:,}: a text would have to "
                "tell its key from its own earlier ones",
                remedy=f"write queue: {max(keys // 2, 1)}, or less",
            )

    def momentum_of(self, model: Any) -> Momentum:
        """The one of this source."""
        made: Momentum = own_weights_of(model, self.key)
        return made

    def begin(self, model: Any, last_batches: Callable[[int], Iterable[Batch]]) -> None:
        """The key encoder is what the model is, and the queue is full, as published, of texts that come last.

        A projection may have been loaded since the key encoder's was drawn, and texts that come soon would meet their
        own keys.
        """
        own = self.momentum_of(model)
        own.follow(model, 0.0)
        for batch in last_batches(len(own.keys) * self.rows_a_key):
            own.put(gather_rows(self._keys(own, batch))[0])

    def after_step(self, model: Any) -> None:
        """The key encoder follows."""
        self.momentum_of(model).follow(model, self.options.momentum)

    def losses(self, model: Any, batch: Batch) -> Losses:
        """NAME, and NAME_found: the share of queries that find their key; collective in training of several ranks.

        Found is what is nearer than all in the queue and than the other keys of the batch. Of the queue alone it could
        be by the keys' age: a quick encoder's keys of now differ from those before by more than texts do.
        """
        own, rest = self.momentum_of(model), list[torch.Tensor]()
        asked = {name: one[::2] for name, one in batch.items()}
        queries = self._scaled(own.projection(self.vectors(model, asked, rest)))
        keys = self._keys(own, batch)
        costs, found = find_keys(queries, keys, None, self.options.temperature)
        if model.training or len(keys) == 1:
            costs, nearer = find_keys(queries, keys, own.queued(), self.options.temperature)
            found &= nearer
        if model.training:
            own.put(gather_rows(keys)[0])
        count = costs.new_tensor(len(costs))
        loss, hits = (mean_over_ranks(one.sum(), count, training=model.training) for one in (costs, found.float()))
        return Losses(sum(rest, loss), {self.name: loss.detach(), f"{self.name}_found": hits.detach()})

    @torch.no_grad()
    def _keys(self, own: Momentum, batch: Batch) -> torch.Tensor:
        """float32[examples, d]."""
        own.encoder.eval()
        answers = {name: one[1::2] for name, one in batch.items()}
        return self._scaled(own.followed(self.vectors(own.encoder, answers)))

    def _scaled(self, vectors: torch.Tensor) -> torch.Tensor:
        return functional.normalize(vectors, dim=1) if self.options.similarity == "cosine" else vectors
