"""pack: token shards for training: documents packed to a context length, or the rows of a view, tokenised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from xlcorpus.beam.phase import Execution
from xlcorpus.beam.read import shard_tasks
from xlcorpus.beam.step import Outcome, Step
from xlcorpus.beam.write import Into, write_results
from xlcorpus.dataset import storage
from xlcorpus.dataset.dataset import Dataset, Shard, read_batches
from xlcorpus.dataset.kinds import KINDS
from xlcorpus.dataset.layout import DATA, HOLDOUT, LABELS_FILE, WORK
from xlcorpus.dataset.record import Written
from xlcorpus.dataset.result import Counts
from xlcorpus.dataset.shards import ShardFile
from xlcorpus.dataset.storage import fingerprint, fingerprint_of_file, locate, write_text
from xlcorpus.dataset.workspace import Task, Workspace
from xlcorpus.errors import ConservationError, UserError
from xlcorpus.pack import gather, holdout, input_check, notes, tasks
from xlcorpus.pack.label_ids import LabelIds
from xlcorpus.pack.language_ids import LanguageIds
from xlcorpus.pack.options import PackOptions, layout_of
from xlcorpus.pack.templated import template_of
from xlcorpus.tokenizer.open import open_tokenizer


@dataclass(frozen=True)
class WriteShard:
    """One input shard: its rows tokenised, and written with decisions and counts."""

    workspace: Workspace
    work: tasks.PackShard | tasks.TokenizeShard
    into: Into
    partition_by: str | None = None

    def __call__(self, number: int, shard: Shard) -> tasks.Packed:
        """Fewer rows than documents are merged, more are repeated."""
        counts: Counts = {}
        results = self.work.results(number, shard, counts)
        written = write_results(self.workspace, number, "pack", results, partition_by=self.partition_by, into=self.into)
        return tasks.Packed(written, counts)


@dataclass(frozen=True)
class WriteStretches:
    """One shard of those asked for: its rows from those that tasks made."""

    workspace: Workspace
    into: Into
    partition_by: str | None = None

    def __call__(self, number: int, stretches: tuple[gather.Stretch, ...]) -> Written:
        """The rows alone: their decisions and counts are written."""
        rows = gather.gathered(stretches)
        return write_results(
            self.workspace, number, "pack", rows, partition_by=self.partition_by, only="rows", into=self.into
        )


def run(options: PackOptions, inputs: Sequence[Dataset], execution: Execution) -> Outcome:
    """Choose what is held out; count what numbers and budgets need; tokenise and pack, or make the view, each shard by
    itself; deal the rows to the shards asked for."""
    given = shard_tasks(inputs)
    chosen, held = _choose(options, given, execution)
    count = tasks.CountShard.for_options(options, held)
    found = execution.each("count", given, count) if count is not None else []
    languages = tasks.numbers_for(options, found)
    scratch, keep_text = execution.scratch, execution.keep_text
    work = tasks.work_for(options, found, languages, held, keep_text=keep_text, scratch=scratch, seed=execution.seed)
    outcome = _make(options, given, work, execution, options.shards)
    tags = work.tags if isinstance(work, tasks.TokenizeShard) else None
    made = _with_notes(options, inputs, languages, tags, outcome, execution)
    if held is None:
        return made
    made = replace(made, notes={**made.notes, "holdout": asdict(chosen)})
    made.notes["table"][1:1] = holdout.share_lines(chosen)
    work = replace(work, held=replace(held, side="held"))
    if isinstance(work, tasks.PackShard):
        work = replace(work, budgets=None)
    aside = _make(options, given, work, execution, 1, held=True)
    if aside[0].tallies[0].rows_in != chosen.total:
        raise ConservationError(
            f"{chosen.total:,} rows are to be held out, {aside[0].tallies[0].rows_in:,} were read",
            remedy="this is a defect of pack: please report it; the dataset was not finished",
        )
    return replace(made, holdout=_named_within(_with_notes(options, (), languages, tags, aside, execution)))


def _choose(
    options: PackOptions, given: Sequence[Task[Shard]], execution: Execution
) -> tuple[holdout.Chosen, holdout.HeldOut | None]:
    if options.holdout is None:
        return holdout.Chosen(), None
    folder = execution.workspace.folder / HOLDOUT
    if storage.exists(folder) and not storage.is_folder(execution.workspace.work / HOLDOUT):
        raise UserError(f"{folder} is there already", remedy="move it to another place, or choose another --output")
    execution.workspace.scratch(HOLDOUT)  # from here on the folder is this run's
    execution.each(
        "list", given, holdout.ListDocuments(execution.scratch, execution.seed, input_check.READS[options.view])
    )
    rows = sum(task.content.rows for task in given)
    wanted = locate(options.holdout) if options.holdout_share is None else options.holdout_share
    choose = holdout.ChooseDocuments(execution.scratch, wanted, execution.seed)
    (chosen,) = execution.each("choose", [Task(0, 20 * rows, len(given))], choose)
    return chosen, holdout.HeldOut(holdout.held_file(execution.scratch), execution.seed)


Made = tuple[Outcome, list[Counts]]


def _make(
    options: PackOptions,
    given: Sequence[Task[Shard]],
    work: tasks.PackShard | tasks.TokenizeShard,
    execution: Execution,
    shards: int | None,
    *,
    held: bool = False,
) -> Made:
    """Write the rows of a side; where a number of shards is asked for, first to files of the run."""
    workspace, layout = execution.workspace, layout_of(options)
    within = f"{HOLDOUT}/" if held else ""
    final = Into(f"{within}{DATA}", within, layout)
    into = final if shards is None else Into(f"{WORK}/{'held' if held else 'packs'}", within, layout)
    partition_by = execution.partition_by
    write = WriteShard(workspace, work, into, partition_by if shards is None else None)
    records = execution.each(HOLDOUT if held else "write", given, write)
    outcome, counts = Outcome.of(records), [one.counts for one in records]
    if shards is None:
        return outcome, counts
    # Of the holdout there is one shard, and more where it is large; training has as many as are asked for.
    final = replace(final, layout=replace(layout, whole=not held))
    found = [Shard(workspace.folder / file.name, file.rows, file.bytes, "token", ()) for file in outcome.shards]
    dealt = enumerate(gather.deal(found, shards))
    stretches = [Task(number, sum(one.shard.bytes for one in part), part) for number, part in dealt]
    gathering = WriteStretches(workspace, final, partition_by)
    gathered = Outcome.of(execution.each("gather held" if held else "gather", stretches, gathering))
    return replace(outcome, shards=gathered.shards), counts


def _with_notes(
    options: PackOptions,
    inputs: Sequence[Dataset],
    languages: LanguageIds | None,
    tags: LabelIds | None,
    made: Made,
    execution: Execution,
) -> Outcome:
    """The outcome of a side with its notes, and the numbers of languages and tags beside its rows."""
    outcome, counts = made
    folder = execution.workspace.folder
    beside = folder / HOLDOUT if outcome.shards[0].name.startswith(f"{HOLDOUT}/") else folder
    for numbers in (languages, tags):
        for name, content in numbers.files().items() if numbers else ():
            write_text(beside / name, content)
    rows = (batch for file in outcome.shards for batch in read_batches(folder / file.name))
    return replace(outcome, notes=notes.of_run(options, inputs, languages, tags, counts, rows))


def _named_within(outcome: Outcome) -> Outcome:
    """The outcome with the names of its files in the folder of the holdout."""

    def named(files: tuple[ShardFile, ...]) -> tuple[ShardFile, ...]:
        return tuple(replace(file, name=file.name.removeprefix(f"{HOLDOUT}/")) for file in files)

    return replace(
        outcome, shards=named(outcome.shards), decisions=named(outcome.decisions), rejects=named(outcome.rejects)
    )


def models(options: PackOptions) -> dict[str, str]:
    """Fingerprints of the tokenizer and of the numbers that are kept."""
    found = {"tokenizer": open_tokenizer(options.tokenizer).fingerprint}
    template = template_of(options)
    if template is not None:
        found["template"] = fingerprint(template.source)  # the tokenizer's own is no option
    if options.language_ids:
        for name in ("languages", "scripts"):
            found[name] = fingerprint_of_file(locate(options.language_ids, f"{name}.json"))
    if options.label_ids:
        found["labels"] = fingerprint_of_file(locate(options.label_ids, LABELS_FILE))
    if options.holdout is not None and options.holdout_share is None:
        found["holdout"] = holdout.check_documents(options.holdout).manifest.content_fingerprint
    return found


def check(options: PackOptions, inputs: Sequence[Dataset]) -> list[str]:
    """Compare the tokenizer with the objective, and the input with what is made of it."""
    tokenizer = open_tokenizer(options.tokenizer)
    input_check.check_tokenizer(options, tokenizer)
    input_check.check_files(options)
    for dataset in inputs:
        input_check.check_dataset(options, dataset)
    said = [remark for dataset in inputs for remark in input_check.remarks(options, tokenizer, dataset)]
    return [*said, *input_check.remarks_on_tokenizer(tokenizer)]


STEP = Step(
    name="pack",
    summary="Tokenise and pack documents to a context length, or make the token rows of a view.",
    order=100,
    speed=3.0,
    options=PackOptions,
    example="--tokenizer out/tokenizer.model",
    reads=KINDS,
    makes="token",
    models=models,
    check=check,
    run=run,
)
