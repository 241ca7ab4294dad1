"""align: train a word aligner on the pairs of each two languages, and add the column align; nothing is dropped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from xlcorpus.align.language_pairs import (
    Aligners,
    CountLanguages,
    TrainAligner,
    add_languages,
    align_batch,
    notes_of,
)
from xlcorpus.align.options import AlignOptions
from xlcorpus.beam.map import MapBatches
from xlcorpus.beam.phase import Execution
from xlcorpus.beam.read import ReadShards, shard_tasks
from xlcorpus.beam.step import Outcome, Step
from xlcorpus.beam.write import WriteShards
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.kinds import PAIR
from xlcorpus.dataset.result import Result
from xlcorpus.dataset.storage import Location
from xlcorpus.dataset.workspace import Task


@dataclass(frozen=True)
class AlignKernel:
    """`align_batch` with its models."""

    folder: Location
    options: AlignOptions
    step: str = "align"

    def load(self) -> Aligners:
        """The models, each when it is first needed."""
        return Aligners(self.folder, self.options)

    def apply(self, batch: pa.RecordBatch, loaded: Aligners) -> Result:
        """See `align_batch`."""
        return align_batch(batch, loaded)


def run(options: AlignOptions, inputs: Sequence[Dataset], execution: Execution) -> Outcome:
    """Count the languages, train a model for each two of them, align."""
    folder, tasks = execution.scratch, shard_tasks(inputs)
    languages = add_languages(execution.each("count", tasks, CountLanguages()))
    shards = tuple(task.content.location for task in tasks)
    trained = execution.each(
        "train",
        [Task(number, one.rows, one) for number, one in enumerate(languages)],
        TrainAligner(shards, folder, options, execution.seed),
    )
    align, write = MapBatches(AlignKernel(folder, options)), WriteShards(execution.workspace, execution.partition_by)
    records = execution.write(tasks, lambda given: given | ReadShards() | align | write)
    made = Outcome.of(records)
    return replace(made, notes=notes_of(made.tallies[0].counts, languages, trained))


STEP = Step(
    name="align",
    summary="Align the words of sentence pairs (IBM model 2 with a diagonal), for codeswitch --operator align-span.",
    order=70,
    speed=0.5,
    options=AlignOptions,
    reads=(PAIR,),
    makes=PAIR,
    run=run,
)
