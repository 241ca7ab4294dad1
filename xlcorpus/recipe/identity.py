"""What a pass is: a fingerprint of input, steps, parameters, models, schemas and code. Equal: done already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import xlcorpus
from xlcorpus.beam.step import SourcePlan
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.layout import HOLDOUT
from xlcorpus.dataset.manifest import FORMAT, StepRecord
from xlcorpus.dataset.schema import load_schema
from xlcorpus.dataset.storage import fingerprint
from xlcorpus.recipe.graph import Pass


@dataclass(frozen=True)
class Identity:
    """The steps of a pass as the manifest records them, its inputs, and the fingerprint over all of it."""

    steps: tuple[StepRecord, ...]
    inputs: dict[str, Any]
    fingerprint: str


def held_out_of(identity: Identity) -> Identity:
    """The identity of the dataset of the rows that a pass holds out."""
    return replace(identity, fingerprint=fingerprint([identity.fingerprint, HOLDOUT]))


def identify_pass(
    work: Pass, datasets: list[Dataset], source: SourcePlan | None, seed: int, layout: Mapping[str, Any]
) -> Identity:
    """layout: what else changes the bytes (partitions, kept texts). Runner and workers are not in it: they must not."""
    steps = tuple(
        StepRecord(
            node.step.name,
            node.options.recorded(),
            node.step.models(node.options),
        )
        for node in work.nodes
    )
    inputs: dict[str, Any] = {"datasets": [dataset.manifest.content_fingerprint for dataset in datasets]}
    if source is not None:
        inputs["source"] = dict(source.identity())
    value = {
        "steps": [[step.step, step.parameters, step.models] for step in steps],
        "inputs": inputs,
        "seed": seed,
        "layout": dict(layout),
        "format": FORMAT,
        "schema": load_schema(work.schema).label,
        "code": xlcorpus.__version__,
    }
    return Identity(steps, inputs, fingerprint(value))
