"""Run a recipe pass by pass: skip what is done, go on with what was begun, and write each manifest last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import apache_beam as beam

import xlcorpus
from xlcorpus.beam.failures import storage_error
from xlcorpus.beam.phase import Execution
from xlcorpus.beam.read import ReadShards, shard_tasks
from xlcorpus.beam.runners import RunnerChoice
from xlcorpus.beam.step import Outcome, SourcePlan
from xlcorpus.beam.write import WriteShards
from xlcorpus.dataset import storage
from xlcorpus.dataset.by_file import losses_in, noted
from xlcorpus.dataset.card import card_of
from xlcorpus.dataset.dataset import Dataset, is_dataset, read_batches
from xlcorpus.dataset.features import features_of
from xlcorpus.dataset.kept import KeepOptions
from xlcorpus.dataset.layout import CARD, HELD_OUT, HOLDOUT, PLAIN
from xlcorpus.dataset.manifest import Manifest
from xlcorpus.dataset.partition import check_folders
from xlcorpus.dataset.schema import load_schema
from xlcorpus.dataset.several import Several, refuse_given_twice
from xlcorpus.dataset.shards import PlainFile, schema_of
from xlcorpus.dataset.storage import Location
from xlcorpus.dataset.tally import check_chain
from xlcorpus.dataset.workspace import RunState, Task, Workspace, check_apart
from xlcorpus.errors import UserError, nearest
from xlcorpus.mine.calls import Spent
from xlcorpus.recipe.accept import Acceptance
from xlcorpus.recipe.graph import Node, Pass, check_readable, passes_of
from xlcorpus.recipe.identity import Identity, held_out_of, identify_pass


@dataclass(frozen=True)
class Settings:
    """How to run: runner, seed, and what the user asked for.

    stale_is_error: do not replace a differing dataset; around: entered for each pass, by the names of its steps.
    """

    runner: RunnerChoice = field(default_factory=RunnerChoice)
    seed: int = 0
    resume: bool = False
    overwrite: bool = False
    stale_is_error: bool = True
    partition_by: str | None = None
    keep_text: bool = False
    max_error_rate: float = 0.1
    allow_damaged: bool = False
    quiet: bool = False
    say: Callable[[str], None] = print
    around: Callable[[str], AbstractContextManager[None]] = lambda _: nullcontext()

    @property
    def acceptance(self) -> Acceptance:
        """What may go wrong with the input."""
        return Acceptance(self.max_error_rate, self.allow_damaged)


@dataclass(frozen=True)
class Finished:
    """A pass that is done: its dataset, whether it was there before, and what a language model was asked for it."""

    work: Pass
    dataset: Dataset
    skipped: bool
    spent: Spent | None = None


def run_recipe(nodes: Sequence[Node], folder_of: Callable[[Node], Location], settings: Settings) -> list[Finished]:
    """Run all passes of the nodes in order; `folder_of` names each pass's output by its last node."""
    finished: dict[str, Finished] = {}
    refuse_early(nodes, folder_of)
    for work in passes_of(nodes):
        datasets = [
            finished[given.id].dataset if isinstance(given, Node) else Dataset.open(given) for given in work.inputs
        ]
        with settings.around(work.label):
            finished[work.id] = run_pass(work, datasets, folder_of(work.nodes[-1]), settings)
    return list(finished.values())


def refuse_early(nodes: Sequence[Node], folder_of: Callable[[Node], Location]) -> None:
    """Raise UserError for what later passes cannot do (no such tokenizer, say), before the first one runs.

    A step that names a file of the recipe's own output, which may be made by then, is left for later.
    """
    passes = passes_of(nodes)
    made = [folder_of(work.nodes[-1]) for work in passes]
    for node in (node for work in passes[1:] for node in work.nodes):
        given = [getattr(node.options, name) for name in node.options.files]
        named = [path for value in given if value for path in ([value] if isinstance(value, str) else value)]
        if not any(storage.is_inside(path, folder) for path in named for folder in made):
            node.step.check(node.options, ())


def prepare_source(work: Pass, folder: Location) -> SourcePlan | None:
    """Find the raw files of a pass that begins with a source step."""
    first = work.nodes[0]
    return first.step.prepare(first.options, first.files, folder) if first.step.prepare is not None else None


def remarks_on(work: Pass, several: Several) -> list[str]:
    """What the steps have to say, or to refuse (UserError), before anything runs."""
    remarks: list[str] = []
    datasets = several.datasets
    for dataset in datasets:
        check_readable(work.nodes[0], str(dataset.folder), dataset.manifest.schema_name)
    if work.unites:
        _check_alike(work, datasets)
        refuse_given_twice(datasets)
        remarks += several.remarks(work.label)
    for number, node in enumerate(work.nodes):
        remarks += node.step.check(node.options, datasets if number == 0 else ())
    return remarks


def _check_alike(work: Pass, datasets: Sequence[Dataset]) -> None:
    """Raise UserError for datasets of several kinds, which such a step reads, each by itself."""
    kinds = {dataset.manifest.schema_name: dataset.folder for dataset in datasets}
    if len(kinds) > 1:
        named = ", ".join(f"{folder} holds rows of the kind {kind!r}" for kind, folder in kinds.items())
        raise UserError(f"{work.label}: {named}", remedy="run it on those of each kind by themselves")


def identity_of(work: Pass, datasets: list[Dataset], source: SourcePlan | None, settings: Settings) -> Identity:
    """The pass's identity under these settings."""
    layout = {"partition_by": settings.partition_by, "keep_text": settings.keep_text}
    return identify_pass(work, datasets, source, settings.seed, layout)


def run_pass(work: Pass, datasets: list[Dataset], folder: Location, settings: Settings) -> Finished:
    """Make one dataset, or find it made. Raises UserError where the folder holds something else."""
    check_apart(folder, [dataset.folder for dataset in datasets])
    source = prepare_source(work, folder)
    _check_partition(settings.partition_by, work.schema, datasets, source)
    several = Several(tuple(datasets))
    for remark in [*(source.remarks if source else ()), *remarks_on(work, several)]:
        settings.say(remark)
    identity = identity_of(work, datasets, source, settings)
    given = [dataset.manifest.arrow_schema for dataset in datasets]
    features, differing = features_of([source.columns] if source is not None and source.columns is not None else given)
    for node in work.nodes:
        if isinstance(node.options, KeepOptions):
            features |= node.options.kept.renamed(features)
    workspace = Workspace(folder, features)
    if is_dataset(folder) and not settings.overwrite:
        manifest = Manifest.load(folder)
        if manifest.fingerprint == identity.fingerprint:
            settings.acceptance.check(work.label, folder, manifest.tallies, manifest.rejects, losses_in(manifest.notes))
            if workspace.is_begun():
                with workspace.lock():
                    workspace.clean_up(manifest.files())
            settings.say(f"{work.label}: {folder} is done already, with the same input and options")
            spent = Spent(**manifest.notes["spent"]) if "spent" in manifest.notes else None
            return Finished(work, Dataset.open(folder), skipped=True, spent=spent)
    try:
        with workspace.held():
            workspace.make_room(
                identity.fingerprint,
                resume=settings.resume,
                overwrite=settings.overwrite,
                keep_stale=settings.stale_is_error,
                say=settings.say,
            )
            for remark in differing:
                settings.say(remark)
            outcome = _make(work, several, source, workspace, identity, settings)
    except OSError as error:
        raise storage_error(error) from error
    return Finished(work, Dataset.open(folder), skipped=False, spent=outcome.spent)


def _make(
    work: Pass,
    several: Several,
    source: SourcePlan | None,
    workspace: Workspace,
    identity: Identity,
    settings: Settings,
) -> Outcome:
    workspace.begin(RunState(identity.fingerprint, tuple(step.step for step in identity.steps)))
    execution = Execution(
        workspace,
        settings.runner,
        work.label,
        settings.seed,
        settings.partition_by,
        settings.keep_text,
        settings.quiet,
        phases=work.nodes[0].form == "graph",
    )
    try:
        datasets = list(several.datasets)
        read = several.united(execution.scratch) if work.unites else datasets
        outcome = _outcome(work, read, source, execution)
        if source is not None:
            source.unchanged()
    except UserError as error:
        # Options refused before anything was written (a budget beyond the data, say): the corrected command starts
        # afresh. Other kinds of error (storage, runner, integrity) leave the run to be resumed.
        if type(error) is UserError and not workspace.holds_shards():
            workspace.remove()
        raise
    check_outcome(work, datasets, outcome)
    settings.acceptance.check(work.label, workspace.folder, outcome.tallies, outcome.rejects, outcome.losses)
    if outcome.holdout is not None:
        _finish(workspace.folder / HOLDOUT, work.schema, held_out_of(identity), outcome.holdout, settings)
    manifest = _finish(workspace.folder, work.schema, identity, outcome, settings)
    workspace.clean_up(manifest.files())
    return outcome


def _finish(folder: Location, schema: str, identity: Identity, outcome: Outcome, settings: Settings) -> Manifest:
    """Write card and, last, manifest: from now on the folder is a dataset."""
    manifest = _manifest(folder, schema, identity, _without_empty(outcome), settings)
    within = () if outcome.holdout is None else (PlainFile.of(folder, HELD_OUT),)
    storage.write_text(folder / CARD, card_of(replace(manifest, plain_files=within)))
    names = [name for name in PLAIN if storage.is_file(folder / name)]
    manifest = replace(manifest, plain_files=(*(PlainFile.of(folder, name) for name in names), *within))
    manifest.save(folder)
    return manifest


def _check_partition(column: str | None, schema: str, datasets: list[Dataset], source: SourcePlan | None) -> None:
    """A plain column of the input or of a schema of ours; a pass whose output lacks it stays unpartitioned."""
    if column is None:
        return
    fields = [field for name in ("document", "quality", schema) for field in load_schema(name).fields]
    fields += [field for dataset in datasets for field in dataset.manifest.arrow_schema]
    if source is not None and source.columns is not None:
        fields += source.columns
    known = {field.name: field.type for field in fields}
    if column not in known:
        raise UserError(
            f"--partition-by {column}: there is no such column; {nearest(column, known)}",
            remedy="name a column that the output has, such as lang",
        )
    check_folders(column, known[column])


def _outcome(work: Pass, datasets: list[Dataset], source: SourcePlan | None, execution: Execution) -> Outcome:
    first = work.nodes[0]
    if first.form == "graph" and first.step.run is not None:
        return first.step.run(first.options, datasets, execution)
    tasks = source.tasks if source is not None else shard_tasks(datasets)

    def graph(tasks: beam.PCollection[Task[Any]]) -> Any:
        read = ReadShards()
        if source is not None and first.step.read is not None:
            read = first.step.read(first.options, source, execution)
        batches = tasks | f"Read {first.id}" >> read
        for node in work.nodes:
            if node.step.map is not None:
                given = replace(execution, reads=node.given[0] if node.given else "")
                batches = batches | node.id >> node.step.map(node.options, given)
        return batches | "Write" >> WriteShards(execution.workspace, execution.partition_by, source is not None)

    outcome = Outcome.of(execution.write(tasks, graph))
    return replace(outcome, notes=_notes(work, outcome, execution))


def _without_empty(outcome: Outcome) -> Outcome:
    """An empty shard is for a dataset without rows: beside those of partitions, readers trip over one without any."""
    full = tuple(shard for shard in outcome.shards if shard.rows)
    return replace(outcome, shards=full or outcome.shards[:1])


def _notes(work: Pass, outcome: Outcome, execution: Execution) -> dict[str, Any]:
    """What the map steps of a pass have to note, once it is written; of two tables both stay."""
    notes: dict[str, Any] = {}
    tallies = {tally.step: tally for tally in outcome.tallies}
    paths = [execution.workspace.folder / shard.name for shard in outcome.shards]
    for step in dict.fromkeys(node.step for node in work.nodes):
        if step.notes is not None:
            noted = step.notes(tallies[step.name], (batch for path in paths for batch in read_batches(path)))
            notes |= {**noted, "table": [*notes.get("table", []), *noted.get("table", [])]}
    return {name: value for name, value in notes.items() if value != []}


def check_outcome(work: Pass, datasets: list[Dataset], outcome: Outcome) -> None:
    """Every row accounted for, from the input's manifest to the shards on disk; raises ConservationError."""
    check_chain(
        outcome.tallies,
        rows_in=sum(dataset.manifest.rows for dataset in datasets) if datasets else None,
        rows_out=sum(shard.rows for shard in outcome.shards),
        removed=sum(shard.rows for shard in outcome.decisions),
        rejected=sum(shard.rows for shard in outcome.rejects),
        where=work.label,
    )
    if outcome.holdout is not None:
        # What went in is what the rows have decisions for: they are the step's own.
        check_outcome(work, [], outcome.holdout)


def _manifest(folder: Location, schema: str, identity: Identity, outcome: Outcome, settings: Settings) -> Manifest:
    return Manifest(
        schema=load_schema(schema).label,
        arrow_schema=schema_of([folder / shard.name for shard in outcome.shards]),
        steps=identity.steps,
        inputs=identity.inputs,
        fingerprint=identity.fingerprint,
        code_version=xlcorpus.__version__,
        seed=settings.seed,
        shards=outcome.shards,
        decisions=outcome.decisions,
        rejects=outcome.rejects,
        tallies=outcome.tallies,
        notes={**outcome.notes, **noted(outcome.losses)},
    )
