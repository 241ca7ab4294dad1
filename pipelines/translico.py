"""romanize --view translico: pairs of a sentence and its romanisation, a share of each language's, no text twice."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import apache_beam as beam
import pyarrow as pa

from xlcorpus.beam.failures import Carried
from xlcorpus.beam.phase import Execution
from xlcorpus.beam.read import shard_tasks
from xlcorpus.beam.step import Outcome
from xlcorpus.beam.write import write_results
from xlcorpus.dataset.dataset import Dataset, Shard
from xlcorpus.dataset.record import Written
from xlcorpus.dataset.storage import Location
from xlcorpus.dataset.workspace import Task, Workspace
from xlcorpus.options import option
from xlcorpus.romanize.documents import counts_of, noted
from xlcorpus.romanize.options import RomanizeOptions
from xlcorpus.romanize.rules import NamedSigns
from xlcorpus.romanize.tools import Tool, language_code, open_tool
from xlcorpus.translico import choose, pairs
from xlcorpus.translico.choose import Part
from xlcorpus.translico.options import PairOptions
from xlcorpus.translico.sentences import ListSentences

OpenTool = Callable[[str, int, NamedSigns], Tool]  # name, bytes of its cache, what becomes of named signs


class Options(PairOptions, RomanizeOptions):
    """Options of romanize: those of its tool, and those of the view."""

    side: Literal["src", "tgt", "both"] | None = option(
        None, description="sentence pairs: the side that is romanised (default: both; the view needs one)"
    )


@dataclass
class Choose(beam.PTransform):  # type: ignore[misc]
    """PCollection[Task] with lists -> the states of each shard's sentences, beside it. Hashes are shuffled, no text."""

    folder: Location
    deal: choose.DealSentences
    apportion: choose.Apportion

    def expand(self, tasks: beam.PCollection[Task[Shard]]) -> beam.PCollection[int]:
        """One of equal texts by partition; counts on one worker; the quota of each partition; states by shard."""
        deal = self.deal
        distinct = (
            tasks
            | "Deal" >> beam.FlatMap(Carried(lambda task: deal(task.number))).with_output_types(Part)
            | "ByPartition" >> beam.GroupByKey()
            | "KeepFirst" >> beam.FlatMap(Carried(choose.KeepFirst(deal.seed))).with_output_types(Part)
        )
        quotas = (
            distinct
            | "Count" >> beam.FlatMap(Carried(choose.count_groups)).with_output_types(Part)
            | "OneWorker" >> beam.GroupByKey()
            | "Apportion" >> beam.FlatMap(Carried(self.apportion)).with_output_types(Part)
        )
        return (
            {"rows": distinct, "quotas": quotas}
            | "Together" >> beam.CoGroupByKey()
            | "Take" >> beam.FlatMap(Carried(_take)).with_output_types(Part)
            | "ByShard" >> beam.GroupByKey()
            | "Write" >> beam.FlatMap(Carried(choose.WriteStates(self.folder))).with_output_types(int)
        )


def _take(group: tuple[int, dict[str, Iterable[pa.RecordBatch]]]) -> Iterator[Part]:
    (rows,), (quotas,) = group[1]["rows"], group[1]["quotas"]
    return choose.take_quota(rows, quotas)


@functools.lru_cache(maxsize=1)
def _opened(open_tool: OpenTool, name: str, cache_bytes: int, named_signs: NamedSigns) -> Tool:
    """The tool, once a process: its tables take seconds to load."""
    return open_tool(name, cache_bytes, named_signs)


@dataclass(frozen=True)
class WritePairs:
    """Pairs, decisions and rejects of a shard to the dataset."""

    workspace: Workspace
    folder: Location
    options: Options
    open_tool: OpenTool
    keep_text: bool
    partition_by: str | None

    def __call__(self, number: int, shard: Shard) -> Written:
        """The counts are of sentences, by language and script."""
        options = self.options
        tool = _opened(self.open_tool, options.tool, options.cache_mb << 20, options.named_signs)
        code_of = functools.partial(language_code, asked=self.options.lcode, tool=tool.name)
        made = pairs.pairs_of_shard(
            shard,
            choose.state_file(self.folder, number),
            tool,
            code_of,
            include_latin=self.options.include_latin,
            sentence_breaker=self.options.sentence_breaker,
            keep_text=self.keep_text,
            counts_of=counts_of,
            kept=self.options.kept,
            side=options.side,
        )
        return write_results(self.workspace, number, pairs.STEP_NAME, made, partition_by=self.partition_by)


def run(options: Options, inputs: Sequence[Dataset], execution: Execution, open_tool: OpenTool = open_tool) -> Outcome:
    """List the sentences of each shard, choose by hash over all of them, romanise and write the chosen ones."""
    folder, tasks = execution.scratch, shard_tasks(inputs)
    listed = execution.each(
        "list", tasks, ListSentences(folder, options.include_latin, options.sentence_breaker, options.side)
    )
    deal = choose.DealSentences.of(folder, listed, execution.seed)
    execution.shuffle("choose", tasks, Choose(folder, deal, choose.Apportion(options.share, options.floor)))
    write = WritePairs(execution.workspace, folder, options, open_tool, execution.keep_text, execution.partition_by)
    outcome = Outcome.of(execution.each("write", tasks, write))
    counts = outcome.tallies[0].counts
    notes = pairs.notes_of(counts)
    return replace(outcome, notes={**notes, **noted(counts, notes["table"])})
