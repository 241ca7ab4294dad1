"""What the steps share that mine sentences of documents: list them, and write what was made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from xlcorpus.beam.phase import Execution
from xlcorpus.beam.read import shard_tasks
from xlcorpus.beam.write import write_results
from xlcorpus.dataset.dataset import Dataset, Shard
from xlcorpus.dataset.kinds import DOCUMENT
from xlcorpus.dataset.record import Written
from xlcorpus.dataset.result import Result
from xlcorpus.dataset.storage import Location
from xlcorpus.dataset.workspace import Task, Workspace
from xlcorpus.errors import UserError
from xlcorpus.mine.natural import (
    Failed,
    ListNatural,
    all_natural,
    made_of_shard,
    provenance_of,
    put_made,
)
from xlcorpus.mine.sentences import check_documents
from xlcorpus.text.labels import same_language


@dataclass(frozen=True)
class WriteMined:
    """The rows of a shard of documents; rows of other inputs went into all of them, and count as merged."""

    workspace: Workspace
    folder: Location
    step: str
    schema: pa.Schema
    partition_by: str | None
    keep_text: bool

    def __call__(self, number: int, shard: Shard) -> Written:
        """The record."""
        if shard.schema == DOCUMENT:
            results = made_of_shard(shard, self.folder, number, self.step, keep_text=self.keep_text)
        else:
            rows = pa.RecordBatch.from_arrays([pa.array([], one.type) for one in self.schema], schema=self.schema)
            results = iter([Result(rows, rows_in=shard.rows, merged=shard.rows)])
        return write_results(self.workspace, number, self.step, results, partition_by=self.partition_by)


@dataclass(frozen=True)
class Mined:
    """Inputs of a step: documents, whose sentences are mined, before all others. tasks: a shard each."""

    execution: Execution
    inputs: tuple[Dataset, ...]
    tasks: list[Task[Shard]]

    @classmethod
    def of(cls, execution: Execution, inputs: Sequence[Dataset]) -> Mined:
        """Documents first, whatever their order."""
        ordered = tuple(sorted(inputs, key=lambda one: one.manifest.schema_name != DOCUMENT))
        return cls(execution, ordered, shard_tasks(ordered))

    def natural(self, lang: str, most: int, breaker: str | None) -> tuple[pa.Table, int]:
        """The sentences to mine, and how many documents are in the language."""
        documents = [one for one in self.inputs if one.manifest.schema_name == DOCUMENT]
        own = [task for task in self.tasks if task.content.schema == DOCUMENT]
        folder, seed = self.execution.scratch, self.execution.seed
        work = ListNatural(folder, lang, provenance_of(documents), most, seed, breaker)
        listed = self.execution.each("sentences", own, work)
        return all_natural(folder, len(own), most), sum(one.documents for one in listed)

    def write(self, step: str, rows: pa.Table, natural: pa.Table, failed: Sequence[Failed]) -> list[Written]:
        """Write rows (with `of`) and decisions."""
        execution, folder = self.execution, self.execution.scratch
        put_made(folder, rows, natural, failed, sum(task.content.schema == DOCUMENT for task in self.tasks))
        schema = rows.drop_columns(["of"]).schema
        write = WriteMined(execution.workspace, folder, step, schema, execution.partition_by, execution.keep_text)
        return execution.each("write", self.tasks, write)


def check_inputs(step: str, inputs: Sequence[Dataset], lang: str) -> list[str]:
    """Raise UserError unless there are documents, with what is read of them; a line where none is in the language."""
    documents = [one for one in inputs if one.manifest.schema_name == DOCUMENT]
    if inputs and not documents:
        raise UserError(f"{step} mines sentences of documents; there are none among its inputs", remedy="give some")
    said = []
    for dataset in documents:
        check_documents(dataset)
    if documents and not any(same_language(lang, label) for one in documents for label in one.manifest.languages):
        said.append(f"{step}: no document is labelled {lang}")
    return said
