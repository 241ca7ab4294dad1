"""mix: draw texts by rules over source, kind, language, domain; any prefix of the shards holds the ratios."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import apache_beam as beam
import pyarrow as pa
from pydantic import Field, field_validator, model_validator

from xlcorpus.beam.exchange import ExchangeShards
from xlcorpus.beam.failures import Carried, carrying
from xlcorpus.beam.phase import Execution, RunTasks
from xlcorpus.beam.read import shard_tasks
from xlcorpus.beam.step import CODESWITCH, DOCUMENT, PAIR, GraphStep, Outcome, StepOptions
from xlcorpus.beam.workspace import Task, Workspace
from xlcorpus.beam.write import TaskWriter, record_of
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.decisions import DECISION
from xlcorpus.dataset.layout import DECISIONS
from xlcorpus.dataset.manifest import Manifest
from xlcorpus.dataset.tally import Tally
from xlcorpus.errors import UserError
from xlcorpus.mix import passes
from xlcorpus.mix.allocate import MixPlan, plan_mix
from xlcorpus.mix.count import Counting, CountShard, cells_of, key_of
from xlcorpus.mix.match import references
from xlcorpus.mix.ratios import check_ratios, parse_ratios
from xlcorpus.mix.request import Request, achieved_totals, check_names, needs, spec_of
from xlcorpus.mix.rows import TEMPLATE, check_template
from xlcorpus.mix.shipped import mix_fingerprint
from xlcorpus.mix.spec import MixSpec
from xlcorpus.mix.summary import notes_of
from xlcorpus.mix.units import meaning_of
from xlcorpus.text.sizes import parse_size
from xlcorpus.tokenizer.open import open_tokenizer

TARGET_BYTES = 64 << 20  # of text in an output shard: what one worker sorts in memory


class Options(StepOptions):
    """Options of mix."""

    files: ClassVar[tuple[str, ...]] = ("tokenizer", "mix", "match_tokens_to")
    ratios: dict[str, float] | None = Field(
        None, description="shares of the mixture by language, kind or source: eng_Latn=0.3,code=0.7"
    )
    rule: str | None = Field(None, description="a rule instead: unimax, temperature=1.5, exponent=0.3, uniform, ...")
    by: Literal["source", "kind", "lang", "script", "domain"] | None = Field(
        None, description="what the rule shares out among; default: lang"
    )
    on_cap: Literal["fail", "redistribute"] | None = Field(
        None, description="what the rule does where data is short: fail, or give the others more"
    )
    mix: str | None = Field(None, description="a file with a tree of rules, or a shipped mix (docs/mix.md)")
    match_tokens_to: str | None = Field(None, description="a finished mix whose units of each language to match")
    budget: int | Literal["largest"] | None = Field(
        None, description="size of the mixture, e.g. 2M, or largest; default: what the mix says, or the largest"
    )
    unit: Literal["tokens", "bytes", "chars", "docs"] | None = Field(
        None, description="what ratios and budget are counted in; default: tokens"
    )
    tokenizer: str | None = Field(
        None, description="tokenizer that will train, to count tokens with; default: an estimate, pre-tokens"
    )
    max_epochs: float | None = Field(None, gt=0, description="how often a text may be used; default: 1")
    template: str = Field(TEMPLATE, description="how a sentence pair becomes a text")
    latin: bool = Field(False, description="offer the romanised texts of documents too, as the kind translit")
    shards: int | None = Field(None, ge=1, description="number of output shards; default: one for each 64 MB of text")
    exchange: Literal["files", "runner"] = Field(
        "files", description="how texts move: through spill files, or through the runner's shuffle"
    )

    @field_validator("ratios", mode="before")
    @classmethod
    def _read_ratios(cls, value: Any) -> Any:
        return parse_ratios(value) if isinstance(value, str) else value

    @field_validator("ratios")
    @classmethod
    def _check_ratios(cls, value: dict[str, float] | None) -> dict[str, float] | None:
        return value if value is None else check_ratios(value)

    @field_validator("budget", mode="before")
    @classmethod
    def _read_budget(cls, value: Any) -> Any:
        return value if value is None or value == "largest" else parse_size(value, "--budget")

    @field_validator("template")
    @classmethod
    def _check_template(cls, value: str) -> str:
        return check_template(value)

    @model_validator(mode="after")
    def _check_request(self) -> Options:
        request = self.request()
        fixed = request.fixed() if request.rule is not None or self.tokenizer is not None else None
        if self.tokenizer is not None and self.unit_of(fixed) != "tokens":
            raise UserError(
                f"--tokenizer counts tokens, and this mix counts {self.unit_of(fixed)}",
                remedy="leave it out, or say --unit tokens",
            )
        return self

    def request(self) -> Request:
        """What is asked for; raises UserError where that is nothing, or two things."""
        return Request(self.ratios, self.rule, self.by, self.on_cap, self.mix, self.match_tokens_to, self.unit)

    def unit_of(self, spec: MixSpec | None) -> str:
        """The unit of the mix."""
        return self.unit or (spec.unit if spec is not None else "tokens")


@dataclass
class Choose(beam.PTransform):  # type: ignore[misc]
    """PCollection[Task] with counts -> the uses of each shard's texts, written beside it."""

    folder: Path
    plan: MixPlan
    seed: int

    def expand(self, tasks: beam.PCollection[Task]) -> beam.PCollection[int]:
        """By cell to choose, by shard to write; ids and counts are shuffled, never text."""
        pack = passes.PackCounts(self.folder, tuple(key_of(item.cell) for item in self.plan.cells))
        choose = passes.ChooseCell(self.plan.cells, self.seed)
        batches = tuple[int, pa.RecordBatch]
        return (
            tasks
            | "Pack" >> beam.FlatMap(Carried(lambda task: pack(task.number))).with_output_types(batches)
            | "ByCell" >> beam.GroupByKey()
            | "Choose" >> beam.FlatMap(Carried(choose)).with_output_types(batches)
            | "ByShard" >> beam.GroupByKey()
            | "Write" >> beam.ParDo(_WriteUses(passes.WriteUses(self.folder)))
        )


class _WriteUses(beam.DoFn):  # type: ignore[misc]
    def __init__(self, write: passes.WriteUses) -> None:
        self._write = write

    def process(self, group: tuple[int, Iterable[pa.RecordBatch]]) -> Iterator[int]:
        with carrying():
            self._write(*group)
        yield group[0]


@dataclass(frozen=True)
class ScatterShard:
    """Pass 3 on one input shard: decisions to the dataset, texts to whoever moves them."""

    workspace: Workspace
    scatter: passes.Scatter

    def __call__(self, number: int, content: Mapping[str, Any]) -> tuple[dict[str, Any], Mapping[int, pa.RecordBatch]]:
        """The record (decisions, rows in, uses beyond the first) and texts by output shard."""
        scattered, texts = self.scatter(number, Path(content["path"]), content["schema"])
        return self._record(number, scattered), texts

    def spill(self, number: int, content: Mapping[str, Any]) -> dict[str, Any]:
        """The record alone; the texts are in spill files."""
        return self._record(number, self.scatter.spill(number, Path(content["path"]), content["schema"]))

    def _record(self, number: int, scattered: passes.Scattered) -> dict[str, Any]:
        tally = Tally("mix", rows_in=scattered.rows, repeated=scattered.uses - scattered.used)
        writer = TaskWriter(self.workspace, number)
        for rows in scattered.decisions:
            tally.count_decisions(rows)
            writer.write_log(DECISIONS, rows, DECISION)
        return record_of(*writer.close_files(), [tally])


@dataclass(frozen=True)
class GatherShard:
    """Pass 4 on one output shard."""

    workspace: Workspace
    folder: Path
    schema: pa.Schema
    partition_by: str | None

    def __call__(self, number: int, parts: Sequence[pa.RecordBatch]) -> dict[str, Any]:
        """The record holds the shard, rows out by language, and units and texts by cell."""
        gathered = passes.gather(parts, self.schema)
        writer = TaskWriter(self.workspace, number, self.partition_by)
        writer.write_documents(gathered.documents)
        tally = Tally("mix")
        tally.count_output(gathered.documents)
        return record_of(*writer.close_files(), [tally]) | {"cells": gathered.cells}

    def spilled(self, number: int, content: Mapping[str, Any]) -> dict[str, Any]:
        """The record, of texts in spill files."""
        return self(number, passes.read_spills(self.folder, number))


def count(
    options: Options, inputs: Sequence[Dataset], execution: Execution
) -> tuple[list[Task], MixSpec, MixPlan, list[Task]]:
    """Count what there is, and plan: a task an input shard, the spec, the plan, a task an output shard."""
    request = options.request()
    fixed = request.fixed()
    unit = options.unit_of(fixed)
    domain, dup_size = needs(fixed)
    counting = Counting(unit, options.tokenizer, options.template, options.latin, domain, dup_size)
    tasks = shard_tasks(inputs)
    work = CountShard(execution.workspace.scratch("mix"), counting)
    records = execution.run_tasks(
        "count", "mix: count", tasks, lambda p: p | "Count" >> RunTasks(execution.workspace, "count", work)
    )
    cells = cells_of(records)
    spec = spec_of(request, cells, achieved_totals(fixed, meaning_of(unit, options.tokenizer)))
    plan = plan_mix(cells, spec, options.budget, options.max_epochs)
    text_bytes = sum(item.budget / max(item.cell.units, 1) * item.cell.text_bytes for item in plan.cells)
    targets = options.shards or max(1, math.ceil(text_bytes / TARGET_BYTES))
    return tasks, spec, plan, [Task(number, math.ceil(text_bytes / targets)) for number in range(targets)]


def run(options: Options, inputs: Sequence[Dataset], execution: Execution) -> Outcome:
    """Count, choose, scatter, gather."""
    workspace, folder = execution.workspace, execution.workspace.scratch("mix")
    tasks, spec, plan, targets = count(options, inputs, execution)
    choose = Choose(folder, plan, execution.seed)
    execution.run_once("choose", "mix: choose", tasks, lambda p: p | "Choose" >> choose)

    schema = passes.unite_schemas([_columns_of(dataset) for dataset in inputs])
    scatter = ScatterShard(
        workspace,
        passes.Scatter(folder, schema, plan.cells, len(targets), options.template, execution.keep_text),
    )
    gather = GatherShard(workspace, folder, schema, execution.partition_by)
    if options.exchange == "runner":
        exchange = ExchangeShards(workspace, "scatter", scatter, "gather", gather)
        execution.run_once("exchange", "mix: exchange", tasks, lambda p: p | "Exchange" >> exchange)
    scattered = execution.run_tasks(
        "scatter", "mix: scatter", tasks, lambda p: p | "Scatter" >> RunTasks(workspace, "scatter", scatter.spill)
    )
    gathered = execution.run_tasks(
        "gather", "mix: gather", targets, lambda p: p | "Gather" >> RunTasks(workspace, "gather", gather.spilled)
    )
    names = [item.name for item in plan.cells]
    achieved = passes.add_sums(names, [record["cells"] for record in gathered])
    return Outcome.of([*scattered, *gathered], notes_of(plan, spec, achieved, meaning_of(plan.unit, options.tokenizer)))


def _columns_of(dataset: Dataset) -> tuple[str, str, pa.Schema]:
    manifest = dataset.manifest
    return str(dataset.folder), manifest.schema.rpartition("-")[0], manifest.arrow_schema


def models(options: Options) -> dict[str, str]:
    """Fingerprints of the tokenizer, the file of the mix, and the mix that is matched."""
    found = {}
    if options.tokenizer:
        found["tokenizer"] = open_tokenizer(options.tokenizer).fingerprint
    if options.mix:
        found["mix"] = mix_fingerprint(options.mix)
    fixed = options.request().fixed()
    for mix in dict.fromkeys(mix for mix, _ in references(fixed)) if fixed is not None else ():
        name, content = f"match {Path(mix).name}", Manifest.load(Path(mix)).content_fingerprint
        found[name] = f"{found[name]} {content}" if name in found else content  # folders of one name, elsewhere
    return found


def check(options: Options, inputs: Sequence[Dataset]) -> list[str]:
    """Look at names and columns before anything runs."""
    contents = [dataset.manifest.content_fingerprint for dataset in inputs]
    for number, dataset in enumerate(inputs):
        if contents[number] in contents[:number]:
            raise UserError(
                f"{dataset.folder} is given twice (or a copy of it): its documents would count twice",
                remedy="name it once; --max-epochs repeats documents",
            )
    request = options.request()
    fixed = request.fixed()
    counters: dict[str, Counter[str]] = {"languages": Counter(), "sources": Counter()}
    for dataset in inputs:
        for name, counter in counters.items():
            counter.update(getattr(dataset.manifest, name))
    check_names(request, counters["languages"], counters["sources"], _kinds_in(inputs) if request.ratios else ())
    if options.latin and not any("text_latn" in dataset.manifest.arrow_schema.names for dataset in inputs):
        raise UserError("--latin: no input has romanised texts", remedy="run `xlcorpus romanize` before mixing")
    achieved_totals(fixed, meaning_of(options.unit_of(fixed), options.tokenizer))
    passes.unite_schemas([_columns_of(dataset) for dataset in inputs])
    related = ", ".join(fixed.related[:10]) if fixed is not None else ""
    return [f"mix: evaluate on these related languages too: {related}"] if related else []


def _kinds_in(inputs: Sequence[Dataset]) -> set[str]:
    """What the columns `kind` say: one small column is read, where there is one."""
    found: set[str] = set()
    for dataset in inputs:
        if "kind" in dataset.manifest.arrow_schema.names:
            for batch in dataset.batches(["kind"]):
                found.update(map(str, filter(None, batch.column("kind").unique().to_pylist())))
    return found


STEP = GraphStep(
    name="mix",
    summary="Mix datasets by rules over language, kind and source, to a budget; any prefix holds the ratios.",
    options=Options,
    run=run,
    check=check,
    many=True,
    models=models,
    reads=(DOCUMENT, PAIR, CODESWITCH),
)
