"""romanize --view translico: pairs of a sentence and its romanisation, a share of each language's, no text twice."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import apache_beam as beam
import pyarrow as pa

from xlcorpus.beam.failures import Carried, carrying
from xlcorpus.beam.phase import Execution, RunTasks
from xlcorpus.beam.read import shard_tasks
from xlcorpus.beam.step import GraphStep, Outcome, StepOptions
from xlcorpus.beam.workspace import Task, Workspace
from xlcorpus.beam.write import TaskWriter, record_of
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.decisions import DECISION, REJECT
from xlcorpus.dataset.layout import DECISIONS, REJECTS
from xlcorpus.dataset.tally import Tally
from xlcorpus.romanize.tools import Tool
from xlcorpus.translico import choose
from xlcorpus.translico import pairs as translico

OpenTool = Callable[[str, int], Tool]  # name, bytes of its cache


class Options(Protocol):
    """What the view reads of the options of romanize."""

    tool: str
    lcode: str
    cache_mb: int
    share: float
    floor: int
    include_latin: bool


def settings_of(options: Options, seed: int) -> translico.PairSettings:
    """The settings that the passes share."""
    return translico.PairSettings(
        share=options.share,
        floor=options.floor,
        include_latin=options.include_latin,
        lcode=options.lcode,
        seed=seed,
    )


@dataclass
class Choose(beam.PTransform):  # type: ignore[misc]
    """PCollection[Task] with lists -> the states of each shard's sentences, beside it. Hashes are shuffled, no text."""

    folder: Path
    pack: choose.PackSentences
    settings: translico.PairSettings

    def expand(self, tasks: beam.PCollection[Task]) -> beam.PCollection[int]:
        """One of equal texts by partition; counts on one worker; the quota of each partition; states by shard."""
        part = tuple[int, pa.RecordBatch]
        apportion = choose.Apportion(self.settings.share, self.settings.floor)
        distinct = (
            tasks
            | "Pack" >> beam.ParDo(_Pack(self.pack)).with_output_types(part)
            | "ByPartition" >> beam.GroupByKey()
            | "KeepFirst" >> beam.FlatMap(Carried(choose.KeepFirst(self.settings.seed))).with_output_types(part)
        )
        quotas = (
            distinct
            | "Count" >> beam.FlatMap(Carried(choose.count_groups)).with_output_types(part)
            | "OneWorker" >> beam.GroupByKey()
            | "Apportion" >> beam.FlatMap(Carried(apportion)).with_output_types(part)
        )
        return (
            {"rows": distinct, "quotas": quotas}
            | "Together" >> beam.CoGroupByKey()
            | "Take" >> beam.ParDo(_Take()).with_output_types(part)
            | "ByShard" >> beam.GroupByKey()
            | "Write" >> beam.ParDo(_WriteStates(choose.WriteStates(self.folder)))
        )


class _Pack(beam.DoFn):  # type: ignore[misc]
    def __init__(self, pack: choose.PackSentences) -> None:
        self._pack = pack

    def process(self, task: Task) -> Iterator[tuple[int, pa.RecordBatch]]:
        with carrying():
            yield from self._pack(task.number)


class _Take(beam.DoFn):  # type: ignore[misc]
    def process(self, group: tuple[int, dict[str, Iterable[pa.RecordBatch]]]) -> Iterator[tuple[int, pa.RecordBatch]]:
        with carrying():
            (rows,), (quotas,) = group[1]["rows"], group[1]["quotas"]
            yield from choose.take_quota(rows, quotas)


class _WriteStates(beam.DoFn):  # type: ignore[misc]
    def __init__(self, write: choose.WriteStates) -> None:
        self._write = write

    def process(self, group: tuple[int, Iterable[pa.RecordBatch]]) -> Iterator[int]:
        with carrying():
            self._write(*group)
        yield group[0]


@functools.lru_cache(maxsize=1)
def _opened(open_tool: OpenTool, name: str, cache_bytes: int) -> Tool:
    """The tool, once a process: its tables take seconds to load."""
    return open_tool(name, cache_bytes)


@dataclass(frozen=True)
class WritePairs:
    """Pass 3 as a task: pairs, decisions and rejects to the dataset."""

    workspace: Workspace
    folder: Path
    settings: translico.PairSettings
    open_tool: OpenTool
    tool: str
    cache_bytes: int
    keep_text: bool
    partition_by: str | None

    def __call__(self, number: int, content: Mapping[str, Any]) -> dict[str, Any]:
        """The record holds the files, the counts of documents, and those of sentences by language and script."""
        tool = _opened(self.open_tool, self.tool, self.cache_bytes)
        path, counts, tally = Path(content["path"]), translico.PairCounts(), Tally(translico.STEP_NAME)
        writer = TaskWriter(self.workspace, number, self.partition_by)
        for made in translico.pairs_of_shard(
            number, path, self.folder, tool, self.settings, counts, keep_text=self.keep_text
        ):
            writer.write_documents(made.pairs)
            tally.rows_in += made.documents
            tally.repeated += made.repeated
            tally.count_output(made.pairs)
            if made.decisions.num_rows:
                tally.count_decisions(made.decisions)
                writer.write_log(DECISIONS, made.decisions, DECISION)
            if made.rejects.num_rows:
                tally.count_rejects(made.rejects)
                writer.write_log(REJECTS, made.rejects, REJECT)
        return record_of(*writer.close_files(), [tally]) | {"counts": counts.to_json()}


def run(options: Options, inputs: Sequence[Dataset], execution: Execution, open_tool: OpenTool) -> Outcome:
    """List the sentences of each shard, choose by hash over all of them, romanise and write the chosen ones."""
    workspace, folder = execution.workspace, execution.workspace.scratch("translico")
    settings, tasks = settings_of(options, execution.seed), shard_tasks(inputs)
    listing = translico.ListSentences(folder, settings)
    listed = execution.run_tasks(
        "list", "romanize: list", tasks, lambda p: p | "List" >> RunTasks(workspace, "list", listing)
    )
    pack = choose.pack_of(folder, listed, settings.seed)
    chosen = Choose(folder, pack, settings)
    execution.run_once("choose", "romanize: choose", tasks, lambda p: p | "Choose" >> chosen)
    write = WritePairs(
        workspace,
        folder,
        settings,
        open_tool,
        options.tool,
        options.cache_mb << 20,
        execution.keep_text,
        execution.partition_by,
    )
    records = execution.run_tasks(
        "write", "romanize: write", tasks, lambda p: p | "Write" >> RunTasks(workspace, "write", write)
    )
    return Outcome.of(records, translico.notes_of([record["counts"] for record in records]))


def check(options: Options, inputs: Sequence[Dataset]) -> list[str]:
    """Look at the columns and the tool before anything runs."""
    translico.check_tool(options.tool)
    for dataset in inputs:
        translico.check_columns(dataset.manifest.arrow_schema, str(dataset.folder))
    return []


def translico_step(
    options: type[StepOptions], models: Callable[[Any], dict[str, str]], open_tool: OpenTool
) -> GraphStep:
    """The step that takes the place of the map step romanize, with the same options, where they name this view."""
    return GraphStep(
        name=translico.STEP_NAME,
        summary="Pairs of a sentence and its romanisation, for transliteration contrastive training.",
        options=options,
        run=functools.partial(run, open_tool=open_tool),
        check=check,
        models=models,
        schema="translico",
    )
