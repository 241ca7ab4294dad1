"""mine-select: mined pairs that pass, with the scores by which they do, and examples for prompts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xlcorpus.beam.phase import Execution
from xlcorpus.beam.read import shard_tasks
from xlcorpus.beam.step import Outcome, Step
from xlcorpus.beam.write import write_results
from xlcorpus.dataset.dataset import Dataset, Shard
from xlcorpus.dataset.kinds import PAIR
from xlcorpus.dataset.record import Written
from xlcorpus.dataset.storage import Location
from xlcorpus.dataset.workspace import Workspace
from xlcorpus.lid.model import load_model
from xlcorpus.mine.embedder import embedder_identity
from xlcorpus.mine.judge import judged_notes
from xlcorpus.mine.select import STEP_NAME, SelectOptions, put_selected, selected, selected_of_shard


@dataclass(frozen=True)
class WriteSelected:
    """`selected_of_shard`."""

    workspace: Workspace
    folder: Location
    keep_all: bool
    keep_text: bool
    partition_by: str | None

    def __call__(self, number: int, shard: Shard) -> Written:
        """The record."""
        results = selected_of_shard(shard, self.folder, number, keep_all=self.keep_all, keep_text=self.keep_text)
        return write_results(self.workspace, number, STEP_NAME, results, partition_by=self.partition_by)


def run(options: SelectOptions, inputs: Sequence[Dataset], execution: Execution) -> Outcome:
    """Judge all pairs together, in one process; write shard by shard."""
    tasks, folder = shard_tasks(inputs), execution.scratch
    judged, shots = selected(inputs, options)
    put_selected(folder, judged, shots, [task.content for task in tasks])
    write = WriteSelected(execution.workspace, folder, options.keep_all, execution.keep_text, execution.partition_by)
    return Outcome.of(execution.each("write", tasks, write), judged_notes(judged, options))


STEP = Step(
    name="mine-select",
    summary="Mine, 4: keep mined pairs by cosine, lengths and languages; examples for prompts beside each.",
    order=84,
    speed=0.5,
    options=SelectOptions,
    reads=(PAIR,),
    makes=PAIR,
    models=lambda options: {"lid": load_model(options.lid).fingerprint, "embedder": embedder_identity(options)},
    run=run,
    many=True,
)
