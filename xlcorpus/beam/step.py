"""What a step is. A step registers one of these under the entry-point group `xlcorpus.pipelines`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import apache_beam as beam
import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from xlcorpus.beam.phase import Execution
from xlcorpus.beam.workspace import Task
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.shards import ShardFile
from xlcorpus.dataset.tally import Tally, add_up

DOCUMENT = "document"  # name of the schema of documents: what most steps read and make
PAIR, CODESWITCH = "pair", "codeswitch"


class StepOptions(BaseModel):
    """Options of a step. The fields are the recipe's keys and, with dashes, the command line's options."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    # Options that name a file whose content counts (its fingerprint is in `models`), not where it lies.
    files: ClassVar[tuple[str, ...]] = ()

    def recorded(self) -> dict[str, Any]:
        """The options as manifests hold them: of files, the name alone."""
        values = self.model_dump(mode="json")
        return {key: _name_of(value) if key in self.files else value for key, value in values.items()}


def _name_of(value: Any) -> Any:
    if isinstance(value, list):
        return [_name_of(one) for one in value]
    return None if value is None else Path(value).name


def no_models(options: Any) -> dict[str, str]:
    """For steps that read no file besides their input."""
    return {}


@dataclass(frozen=True)
class Outcome:
    """What a step made: its files in order, its counts, and notes for the manifest."""

    shards: tuple[ShardFile, ...]
    decisions: tuple[ShardFile, ...]
    rejects: tuple[ShardFile, ...]
    tallies: tuple[Tally, ...]
    notes: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, records: Sequence[Mapping[str, Any]], notes: Mapping[str, Any] | None = None) -> Outcome:
        """Put the records of tasks (in order) together."""
        return cls(
            shards=tuple(ShardFile(**file) for record in records for file in record["shards"]),
            decisions=tuple(ShardFile(**file) for record in records for file in record["decisions"]),
            rejects=tuple(ShardFile(**file) for record in records for file in record["rejects"]),
            tallies=tuple(add_up(Tally.from_json(tally) for record in records for tally in record["tallies"])),
            notes=notes or {},
        )


def makes_documents(options: Any) -> str:
    """For source steps whose rows are documents whatever their options."""
    return DOCUMENT


@dataclass(frozen=True)
class SourceStep:
    """A step that reads raw files into documents, or other rows; map steps may follow it in the same pass.

    prepare: lists the tasks and what identifies the input (for the fingerprint), in the launcher;
    transform: PCollection[Task] -> PCollection[ShardBatch]; schema_of: name of the schema of the rows that it makes
    under these options.
    """

    name: str
    summary: str
    options: type[StepOptions]
    prepare: Callable[[Any, Sequence[str], Path], SourcePlan]
    transform: Callable[[Any, SourcePlan, Execution], beam.PTransform]
    models: Callable[[Any], dict[str, str]] = no_models
    schema_of: Callable[[Any], str] = makes_documents


@dataclass(frozen=True)
class SourcePlan:
    """What a source step found: its tasks, bytes of input, remarks.

    identity: fingerprints of the content of the input; called only where a run or a dataset is there to compare.
    """

    tasks: Sequence[Task]
    identity: Callable[[], Mapping[str, Any]]
    bytes: int
    remarks: Sequence[str] = ()
    context: Any = None


@dataclass(frozen=True)
class MapStep:
    """A step that looks at one batch at a time; neighbours fuse into one pass over the shards.

    transform: PCollection[ShardBatch] -> PCollection[ShardBatch]; models: fingerprints of the files it reads; check:
    looks at options, and at the datasets it reads (none where an earlier step of the pass makes its rows), before
    anything runs, raises UserError, returns lines for the user; instead: the step that takes its place under these
    options (one that reads or makes other rows), or None; notes: what the manifest notes of it, from its counts and
    the first rows of the dataset; reads, schema: names of the schemas of the rows that it reads and makes.
    """

    name: str
    summary: str
    options: type[StepOptions]
    transform: Callable[[Any, Execution], beam.PTransform]
    models: Callable[[Any], dict[str, str]] = no_models
    check: Callable[[Any, Sequence[Dataset]], list[str]] | None = None
    instead: Callable[[Any], MapStep | GraphStep | None] | None = None
    notes: Callable[[Tally, Iterable[pa.RecordBatch]], Mapping[str, Any]] | None = None
    reads: tuple[str, ...] = (DOCUMENT,)
    schema: str = DOCUMENT


@dataclass(frozen=True)
class GraphStep:
    """A step with shuffles: runs its own pipelines, one phase after the other.

    check: looks at options and inputs before anything runs, raises UserError, returns lines for the user; many: takes
    several inputs; reads, schema: names of the schemas of the rows that it reads and makes.
    """

    name: str
    summary: str
    options: type[StepOptions]
    run: Callable[[Any, Sequence[Dataset], Execution], Outcome]
    check: Callable[[Any, Sequence[Dataset]], list[str]] | None = None
    many: bool = False
    models: Callable[[Any], dict[str, str]] = no_models
    reads: tuple[str, ...] = (DOCUMENT,)
    schema: str = DOCUMENT


Step = SourceStep | MapStep | GraphStep
