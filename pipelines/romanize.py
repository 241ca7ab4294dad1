"""romanize: add the text in Latin script (or in IPA) and how it was made; with a view, make sentence pairs instead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from xlcorpus.beam.map import MapBatches
from xlcorpus.beam.step import Step, as_read
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.kinds import DOCUMENT, PAIR
from xlcorpus.dataset.result import Result
from xlcorpus.dataset.schema import load_schema
from xlcorpus.errors import UserError
from xlcorpus.pairs.sides import SIDES, each_side
from xlcorpus.pipelines import translico
from xlcorpus.pipelines.translico import Options
from xlcorpus.romanize.documents import notes_of, romanize_batch
from xlcorpus.romanize.options import RomanizeOptions
from xlcorpus.romanize.tools import Tool, check_latin, open_tool
from xlcorpus.text.sentence_breakers import SENTENCE_BREAKERS
from xlcorpus.translico.sentences import check_columns


@dataclass(frozen=True)
class RomanizeKernel:
    """`romanize_batch` with its tool; of sentence pairs, of these sides."""

    options: RomanizeOptions
    sides: tuple[str, ...] = ()
    step: str = "romanize"

    def load(self) -> Tool:
        """The tool with its rules, once a process."""
        return open_tool(self.options.tool, self.options.cache_mb << 20, self.options.named_signs)

    def apply(self, batch: pa.RecordBatch, loaded: Tool) -> Result:
        """See `romanize_batch`."""

        def romanize(texts: pa.RecordBatch) -> Result:
            return romanize_batch(texts, loaded, self.options.lcode)

        return each_side(batch, romanize, self.sides) if self.sides else romanize(batch)


def sides_of(options: Options, reads: str) -> tuple[str, ...]:
    """The sides of sentence pairs that are romanised; none of documents. Raises UserError where they cannot be."""
    if reads != PAIR:
        if options.side is not None:
            raise UserError(
                f"--side {options.side} is about sentence pairs; these are rows of the kind {reads!r}",
                remedy="leave out --side",
            )
        return ()
    if options.view and options.side not in SIDES:
        raise UserError(
            f"--view {options.view} of sentence pairs takes the sentences of one side",
            remedy="name it: --side src, or --side tgt; both are two datasets, which `mix` puts together",
        )
    return (options.side,) if options.side in SIDES else SIDES


def models(options: Options) -> dict[str, str]:
    """Version of the tool and its rules, and of the library that finds sentences."""
    tool = open_tool(options.tool, 1 << 20, options.named_signs)
    found = {"romanizer": f"{tool.name} {tool.version}"}
    if options.sentence_breaker:
        breaker = SENTENCE_BREAKERS.find(options.sentence_breaker)
        found["sentences"] = f"{breaker.name} {breaker.version}"
    return found


def check(options: Options, inputs: Sequence[Dataset]) -> list[str]:
    """For the view, look at the tool, the sentence breaker and the columns before anything runs."""
    if options.sentence_breaker:
        _ = SENTENCE_BREAKERS.find(options.sentence_breaker).version
    if options.view:
        check_latin(options.tool)
    for dataset in inputs:
        sides_of(options, dataset.manifest.schema_name)
        if options.view:
            check_columns(dataset.manifest.arrow_schema, str(dataset.folder), options.side)
            options.kept.check(dataset.manifest.arrow_schema, load_schema("translico").names, str(dataset.folder))
    return []


STEP = Step(
    name="romanize",
    summary="Add the text in Latin script (uroman) or IPA, or make TransliCo sentence pairs; drops nothing.",
    order=60,
    speed=4.0,
    options=Options,
    reads=(DOCUMENT, PAIR),
    makes=lambda options, read: "translico" if options.view else as_read(options, read),
    models=models,
    check=check,
    notes=notes_of,
    map=lambda options, execution: MapBatches(RomanizeKernel(options, sides_of(options, execution.reads))),
    run=translico.run,
    shuffles=lambda options: options.view is not None,
)
