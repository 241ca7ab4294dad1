"""dedup: exact copies and near duplicates; the best member of each cluster stays, with the cluster's id and size."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import apache_beam as beam
import pyarrow as pa

from xlcorpus.beam.failures import Carried
from xlcorpus.beam.map import MapBatches
from xlcorpus.beam.phase import Execution
from xlcorpus.beam.read import ReadShards, shard_tasks
from xlcorpus.beam.step import Outcome, Step
from xlcorpus.beam.workspace import Task
from xlcorpus.beam.write import WriteShards
from xlcorpus.dataset.dataset import Dataset, Shard
from xlcorpus.dataset.storage import Location
from xlcorpus.dedup import candidates, mark, match
from xlcorpus.dedup.options import DedupOptions
from xlcorpus.dedup.sign import SignShard, check_columns
from xlcorpus.dedup.signature import MISS, choose_banding

CANDIDATES_PER_GROUP = 20_000  # texts with their shingles in one group: about 50 MB at 300 words a text
Packed = tuple[int, bytes]
Part = tuple[int, pa.RecordBatch]


@dataclass
class Match(beam.PTransform):  # type: ignore[misc]
    """PCollection[Task] with signatures -> marks beside every shard. Packed hashes and ids are shuffled, never text."""

    folder: Location
    paths: Mapping[int, Location]
    options: DedupOptions
    rows: int

    def expand(self, tasks: beam.PCollection[Task[Shard]]) -> beam.PCollection[int]:
        """Propose by bands, verify by shingles, mark by shard."""
        bands = match.DealBands(self.folder, 1 + self.rows // candidates.PARTITION_ROWS)
        shingles = match.ShingleCandidates(
            self.folder, self.paths, self.options.shingle_size, 1 + self.rows // CANDIDATES_PER_GROUP
        )
        judge, marks = match.JudgeComponents(self.options.threshold), mark.MarkShard(self.folder, self.paths)
        numbers = tasks | "Number" >> beam.Map(lambda task: (task.number, None)).with_output_types(tuple[int, None])
        verdicts = (
            tasks
            | "DealBands" >> beam.FlatMap(Carried(lambda task: bands(task.number))).with_output_types(Packed)
            | "ByBand" >> beam.GroupByKey()
            | "MatchBands" >> beam.FlatMap(Carried(match.match_bands)).with_output_types(bytes)
            | "OneWorker" >> beam.Map(lambda edges: (0, edges)).with_output_types(Packed)
            | "AllEdges" >> beam.GroupByKey()
            | "Components" >> beam.FlatMap(Carried(match.label_candidates)).with_output_types(Packed)
            | "Spread" >> beam.Reshuffle()
            | "Shingle" >> beam.FlatMap(Carried(shingles)).with_output_types(Part)
            | "ByComponent" >> beam.GroupByKey()
            | "Judge" >> beam.FlatMap(Carried(judge)).with_output_types(Part)
        )
        return (
            {"shard": numbers, "verdicts": verdicts}
            | "ByShard" >> beam.CoGroupByKey()
            | "Mark" >> beam.FlatMap(Carried(lambda group: marks(_verdicts(group)))).with_output_types(int)
        )


def _verdicts(group: tuple[int, dict[str, Iterable[Any]]]) -> tuple[int, Iterable[pa.RecordBatch]]:
    return group[0], group[1]["verdicts"]


def run(options: DedupOptions, inputs: Sequence[Dataset], execution: Execution) -> Outcome:
    """Sign each shard, match over all of them, write what stays."""
    folder, tasks = execution.scratch, shard_tasks(inputs)
    banding = choose_banding(options.threshold, options.permutations)
    paths = {task.number: task.content.location for task in tasks}
    rows = sum(dataset.manifest.rows for dataset in inputs)
    execution.each("sign", tasks, SignShard(folder, options, banding, execution.seed))
    execution.shuffle("match", tasks, Match(folder, paths, options, rows))
    marked = [replace(t, content=replace(t.content, beside=mark.mark_file(folder, t.number))) for t in tasks]
    records = execution.write(
        marked,
        lambda shards: (
            shards
            | "Read" >> ReadShards()
            | "KeepBest" >> MapBatches(mark.KeepBest(options.threshold, execution.keep_text))
            | "Write" >> WriteShards(execution.workspace, execution.partition_by)
        ),
    )
    return Outcome.of(records, {"banding": {"bands": banding.bands, "rows": banding.rows}})


def check(options: DedupOptions, inputs: Sequence[Dataset]) -> list[str]:
    """Look at the inputs before anything runs."""
    for dataset in inputs:
        check_columns(dataset.manifest.arrow_schema, options, str(dataset.folder))
    found = choose_banding(options.threshold, options.permutations).probability(options.threshold)
    if found >= 1 - MISS:
        return []
    return [
        f"{options.permutations} permutations find {100 * found:.1f} % of the pairs at {options.threshold:g}: "
        "raise --permutations"
    ]


STEP = Step(
    name="dedup",
    summary="Remove exact and near duplicates; keep the best member of each cluster.",
    order=50,
    speed=3.0,
    options=DedupOptions,
    run=run,
    check=check,
)
