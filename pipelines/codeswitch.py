"""codeswitch: switch words or spans of texts into other languages; rows without a switch become decisions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import apache_beam as beam
import pyarrow as pa
from pydantic import Field, field_validator, model_validator

from xlcorpus.beam.element import ShardBatch
from xlcorpus.beam.map import MapBatches, Mapped
from xlcorpus.beam.phase import Execution
from xlcorpus.beam.step import DOCUMENT, PAIR, MapStep, StepOptions
from xlcorpus.codeswitch.align_span import AlignSpanSettings
from xlcorpus.codeswitch.operators import Dictionaries, Operator, check_columns, check_languages, open_operator
from xlcorpus.codeswitch.restore import restore_batch
from xlcorpus.codeswitch.summary import notes_of
from xlcorpus.codeswitch.switch import Settings
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.storage import fingerprint_of_file
from xlcorpus.dataset.tally import Tally
from xlcorpus.errors import UserError
from xlcorpus.lexicon.dictionary_files import FORMATS, fingerprint_of_dictionaries


class Options(StepOptions):
    """Options of codeswitch."""

    files: ClassVar[tuple[str, ...]] = ("dictionary", "tokenizer")
    dictionary: list[str] = Field([], description="dictionary file: text, TSV, CSV, or Parquet of `xlcorpus lexicon`")
    operator: Literal["dict-word", "dict-piece", "align-span"] = Field(
        "dict-word",
        description="words by a dictionary, SentencePiece pieces by one, or spans of aligned pairs",
    )
    src: str | None = Field(None, description="language of the dictionary's source side, where it does not say it")
    tgt: str | None = Field(None, description="language of its target side")
    format: Literal[FORMATS] = Field("auto", description="format of the dictionary")  # type: ignore[valid-type]
    partners: list[str] = Field([], description="language to switch into; default: all that the dictionary has")
    ratio: float = Field(0.35, gt=0, le=1, description="share of the words to switch")
    poisson: float = Field(3.5, gt=0, description="mean length of the spans of words, drawn from Poisson")
    candidates: int = Field(3, ge=1, description="best translations of a word to choose from")
    max_langs: int = Field(1, ge=1, description="most partner languages in one text")
    rounding: Literal["nearest", "ceil"] = Field("nearest", description="of share times words; ceil as published")
    named_spans: str = Field("named_spans", description="column of spans that are never switched")
    tokenizer: str | None = Field(None, description="SentencePiece model of dict-piece")
    span_share: float = Field(0.4, gt=0, le=1, description="align-span: longest span, as a share of the source words")
    projected_share: float = Field(0.5, gt=0, le=1, description="align-span: share of the source words to project")
    off_diagonal: float = Field(0.75, gt=0, le=1, description="align-span: farthest place from the diagonal, a share")
    view: Literal["restore"] | None = Field(None, description="rows of the restore task for seq2seq: restore")

    # Options that only some operators have; one of another operator is a mistake, not something to pass over.
    own: ClassVar[dict[str, tuple[str, ...]]] = {
        "dict-word or dict-piece": (
            *("dictionary", "src", "tgt", "format", "partners"),
            *("ratio", "poisson", "candidates", "max_langs", "rounding", "named_spans"),
        ),
        "dict-piece": ("tokenizer",),
        "align-span": ("span_share", "projected_share", "off_diagonal"),
    }

    @field_validator("dictionary", "partners", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @model_validator(mode="after")
    def _check_operator(self) -> Options:
        for operators, names in self.own.items():
            for name in names:
                given = name in self.model_fields_set and getattr(self, name) not in (None, [])
                if given and self.operator not in operators.split(" or "):
                    flag = name.replace("_", "-")
                    raise UserError(
                        f"--{flag} is an option of --operator {operators}; this is --operator {self.operator}",
                        remedy=f"leave out --{flag}, or choose another --operator",
                    )
        return self


@dataclass(frozen=True)
class CodeswitchKernel:
    """An operator with its dictionaries."""

    options: Options
    seed: int
    keep_text: bool
    step: str = "codeswitch"

    def load(self) -> Operator:
        """The operator, its dictionaries read once a process."""
        return open_with(self.options, self.seed)

    def apply(self, batch: pa.RecordBatch, loaded: Any) -> Mapped:
        """See `Operator.switch`."""
        made = loaded.switch(batch, keep_text=self.keep_text)
        rows = restore_batch(made.documents) if self.options.view else made.documents
        return Mapped(rows, made.decisions, made.counts)


@dataclass
class Codeswitch(beam.PTransform):  # type: ignore[misc]
    """PTransform of `Operator.switch`."""

    options: Options
    seed: int
    keep_text: bool = False

    def expand(self, batches: beam.PCollection[ShardBatch]) -> beam.PCollection[ShardBatch]:
        """One fused ParDo."""
        return batches | MapBatches(CodeswitchKernel(self.options, self.seed, self.keep_text))


def open_with(options: Options, seed: int) -> Operator:
    """The operator of these options."""
    values = options.model_dump()
    shared = ("ratio", "poisson", "candidates", "max_langs", "rounding", "named_spans")
    return open_operator(
        options.operator,
        Dictionaries(tuple(options.dictionary), options.src, options.tgt, options.format, tuple(options.partners)),
        Settings(seed=seed, **{name: values[name] for name in shared}),
        AlignSpanSettings(options.span_share, options.projected_share, options.off_diagonal, seed=seed),
        options.tokenizer,
    )


def transform(options: Options, execution: Execution) -> Codeswitch:
    """The step as a PTransform."""
    return Codeswitch(options, execution.seed, execution.keep_text)


def models(options: Options) -> dict[str, str]:
    """Fingerprints of the dictionaries and the tokenizer."""
    found = {}
    if options.dictionary and options.operator != "align-span":
        found["dictionaries"] = fingerprint_of_dictionaries([Path(path) for path in options.dictionary])
    if options.tokenizer:
        found["tokenizer"] = fingerprint_of_file(Path(options.tokenizer))
    return found


def check(options: Options, inputs: Sequence[Dataset]) -> list[str]:
    """Read the dictionaries, and compare their languages with those of the input; look for the columns they need."""
    operator = open_with(options, seed=0)
    for dataset in inputs:
        check_columns(operator, dataset.manifest.arrow_schema, str(dataset.folder))
    return check_languages(operator, [dataset.manifest.languages for dataset in inputs])


def notes(tally: Tally, batches: Iterable[pa.RecordBatch]) -> Mapping[str, Any]:
    """Coverage and achieved ratio by language, and how mixed the texts are beside real code-switching."""
    return notes_of(tally.counts, batches)


def instead(options: Options) -> MapStep | None:
    """The same step under its options: what it reads is the operator's, what it makes the view's matter."""
    reads = (PAIR,) if options.operator == "align-span" else (DOCUMENT, PAIR)
    return replace(STEP, reads=reads, schema=options.view or STEP.schema, instead=None)


STEP = MapStep(
    "codeswitch",
    "Switch words or spans of texts into other languages (dict-word, dict-piece, align-span), or make restore rows.",
    Options,
    transform,
    models,
    check=check,
    instead=instead,
    notes=notes,
    reads=(DOCUMENT, PAIR),
    schema="codeswitch",
)
