"""The options of a step from the values of a recipe or the command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xlcorpus.beam.step import Step
from xlcorpus.options import StepOptions, checked


def make_options(step: Step, values: Mapping[str, Any], where: str) -> StepOptions:
    """The step's options; `where` says whose they are in errors."""
    return checked(step.options, values, where, step.name, f"`xlcorpus {step.name} --help`")
