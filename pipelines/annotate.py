"""annotate: columns that a model says of rows; nothing is dropped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from xlcorpus.beam.map import MapBatches
from xlcorpus.beam.phase import Execution
from xlcorpus.beam.read import shard_tasks
from xlcorpus.beam.step import Outcome, Step, as_read
from xlcorpus.beam.write import write_results
from xlcorpus.dataset.dataset import Dataset, Shard
from xlcorpus.dataset.kinds import KINDS
from xlcorpus.dataset.record import Written
from xlcorpus.dataset.storage import Location
from xlcorpus.dataset.workspace import Workspace
from xlcorpus.errors import UserError
from xlcorpus.mine.annotate.asking import (
    STEP_NAME,
    RenderPrompts,
    annotated_shard,
    ask_rows,
    check_free,
    check_template,
    columns_of_answers,
    cost_of,
    notes_of,
)
from xlcorpus.mine.annotate.options import LLM, AnnotateOptions
from xlcorpus.mine.annotate.reading import ReadingKernel, check_reader, identity_of_reader, notes_of_reader
from xlcorpus.mine.costs import Cost
from xlcorpus.mine.questions import Questions, identity_of


@dataclass(frozen=True)
class WriteAnnotated:
    """`annotated_shard`."""

    workspace: Workspace
    folder: Location
    options: AnnotateOptions
    partition_by: str | None

    def __call__(self, number: int, shard: Shard) -> Written:
        """The record."""
        results = annotated_shard(shard, self.folder, number, self.options)
        return write_results(self.workspace, number, STEP_NAME, results, partition_by=self.partition_by)


def run(options: AnnotateOptions, inputs: Sequence[Dataset], execution: Execution) -> Outcome:
    """Make the prompts of each shard, ask them all, write shard by shard."""
    tasks, folder = shard_tasks(inputs), execution.scratch
    questions = Questions(execution.each, options, folder)
    listed = execution.each("prompts", tasks, RenderPrompts(folder, template_of(options)))
    ask_rows(questions, options, listed, folder)
    questions.keep(execution.workspace.folder)
    write = WriteAnnotated(execution.workspace, folder, options, execution.partition_by)
    made = Outcome.of(execution.each("write", tasks, write), spent=questions.spent)
    return replace(made, notes={**made.notes, **notes_of(options, made.tallies[0].counts)})


def template_of(options: AnnotateOptions) -> str:
    """The template of a prompt; raises UserError where there is none."""
    if options.template is None:
        raise UserError("annotate --llm needs a prompt", remedy="write --template 'Grade this text: {text}'")
    return options.template


def check(options: AnnotateOptions, inputs: Sequence[Dataset]) -> list[str]:
    """Look at the model's name, the template and the columns before anything is asked."""
    models(options)
    asked = options.model == LLM
    if not asked:
        check_reader(options, None, "")
    template = template_of(options) if asked else options.template
    if template is not None:
        check_template(template, None, "")
    for dataset in inputs:
        schema, where = dataset.manifest.arrow_schema, str(dataset.folder)
        if not asked:
            check_reader(options, schema, where)
        elif template is not None:
            check_template(template, schema, where)
            check_free(schema, columns_of_answers(options), where)
    return []


def models(options: AnnotateOptions) -> dict[str, str]:
    """Who is asked; raises UserError."""
    return {options.model: identity_of(options) if options.model == LLM else identity_of_reader(options)}


def costs(options: AnnotateOptions, inputs: Sequence[Dataset]) -> Cost | None:
    """Of a language model, where rows are known; others are not asked."""
    if options.model != LLM:
        return Cost()
    return cost_of(options, inputs) if inputs else None


STEP = Step(
    name=STEP_NAME,
    summary="Add columns that a model says of rows: grades, topics, tags, vectors; drops nothing.",
    order=35,
    speed=0.05,
    options=AnnotateOptions,
    example="--llm openai:MODEL --template 'Grade from 0 to 5: {text}' --column grade --parse number",
    reads=KINDS,
    makes=as_read,
    models=models,
    check=check,
    costs=costs,
    notes=lambda tally, rows: notes_of_reader(tally),
    map=lambda options, execution: MapBatches(ReadingKernel(options)),
    run=run,
    shuffles=lambda options: options.model == LLM,
)
