"""mix: draw texts by rules over source, kind, language, domain; any prefix of the shards holds the ratios."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import apache_beam as beam
import pyarrow as pa

from xlcorpus.beam.exchange import ExchangeShards
from xlcorpus.beam.failures import Carried
from xlcorpus.beam.phase import Execution
from xlcorpus.beam.read import shard_tasks
from xlcorpus.beam.step import Outcome, Step
from xlcorpus.beam.write import write_results
from xlcorpus.dataset.dataset import Dataset, Shard
from xlcorpus.dataset.kinds import KINDS, kind_of_mix
from xlcorpus.dataset.record import Written
from xlcorpus.dataset.result import Result
from xlcorpus.dataset.spills import read_spills
from xlcorpus.dataset.storage import Location
from xlcorpus.dataset.workspace import Task, Workspace
from xlcorpus.mix.achieved import notes_of
from xlcorpus.mix.allocate import CellPlan
from xlcorpus.mix.census import CountShard
from xlcorpus.mix.gather import MixedShard, add_sums, gather
from xlcorpus.mix.inputs import check, fingerprints, plan_for, shard_sizes
from xlcorpus.mix.mixed_rows import columns_of_all, features_in_mix, form_of
from xlcorpus.mix.options import Options
from xlcorpus.mix.repeated import PackIds, RefuseRepeated, Repeated, find_repeated
from xlcorpus.mix.scatter import Scatter
from xlcorpus.mix.uses import DrawCell, PackTexts, WriteUses


@dataclass
class Choose(beam.PTransform):  # type: ignore[misc]
    """PCollection[Task] with a census -> the uses of each shard's texts, written beside it; no document twice."""

    folder: Location
    plan: tuple[CellPlan, ...]
    seed: int
    pack_ids: PackIds
    refuse: RefuseRepeated

    def expand(self, tasks: beam.PCollection[Task[Shard]]) -> beam.PCollection[int]:
        """By cell to draw, by shard to write; ids and counts are shuffled, never text."""
        pack, batches = PackTexts.of(self.folder, self.plan), tuple[int, pa.RecordBatch]
        (
            tasks
            | "PackIds" >> beam.FlatMap(Carried(lambda task: self.pack_ids(task.number))).with_output_types(batches)
            | "ById" >> beam.GroupByKey()
            | "FindRepeated" >> beam.FlatMap(Carried(find_repeated)).with_output_types(tuple[int, Repeated])
            | "Repeated" >> beam.GroupByKey()
            | "Refuse" >> beam.FlatMap(Carried(self.refuse))
        )
        return (
            tasks
            | "Pack" >> beam.FlatMap(Carried(lambda task: pack(task.number))).with_output_types(batches)
            | "ByCell" >> beam.GroupByKey()
            | "Draw" >> beam.FlatMap(Carried(DrawCell(self.plan, self.seed))).with_output_types(batches)
            | "ByShard" >> beam.GroupByKey()
            | "Write" >> beam.FlatMap(Carried(WriteUses(self.folder))).with_output_types(int)
        )


@dataclass(frozen=True)
class ScatterShard:
    """`Scatter` on one input shard: decisions to the dataset, texts to whoever moves them."""

    workspace: Workspace
    scatter: Scatter

    def __call__(self, number: int, shard: Shard) -> Written:
        """The record: decisions, rows in, uses beyond the first. The texts are in spill files."""
        return self._write(number, self.scatter.to_files(number, shard))

    def move(self, number: int, shard: Shard) -> tuple[Written, Mapping[int, pa.RecordBatch]]:
        """The record, and the texts by output shard."""
        pieces: dict[int, list[pa.RecordBatch]] = defaultdict(list)
        written = self._write(number, self.scatter(number, shard, lambda target, texts: pieces[target].append(texts)))
        return written, {target: pa.concat_batches(pieces.pop(target)) for target in sorted(pieces)}

    def _write(self, number: int, results: Iterable[Result]) -> Written:
        return write_results(self.workspace, number, "mix", results, only="reasons")


@dataclass(frozen=True)
class GatherShard:
    """`gather` on one output shard."""

    workspace: Workspace
    folder: Location
    schema: pa.Schema
    partition_by: str | None

    def __call__(self, number: int, content: None) -> MixedShard:
        """The record, of texts in spill files."""
        return self.write(number, read_spills(self.folder, number))

    def write(self, number: int, parts: Sequence[pa.RecordBatch]) -> MixedShard:
        """The record, of texts that the runner moved."""
        rows, cells = gather(parts, self.schema)
        results = [Result(rows)]
        written = write_results(self.workspace, number, "mix", results, partition_by=self.partition_by, only="rows")
        return MixedShard(written, cells)


def run(options: Options, inputs: Sequence[Dataset], execution: Execution) -> Outcome:
    """Count what there is and plan; choose, scatter, gather."""
    folder, tasks = execution.scratch, shard_tasks(inputs)
    counting = options.counting(options.fixed())
    spec, plan = plan_for(options, execution.each("count", tasks, CountShard(folder, counting)))
    pack_ids = PackIds.of(folder, sum(dataset.manifest.rows for dataset in inputs))
    refuse = RefuseRepeated.of(folder, inputs)
    execution.shuffle("choose", tasks, Choose(folder, plan.cells, execution.seed, pack_ids, refuse))

    targets = [Task(number, size, None) for number, size in enumerate(shard_sizes(options, plan))]
    form = form_of(inputs, swaps=options.ways.swaps)
    schema = columns_of_all(inputs, form)
    workspace = replace(execution.workspace, features=features_in_mix(inputs, form)[0])
    scattering = ScatterShard(
        workspace, Scatter(folder, schema, plan.cells, len(targets), options.template, form, execution.keep_text)
    )
    gathering = GatherShard(workspace, folder, schema, execution.partition_by)
    if options.exchange == "runner":
        exchange = ExchangeShards(workspace, "scatter", scattering.move, "gather", gathering.write)
        execution.shuffle("exchange", tasks, exchange)
    scattered = execution.each("scatter", tasks, scattering)
    gathered = execution.each("gather", targets, gathering)
    achieved = add_sums((item.name for item in plan.cells), [record.cells for record in gathered])
    notes = notes_of(plan, spec, achieved, options.unit_means(spec), counting.specials)
    return Outcome.of([*scattered, *gathered], notes)


STEP = Step(
    name="mix",
    summary="Mix datasets by rules over language, kind and source, to a budget; any prefix holds the ratios.",
    order=90,
    speed=25.0,
    options=Options,
    example="--ratios eng_Latn=0.3,swh_Latn=0.7",
    run=run,
    check=check,
    many=True,
    models=fingerprints,
    reads=KINDS,
    makes=lambda options, read: kind_of_mix(read),
)
