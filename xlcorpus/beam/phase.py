"""Run one Beam pipeline over the tasks that are not done yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import apache_beam as beam

from xlcorpus.beam import LOG_VARIABLE
from xlcorpus.beam.failures import carrying, found_in
from xlcorpus.beam.interrupt import raise_if_interrupted
from xlcorpus.beam.progress import Progress
from xlcorpus.beam.runners import LOCAL, RunnerChoice
from xlcorpus.beam.workspace import Task, Workspace
from xlcorpus.errors import IntegrityError, RunnerError

Graph = Callable[[beam.PCollection[Task]], Any]
Work = Callable[[int, Mapping[str, Any]], dict[str, Any]]  # number and content of a task -> its record


@dataclass(frozen=True)
class Execution:
    """Where and how a step runs: the output folder, the runner, the seed, and what the user asked for."""

    workspace: Workspace
    runner: RunnerChoice
    seed: int = 0
    partition_by: str | None = None
    keep_text: bool = False
    quiet: bool = False

    def run_tasks(self, phase: str, label: str, tasks: Sequence[Task], graph: Graph) -> list[dict[str, Any]]:
        """Run `graph` on every task without a valid sidecar; returns all records in the order of the tasks.

        `graph` must leave a sidecar for each task. Raises the worker's UserError, IntegrityError where one left none.
        """
        pending = [task for task in tasks if self.workspace.finished(phase, task.number, verify=True) is None]
        if pending:
            for task in pending:
                self.workspace.sidecar(phase, task.number).unlink(missing_ok=True)
            # The work is dealt out once, so the heavy tasks go first.
            ordered = sorted(pending, key=lambda task: (-task.weight, task.number))
            with Progress(self.workspace, phase, label, pending, len(tasks), self.quiet):
                self._run(label, ordered, graph)
        records = []
        for task in tasks:
            record = self.workspace.finished(phase, task.number)
            if record is None:
                raise IntegrityError(
                    f"{label}: task {task.number} ended without a record", remedy="run again with --resume"
                )
            records.append(record)
        return records

    def run_once(self, phase: str, label: str, tasks: Sequence[Task], graph: Graph) -> None:
        """Run `graph`, which shuffles, on all tasks as one piece of work: done altogether or not at all."""
        if self.workspace.finished(phase, 0, verify=True) is not None:
            return
        whole = Task(0, sum(task.weight for task in tasks))
        with Progress(self.workspace, phase, label, [whole], 1, self.quiet):
            self._run(label, tasks, graph)
            self.workspace.finish(phase, 0, {})

    def _run(self, label: str, tasks: Sequence[Task], graph: Graph) -> None:
        try:
            runner = self.runner.for_work(len(tasks), sum(task.weight for task in tasks))
            pipeline = runner.pipeline()
            spread = runner.name != LOCAL or runner.workers > 1  # one worker needs no dealing out
            graph(pipeline | "Tasks" >> beam.Create(list(tasks), reshuffle=spread).with_output_types(Task))
            raise_if_interrupted()
            pipeline.run().wait_until_finish()
            raise_if_interrupted()
        except Exception as error:
            found = found_in(error)
            if found is not None:
                raise found from None
            if self.runner.name == LOCAL:
                raise
            raise RunnerError(
                f"{label}: the runner {self.runner.name!r} failed: {str(error).strip().splitlines()[-1][:500]}",
                remedy=f"{LOG_VARIABLE}=INFO shows what it says; docs/runners.md has the options it needs",
            ) from error


class _RunTask(beam.DoFn):  # type: ignore[misc]
    def __init__(self, workspace: Workspace, phase: str, work: Work) -> None:
        self._workspace, self._phase, self._work = workspace, phase, work

    def process(self, task: Task) -> list[int]:
        with carrying():
            self._workspace.finish(self._phase, task.number, self._work(task.number, task.content))
        return [task.number]


@dataclass
class RunTasks(beam.PTransform):  # type: ignore[misc]
    """PCollection[Task] -> PCollection[int]: calls `work` on each task and leaves its record as the sidecar.

    For phases whose tasks write files of their own; `work` must be picklable (a dataclass with `__call__`).
    """

    workspace: Workspace
    phase: str
    work: Work

    def expand(self, tasks: beam.PCollection[Task]) -> beam.PCollection[int]:
        """One ParDo."""
        return tasks | beam.ParDo(_RunTask(self.workspace, self.phase, self.work)).with_output_types(int)
