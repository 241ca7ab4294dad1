"""The chain through Beam, as `xlcorpus run` does it: `python -m benchmarks.beamed CHAIN.json WORKERS MEASURED.json`."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.chain import PHASES, Chain
from benchmarks.meter import Meter

PLAN = "planning, checks, manifests"


def _metered(meter: Meter, method: Callable[..., Any]) -> Callable[..., Any]:
    """`Execution.run_tasks` or `shuffle`, with the CPU seconds of the phase under its label."""

    @functools.wraps(method)
    def call(execution: Any, phase: str, *arguments: Any) -> Any:
        label = execution.label(phase)
        with meter.phase(label if label in PHASES else f"other: {label}"):
            return method(execution, phase, *arguments)

    return call


def run(chain: Chain, workers: int, meter: Meter) -> None:
    """Load the recipe and run it."""
    with meter.phase("imports"):
        from xlcorpus.cli.logs import quiet_beam

        quiet_beam()
        from xlcorpus.beam.phase import Execution
        from xlcorpus.beam.runners import choose_runner
        from xlcorpus.recipe.load import load_recipe
        from xlcorpus.recipe.run import Settings, run_recipe

    with meter.phase(PLAN):
        for name in ("run_tasks", "shuffle"):
            setattr(Execution, name, _metered(meter, getattr(Execution, name)))
        output = Path(chain.output)
        output.mkdir(parents=True)
        path = output / "recipe.yaml"
        path.write_text(chain.recipe(), encoding="utf-8")
        recipe = load_recipe(str(path))
        runner, _ = choose_runner("local", workers)
        run_recipe(recipe.nodes, lambda node: output / node.id, Settings(runner=runner, seed=recipe.seed))


def main(arguments: list[str]) -> None:
    """Run and write the figures."""
    meter = Meter()
    run(Chain.load(Path(arguments[0])), int(arguments[1]), meter)
    meter.save(Path(arguments[2]))


if __name__ == "__main__":
    main(sys.argv[1:])
