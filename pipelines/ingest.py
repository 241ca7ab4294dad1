"""ingest: raw files (JSONL, text, Parquet, WARC, WET) or source trees into documents, or files into sentence pairs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import apache_beam as beam
import pyarrow as pa
from pydantic import field_validator, model_validator

from xlcorpus.beam.element import ShardBatch
from xlcorpus.beam.failures import Carried
from xlcorpus.beam.phase import Execution
from xlcorpus.beam.read import number_elements
from xlcorpus.beam.step import SourcePlan, Step
from xlcorpus.code.licenses import parse_licenses
from xlcorpus.code.read import code_schema, read_code
from xlcorpus.code.trees import CodeFile, find_code
from xlcorpus.dataset import storage
from xlcorpus.dataset.decisions import empty
from xlcorpus.dataset.result import Result
from xlcorpus.dataset.storage import Location
from xlcorpus.dataset.tally import Tally
from xlcorpus.dataset.workspace import Task
from xlcorpus.errors import UserError
from xlcorpus.ingest import pictures
from xlcorpus.ingest.columns import output_schema
from xlcorpus.ingest.encoding_counts import notes_of
from xlcorpus.ingest.find import find_files, known_format
from xlcorpus.ingest.read import cut_files, read_ranges
from xlcorpus.raw.languages import wrong_language_lines
from xlcorpus.raw.options import ReadOptions
from xlcorpus.raw.prints import check_unchanged
from xlcorpus.raw.ranges import FILES_A_TASK, FileRange, group_parts, weight_of
from xlcorpus.text.language_names import check_language, check_meanings


class Options(ReadOptions):
    """Options of ingest."""

    @field_validator("lang", "src_lang", "tgt_lang")
    @classmethod
    def _check_language(cls, value: str | None) -> str | None:
        return None if value is None else check_language(value)

    @field_validator("lang_map")
    @classmethod
    def _check_lang_map(cls, value: str | None) -> str | None:
        if value is not None:
            check_meanings(value)
        return value

    @field_validator("licenses", mode="before")
    @classmethod
    def _check_licenses(cls, value: Any) -> Any:
        text = ",".join(map(str, value)) if isinstance(value, list | tuple) else value
        if isinstance(text, str):
            parse_licenses(text)
        return text

    @model_validator(mode="after")
    def _check_kind(self) -> Options:
        known_format(self)
        if self.kind == "pairs" and self.src_column == self.tgt_column:
            raise UserError(
                f"both sides of a pair would be the column {self.src_column!r}",
                remedy="name two columns with --src-column and --tgt-column",
            )
        return self


Parts = tuple[FileRange, ...] | tuple[CodeFile, ...]  # what a task reads


@dataclass(frozen=True)
class ReadTask:
    """`read_ranges`, of code `read_code`, on all that a task reads; at least one element."""

    options: ReadOptions
    schema: pa.Schema
    keep_text: bool

    def __call__(self, task: Task[Parts]) -> Iterator[ShardBatch]:
        """The records of a task as elements, numbered."""
        return number_elements(task.number, self._elements(task), self.schema)

    def _elements(self, task: Task[Parts]) -> Iterator[ShardBatch]:
        none = ShardBatch(task.number, 0, False, empty(self.schema))
        nothing = True  # the files may hold no record at all, and are counted all the same
        for result in self._read(task.content):
            tally = Tally("ingest", bytes_out=result.rows.nbytes)
            tally.count(result)
            tally.check(f"task {task.number}")
            nothing = False
            yield none.then(result, tally)
        if nothing:
            yield replace(none, tallies=(Tally("ingest"),))

    def _read(self, parts: Any) -> Iterator[Result]:
        if self.options.kind == "code":
            yield from read_code(parts, self.options, keep_text=self.keep_text)
        else:
            yield from read_ranges(parts, self.options, self.schema, keep_text=self.keep_text)


@dataclass
class Ingest(beam.PTransform):  # type: ignore[misc]
    """PTransform of `read_ranges`, of code `read_code`: PCollection[Task] -> PCollection[ShardBatch]."""

    options: ReadOptions
    schema: pa.Schema
    keep_text: bool = False

    def expand(self, tasks: beam.PCollection[Task[Parts]]) -> beam.PCollection[ShardBatch]:
        """One ParDo that fuses with what follows."""
        read = ReadTask(self.options, self.schema, self.keep_text)
        return tasks | beam.FlatMap(Carried(read)).with_output_types(ShardBatch)


def prepare(options: Options, inputs: Sequence[str], folder: Location) -> SourcePlan:
    """Find the files, cut them into tasks, and settle the columns."""
    for given in inputs:
        if storage.is_folder(storage.locate(given)) and storage.is_inside(folder, storage.locate(given)):
            raise UserError(
                f"the output {folder} lies inside the input folder {given}", remedy="choose an --output outside of it"
            )
    return _prepare_code(options, inputs) if options.kind == "code" else _prepare_files(options, inputs)


def _prepare_files(options: Options, inputs: Sequence[str]) -> SourcePlan:
    files = find_files(inputs, options)
    parts = cut_files(files, target_bytes=options.task_bytes)
    parts = parts or [()]  # files without a record still make a dataset
    return SourcePlan(
        tasks=[Task(number, weight_of(content), content) for number, content in enumerate(parts)],
        identity=lambda: {"files": [[f.name, f.source, f.format, *f.fingerprints] for f in files]},
        unchanged=lambda: check_unchanged(look for f in files for look in f.looks),
        bytes=sum(file.size for file in files),
        remarks=files.remarks.lines(),
        columns=output_schema(files, options),
    )


def _prepare_code(options: Options, inputs: Sequence[str]) -> SourcePlan:
    files = find_code(inputs, source=options.source)
    remarks = files.remarks.lines()
    if options.licenses != "any" and not any(file.license for file in files):
        remarks.append("no licence file was found: of these files only those whose head names a licence can be kept")
    parts = group_parts(files, target_bytes=options.task_bytes, most=FILES_A_TASK)
    return SourcePlan(
        tasks=[Task(number, weight_of(content), content) for number, content in enumerate(parts)],
        identity=lambda: {
            "code": storage.fingerprint([[f.name, f.source, f.license, f.license_from, f.fingerprint] for f in files]),
            "files": len(files),
        },
        unchanged=lambda: check_unchanged((storage.locate(f.path), f.state, f.fingerprint) for f in files),
        bytes=sum(file.size for file in files),
        remarks=remarks,
        columns=code_schema(),
    )


def read(options: Options, plan: SourcePlan, execution: Execution) -> Ingest:
    """The step as a PTransform."""
    return Ingest(options, plan.columns, execution.keep_text)


def notes(tally: Tally, batches: Iterable[pa.RecordBatch]) -> dict[str, Any]:
    """What the manifest notes: how encodings were found, and languages and pictures that were not understood."""
    del batches
    noted, wrong = notes_of(tally.counts), [*wrong_language_lines(tally.counts), *pictures.lines_of(tally.counts)]
    return noted | ({"table": [*noted.get("table", []), *wrong]} if wrong else {})


STEP = Step(
    name="ingest",
    summary="Read raw files (JSONL, text, Parquet, WARC, WET) into documents, sentence pairs (--kind pairs), or code.",
    order=10,
    speed=30.0,
    options=Options,
    makes=lambda options, read: options.schema_name,
    notes=notes,
    prepare=prepare,
    read=read,
)
