"""ingest: raw files (JSONL, text, Parquet, WARC, WET) or source trees into documents, or files into sentence pairs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import apache_beam as beam
import pyarrow as pa
from pydantic import Field, field_validator, model_validator

from xlcorpus.beam.element import ShardBatch
from xlcorpus.beam.failures import Carried
from xlcorpus.beam.phase import Execution
from xlcorpus.beam.read import number_elements
from xlcorpus.beam.step import DOCUMENT, PAIR, SourcePlan, Step
from xlcorpus.beam.workspace import Task
from xlcorpus.dataset.decisions import empty
from xlcorpus.dataset.result import Result
from xlcorpus.dataset.storage import fingerprint, fingerprint_of_file
from xlcorpus.dataset.tally import Tally
from xlcorpus.errors import UserError
from xlcorpus.ingest.code import CodeOptions, code_schema, read_code
from xlcorpus.ingest.code_files import CodeFile, find_code, plan_code
from xlcorpus.ingest.code_licenses import parse_licenses
from xlcorpus.ingest.columns import output_schema
from xlcorpus.ingest.files import FoundFiles, find_files
from xlcorpus.ingest.options import ReadOptions
from xlcorpus.ingest.pair_files import find_pair_files
from xlcorpus.ingest.plan import FileRange, plan_tasks
from xlcorpus.ingest.read import read_range
from xlcorpus.options import StepOptions
from xlcorpus.text.labels import check_label


class Options(StepOptions):
    """Options of ingest."""

    kind: Literal["documents", "pairs", "code"] = Field(
        "documents", description="what the input is: texts, sentence pairs, or folders of source code"
    )
    text_column: str = Field("text", description="the column or JSON field that holds the text")
    src_column: str = Field("src", description="pairs: the column of the source side, or the suffix of its text file")
    tgt_column: str = Field("tgt", description="pairs: the column of the target side, or the suffix of its text file")
    src_lang: str | None = Field(
        None, description="pairs: language and script of the source side, e.g. eng_Latn; default: the column src_lang"
    )
    tgt_lang: str | None = Field(
        None, description="pairs: language and script of the target side, e.g. deu_Latn; default: the column tgt_lang"
    )
    licenses: str = Field(
        "permissive",
        description="code: licences of files that are kept: permissive, any, or SPDX identifiers with commas between",
    )
    source: str | None = Field(None, description="name of the collection; default: the folder's or the file's name")
    format: Literal["jsonl", "text", "parquet", "warc", "tsv", "csv"] | None = Field(
        None, description="format of the files; default: by name and content; tsv and csv: of pairs"
    )
    sample_by: Literal["line", "paragraph", "document"] = Field("line", description="what is a document in plain text")
    max_record_bytes: int = Field(64 << 20, ge=1, description="a longer record is rejected without being read whole")
    task_bytes: int = Field(64 << 20, ge=1, description="size of the pieces that large files are cut into")

    # Options and formats that only one kind has; an option of another kind is a mistake, not something to pass over.
    own: ClassVar[dict[str, tuple[str, ...]]] = {
        "documents": ("text_column", "sample_by"),
        "pairs": ("src_column", "tgt_column", "src_lang", "tgt_lang"),
        "code": ("licenses",),
    }
    formats: ClassVar[dict[str, tuple[str, ...]]] = {
        "documents": ("jsonl", "text", "parquet", "warc"),
        "pairs": ("jsonl", "parquet", "tsv", "csv"),
        "code": (),
    }

    @field_validator("src_lang", "tgt_lang")
    @classmethod
    def _check_language(cls, value: str | None) -> str | None:
        return None if value is None else check_label(value)

    @field_validator("licenses", mode="before")
    @classmethod
    def _check_licenses(cls, value: Any) -> Any:
        text = ",".join(map(str, value)) if isinstance(value, list | tuple) else value
        if isinstance(text, str):
            parse_licenses(text)
        return text

    @model_validator(mode="after")
    def _check_kind(self) -> Options:
        for kind, names in self.own.items():
            for name in names:
                if kind != self.kind and name in self.model_fields_set and getattr(self, name) is not None:
                    flag = name.replace("_", "-")
                    raise UserError(
                        f"--{flag} is an option of --kind {kind}; this is --kind {self.kind}",
                        remedy=f"leave out --{flag}, or say --kind {kind}",
                    )
        if self.format is not None and self.format not in self.formats[self.kind]:
            raise UserError(
                f"--kind {self.kind} cannot be read from --format {self.format}",
                remedy=f"it reads {', '.join(self.formats[self.kind]) or 'folders as they are: leave out --format'}",
            )
        if self.kind == "pairs" and self.src_column == self.tgt_column:
            raise UserError(
                f"both sides of a pair would be the column {self.src_column!r}",
                remedy="name two columns with --src-column and --tgt-column",
            )
        return self


Files = tuple[FileRange, ...] | tuple[CodeFile, ...]  # what a task reads


@dataclass(frozen=True)
class ReadTask:
    """`read_range`, of code `read_code`, on all that a task reads; at least one element."""

    options: ReadOptions | CodeOptions
    schema: pa.Schema

    def __call__(self, task: Task[Files]) -> Iterator[ShardBatch]:
        """The records of a task as elements, numbered."""
        return number_elements(task.number, self._elements(task), self.schema)

    def _elements(self, task: Task[Files]) -> Iterator[ShardBatch]:
        none = ShardBatch(task.number, 0, False, empty(self.schema))
        if not task.content:
            yield replace(none, tallies=(Tally("ingest"),))
        for result in self._read(task.content):
            tally = Tally("ingest", bytes_out=result.rows.nbytes)
            tally.count(result)
            tally.check(f"task {task.number}")
            yield none.then(result, tally)

    def _read(self, files: Any) -> Iterator[Result]:
        if isinstance(self.options, CodeOptions):
            yield from read_code(files, self.options)
        else:
            for part in files:
                yield from read_range(part, self.options, self.schema)


@dataclass
class Ingest(beam.PTransform):  # type: ignore[misc]
    """PTransform of `read_range`, of code `read_code`: PCollection[Task] -> PCollection[ShardBatch]."""

    options: ReadOptions | CodeOptions
    schema: pa.Schema

    def expand(self, tasks: beam.PCollection[Task[Files]]) -> beam.PCollection[ShardBatch]:
        """One ParDo that fuses with what follows."""
        return tasks | beam.FlatMap(Carried(ReadTask(self.options, self.schema))).with_output_types(ShardBatch)


def read_options(options: Options, *, keep_text: bool = False) -> ReadOptions:
    """The options that readers need."""
    return ReadOptions(
        text_column=options.text_column,
        sample_by=options.sample_by,
        max_record_bytes=options.max_record_bytes,
        keep_text=keep_text,
        schema=schema_of(options),
        src_column=options.src_column,
        tgt_column=options.tgt_column,
        src_lang=options.src_lang,
        tgt_lang=options.tgt_lang,
    )


def schema_of(options: Options) -> str:
    """Name of the schema of the rows that are made."""
    return PAIR if options.kind == "pairs" else DOCUMENT


def find(options: Options, inputs: Sequence[str]) -> FoundFiles:
    """The files to read."""
    if options.kind == "pairs":
        columns = {"src_column": options.src_column, "tgt_column": options.tgt_column}
        return find_pair_files(inputs, source=options.source, format=options.format, **columns)
    return find_files(inputs, source=options.source, format=options.format)


def prepare(options: Options, inputs: Sequence[str], folder: Path) -> SourcePlan:
    """Find the files, cut them into tasks, and settle the columns."""
    for given in inputs:
        if Path(given).is_dir() and folder.resolve().is_relative_to(Path(given).resolve()):
            raise UserError(
                f"the output {folder} lies inside the input folder {given}", remedy="choose an --output outside of it"
            )
    if options.kind == "code":
        return _prepare_code(options, inputs)
    files = find(options, inputs)
    planned = plan_tasks(files, target_bytes=options.task_bytes)
    ranges = Counter(part.file.path for task in planned for part in task.ranges)
    tasks = [
        # Each range an equal part of its file: ranges of Parquet count row groups, not bytes.
        Task(task.number, sum(r.file.size // ranges[r.file.path] for r in task.ranges), task.ranges)
        for task in planned
    ]
    return SourcePlan(
        tasks=tasks or [Task(0, 0, ())],  # files without a record still make a dataset
        identity=lambda: {"files": [[f.name, f.source, f.format, *map(_fingerprint, f.paths)] for f in files]},
        bytes=sum(file.size for file in files),
        remarks=[f"skipped (unknown format): {path}" for path in files.skipped],
        columns=output_schema(files, read_options(options)),
    )


def _prepare_code(options: Options, inputs: Sequence[str]) -> SourcePlan:
    files = find_code(inputs, source=options.source)
    planned = plan_code(files, target_bytes=options.task_bytes)
    remarks = [f"symbolic links that are not followed: {files.links:,}"] if files.links else []
    if options.licenses != "any" and not any(file.license for file in files):
        remarks.append("no licence file was found: of these files only those whose head names a licence can be kept")
    return SourcePlan(
        tasks=[Task(number, sum(file.size for file in part), tuple(part)) for number, part in enumerate(planned)],
        identity=lambda: {
            "code": fingerprint([[f.name, f.source, f.license, f.license_from, _fingerprint(f.path)] for f in files]),
            "files": len(files),
        },
        bytes=sum(file.size for file in files),
        remarks=remarks,
        columns=code_schema(),
    )


def _fingerprint(path: str) -> str:
    return fingerprint_of_file(Path(path))


def transform(options: Options, plan: SourcePlan, execution: Execution) -> Ingest:
    """The step as a PTransform."""
    if options.kind == "code":
        allowed = parse_licenses(options.licenses)
        return Ingest(CodeOptions(allowed, options.max_record_bytes, execution.keep_text), plan.columns)
    return Ingest(read_options(options, keep_text=execution.keep_text), plan.columns)


STEP = Step(
    name="ingest",
    summary="Read raw files (JSONL, text, Parquet, WARC, WET) into documents, sentence pairs (--kind pairs), or code.",
    order=10,
    speed=30.0,
    options=Options,
    makes=schema_of,
    prepare=prepare,
    read=transform,
)
