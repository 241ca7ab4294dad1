"""romanize: add the text in Latin script (or in IPA) and how it was made; with a view, make sentence pairs instead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from xlcorpus.beam.map import MapBatches
from xlcorpus.beam.step import Step
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.result import Result
from xlcorpus.dataset.schema import load_schema
from xlcorpus.pipelines import translico
from xlcorpus.pipelines.translico import Options
from xlcorpus.romanize.documents import notes_of, romanize_batch
from xlcorpus.romanize.options import RomanizeOptions
from xlcorpus.romanize.tools import Tool, check_latin, open_tool
from xlcorpus.text.sentence_breakers import SENTENCE_BREAKERS
from xlcorpus.translico.sentences import check_columns


@dataclass(frozen=True)
class RomanizeKernel:
    """`romanize_batch` with its tool."""

    options: RomanizeOptions
    step: str = "romanize"

    def load(self) -> Tool:
        """The tool with its rules, once a process."""
        return open_tool(self.options.tool, self.options.cache_mb << 20, self.options.named_signs)

    def apply(self, batch: pa.RecordBatch, loaded: Tool) -> Result:
        """See `romanize_batch`."""
        return romanize_batch(batch, loaded, self.options.lcode)


def models(options: Options) -> dict[str, str]:
    """Version of the tool and its rules, and of the library that finds sentences."""
    found = {"romanizer": f"{options.tool} {open_tool(options.tool, 1 << 20, options.named_signs).version}"}
    if options.sentence_breaker:
        breaker = SENTENCE_BREAKERS.find(options.sentence_breaker)
        found["sentences"] = f"{breaker.name} {breaker.version}"
    return found


def check(options: Options, inputs: Sequence[Dataset]) -> list[str]:
    """For pairs, look at the tool, the sentence breaker and the columns before anything runs."""
    if options.sentence_breaker:
        _ = SENTENCE_BREAKERS.find(options.sentence_breaker).version
    if options.view:
        check_latin(options.tool)
        for dataset in inputs:
            check_columns(dataset.manifest.arrow_schema, str(dataset.folder))
            options.kept.check(dataset.manifest.arrow_schema, load_schema("translico").names, str(dataset.folder))
    return []


STEP = Step(
    name="romanize",
    summary="Add the text in Latin script (uroman) or IPA, or make TransliCo sentence pairs; drops nothing.",
    order=60,
    speed=4.0,
    options=Options,
    makes=lambda options, read: "translico" if options.view else "document",
    models=models,
    check=check,
    notes=notes_of,
    map=lambda options, execution: MapBatches(RomanizeKernel(options)),
    run=translico.run,
    shuffles=lambda options: options.view is not None,
)
