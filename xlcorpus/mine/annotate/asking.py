"""What a language model says of rows: prompts out of columns, answers into columns. No row is lost on the way."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.beside import read_beside, write_beside
from xlcorpus.dataset.columns import one_batch, put_columns
from xlcorpus.dataset.dataset import Dataset, Shard, read_batches, shard_fields
from xlcorpus.dataset.decisions import empty
from xlcorpus.dataset.kinds import DOCUMENT, PAIR
from xlcorpus.dataset.result import Counts, Result
from xlcorpus.dataset.schema import load_schema
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError
from xlcorpus.mine.annotate.answers import Unreadable
from xlcorpus.mine.annotate.options import FAULT, SCORE, AnnotateOptions
from xlcorpus.mine.backend import Answered
from xlcorpus.mine.costs import Cost, first_rows, rough_tokens
from xlcorpus.mine.fitting import Fitted
from xlcorpus.mine.questions import Questions
from xlcorpus.mine.translate import NO_ANSWER, REFUSED, TOO_LONG
from xlcorpus.templates.rendered import FAILED
from xlcorpus.templates.template import Template, parse
from xlcorpus.text.codepoints import byte_lengths

STEP_NAME = "annotate"
NOTHING = "nothing_to_read"  # a fault of prompts, as TOO_LONG, REFUSED and FAILED
ASKED, SAID, FAULTS = "annotated", "said", "faults"  # counts
_MOST_BYTES = (1 << 31) - 1  # of all prompts, which one column holds
_PROMPTS = pa.schema([("prompt", pa.string()), ("fault", pa.string())])
_ANSWERS = pa.schema([("text", pa.string()), ("score", pa.float64()), ("fault", pa.string())])


@dataclass(frozen=True)
class Rendered:
    """The prompts of a shard: how many, and their bytes."""

    prompts: int
    bytes: int


@dataclass(frozen=True)
class RenderPrompts:
    """The prompts of a shard, to `folder`/NUMBER.prompts."""

    folder: Location
    template: str

    def __call__(self, number: int, shard: Shard) -> Rendered:
        """How many there are."""
        template = parse(self.template)
        names = template.wanted(shard.columns)
        parts = [_PROMPTS.empty_table(), *(prompts_of(batch, template) for batch in read_batches(shard, names))]
        whole = one_batch(pa.concat_tables(parts))
        write_beside(self.folder / f"{number}.prompts", whole)
        return Rendered(len(whole) - whole.column("prompt").null_count, int(byte_lengths(whole.column("prompt")).sum()))


def prompts_of(batch: pa.RecordBatch, template: Template) -> pa.Table:
    """prompt, or fault: `nothing_to_read` where all columns are null or the prompt is blank, `template_failed`."""
    texts, faults = read_rows(batch, template)
    prompts = pc.utf8_rtrim_whitespace(texts)
    return pa.table([pc.if_else(faults.is_null(), prompts, pa.scalar(None, pa.string())), faults], schema=_PROMPTS)


def read_rows(batch: pa.RecordBatch, template: Template) -> tuple[pa.Array, pa.Array]:
    """string[rows], what the template makes of rows, and string[rows], why there is nothing to read (null: there
    is)."""
    made = template.render(batch)
    texts = made.texts().cast(pa.string())
    faults = np.full(batch.num_rows, None, dtype=object)
    faults[~template.fits(batch) | np.asarray(pc.equal(pc.utf8_trim_whitespace(texts), ""))] = NOTHING
    faults[[one.row for one in made.failed]] = FAILED
    return texts, pa.array(faults, pa.string())


def ask_rows(questions: Questions, options: AnnotateOptions, listed: Sequence[Rendered], folder: Location) -> None:
    """Ask all prompts of the shards, and leave what was said of each row in `folder`/NUMBER.answers: text, score (mean
    log-probability), or the fault of its prompt. Raises UserError where prompts are more than a column holds."""
    every = sum(one.bytes for one in listed)
    if every > _MOST_BYTES:
        raise UserError(
            f"all prompts together have {every:,} bytes; at most {_MOST_BYTES:,} are asked at once",
            remedy="annotate parts of the dataset, or shorten the text in --template: {{ text[:2000] }}",
        )
    batches = [read_beside(folder / f"{number}.prompts") for number in range(len(listed))]
    prompts = [one for batch in batches for one in batch.column("prompt").to_pylist() if one is not None]
    fitted = fit(questions, options, prompts)
    said = iter(questions.ask("ask", [one for one in fitted.prompts if one is not None], options.decoding))
    answered = (None if prompt is None else next(said) for prompt in fitted.prompts)
    for number, batch in enumerate(batches):
        rows = [_told(fault) if fault else _answer(next(answered)) for fault in batch.column("fault").to_pylist()]
        write_beside(folder / f"{number}.answers", pa.RecordBatch.from_pylist(rows, schema=_ANSWERS))


def fit(questions: Questions, options: AnnotateOptions, prompts: Sequence[str]) -> Fitted:
    """The prompts, None for those that the model cannot read with an answer."""
    none: list[tuple[str, ...]] = [()] * len(prompts)
    return questions.fit(none, lambda number, _: prompts[number], options.decoding)


def _answer(answered: Answered | None) -> dict[str, Any]:
    if answered is None:
        return _told(TOO_LONG)
    if not answered.answers:
        return _told(REFUSED if answered.refused else NO_ANSWER)
    return {"text": answered.answers[0].text, "score": answered.answers[0].score, "fault": None}


def _told(fault: str) -> dict[str, Any]:
    return {"text": None, "score": None, "fault": fault}


def annotated(batch: pa.RecordBatch, answers: pa.RecordBatch, options: AnnotateOptions) -> Result:
    """Rows with the columns of `Form.values`, COLUMN_score (float32, exp of the mean log-probability of the answer's
    tokens, null where nobody says it) and COLUMN_fault (null where the answer could be read).

    answers: text, score, fault, row by row. Counts: annotated, rows with a value and all; faults by name; said, by
    choice, or by whole number where the range is small. Raises UserError where a column is there already.
    """
    check_free(batch.schema, columns_of_answers(options), "the dataset")
    form, rows, faults = options.form, [], []
    for text, fault in zip(answers.column("text").to_pylist(), answers.column("fault").to_pylist(), strict=True):
        values: dict[str, Any] = {}
        if fault is None:
            try:
                values = form.read(text)
            except Unreadable as error:
                fault = str(error)
        rows.append(values)
        faults.append(fault)
    made = {field.name: pa.array([row.get(field.name) for row in rows], field.type) for field in form.values}
    scores = [
        None if fault or score is None else math.exp(score)
        for fault, score in zip(faults, answers.column("score").to_pylist(), strict=True)
    ]
    made[f"{options.column}_{SCORE}"] = pa.array(scores, pa.float32())
    made[f"{options.column}_{FAULT}"] = pa.array(faults, pa.string())
    bad = Counter(fault for fault in faults if fault)
    counts: Counts = {ASKED: {"rows": len(rows), "with_value": len(rows) - bad.total()}, FAULTS: dict(bad)}
    return Result(put_columns(batch, made), counts=counts | {SAID: _said(made[options.column], options)})


def _said(column: pa.Array, options: AnnotateOptions) -> dict[str, int]:
    values = column.drop_null().to_pylist()
    if options.parse == "number" and options.counts_numbers:
        return dict(Counter(f"{math.floor(value)}" for value in values))
    return dict(Counter(values)) if options.parse == "choice" else {}


def annotated_shard(shard: Shard, folder: Location, number: int, options: AnnotateOptions) -> Iterator[Result]:
    """The rows of a shard with what `ask_rows` left of them."""
    answers = read_beside(folder / f"{number}.answers")
    start = 0
    for batch in read_batches(shard):
        here = annotated(batch, answers.slice(start, batch.num_rows), options)
        yield Result(here.rows, counts=here.counts, rows_in=batch.num_rows)
        start += batch.num_rows
    if not start:
        yield Result(annotated(empty(shard_fields(shard)), answers, options).rows, rows_in=0)


def check_free(schema: pa.Schema, made: pa.Schema, where: str) -> None:
    """Raise UserError where a column that is made is there already, or is one of ours with another type."""
    ours = {field.name: field.type for name in (DOCUMENT, PAIR) for field in load_schema(name).fields}
    for field in made:
        if field.name in schema.names:
            raise UserError(
                f"there is a column {field.name!r} in {where} already", remedy="name another one: --column NAME"
            )
        if field.name in ours and ours[field.name] != field.type:
            raise UserError(
                f"{field.name} is a name of xlcorpus' own, of a column {ours[field.name]}; this one is {field.type}",
                remedy="name another one: --column NAME",
            )


def columns_of_answers(options: AnnotateOptions) -> pa.Schema:
    """What `annotated` adds."""
    ends = ((SCORE, pa.float32()), (FAULT, pa.string()))
    return pa.schema([*options.form.values, *(pa.field(f"{options.column}_{end}", kind) for end, kind in ends)])


def check_template(source: str, schema: pa.Schema | None, where: str) -> None:
    """Raise UserError where a template cannot be read, names special tokens, or columns that there are not."""
    template = parse(source)
    if template.names_specials:
        raise UserError("--template names special tokens; what a model is asked is text", remedy="leave them out")
    if schema is not None:
        template.check(schema, where)


def cost_of(options: AnnotateOptions, inputs: Sequence[Dataset]) -> Cost:
    """About what asking takes, by the prompts of the first rows of each dataset."""
    if options.template is None:
        return Cost(0, 0, 0)
    template, calls, into = parse(options.template), 0, 0.0
    for dataset in inputs:
        looked, tokens = 0, 0.0
        for batch in first_rows(dataset, template.wanted):
            prompts = prompts_of(batch, template)["prompt"].combine_chunks().drop_null()
            tokens += float(rough_tokens(prompts).sum())
            looked += batch.num_rows
        calls += dataset.manifest.rows
        into += tokens * dataset.manifest.rows / max(looked, 1)
    short = 4 if options.parse in ("number", "choice") else options.new_tokens
    return Cost(calls, round(into), calls * min(short, options.new_tokens))


def notes_of(options: AnnotateOptions, counts: Mapping[str, Any]) -> dict[str, Any]:
    """What the manifest says: rows with a value and without, by fault; what was said, by choice."""
    rows, good = (counts.get(ASKED, {}).get(name, 0) for name in ("rows", "with_value"))
    faults = dict(sorted(counts.get(FAULTS, {}).items(), key=lambda item: (-item[1], item[0])))
    said = dict(sorted(counts.get(SAID, {}).items(), key=lambda item: _place(item[0], options)))
    lines = [f"{options.column}: {good:,} of {rows:,} rows have one"]
    lines += [f"{options.column}: {', '.join(f'{name} {count:,}' for name, count in said.items())}"] if said else []
    lines += [f"without, {name}: {count:,}" for name, count in faults.items()]
    return {
        "column": options.column, "rows": rows, "with_value": good, FAULTS: faults, SAID: said, "table": lines,
    }  # fmt: skip


def _place(name: str, options: AnnotateOptions) -> float:
    return float(name) if options.parse == "number" else options.choices.index(name)
