"""xlcorpus: from raw multilingual text to pretraining shards, as Apache Beam pipelines.

    import xlcorpus as xl

    kept = xl.filter(xl.score(xl.identify("dumps/", output="lid"), output="scored"), output="kept")
    xl.mix(kept, ratios={"swh_Latn": 0.6, "yor_Latn": 0.4}, budget="2M", output="mix").head()

Every step is a function that returns the dataset it made; docs/python.md shows them at work. Nothing heavy is imported
before it is used.
"""

from __future__ import annotations

import logging
import sys
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

__version__ = "0.2.0"

# Names besides the steps: where they are, and what they are called there.
_NAMES = {
    "Dataset": ("xlcorpus.dataset.dataset", "Dataset"),
    "UserError": ("xlcorpus.errors", "UserError"),
    "open_dataset": ("xlcorpus.face", "open_dataset"),
    "run_recipe": ("xlcorpus.face", "run_named_recipe"),
    "identify_batch": ("xlcorpus.lid.identify", "identify_batch"),
    "load_model": ("xlcorpus.lid.model", "load_model"),
    "score_batch": ("xlcorpus.quality.signals", "score_batch"),
    "filter_batch": ("xlcorpus.quality.filter", "filter_batch"),
    "load_thresholds": ("xlcorpus.quality.thresholds", "load_thresholds"),
    "romanize_batch": ("xlcorpus.romanize.documents", "romanize_batch"),
    "open_romanizer": ("xlcorpus.romanize.tools", "open_tool"),
    "open_tokenizer": ("xlcorpus.tokenizer.open", "open_tokenizer"),
}


def _steps() -> dict[str, str]:
    """The installed steps by the name of their function: mine_words of mine-words."""
    from xlcorpus.recipe.registry import step_names

    return {name.replace("-", "_"): name for name in step_names()}


def _load(module: str) -> Any:
    """Import a module; the warnings that Beam gives about packages it does without stay off the terminal."""
    root, hush = logging.getLogger(), logging.NullHandler()
    root.addHandler(hush)
    try:
        return import_module(module)
    finally:
        root.removeHandler(hush)


def _step(name: str) -> Any:
    return _load("xlcorpus.face").step_function(_steps().get(name, name))


class _Room(ModuleType):
    """A package of ours that is called runs the step of its name, so that `xlcorpus.mix` is both."""

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        return _step(self.__name__.rpartition(".")[2])(*inputs, **options)


class _Face(ModuleType):
    """This module: what is imported below it can be called."""

    def __setattr__(self, name: str, value: Any) -> None:
        if type(value) is ModuleType and value.__name__ == f"{__name__}.{name}":
            value.__class__ = _Room
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Face


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        module, attribute = _NAMES[name]
        return getattr(_load(module), attribute)
    if not name.startswith("_"):
        if find_spec(f"{__name__}.{name}") is not None:  # `from xlcorpus import errors` asks here first
            return import_module(f"{__name__}.{name}")
        if name in _steps():
            return _step(name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*_NAMES, *_steps(), "__version__"})
