"""project: labels of one side of aligned sentence pairs given to the other side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from xlcorpus.beam.map import MapBatches
from xlcorpus.beam.step import Step
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.features import Features
from xlcorpus.dataset.kinds import PAIR
from xlcorpus.dataset.result import Result
from xlcorpus.dataset.tally import Tally
from xlcorpus.tags.counts import label_notes
from xlcorpus.tags.options import ProjectOptions
from xlcorpus.tags.project import columns_to_project, project_pairs


@dataclass(frozen=True)
class ProjectKernel:
    """`project_pairs`. features: of the columns, which name tags."""

    options: ProjectOptions
    keep_text: bool
    features: Features = field(default_factory=dict)
    step: str = "project"

    def load(self) -> None:
        """Nothing to load."""

    def apply(self, batch: pa.RecordBatch, loaded: None) -> Result:
        """See `project_pairs`."""
        return project_pairs(batch, self.options, self.features, keep_text=self.keep_text)


def check(options: ProjectOptions, inputs: Sequence[Dataset]) -> list[str]:
    """Look for the columns of labels and the alignment."""
    for dataset in inputs:
        columns_to_project(dataset.manifest.arrow_schema, options.side, str(dataset.folder))
    return []


def notes(tally: Tally, batches: Any) -> dict[str, Any]:
    """Spans that were projected and those that were not, by language and label."""
    del batches
    found, lines = label_notes(tally.counts)
    return {**found, "table": lines[1:]} if found else {}


STEP = Step(
    name="project",
    summary="Project token labels from one side of aligned sentence pairs to the other.",
    order=75,
    speed=8.0,
    options=ProjectOptions,
    reads=(PAIR,),
    makes=PAIR,
    map=lambda options, execution: MapBatches(
        ProjectKernel(options, execution.keep_text, execution.workspace.features)
    ),
    check=check,
    notes=notes,
)
