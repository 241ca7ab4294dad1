"""pack: token shards for training: documents packed to a context length, or the rows of a view, tokenised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from xlcorpus.beam.phase import Execution
from xlcorpus.beam.read import shard_tasks
from xlcorpus.beam.step import Outcome, Step
from xlcorpus.beam.workspace import Workspace
from xlcorpus.beam.write import write_results
from xlcorpus.dataset.dataset import Dataset, Shard, read_batches
from xlcorpus.dataset.result import Counts
from xlcorpus.dataset.shards import Layout
from xlcorpus.dataset.storage import fingerprint_of_file, locate, write_text
from xlcorpus.pack import input_check, notes, tasks
from xlcorpus.pack.options import PackOptions, layout_of
from xlcorpus.tokenizer.open import open_tokenizer


@dataclass(frozen=True)
class WriteShard:
    """One input shard: its rows tokenised, and written with decisions and counts."""

    workspace: Workspace
    work: tasks.PackShard | tasks.TokenizeShard
    layout: Layout
    partition_by: str | None = None

    def __call__(self, number: int, shard: Shard) -> tasks.Packed:
        """Fewer rows than documents are merged, more are repeated."""
        counts: Counts = {}
        results = self.work.results(number, shard, counts)
        written = write_results(
            self.workspace, number, "pack", results, partition_by=self.partition_by, layout=self.layout
        )
        return tasks.Packed(written, counts)


def run(options: PackOptions, inputs: Sequence[Dataset], execution: Execution) -> Outcome:
    """Count what numbers and budgets need; tokenise and pack, or make the view, each shard by itself."""
    workspace, given = execution.workspace, shard_tasks(inputs)
    count = tasks.CountShard.for_options(options)
    held = execution.each("count", given, count) if count is not None else []
    languages = tasks.numbers_for(options, held)
    work = tasks.work_for(options, held, languages, keep_text=execution.keep_text)
    records = execution.each("write", given, WriteShard(workspace, work, layout_of(options), execution.partition_by))
    for name, content in languages.files().items() if languages else ():
        write_text(workspace.folder / name, content)
    outcome = Outcome.of(records)
    made = (batch for file in outcome.shards for batch in read_batches(workspace.folder / file.name))
    return replace(outcome, notes=notes.of_run(options, inputs, languages, [one.counts for one in records], made))


def models(options: PackOptions) -> dict[str, str]:
    """Fingerprints of the tokenizer and of the numbers that are kept."""
    found = {"tokenizer": open_tokenizer(options.tokenizer).fingerprint}
    if options.language_ids:
        for name in ("languages", "scripts"):
            found[name] = fingerprint_of_file(locate(options.language_ids, f"{name}.json"))
    return found


def check(options: PackOptions, inputs: Sequence[Dataset]) -> list[str]:
    """Compare the tokenizer with the objective, and the input with what is made of it."""
    tokenizer = open_tokenizer(options.tokenizer)
    input_check.check_tokenizer(options, tokenizer)
    input_check.check_files(options)
    for dataset in inputs:
        input_check.check_dataset(options, dataset)
    return [remark for dataset in inputs for remark in input_check.remarks(options, tokenizer, dataset)]


STEP = Step(
    name="pack",
    summary="Tokenise and pack documents to a context length, or make the token rows of a view.",
    order=100,
    speed=3.0,
    options=PackOptions,
    example="--tokenizer out/tokenizer.model",
    reads=tuple(dict.fromkeys(input_check.READS.values())),
    makes="token",
    models=models,
    check=check,
    run=run,
)
