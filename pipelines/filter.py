"""filter: apply thresholds by language, with a named reason and the score for every removal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import apache_beam as beam
import pyarrow as pa

from xlcorpus.beam.element import ShardBatch
from xlcorpus.beam.map import MapBatches
from xlcorpus.beam.step import Step
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.result import Result
from xlcorpus.options import StepOptions, option
from xlcorpus.quality.filter import filter_batch
from xlcorpus.quality.thresholds import Thresholds, load_thresholds


class Options(StepOptions):
    """Options of filter."""

    files: ClassVar[tuple[str, ...]] = ("thresholds",)
    thresholds: str | None = option(
        None, description="YAML file of thresholds by language, or folder of FineWeb-2 YAML files; default: our own"
    )


@dataclass(frozen=True)
class FilterKernel:
    """`filter_batch` with its thresholds."""

    thresholds: str | None
    keep_text: bool
    step: str = "filter"

    def load(self) -> Thresholds:
        """The thresholds, once a process."""
        return load_thresholds(self.thresholds)

    def apply(self, batch: pa.RecordBatch, loaded: Thresholds) -> Result:
        """See `filter_batch`."""
        return filter_batch(batch, loaded, step=self.step, keep_text=self.keep_text)


@dataclass
class Filter(beam.PTransform):  # type: ignore[misc]
    """PTransform of `filter_batch`."""

    thresholds: str | None
    keep_text: bool = False

    def expand(self, batches: beam.PCollection[ShardBatch]) -> beam.PCollection[ShardBatch]:
        """One fused ParDo."""
        return batches | MapBatches(FilterKernel(self.thresholds, self.keep_text))


def check(options: Options, inputs: Sequence[Dataset]) -> list[str]:
    """What the thresholds ask for and this step cannot do."""
    return [f"thresholds: {warning}" for warning in load_thresholds(options.thresholds).warnings]


STEP = Step(
    name="filter",
    summary="Remove documents by thresholds of their language, with a reason each.",
    order=40,
    speed=50.0,
    options=Options,
    map=lambda options, execution: Filter(options.thresholds, execution.keep_text),
    models=lambda options: {"thresholds": load_thresholds(options.thresholds).fingerprint},
    check=check,
)
