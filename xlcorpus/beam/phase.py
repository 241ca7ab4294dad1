"""Run one Beam pipeline over the tasks that are not done yet."""

from __future__ import annotations

import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import apache_beam as beam

from xlcorpus.beam import LOG_VARIABLE
from xlcorpus.beam.failures import carrying, found_in, memory_error
from xlcorpus.beam.interrupt import apart, raise_if_interrupted
from xlcorpus.beam.progress import Progress
from xlcorpus.beam.runners import LOCAL, RunnerChoice
from xlcorpus.dataset.dataset import Shard
from xlcorpus.dataset.record import Done, Written
from xlcorpus.dataset.storage import Location
from xlcorpus.dataset.workspace import Task, Workspace
from xlcorpus.errors import IntegrityError, RunnerError

C = TypeVar("C")
R = TypeVar("R")

Graph = Callable[[beam.PCollection[Task[Any]]], Any]
Work = Callable[[int, C], R]  # number and content of a task -> its record, a dataclass


@dataclass(frozen=True)
class Execution:
    """Where and how a step runs: the output folder, the runner, the seed, and what the user asked for.

    reads: name of the schema of the rows that a map step is given ('' of a graph step, which sees the manifests).
    step: its name; phases: whether it has several, which the progress line then names behind it.
    """

    workspace: Workspace
    runner: RunnerChoice
    step: str = ""
    seed: int = 0
    partition_by: str | None = None
    keep_text: bool = False
    quiet: bool = False
    phases: bool = True
    reads: str = ""

    @property
    def scratch(self) -> Location:
        """Folder of the step's intermediate files."""
        return self.workspace.scratch(self.step)

    def each(self, phase: str, tasks: Sequence[Task[C]], work: Work[C, R]) -> list[R]:
        """Call `work` (picklable: a dataclass with `__call__`) on each task that is not done; all records, in order."""
        kind = typing.get_type_hints(type(work).__call__)["return"]
        return self.run_tasks(phase, tasks, RunTasks(self.workspace, phase, work), kind)

    def write(self, tasks: Sequence[Task[Any]], graph: Graph) -> list[Written]:
        """Run `graph`, which ends in `WriteShards`, on each task that is not done; all records, in order."""
        return self.run_tasks("write", tasks, graph, Written)

    def run_tasks(self, phase: str, tasks: Sequence[Task[Any]], graph: Graph, kind: type[R]) -> list[R]:
        """Run `graph` on every task without a valid sidecar; returns all records in the order of the tasks.

        `graph` must leave a sidecar for each task. Raises the worker's UserError, IntegrityError where one left none.
        """
        workspace = self.workspace
        pending = [task for task in tasks if workspace.finished(phase, task.number, kind, verify=True) is None]
        if pending:
            for task in pending:
                workspace.forget(phase, task.number)
            # The work is dealt out once, so the heavy tasks go first.
            ordered = sorted(pending, key=lambda task: (-task.weight, task.number))
            with Progress(workspace, phase, self.label(phase), pending, len(tasks), kind, self.quiet):
                self._run(phase, ordered, graph)
        records = []
        for task in tasks:
            record = workspace.finished(phase, task.number, kind)
            if record is None:
                raise IntegrityError(
                    f"{self.label(phase)}: task {task.number} ended without a record", remedy="run again with --resume"
                )
            records.append(record)
        return records

    def shuffle(self, phase: str, tasks: Sequence[Task[Any]], graph: Graph) -> None:
        """Run `graph`, which shuffles, on all tasks as one piece of work: done altogether or not at all."""
        if self.workspace.finished(phase, 0, Done) is not None:
            return
        whole = Task(0, sum(task.weight for task in tasks), None)
        with Progress(self.workspace, phase, self.label(phase), [whole], 1, Done, self.quiet):
            self._run(phase, tasks, graph)
            self.workspace.finish(phase, 0, Done())

    def label(self, phase: str) -> str:
        """What the progress line calls the phase."""
        return f"{self.step}: {phase}" if self.phases else self.step

    def _run(self, phase: str, tasks: Sequence[Task[Any]], graph: Graph) -> None:
        try:
            runner = self.runner.for_work(len(tasks), sum(task.weight for task in tasks))
            pipeline = runner.pipeline()
            spread = runner.name != LOCAL or runner.workers > 1  # one worker needs no dealing out
            given = pipeline | "Tasks" >> beam.Create(list(tasks), reshuffle=spread).with_output_types(Task)
            if isinstance(graph, beam.PTransform):
                given | phase.title() >> graph
            else:
                graph(given)
            raise_if_interrupted()

            def work() -> Any:
                return pipeline.run().wait_until_finish()

            # One worker is this process: there an interrupt is raised in the work, which keeps what it has.
            apart(work) if spread else work()
            raise_if_interrupted()
        except Exception as error:
            raise_if_interrupted()
            found = found_in(error)
            if found is not None:
                raise found from None
            if "MemoryError" in str(error):  # Beam's own copies of batches
                raise memory_error() from error
            if self.runner.name == LOCAL:
                raise
            raise RunnerError(
                f"{self.label(phase)}: the runner {self.runner.name!r} failed: "
                f"{str(error).strip().splitlines()[-1][:500]}",
                remedy=f"{LOG_VARIABLE}=INFO shows what it says; docs/runners.md has the options it needs",
            ) from error


class _RunTask(beam.DoFn):  # type: ignore[misc]
    def __init__(self, workspace: Workspace, phase: str, work: Work[Any, Any]) -> None:
        self._workspace, self._phase, self._work = workspace, phase, work

    def process(self, task: Task[Any]) -> list[int]:
        with carrying():
            try:
                record = self._work(task.number, task.content)
            except MemoryError as error:
                where = task.content.location if isinstance(task.content, Shard) else f"task {task.number}"
                raise memory_error(f"{self._phase} of {where}") from error
            self._workspace.finish(self._phase, task.number, record)
        return [task.number]


@dataclass
class RunTasks(beam.PTransform):  # type: ignore[misc]
    """PCollection[Task] -> PCollection[int]: calls `work` on each task and leaves its record as the sidecar."""

    workspace: Workspace
    phase: str
    work: Work[Any, Any]

    def expand(self, tasks: beam.PCollection[Task[Any]]) -> beam.PCollection[int]:
        """One ParDo."""
        return tasks | beam.ParDo(_RunTask(self.workspace, self.phase, self.work)).with_output_types(int)
