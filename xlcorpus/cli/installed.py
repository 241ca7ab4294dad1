"""Whether what a command needs beside the package itself is installed."""

from __future__ import annotations

from importlib.util import find_spec

from xlcorpus.errors import UserError

TRAINING = ("torch", "transformers", "accelerate", "safetensors")
EVALUATION = ("torch", "transformers")


def require(names: tuple[str, ...], what: str, more: str = "") -> None:
    """Raise UserError for the first that is not there. what: `training`; more: another remedy."""
    for name in names:
        if find_spec(name) is None:
            remedy = "pip install 'xlcorpus[pretrain]'" + more
            raise UserError(f"{what} needs {name}, which is not installed", remedy=remedy)
