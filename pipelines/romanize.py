"""romanize: add the text in Latin script (or in IPA) and how it was made; nothing is dropped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import apache_beam as beam
import pyarrow as pa
from pydantic import Field, field_validator

from xlcorpus.beam.element import ShardBatch
from xlcorpus.beam.map import MapBatches, Mapped
from xlcorpus.beam.phase import Execution
from xlcorpus.beam.step import GraphStep, MapStep, StepOptions
from xlcorpus.dataset.tally import Tally
from xlcorpus.pipelines.translico import translico_step
from xlcorpus.romanize.documents import notes_of, romanize_batch, sample_lines
from xlcorpus.romanize.tools import Tool, check_lcode, open_tool


class Options(StepOptions):
    """Options of romanize."""

    tool: Literal["uroman", "icu", "epitran"] = Field(
        "uroman", description="uroman, icu (needs xlcorpus[icu]), or epitran for IPA (needs xlcorpus[ipa])"
    )
    lcode: str = Field(
        "auto", description="language for the tool: auto (each document's own), none (as TransliCo), or ISO 639-3"
    )
    cache_mb: int = Field(256, ge=1, description="most memory for the words that a process keeps, in MB")
    view: Literal["translico"] | None = Field(None, description="make sentence pairs instead of a column: translico")
    share: float = Field(0.05, gt=0, le=1, description="translico: share of the sentences of each language and script")
    floor: int = Field(1000, ge=0, description="translico: at least so many of each, all where there are fewer")
    include_latin: bool = Field(True, description="translico: Latin text too, whose pairs are nearly identities")

    @field_validator("lcode")
    @classmethod
    def _check_lcode(cls, value: str) -> str:
        return value if value in ("auto", "none") else check_lcode(value)


@dataclass(frozen=True)
class RomanizeKernel:
    """`romanize_batch` with its tool."""

    options: Options
    step: str = "romanize"

    def load(self) -> Tool:
        """The tool with its rules, once a process."""
        return open_tool(self.options.tool, self.options.cache_mb << 20)

    def apply(self, batch: pa.RecordBatch, loaded: Any) -> Mapped:
        """See `romanize_batch`."""
        made = romanize_batch(batch, loaded, self.options.lcode)
        return Mapped(made.documents, counts=made.counts)


@dataclass
class Romanize(beam.PTransform):  # type: ignore[misc]
    """PTransform of `romanize_batch`."""

    options: Options

    def expand(self, batches: beam.PCollection[ShardBatch]) -> beam.PCollection[ShardBatch]:
        """One fused ParDo."""
        return batches | MapBatches(RomanizeKernel(self.options))


def transform(options: Options, execution: Execution) -> Romanize:
    """The step as a PTransform."""
    return Romanize(options)


def models(options: Options) -> dict[str, str]:
    """Version of the tool and its rules."""
    return {"romanizer": f"{options.tool} {open_tool(options.tool, 1 << 20).version}"}


def notes(tally: Tally, batches: Iterable[pa.RecordBatch]) -> Mapping[str, Any]:
    """The cache's hit rate, what no rule knows, and a line in each of three scripts."""
    return notes_of(tally.counts, sample_lines(batches))


_VIEW = translico_step(Options, models, open_tool)


def instead(options: Options) -> GraphStep | None:
    """The step that makes the view, where one is asked for."""
    return _VIEW if options.view else None


STEP = MapStep(
    "romanize",
    "Add the text in Latin script (uroman) or IPA, or make TransliCo sentence pairs; drops nothing.",
    Options,
    transform,
    models,
    instead=instead,
    notes=notes,
)
