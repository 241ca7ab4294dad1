"""dedup: exact copies and near duplicates; the best member of each cluster stays, with the cluster's id and size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
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
from xlcorpus.dedup import candidates, passes, signature
from xlcorpus.options import StepOptions, option

CANDIDATES_PER_GROUP = 20_000  # texts with their shingles in one group: about 50 MB at 300 words a text


class Options(StepOptions):
    """Options of dedup."""

    threshold: float = option(0.8, gt=0, le=1, description="Jaccard similarity from which two texts are duplicates")
    shingle_size: int = option(5, ge=1, le=50, description="tokens in a shingle (words, or characters without spaces)")
    permutations: int = option(
        112, ge=1, le=1024, description="MinHash permutations; the banding follows from the threshold"
    )
    within: str = option("none", description="compare only texts with the same value of this column, e.g. lang")
    keep_by: str = option("length", description="the member with the highest value stays: length, or a numeric column")


def settings_of(options: Options, seed: int) -> passes.DedupSettings:
    """The settings that the passes share."""
    return passes.DedupSettings(
        threshold=options.threshold,
        shingle_size=options.shingle_size,
        banding=signature.choose_banding(options.threshold, options.permutations),
        seed=seed,
        within=options.within,
        keep_by=options.keep_by,
    )


@dataclass
class Match(beam.PTransform):  # type: ignore[misc]
    """PCollection[Task] with signatures -> marks beside every shard. Packed hashes and ids are shuffled, never text."""

    folder: Location
    paths: Mapping[int, Location]
    settings: passes.DedupSettings
    rows: int

    def expand(self, tasks: beam.PCollection[Task[Shard]]) -> beam.PCollection[int]:
        """Propose by bands, verify by shingles, mark by shard."""
        bands = passes.PackShard(self.folder, 1 + self.rows // candidates.PARTITION_ROWS)
        shingles = passes.ShingleCandidates(
            self.folder, self.paths, self.settings, 1 + self.rows // CANDIDATES_PER_GROUP
        )
        verdict = tuple[int, pa.RecordBatch]
        numbers = tasks | "Number" >> beam.Map(lambda task: (task.number, None)).with_output_types(tuple[int, None])
        verdicts = (
            tasks
            | "PackBands" >> beam.FlatMap(Carried(lambda task: bands(task.number))).with_output_types(tuple[int, bytes])
            | "ByBand" >> beam.GroupByKey()
            | "MatchBands" >> beam.FlatMap(Carried(passes.match_bands)).with_output_types(bytes)
            | "OneWorker" >> beam.Map(lambda edges: (0, edges)).with_output_types(tuple[int, bytes])
            | "AllEdges" >> beam.GroupByKey()
            | "Components" >> beam.FlatMap(Carried(passes.label_candidates)).with_output_types(tuple[int, bytes])
            | "Spread" >> beam.Reshuffle()
            | "Shingle" >> beam.FlatMap(Carried(shingles)).with_output_types(verdict)
            | "ByComponent" >> beam.GroupByKey()
            | "Judge"
            >> beam.FlatMap(Carried(_Judge(self.settings.threshold))).with_output_types(tuple[int, pa.RecordBatch])
        )
        return (
            {"shard": numbers, "verdicts": verdicts}
            | "ByShard" >> beam.CoGroupByKey()
            | "Mark" >> beam.FlatMap(Carried(_Mark(passes.MarkShard(self.folder, self.paths)))).with_output_types(int)
        )


@dataclass(frozen=True)
class _Judge:
    threshold: float

    def __call__(self, group: tuple[int, Iterable[pa.RecordBatch]]) -> Iterator[tuple[int, pa.RecordBatch]]:
        return passes.judge_candidates(pa.concat_batches(list(group[1])), self.threshold)


@dataclass(frozen=True)
class _Mark:
    mark: passes.MarkShard

    def __call__(self, group: tuple[int, dict[str, Iterable[Any]]]) -> list[int]:
        self.mark(group[0], group[1]["verdicts"])
        return [group[0]]


def run(options: Options, inputs: Sequence[Dataset], execution: Execution) -> Outcome:
    """Sign each shard, match over all of them, write what stays."""
    folder, tasks = execution.scratch, shard_tasks(inputs)
    settings = settings_of(options, execution.seed)
    paths = {task.number: task.content.location for task in tasks}
    rows = sum(dataset.manifest.rows for dataset in inputs)
    execution.each("sign", tasks, passes.SignShard(folder, settings))
    execution.shuffle("match", tasks, Match(folder, paths, settings, rows))
    marked = [replace(t, content=replace(t.content, beside=passes.mark_file(folder, t.number))) for t in tasks]
    records = execution.write(
        marked,
        lambda shards: (
            shards
            | "Read" >> ReadShards()
            | "KeepBest" >> MapBatches(passes.KeepBest(options.threshold, execution.keep_text))
            | "Write" >> WriteShards(execution.workspace, execution.partition_by)
        ),
    )
    return Outcome.of(records, {"banding": {"bands": settings.banding.bands, "rows": settings.banding.rows}})


def check(options: Options, inputs: Sequence[Dataset]) -> list[str]:
    """Look at the inputs before anything runs."""
    settings = settings_of(options, 0)
    for dataset in inputs:
        passes.check_columns(dataset.manifest.arrow_schema, settings, str(dataset.folder))
    found = settings.banding.probability(options.threshold)
    if found >= 1 - signature.MISS:
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
    options=Options,
    run=run,
    check=check,
)
