"""dedup: exact copies and near duplicates, documents or pairs; the best member of each cluster stays, with its size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from xlcorpus.beam.map import MapBatches
from xlcorpus.beam.phase import Execution
from xlcorpus.beam.read import ReadShards, shard_tasks
from xlcorpus.beam.step import Outcome, Step, as_read
from xlcorpus.beam.write import WriteShards
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.kinds import DOCUMENT, PAIR
from xlcorpus.dataset.workspace import Task
from xlcorpus.dedup import mark
from xlcorpus.dedup.compare import Group, JudgeGroup, ShingleShard, groups_of
from xlcorpus.dedup.match import MOST_TEXTS, MatchShards
from xlcorpus.dedup.options import DedupOptions
from xlcorpus.dedup.sign import SignShard, check_columns
from xlcorpus.dedup.signature import MISS, choose_banding
from xlcorpus.dedup.texts import Texts
from xlcorpus.errors import UserError


def run(options: DedupOptions, inputs: Sequence[Dataset], execution: Execution) -> Outcome:
    """Sign each shard; match over all of them; compare the candidates, group by group; write what stays."""
    folder, tasks = execution.scratch, shard_tasks(inputs)
    texts = Texts.of(options, pairs=inputs[0].manifest.schema_name == PAIR)
    banding = choose_banding(options.threshold, options.permutations)
    paths = {task.number: task.content.location for task in tasks}
    whole = [Task(0, sum(task.weight for task in tasks), None)]

    signed = execution.each("sign", tasks, SignShard(folder, options, banding, execution.seed, texts))
    rows = {task.number: record.rows for task, record in zip(tasks, signed, strict=True)}
    (matched,) = execution.each("match", whole, MatchShards(folder, rows, paths, banding.bands))
    groups: list[Group] = []
    if matched.groups:
        shingled = execution.each("shingle", tasks, ShingleShard(folder, options.shingle_size, texts))
        groups = groups_of(matched, list(zip(rows, shingled, strict=True)))
    judged = [Task(number, group.bounds[-1], group) for number, group in enumerate(groups)]
    compared = execution.each("compare", judged, JudgeGroup(folder, options.threshold, texts.both))
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
    lines: list[str] = []
    for dataset in inputs:
        check_columns(dataset.manifest.arrow_schema, options, str(dataset.folder))
        lines += _lines_on_pairs(options, dataset)
    found = choose_banding(options.threshold, options.permutations).probability(options.threshold)
    if found >= 1 - MISS:
        return lines
    return [
        *lines,
        f"{options.permutations} permutations find {100 * found:.1f} % of the pairs at {options.threshold:g}: "
        "raise --permutations",
    ]


def _lines_on_pairs(options: DedupOptions, dataset: Dataset) -> list[str]:
    """Raise UserError where options of pairs are given for documents; say where one side alone takes languages away."""
    if dataset.manifest.schema_name != PAIR:
        if options.by is not None or options.swapped:
            flag = "--swapped" if options.by is None else f"--by {options.by}"
            raise UserError(
                f"{flag} is about sentence pairs; {dataset.folder} holds rows of the kind "
                f"{dataset.manifest.schema_name!r}",
                remedy=f"leave out {flag}, or make pairs with `xlcorpus ingest --kind pairs`",
            )
        return []
    if options.by in (None, "both") or options.within != "none" or len(dataset.manifest.languages) < 2:
        return []
    other = {"src": "tgt", "tgt": "src"}[options.by]
    return [
        f"--by {options.by}: translations of one text into several languages are duplicates; --within {other}_lang "
        "compares each language by itself"
    ]


STEP = Step(
    name="dedup",
    summary="Remove exact and near duplicates, of documents or sentence pairs; keep the best member of each cluster.",
    order=50,
    speed=3.0,
    options=DedupOptions,
    reads=(DOCUMENT, PAIR),
    makes=as_read,
    run=run,
    check=check,
)
