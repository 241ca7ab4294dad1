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
from xlcorpus.beam.workspace import Workspace
from xlcorpus.beam.write import write_results
from xlcorpus.dataset.dataset import Dataset, Shard, read_batches
from xlcorpus.dataset.kinds import PAIR
from xlcorpus.dataset.record import Written
from xlcorpus.dataset.result import Result
from xlcorpus.generate.draws import states
from xlcorpus.generate.options import NEXT_SENTENCE, GenerateOptions
from xlcorpus.generate.others import COLUMNS, Others
from xlcorpus.generate.pairs import (
    STEP_NAME,
    breaker_of,
    check_columns,
    generate_batch,
    labels_of_text,
    purpose_of,
)
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
    """Pairs of the documents of a shard with one another: read once for what each offers, and once more."""

    workspace: Workspace
    options: GenerateOptions
    seed: int
    keep_text: bool
    partition_by: str | None

    def __call__(self, number: int, shard: Shard) -> Written:
        """The counts are those of `generate_batch`."""
        return write_results(self.workspace, number, STEP_NAME, self._results(shard), partition_by=self.partition_by)

    def _results(self, shard: Shard) -> Iterator[Result]:
        options, seed = self.options, self.seed
        needed = [name for name in COLUMNS if name in shard.columns]
        others = Others.of(read_batches(shard, needed), options, seed)
        begin = 0
        for batch in read_batches(shard):

            def offered(rows: np.ndarray, copy: int, batch: pa.RecordBatch = batch, begin: int = begin) -> pa.Array:
                return others.offered(begin + rows, states(batch, purpose_of(options, seed), copy)[rows])

            yield generate_batch(batch, options, seed, offered=offered, keep_text=self.keep_text)
            begin += batch.num_rows


def run(options: GenerateOptions, inputs: Sequence[Dataset], execution: Execution) -> Outcome:
    """Each shard by itself."""
    write = WritePairs(execution.workspace, options, execution.seed, execution.keep_text, execution.partition_by)
    return Outcome.of(execution.each("write", shard_tasks(inputs), write))


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
