"""generate: pairs made out of documents: two crops, typos, shuffled words, spans, next sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from xlcorpus.beam.map import MapBatches
from xlcorpus.beam.phase import Execution
from xlcorpus.beam.read import shard_tasks
from xlcorpus.beam.step import Outcome, Step
from xlcorpus.beam.write import write_results
from xlcorpus.dataset.dataset import Dataset, Shard, read_batches, shard_fields
from xlcorpus.dataset.decisions import empty
from xlcorpus.dataset.kinds import PAIR
from xlcorpus.dataset.record import Written
from xlcorpus.dataset.result import Result
from xlcorpus.dataset.storage import Location
from xlcorpus.dataset.workspace import Task, Workspace
from xlcorpus.generate.options import NEXT_SENTENCE, GenerateOptions
from xlcorpus.generate.others import Circles, CountLanguages, MeetOthers, Met, OfferShard
from xlcorpus.generate.pairs import STEP_NAME, breaker_of, check_columns, generate_batch, labels_of_text
from xlcorpus.tags.columns import left_out


@dataclass(frozen=True)
class GenerateKernel:
    """`generate_batch`, for operators that need no other document."""

    options: GenerateOptions
    seed: int
    keep_text: bool
    step: str = STEP_NAME

    def load(self) -> None:
        """There is nothing to load."""

    def apply(self, batch: pa.RecordBatch, loaded: None) -> Result:
        """See `generate_batch`."""
        return generate_batch(batch, self.options, self.seed, keep_text=self.keep_text)


@dataclass(frozen=True)
class WritePairs:
    """Pairs of the documents of a shard, with what other documents offer them."""

    workspace: Workspace
    met: Location
    options: GenerateOptions
    seed: int
    keep_text: bool
    partition_by: str | None

    def __call__(self, number: int, shard: Shard) -> Written:
        """The counts are those of `generate_batch`."""
        results = self._results(shard, Met.of(self.met, number))
        return write_results(self.workspace, number, STEP_NAME, results, partition_by=self.partition_by)

    def _results(self, shard: Shard, met: Met) -> Iterator[Result]:
        begin = 0
        for batch in read_batches(shard) if shard.rows else [empty(shard_fields(shard))]:

            def offered(rows: np.ndarray, copy: int, begin: int = begin) -> pa.Array:
                return met.offered(begin + rows, copy)

            yield generate_batch(batch, self.options, self.seed, offered=offered, keep_text=self.keep_text)
            begin += batch.num_rows


def run(options: GenerateOptions, inputs: Sequence[Dataset], execution: Execution) -> Outcome:
    """Count the documents of each language; what each offers goes to its circle, and from there to its partner."""
    tasks, seed = shard_tasks(inputs), execution.seed
    folders = offers, met = execution.scratch / "offers", execution.scratch / "met"
    circles = Circles.of(execution.each("count", tasks, CountLanguages()))
    execution.each("offer", tasks, OfferShard(offers, circles, options, seed))
    workers = int(circles.workers.max(initial=-1)) + 1
    weight = sum(task.weight for task in tasks) // max(workers, 1)
    execution.each("meet", [Task(one, weight, None) for one in range(workers)], MeetOthers(*folders, options, seed))
    write = WritePairs(execution.workspace, met, options, seed, execution.keep_text, execution.partition_by)
    return Outcome.of(execution.each("write", tasks, write))


def models(options: GenerateOptions) -> dict[str, str]:
    """Version of the library that finds sentences."""
    breaker = breaker_of(options)
    return {"sentences": f"{breaker.name} {breaker.version}"} if breaker is not None else {}


def check(options: GenerateOptions, inputs: Sequence[Dataset]) -> list[str]:
    """Look for the columns and the sentence breaker before anything runs."""
    models(options)
    said: list[str] = []
    for dataset in inputs:
        schema, where = dataset.manifest.arrow_schema, str(dataset.folder)
        check_columns(schema, where)
        said += left_out(STEP_NAME, labels_of_text(schema), where, "they go by the words of the document")
    return said


STEP = Step(
    name="generate",
    summary="Make pairs out of documents: crops, typos, shuffled words, spans, next sentences.",
    order=65,
    speed=4.0,
    options=GenerateOptions,
    example="--operator crop",
    makes=PAIR,
    models=models,
    check=check,
    map=lambda options, execution: MapBatches(GenerateKernel(options, execution.seed, execution.keep_text)),
    run=run,
    shuffles=lambda options: options.operator == NEXT_SENTENCE,
)
