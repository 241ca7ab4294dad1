"""dedup: exact copies and near duplicates; the best member of each cluster stays, with the cluster's id and size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from xlcorpus.beam.map import MapBatches
from xlcorpus.beam.phase import Execution
from xlcorpus.beam.read import ReadShards, shard_tasks
from xlcorpus.beam.step import Outcome, Step
from xlcorpus.beam.workspace import Task
from xlcorpus.beam.write import WriteShards
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dedup import mark
from xlcorpus.dedup.compare import Group, JudgeGroup, ShingleShard, groups_of
from xlcorpus.dedup.match import MOST_TEXTS, MatchShards
from xlcorpus.dedup.options import DedupOptions
from xlcorpus.dedup.sign import SignShard, check_columns
from xlcorpus.dedup.signature import MISS, choose_banding
from xlcorpus.errors import UserError


def run(options: DedupOptions, inputs: Sequence[Dataset], execution: Execution) -> Outcome:
    """Sign each shard; match over all of them; compare the candidates, group by group; write what stays."""
    folder, tasks = execution.scratch, shard_tasks(inputs)
    banding = choose_banding(options.threshold, options.permutations)
    paths = {task.number: task.content.location for task in tasks}
    whole = [Task(0, sum(task.weight for task in tasks), None)]

    signed = execution.each("sign", tasks, SignShard(folder, options, banding, execution.seed))
    rows = {task.number: record.rows for task, record in zip(tasks, signed, strict=True)}
    (matched,) = execution.each("match", whole, MatchShards(folder, rows, paths, banding.bands))
    groups: list[Group] = []
    if matched.groups:
        shingled = execution.each("shingle", tasks, ShingleShard(folder, options.shingle_size))
        groups = groups_of(matched, list(zip(rows, shingled, strict=True)))
    judged = [Task(number, group.bounds[-1], group) for number, group in enumerate(groups)]
    compared = execution.each("compare", judged, JudgeGroup(folder, options.threshold))
    execution.each("mark", whole, mark.MarkShards(folder, rows, len(groups)))
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
    notes = {
        "banding": {"bands": banding.bands, "rows": banding.rows},
        "candidates": matched.candidates,
        "pairs_compared": sum(record.pairs for record in compared),
    }
    return Outcome.of(records, notes)


def check(options: DedupOptions, inputs: Sequence[Dataset]) -> list[str]:
    """Look at the inputs before anything runs."""
    if sum(dataset.manifest.rows for dataset in inputs) >= MOST_TEXTS:
        raise UserError(
            f"more than {MOST_TEXTS - 1:,} documents", remedy="dedup parts of them, such as each language by itself"
        )
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
