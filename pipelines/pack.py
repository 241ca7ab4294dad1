"""pack: token shards for training: documents packed to a context length, or the rows of a view, tokenised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from xlcorpus.beam.phase import Execution, RunTasks
from xlcorpus.beam.read import shard_tasks
from xlcorpus.beam.step import GraphStep, Outcome, StepOptions
from xlcorpus.beam.workspace import Task, Workspace
from xlcorpus.beam.write import TaskWriter, record_of
from xlcorpus.dataset.dataset import Dataset, read_batches
from xlcorpus.dataset.decisions import DECISION, empty
from xlcorpus.dataset.layout import DECISIONS
from xlcorpus.dataset.storage import fingerprint_of_file, write_text
from xlcorpus.dataset.tally import Tally
from xlcorpus.errors import UserError
from xlcorpus.pack import shards, summary
from xlcorpus.pack.byte_view import plan_bytes, read_budgets
from xlcorpus.pack.counts import PackCounts
from xlcorpus.pack.languages import LanguageIds, load_ids
from xlcorpus.pack.request import READS, check_input, check_unused
from xlcorpus.pack.settings import PackSettings
from xlcorpus.pack.views import VIEWS, ViewCounts, ViewSettings
from xlcorpus.tokenizer.open import open_tokenizer

_PACKS_ONLY = ("strategy", "objective", "bos", "eos", "min_tokens", "pure", "byte_budget", "cut")


class Options(StepOptions):
    """Options of pack."""

    files: ClassVar[tuple[str, ...]] = ("tokenizer", "language_ids")
    tokenizer: str = Field(description="SentencePiece .model, tokenizer.json or its folder, or the word bytes")
    length: int = Field(2048, description="context length: most tokens of a pack, or of a side of a view")
    strategy: Literal["best-fit", "concatenate", "one"] = Field(
        "best-fit", description="whole documents best-fit, one after the other cut at the length, or one a row"
    )
    objective: Literal["clm", "mlm", "span", "plain"] = Field(
        "clm", description="what special ids it puts around texts"
    )
    long: Literal["split", "refuse", "truncate"] | None = Field(
        None, description="documents longer than a pack: split (default) or refuse; views: truncate (default) or refuse"
    )
    bos: bool | None = Field(None, description="bos before each document; default: as the objective has it")
    eos: bool | None = Field(None, description="eos after each document; default: as the objective has it")
    min_tokens: int = Field(1, ge=1, description="documents with fewer tokens are left out")
    pure: bool = Field(False, description="packs of one language and script each, numbered (LangSAMP, X-MOD)")
    language_ids: str | None = Field(None, description="a packed dataset whose numbers of languages are kept")
    byte_budget: str | None = Field(None, description="bytes of each language: 10M, or eng_Latn=10M,khm_Khmr=5M")
    cut: Literal["byte", "character"] = Field("byte", description="where the last document of a byte budget is cut")
    view: Literal["translico", "restore", "bitext", "tlm", "triples"] | None = Field(
        None, description="rows of pairs or triples instead of packs"
    )

    @property
    def numbered(self) -> bool:
        """Whether rows have numbers of languages."""
        return self.pure or self.view is not None

    def packs(self) -> PackSettings:
        """Settings of packs; raises UserError for what cannot be."""
        if self.long == "truncate":
            raise UserError("--long truncate is for views", remedy="use split or refuse")
        if self.byte_budget is None:
            self._refuse(("cut",), "packs without a byte budget", "leave it out, or give --byte-budget")
        if not self.pure:
            self._refuse(("language_ids",), "packs of mixed languages", "leave it out, or give --pure")
        strategy, long = self.strategy.replace("-", "_"), self.long or "split"
        return PackSettings(self.length, strategy, self.objective, long, self.bos, self.eos, self.min_tokens)

    def rows(self) -> ViewSettings:
        """Settings of the view; raises UserError for what cannot be."""
        assert self.view is not None
        self._refuse(_PACKS_ONLY, "views", "leave it out, or leave out --view")
        if self.long == "split":
            raise UserError("--long split is for packs", remedy="use truncate or refuse")
        return ViewSettings(self.view, self.length, self.long or "truncate")

    def _refuse(self, names: Sequence[str], where: str, remedy: str) -> None:
        fields = type(self).model_fields
        check_unused(
            {name: getattr(self, name) for name in names}, {name: fields[name].default for name in names}, where, remedy
        )

    def count(self) -> shards.CountShard | None:
        """What has to be counted before the work, if anything."""
        if not self.numbered and self.byte_budget is None:
            return None
        view = VIEWS[self.view] if self.view else None
        labels = tuple(view.labels) if view else ("lang",) if self.pure else ()
        return shards.CountShard(self.byte_budget is not None, labels, view.script if view else self.pure)


@dataclass(frozen=True)
class WriteShard:
    """One input shard as a task: rows, decisions, counts."""

    workspace: Workspace
    work: shards.PackDocuments | shards.PackView
    partition_by: str | None = None

    def __call__(self, number: int, content: Mapping[str, Any]) -> dict[str, Any]:
        """The record holds the files and `counts`; fewer rows than documents are merged, more are repeated."""
        writer, tally = TaskWriter(self.workspace, number, self.partition_by), Tally("pack")
        counts: Any = ViewCounts() if isinstance(self.work, shards.PackView) else PackCounts()
        for made in self.work.run(number, content, counts):
            tally.rows_in += made.rows_in
            for rows in made.rows:
                writer.write_documents(rows)
                tally.count_output(rows)
            for rows in made.decisions:
                tally.count_decisions(rows)
                if rows.num_rows:
                    writer.write_log(DECISIONS, rows, DECISION)
        if not tally.rows_out:
            writer.write_documents(empty(self.work.schema))
        if isinstance(counts, PackCounts):  # as the packer counted them, so that the tally's check can fail
            tally.merged, tally.repeated = counts.merged, counts.repeated
        tally.check(f"task {number}")
        return record_of(*writer.close_files(), [tally]) | {"counts": counts.to_json()}


def run(options: Options, inputs: Sequence[Dataset], execution: Execution) -> Outcome:
    """Count what numbers and budgets need; tokenise and pack, or make the view, each shard by itself."""
    workspace, tasks = execution.workspace, shard_tasks(inputs)
    counted = _count(options, tasks, execution)
    languages = None
    if options.numbered:
        base = load_ids(Path(options.language_ids)) if options.language_ids else None
        languages = shards.number_languages(counted, base)
    work: shards.PackDocuments | shards.PackView
    if options.view:
        work = shards.PackView(options.tokenizer, options.rows(), languages, execution.keep_text)
    else:
        budgets = _budgets(options, counted)
        work = shards.PackDocuments(
            options.tokenizer, options.packs(), languages, budgets, options.cut, execution.keep_text
        )
    write = WriteShard(workspace, work, execution.partition_by)
    records = execution.run_tasks("write", "pack", tasks, lambda p: p | "Pack" >> RunTasks(workspace, "write", write))
    for name, content in languages.files().items() if languages else ():
        write_text(workspace.folder / name, content)
    outcome = Outcome.of(records)
    return replace(outcome, notes=_notes(options, inputs, languages, records, workspace, outcome))


def _count(options: Options, tasks: Sequence[Task], execution: Execution) -> list[dict[str, Any]]:
    count = options.count()
    if count is None:
        return []
    counting = RunTasks(execution.workspace, "count", count)
    return execution.run_tasks("count", "pack: count", tasks, lambda p: p | "Count" >> counting)


def _budgets(options: Options, counted: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, int], ...] | None:
    if options.byte_budget is None:
        return None
    available = [record["bytes"] for record in counted]
    return tuple(plan_bytes(available, read_budgets(options.byte_budget, available)))


def _notes(
    options: Options,
    inputs: Sequence[Dataset],
    languages: LanguageIds | None,
    records: Sequence[Mapping[str, Any]],
    workspace: Workspace,
    outcome: Outcome,
) -> dict[str, Any]:
    tokenizer = open_tokenizer(options.tokenizer)
    numbers = {"languages": dict(languages.languages), "scripts": dict(languages.scripts)} if languages else {}
    counts = [record["counts"] for record in records]
    made = (batch for file in outcome.shards for batch in read_batches(workspace.folder / file.name))
    if options.view:
        found = summary.view_notes(tokenizer, counts, made, options.rows())
    else:
        texts = (
            batch
            for dataset in inputs
            for batch in dataset.batches(summary.text_columns(dataset.manifest.arrow_schema.names))
        )
        found = summary.pack_notes(tokenizer, counts, made, texts, options.length)
    return {"tokenizer": summary.tokenizer_facts(tokenizer), **numbers, **found}


def models(options: Options) -> dict[str, str]:
    """Fingerprints of the tokenizer and of the numbers that are kept."""
    found = {"tokenizer": open_tokenizer(options.tokenizer).fingerprint}
    if options.language_ids:
        for name in ("languages", "scripts"):
            found[name] = fingerprint_of_file(Path(options.language_ids) / f"{name}.json")
    return found


def check(options: Options, inputs: Sequence[Dataset]) -> list[str]:
    """Compare the tokenizer with the objective, and the input with what is made of it."""
    tokenizer = open_tokenizer(options.tokenizer)
    settings = options.rows() if options.view else options.packs()
    settings.check(tokenizer, options.tokenizer)
    if options.byte_budget is not None:
        if tokenizer.kind != "bytes":
            raise UserError("--byte-budget counts bytes, and so must the tokenizer", remedy="use --tokenizer bytes")
        read_budgets(options.byte_budget, [])
    if options.language_ids:
        load_ids(Path(options.language_ids))
    by_language = "--byte-budget" if options.byte_budget is not None else "--pure" if options.pure else None
    for dataset in inputs:
        kind = dataset.manifest.schema.rpartition("-")[0]
        check_input(dataset.folder, kind, dataset.manifest.arrow_schema.names, options.view, by_language)
    return []


STEP = GraphStep(
    name="pack",
    summary="Tokenise and pack documents to a context length, or make the token rows of a view.",
    options=Options,
    run=run,
    check=check,
    models=models,
    reads=tuple(dict.fromkeys(READS.values())),
    schema="token",
)
