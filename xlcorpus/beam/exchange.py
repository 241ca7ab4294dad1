"""ExchangeShards: texts move from input to output shards through the runner's shuffle instead of spill files.

For runners whose workers share no file system fast enough for twice the text; the same bytes come out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
import pyarrow as pa

from xlcorpus.beam.failures import Carried
from xlcorpus.dataset.workspace import Task, Workspace

Scatter = Callable[[int, Any], tuple[Any, Mapping[int, pa.RecordBatch]]]  # the record, and texts by output shard
Gather = Callable[[int, Sequence[pa.RecordBatch]], Any]  # what comes for an output shard -> its record
Part = tuple[int, pa.RecordBatch]


@dataclass(frozen=True)
class _ScatterTask:
    workspace: Workspace
    phase: str
    scatter: Scatter

    def __call__(self, task: Task[Any]) -> Iterator[tuple[int, Part]]:
        record, texts = self.scatter(task.number, task.content)
        self.workspace.finish(self.phase, task.number, record)
        for target, batch in texts.items():
            yield target, (task.number, batch)


@dataclass(frozen=True)
class _GatherTarget:
    workspace: Workspace
    phase: str
    gather: Gather

    def __call__(self, group: tuple[int, Iterable[Part]]) -> Iterator[int]:
        target, parts = group
        ordered = sorted(parts, key=lambda part: part[0])
        self.workspace.finish(self.phase, target, self.gather(target, [batch for _, batch in ordered]))
        yield target


@dataclass
class ExchangeShards(beam.PTransform):  # type: ignore[misc]
    """PCollection[Task] -> PCollection[int]: `scatter` each input shard, `gather` what comes for each output shard.

    Both leave the sidecars of their phases; an output shard that nothing comes for gets none.
    """

    workspace: Workspace
    scatter_phase: str
    scatter: Scatter
    gather_phase: str
    gather: Gather

    def expand(self, tasks: beam.PCollection[Task[Any]]) -> beam.PCollection[int]:
        """One shuffle, of texts."""
        scatter = _ScatterTask(self.workspace, self.scatter_phase, self.scatter)
        gather = _GatherTarget(self.workspace, self.gather_phase, self.gather)
        return (
            tasks
            | "Scatter" >> beam.FlatMap(Carried(scatter)).with_output_types(tuple[int, Part])
            | "ByTarget" >> beam.GroupByKey()
            | "Gather" >> beam.FlatMap(Carried(gather)).with_output_types(int)
        )
