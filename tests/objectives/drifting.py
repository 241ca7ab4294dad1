"""An objective with weights, a buffer and a momentum copy of its own, as `python -m tests.objectives.drifting` too."""

from __future__ import annotations

from typing import Any

import torch

from xlcorpus.objectives.kinds.clm import Clm, ClmOptions
from xlcorpus.objectives.label_costs import unwrapped
from xlcorpus.objectives.objective import OBJECTIVES, Batch, Losses, ObjectiveKind
from xlcorpus.objectives.own_weights import own_weights_of


class Drifting(Clm):
    """CLM, and a projection that is to give the ids back; a copy of it follows step by step."""

    def own_weights(self, model: Any) -> torch.nn.Module:
        width = model.config.hidden_size
        own = torch.nn.Module()
        own.projection = torch.nn.Linear(width, 1)
        own.momentum = torch.nn.Linear(width, 1).requires_grad_(False)
        own.momentum.load_state_dict(own.projection.state_dict())
        own.register_buffer("steps", torch.zeros((), dtype=torch.int64))
        return own

    def losses(self, model: Any, batch: Batch) -> Losses:
        own = own_weights_of(model, self.key)
        states = unwrapped(model).get_input_embeddings()(batch["input_ids"]).detach()
        drift = (own.projection(states) - own.momentum(states) - own.steps).square().mean()
        clm = super().losses(model, batch).total
        return Losses(clm + drift, {"clm": clm.detach(), "drift": drift.detach()})

    def after_step(self, model: Any) -> None:
        own = own_weights_of(model, self.key)
        own.steps += 1
        with torch.no_grad():
            for new, old in zip(own.projection.parameters(), own.momentum.parameters(), strict=True):
                old.lerp_(new, 0.25)


KIND = ObjectiveKind("drifting", None, "AutoModelForCausalLM", ClmOptions, (), Drifting)

if __name__ == "__main__":
    from xlcorpus.cli.main import main

    OBJECTIVES.all[KIND.name] = KIND
    main()
