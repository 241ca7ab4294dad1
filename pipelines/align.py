"""align: train a word aligner on the pairs of each two languages, and add the column align; nothing is dropped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import apache_beam as beam
import pyarrow as pa
from pydantic import Field

from xlcorpus.align import alignment
from xlcorpus.beam.element import ShardBatch
from xlcorpus.beam.map import MapBatches, Mapped
from xlcorpus.beam.phase import Execution, RunTasks
from xlcorpus.beam.read import ReadShards, shard_tasks
from xlcorpus.beam.step import PAIR, GraphStep, Outcome, StepOptions
from xlcorpus.beam.workspace import Task
from xlcorpus.beam.write import WriteShards
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.text.tables import table_lines


class Options(StepOptions):
    """Options of align."""

    iterations: int = Field(5, ge=1, le=100, description="rounds of training")
    tension: float = Field(4.0, ge=0.1, le=14, description="how strongly words keep to the diagonal")
    null_share: float = Field(0.08, ge=0, le=0.99, description="share of the words that have no partner")
    prefix: int = Field(0, ge=0, description="letters of a word that count, 0 for all; 4 or so for much inflection")
    symmetrization: Literal["auto", "grow-diag-final-and", "intersection", "union"] = Field(
        "auto",
        description="how the two directions are joined; auto: intersection where a side is written without spaces, "
        "else grow-diag-final-and",
    )
    max_tokens: int = Field(256, ge=1, le=4096, description="longer sentences are not aligned")
    train_pairs: int = Field(500_000, ge=1, description="most pairs of two languages to train on, drawn by hash")


@dataclass(frozen=True)
class AlignKernel:
    """`align_batch` with its models."""

    folder: Path
    options: alignment.PairOptions
    step: str = "align"

    def load(self) -> alignment.Aligners:
        """The models, each when it is first needed."""
        return alignment.Aligners(self.folder, self.options)

    def apply(self, batch: pa.RecordBatch, loaded: Any) -> Mapped:
        """See `align_batch`."""
        pairs, counts = alignment.align_batch(batch, loaded)
        return Mapped(pairs, counts=counts)


@dataclass
class Align(beam.PTransform):  # type: ignore[misc]
    """PTransform of `align_batch`."""

    folder: Path
    options: alignment.PairOptions

    def expand(self, batches: beam.PCollection[ShardBatch]) -> beam.PCollection[ShardBatch]:
        """One fused ParDo."""
        return batches | MapBatches(AlignKernel(self.folder, self.options))


def run(options: Options, inputs: Sequence[Dataset], execution: Execution) -> Outcome:
    """Count the languages, train a model for each two of them, align."""
    workspace, folder = execution.workspace, execution.workspace.scratch("align")
    settings, tasks = alignment.options_of(options.model_dump()), shard_tasks(inputs)
    count = alignment.CountLanguages()
    counted = execution.run_tasks(
        "count", "align: count", tasks, lambda p: p | "Count" >> RunTasks(workspace, "count", count)
    )
    languages = alignment.add_languages([record["languages"] for record in counted])
    paths = tuple(task.content["path"] for task in tasks)
    train = alignment.TrainAligner(paths, folder, settings, options.train_pairs, execution.seed)
    models = [Task(number, item["rows"], item) for number, item in enumerate(languages)]
    trained = execution.run_tasks(
        "train", "align: train", models, lambda p: p | "Train" >> RunTasks(workspace, "train", train)
    )
    records = execution.run_tasks(
        "write",
        "align: write",
        tasks,
        lambda p: p | ReadShards() | Align(folder, settings) | WriteShards(workspace, execution.partition_by),
    )
    outcome = Outcome.of(records)
    summary = [item | {"trained_on": record["trained_on"]} for item, record in zip(languages, trained, strict=True)]
    table = table_lines(alignment.align_table(outcome.tallies[0].counts, summary), right=(1, 2, 3, 4))
    return Outcome.of(records, {"trained": summary, "table": table})


STEP = GraphStep(
    name="align",
    summary="Align the words of sentence pairs (IBM model 2 with a diagonal), for codeswitch --operator align-span.",
    options=Options,
    run=run,
    reads=(PAIR,),
    schema=PAIR,
)
