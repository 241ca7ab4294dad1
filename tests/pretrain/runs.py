"""Recipes of tiny models on the packs of `packed.py`, run here or in processes of their own, and what they leave."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from safetensors.numpy import load_file

from tests.packed import SAMPLE, packs
from xlcorpus.pretrain.recipe import load_recipe
from xlcorpus.pretrain.train import Settings, pretrain

# Dropout, so that a resume must have the generators of random numbers as well; two micro-batches a step.
TINY: dict[str, Any] = {
    "name": "tiny",
    "seed": 3,
    "tokenizer": SAMPLE,
    "start": {"shape": "llama", "layers": 1, "width": 16, "heads": 2, "config": {"attention_dropout": 0.2}},
    "batch": 512,
    "rows": 4,
    "steps": 6,
    "optimizer": {"lr": 1e-2},
    "log_every": 2,
    "checkpoints": {"every": 2, "keep": 2},
}
STILL = {"start": {**TINY["start"], "config": {}}}  # without dropout, which follows from how rows are cut and dealt out
_CLOCKS = ("tokens_per_second", "data_wait", "mfu")


def recipe_file(folder: Path, **changes: Any) -> Path:
    """TINY with other keys, as a file (JSON is YAML); None: without the key."""
    content = {"data": [{"folder": str(packs())}], **TINY, **changes}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "recipe.yaml"
    path.write_text(json.dumps({key: value for key, value in content.items() if value is not None}), "utf-8")
    return path


def train(
    folder: Path, *, resume: bool = False, overwrite: bool = False, evaluation: Any = None, **changes: Any
) -> int:
    """Run TINY in this process, the model in folder / "out"."""
    said: list[str] = []
    recipe = load_recipe(str(recipe_file(folder, **changes)))
    return pretrain(recipe, folder / "out", Settings(resume, overwrite, say=said.append), evaluation)


def start_processes(folder: Path, *more: str, ranks: int = 1, program: Any = ("-m", "xlcorpus")) -> list[Any]:
    """`xlcorpus pretrain` on the recipe of a folder, as torchrun starts its ranks; what they say is in their stdout."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    job = {"WORLD_SIZE": ranks, "LOCAL_WORLD_SIZE": ranks, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    command = [sys.executable, *program, "pretrain", str(folder / "recipe.yaml"), "-o", str(folder / "out"), *more]
    given = [{**job, "RANK": rank, "LOCAL_RANK": rank} if ranks > 1 else {} for rank in range(ranks)]
    return [
        subprocess.Popen(
            command,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "OMP_NUM_THREADS": "1", **{name: str(value) for name, value in one.items()}},
        )
        for one in given
    ]


def run_processes(folder: Path, *more: str, **how: Any) -> None:
    """The same to its end, which must be good."""
    ended = [(one.communicate()[0], one.returncode) for one in start_processes(folder, *more, **how)]
    assert [status for _, status in ended] == [0] * len(ended), ended


def weights(folder: Path) -> dict[str, bytes]:
    """The final weights, as bytes."""
    return {name: one.tobytes() for name, one in load_file(folder / "out" / "model.safetensors").items()}


def metrics(folder: Path) -> list[dict[str, Any]]:
    """The lines of metrics, but for what clocks say."""
    lines = (folder / "out" / "metrics.jsonl").read_text("utf-8").splitlines()
    return [{key: value for key, value in json.loads(line).items() if key not in _CLOCKS} for line in lines]
