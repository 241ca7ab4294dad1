"""ExchangeShards: texts move from input to output shards through the runner's shuffle instead of spill files.

For runners whose workers share no file system fast enough for twice the text; the same bytes come out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
import pyarrow as pa

from xlcorpus.beam.failures import carrying
from xlcorpus.beam.workspace import Task, Workspace

Scatter = Callable[[int, Mapping[str, Any]], tuple[dict[str, Any], Mapping[int, pa.RecordBatch]]]
Gather = Callable[[int, Sequence[pa.RecordBatch]], dict[str, Any]]


class _Scatter(beam.DoFn):  # type: ignore[misc]
    def __init__(self, workspace: Workspace, phase: str, scatter: Scatter) -> None:
        self._workspace, self._phase, self._scatter = workspace, phase, scatter

    def process(self, task: Task) -> Iterator[tuple[int, tuple[int, pa.RecordBatch]]]:
        with carrying():
            record, texts = self._scatter(task.number, task.content)
            self._workspace.finish(self._phase, task.number, record)
            for target, batch in texts.items():
                yield target, (task.number, batch)


class _Gather(beam.DoFn):  # type: ignore[misc]
    def __init__(self, workspace: Workspace, phase: str, gather: Gather) -> None:
        self._workspace, self._phase, self._gather = workspace, phase, gather

    def process(self, group: tuple[int, Iterable[tuple[int, pa.RecordBatch]]]) -> list[int]:
        target, parts = group
        with carrying():
            ordered = sorted(parts, key=lambda part: part[0])
            record = self._gather(target, [batch for _, batch in ordered])
            self._workspace.finish(self._phase, target, record)
        return [target]


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

    def expand(self, tasks: beam.PCollection[Task]) -> beam.PCollection[int]:
        """One shuffle, of texts."""
        return (
            tasks
            | "Scatter" >> beam.ParDo(_Scatter(self.workspace, self.scatter_phase, self.scatter))
            | "ByTarget" >> beam.GroupByKey()
            | "Gather" >> beam.ParDo(_Gather(self.workspace, self.gather_phase, self.gather)).with_output_types(int)
        )
