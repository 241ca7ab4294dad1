"""The Python face: every step as a function that returns the dataset it made. `import xlcorpus` is the way in."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any

from xlcorpus.beam.runners import choose_runner
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.storage import locate
from xlcorpus.recipe.graph import Node
from xlcorpus.recipe.load import load_recipe
from xlcorpus.recipe.registry import find_step
from xlcorpus.recipe.run import Finished, Settings, run_recipe
from xlcorpus.recipe.single import folders_of_step, nodes_of_step

_OURS = {"runner", "seed", "stale_is_error", "say", "around"}  # settings that a call gives otherwise
Input = Dataset | str | os.PathLike[str]

# How a step runs, as on the command line.
_RUNNING = ("runner", "workers", "beam_options", *sorted({one.name for one in fields(Settings)} - _OURS))


def open_dataset(folder: str | os.PathLike[str], *, verify: bool = False) -> Dataset:
    """A finished dataset; raises IntegrityError where there is none, or (verify) where a file was altered."""
    return Dataset.open(locate(folder), verify=verify)


def run_named_step(
    name: str,
    inputs: Sequence[Input],
    output: str | os.PathLike[str],
    options: Mapping[str, Any],
    *,
    seed: int = 0,
    **running: Any,
) -> Dataset:
    """Run one step, raw files among the inputs ingested first; see `step_function` for what may be said."""
    given = [str(one.folder if isinstance(one, Dataset) else os.fspath(one)) for one in inputs]
    nodes = nodes_of_step(name, given, options, f"xlcorpus.{name}")
    return _run(nodes, folders_of_step(name, locate(output)), seed, running)[-1].dataset


def run_named_recipe(
    recipe: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    settings: Mapping[str, Any] | None = None,
    **running: Any,
) -> dict[str, Dataset]:
    """Run a recipe (a YAML file, or the name of a shipped one); returns its datasets by the names of their steps.

    settings: `{"seed": 3, "dedup.threshold": 0.7, "variables.files": "dumps/"}`; running: as of a step.
    """
    loaded = load_recipe(os.fspath(recipe), [f"{key}={value}" for key, value in (settings or {}).items()])
    folder = locate(output)
    stale_is_error = not running.get("resume", False)
    done = _run(loaded.nodes, lambda node: folder / node.id, loaded.seed, running, stale_is_error=stale_is_error)
    return {one.work.id: one.dataset for one in done}


def _run(
    nodes: Sequence[Node],
    folder_of: Callable[[Node], Any],
    seed: int,
    running: Mapping[str, Any],
    *,
    stale_is_error: bool = True,
) -> list[Finished]:
    how: dict[str, Any] = {"runner": "local", "workers": 1, "beam_options": (), "quiet": True} | dict(running)
    runner, _ = choose_runner(how.pop("runner"), how.pop("workers"), list(how.pop("beam_options")))
    settings = Settings(runner=runner, seed=seed, stale_is_error=stale_is_error, say=_say, **how)
    return run_recipe(nodes, folder_of, settings)


def _say(line: str) -> None:
    print(line, file=sys.stderr)


def step_function(name: str) -> Callable[..., Dataset]:
    """The function of an installed step, with its options in its documentation."""

    def run_step(*inputs: Input, output: str | os.PathLike[str], seed: int = 0, **options: Any) -> Dataset:
        running = {key: options.pop(key) for key in _RUNNING if key in options}
        return run_named_step(name, inputs, output, options, seed=seed, **running)

    step = find_step(name)
    options = step.options.model_fields.items()
    described = [f"{key}: {field.description or ''} [{field.annotation}]" for key, field in options]
    run_step.__name__ = run_step.__qualname__ = name.replace("-", "_")
    run_step.__doc__ = "\n".join(
        [
            step.summary,
            "",
            "inputs: datasets, folders of datasets, or raw files, which are ingested on the way; output: folder of the",
            "new dataset, returned as it is where it is there already, made from the same input with the same options.",
            *(["", "Options:", *(f"    {line}" for line in described)] if described else []),
            "",
            f"How it runs: {', '.join(_RUNNING)}, as on the command line. Raises UserError.",
        ]
    )
    return run_step
