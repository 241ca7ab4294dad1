"""What a step is: it says everything about itself, and registers under the entry-point group `xlcorpus.pipelines`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import apache_beam as beam
import pyarrow as pa

from xlcorpus.beam.phase import Execution
from xlcorpus.dataset.by_file import FileCounts, FileLoss, add_files, files_standing_out
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.kinds import DOCUMENT
from xlcorpus.dataset.record import written_of
from xlcorpus.dataset.shards import ShardFile
from xlcorpus.dataset.storage import Location
from xlcorpus.dataset.tally import Tally, add_up
from xlcorpus.dataset.workspace import Task
from xlcorpus.options import StepOptions

if TYPE_CHECKING:
    from xlcorpus.mine.calls import Spent
    from xlcorpus.mine.costs import Cost

Form = Literal["source", "map", "graph"]


def as_read(options: Any, read: Sequence[str]) -> str:
    """`Step.makes` of a step over rows of several kinds that makes of each the same: pairs of pairs."""
    return read[0]


@dataclass(frozen=True)
class Outcome:
    """What a step made: its files in order, its counts, notes for the manifest, input files that lost far more.

    holdout: what it made of the rows that are held out of training, in the folder of that name: a dataset of its own.
    spent: calls of a language model, for the end of the run; the manifest has what follows from the rows (`notes`).
    """

    shards: tuple[ShardFile, ...]
    decisions: tuple[ShardFile, ...]
    rejects: tuple[ShardFile, ...]
    tallies: tuple[Tally, ...]
    notes: Mapping[str, Any] = field(default_factory=dict)
    losses: tuple[FileLoss, ...] = ()
    holdout: Outcome | None = None
    spent: Spent | None = None

    @classmethod
    def of(cls, records: Sequence[Any], notes: Mapping[str, Any] | None = None, spent: Spent | None = None) -> Outcome:
        """Put the records of tasks (in order) together: `Written`, or what holds one as `written`."""
        all_written = [written for record in records for written in (written_of(record),) if written is not None]
        by_file: FileCounts = {}
        for written in all_written:
            add_files(by_file, written.by_file)
        return cls(
            shards=tuple(file for written in all_written for file in written.shards),
            decisions=tuple(file for written in all_written for file in written.decisions),
            rejects=tuple(file for written in all_written for file in written.rejects),
            tallies=tuple(add_up(tally for written in all_written for tally in written.tallies)),
            notes={**(notes or {}), **({} if spent is None else {"spent": spent.noted})},
            losses=tuple(files_standing_out(by_file)),
            spent=spent,
        )


@dataclass(frozen=True)
class SourcePlan:
    """What a source found: its tasks, bytes of input, remarks.

    identity: fingerprints of the content of the input; called only where a run or a dataset is there to compare;
    unchanged: raises UserError where the input is no longer what `identity` saw; called when all is read;
    columns: of the rows that it makes, where that is known before they are read.
    """

    tasks: Sequence[Task[Any]]
    identity: Callable[[], Mapping[str, Any]]
    bytes: int
    unchanged: Callable[[], None] = lambda: None
    remarks: Sequence[str] = ()
    columns: pa.Schema | None = None


@dataclass(frozen=True)
class Step:
    """A step of the road. What it can do is what it has: `prepare` and `read`, `map`, `run`.

    name, summary: for people; summary and order are literals in the source, so that `xlcorpus --help` reads them
    without importing Beam. order: its place in lists. speed: MB of text a second and core, for `--plan`. example: the
    options of the example in `--help`.

    reads: names of the schemas of the rows that it can read; makes: of those that it makes; or functions of its
    options, `makes` also of the schemas that are read, one for each input (`as_read`: what it was given).
    models: fingerprints of the files it reads besides its input.
    check: looks at options, and at the datasets it reads (none where an earlier step of the pass makes its rows),
    before anything runs, raises UserError, returns lines for the user.
    costs: what it would ask of a language model, for `--plan`; given the datasets that are there already, None where
    these say too little.
    notes: what the manifest notes of a map step, from its counts and the rows of the dataset.
    many: reads several datasets as they are; for other steps they are one, with the columns of all.

    prepare: lists the tasks and what identifies the input, in the launcher; read: PCollection[Task] ->
    PCollection[ShardBatch]. map: PCollection[ShardBatch] -> PCollection[ShardBatch]; neighbours fuse into one pass.
    run: a graph with phases and shuffles of its own. A step with both `map` and `run` runs where `shuffles` says so.
    """

    name: str
    summary: str
    order: int
    speed: float
    options: type[StepOptions]
    example: str = ""
    reads: tuple[str, ...] | Callable[[Any], tuple[str, ...]] = (DOCUMENT,)
    makes: str | Callable[[Any, Sequence[str]], str] = DOCUMENT
    models: Callable[[Any], dict[str, str]] = lambda options: {}
    check: Callable[[Any, Sequence[Dataset]], list[str]] = lambda options, inputs: []
    costs: Callable[[Any, Sequence[Dataset]], Cost | None] | None = None
    notes: Callable[[Tally, Iterable[pa.RecordBatch]], Mapping[str, Any]] | None = None
    many: bool = False
    prepare: Callable[[Any, Sequence[str], Location], SourcePlan] | None = None
    read: Callable[[Any, SourcePlan, Execution], beam.PTransform] | None = None
    map: Callable[[Any, Execution], beam.PTransform] | None = None
    run: Callable[[Any, Sequence[Dataset], Execution], Outcome] | None = None
    shuffles: Callable[[Any], bool] | None = None

    def form(self, options: Any) -> Form:
        """How it works under these options: a source of rows, a map over batches, or a graph of its own."""
        if self.prepare is not None:
            return "source"
        if self.run is not None and (self.map is None or (self.shuffles is not None and self.shuffles(options))):
            return "graph"
        return "map"

    def reads_of(self, options: Any) -> tuple[str, ...]:
        """Names of the schemas of the rows that it reads; none of a source."""
        if self.prepare is not None:
            return ()
        return self.reads(options) if callable(self.reads) else self.reads

    def makes_of(self, options: Any, read: Sequence[str]) -> str:
        """Name of the schema of the rows that it makes; read: those of its inputs, none of a source."""
        return self.makes(options, read) if callable(self.makes) else self.makes
