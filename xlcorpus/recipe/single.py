"""One step as a recipe: the nodes that a call of it means, and where its dataset and that of its raw input lie."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xlcorpus.dataset.dataset import is_dataset
from xlcorpus.dataset.storage import Location, locate, resolve
from xlcorpus.recipe.graph import Node, inline_raw_inputs
from xlcorpus.recipe.options import make_options
from xlcorpus.recipe.registry import find_step


def nodes_of_step(name: str, inputs: Sequence[str], options: Mapping[str, Any], where: str) -> tuple[Node, ...]:
    """The step over dataset folders and raw files, which an ingest step reads first; `where`: who asks, for errors.

    Raises UserError for options that it has not.
    """
    step = find_step(name)
    made = make_options(step, options, where)
    if step.prepare is not None:
        return (Node(name, step, made, files=tuple(inputs)),)
    datasets = [folder for folder in map(locate, inputs) if is_dataset(folder)]
    raw = [given for given in inputs if not is_dataset(locate(given))]
    return inline_raw_inputs((Node(name, step, made, tuple(datasets)),), raw)


def folders_of_step(name: str, output: Location) -> Callable[[Node], Location]:
    """The output for the step itself; beside it NAME-ingested, where a graph step needs its raw input as a dataset."""
    whole = resolve(output)
    return lambda node: output if node.id == name else whole.with_name(f"{whole.name}-ingested")
