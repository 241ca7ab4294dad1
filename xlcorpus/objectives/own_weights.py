"""Weights that objectives have beside the model's, as a projection, tables of languages, a momentum encoder and its
queue: trained, checkpointed and gone on with like the model's, and never a part of the model that is saved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from safetensors.torch import load_file, save_file
from torch.nn.parallel import DistributedDataParallel

from xlcorpus.dataset import storage
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError
from xlcorpus.objectives.label_costs import unwrapped
from xlcorpus.objectives.objective import Objective
from xlcorpus.objectives.ranks import rank_and_ranks
from xlcorpus.text.hashes import hash_text

FOLDER = "objectives"  # beside a saved model: NAME.safetensors of an objective's own weights, NAME.json of their rows
_ATTRIBUTE = "xlcorpus_objectives"
M = TypeVar("M", torch.nn.Linear, torch.nn.Embedding)


def attach(
    model: Any, objectives: Mapping[str, Objective], seed: int, before: Location | None = None
) -> tuple[str, ...]:
    """Make the weights that objectives (by name of their source) have of their own, as submodules of the model; whose.

    before: folder of a model whose objectives' weights are gone on with where they have the same name. Their gradients
    are not DDP's, which takes all of a model to be in its forward pass: `average_gradients` shares them. Raises
    UserError where those of `before` do not fit.
    """
    made = torch.nn.ModuleDict()
    for name, objective in objectives.items():
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(hash_text(f"{seed} {name} own weights")) >> 1)
            module = objective.own_weights(model)
        objective.key = name
        if module is None:
            continue
        made[name] = module.to(model.device)
        file = None if before is None else before / FOLDER / f"{name}.safetensors"
        if file is not None and storage.is_file(file):
            _load(made[name], file, objective.names)
    if made:
        model.add_module(_ATTRIBUTE, made)
        ignored = [f"{_ATTRIBUTE}.{name}" for name in made.state_dict()]
        DistributedDataParallel._set_params_and_buffers_to_ignore_for_model(model, ignored)
    return tuple(made)


def draw_like(model: Any, module: M) -> M:
    """The module, its weight drawn as the model draws its own: normal, with its initializer_range."""
    torch.nn.init.normal_(module.weight, std=getattr(model.config, "initializer_range", 0.02))
    return module


def own_weights_of(model: Any, key: str) -> Any:
    """The module that `attach` put there for the source of this name."""
    return getattr(unwrapped(model), _ATTRIBUTE)[key]


def average_gradients(model: Any) -> None:
    """Give the objectives' own weights the mean gradient of all ranks, as DDP gives the model's; collective.

    What no rank used in this step keeps no gradient, so that the optimiser leaves it alone as it does in one process.
    """
    ranks = rank_and_ranks()[1]
    modules = getattr(unwrapped(model), _ATTRIBUTE, None)
    if modules is None or ranks == 1:
        return
    trained = [weight for weight in modules.parameters() if weight.requires_grad]
    if not trained:
        return
    used = torch.tensor([weight.grad is not None for weight in trained], dtype=torch.int64, device=trained[0].device)
    dist.all_reduce(used)
    for weight, uses in zip(trained, used.tolist(), strict=True):
        if uses:
            if weight.grad is None:  # none of this rank's micro-batches used it
                weight.grad = torch.zeros_like(weight)
            dist.all_reduce(weight.grad)
            weight.grad /= ranks


def detach(model: Any) -> dict[str, dict[str, torch.Tensor]]:
    """Take the objectives' own weights off the model; those that were trained, by source."""
    modules = getattr(model, _ATTRIBUTE, None)
    if modules is None:
        return {}
    delattr(model, _ATTRIBUTE)
    found = {
        name: {key: one.detach().cpu().contiguous() for key, one in module.named_parameters() if one.requires_grad}
        for name, module in modules.items()
    }
    return {name: weights for name, weights in found.items() if weights}


def save(
    weights: Mapping[str, Mapping[str, torch.Tensor]],
    objectives: Mapping[str, Objective],
    folder: Location,
    before: Location | None = None,
) -> None:
    """Write what `detach` gave beside a model: `objectives/NAME.safetensors`, and `NAME.json`: what their rows are.

    before: as of `attach`; those of its objectives that this stage did not train are kept for one that does.
    """
    kept = storage.entries_of(before / FOLDER) if before is not None and storage.is_folder(before / FOLDER) else []
    for file in kept:
        if file.stem not in weights:
            storage.write_bytes(storage.make_folder(folder / FOLDER) / file.name, storage.read_bytes(file))
    for name, one in weights.items():
        place = storage.make_folder(folder / FOLDER)
        save_file(dict(one), str(place / f"{name}.safetensors"))
        if objectives[name].names:
            storage.write_json(place / f"{name}.json", objectives[name].names)


def _load(module: torch.nn.Module, file: Location, names: Mapping[str, Any]) -> None:
    with storage.local_copy(file) as path:
        weights = load_file(path)
    beside = file.with_suffix(".json")
    if names and (not storage.is_file(beside) or storage.read_json(beside) != names):
        raise UserError(
            f"the rows of {file} are not those of the data's {' and '.join(names)} ({beside.name})",
            remedy="pack with the same languages (pack --languages), or remove the file to begin with new weights",
        )
    there = {name: one for name, one in module.named_parameters() if one.requires_grad}
    if {name: one.shape for name, one in there.items()} != {name: one.shape for name, one in weights.items()}:
        shown = [", ".join(f"{name} {[*one.shape]}" for name, one in group.items()) for group in (weights, there)]
        raise UserError(
            f"{file} holds {shown[0]}, and the objective has {shown[1]}",
            remedy="train with the options that it was made with, or remove the file to begin with new weights",
        )
    with torch.no_grad():
        for name, weight in there.items():
            weight.copy_(weights[name])
