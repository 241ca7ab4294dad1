"""score: add quality signals to every document; nothing is dropped."""

from __future__ import annotations

from dataclasses import dataclass

import apache_beam as beam
import pyarrow as pa

from xlcorpus.beam.element import ShardBatch
from xlcorpus.beam.map import MapBatches
from xlcorpus.beam.step import Step
from xlcorpus.dataset.result import Result
from xlcorpus.options import StepOptions
from xlcorpus.quality.signals import score_batch


class Options(StepOptions):
    """score has no options: the signals are the same for every language, the thresholds of `filter` differ."""


@dataclass(frozen=True)
class ScoreKernel:
    """`score_batch`."""

    step: str = "score"

    def load(self) -> None:
        """Nothing to load."""

    def apply(self, batch: pa.RecordBatch, loaded: None) -> Result:
        """See `score_batch`."""
        return Result(score_batch(batch))


@dataclass
class Score(beam.PTransform):  # type: ignore[misc]
    """PTransform of `score_batch`."""

    def expand(self, batches: beam.PCollection[ShardBatch]) -> beam.PCollection[ShardBatch]:
        """One fused ParDo."""
        return batches | MapBatches(ScoreKernel())


STEP = Step(
    name="score",
    summary="Add quality signals (Gopher, C4, FineWeb); drops nothing.",
    order=30,
    speed=8.0,
    options=Options,
    map=lambda options, execution: Score(),
)
