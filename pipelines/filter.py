"""filter: apply thresholds by language, with a named reason and the score for every removal."""

from __future__ import annotations

import pickle
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import pyarrow as pa

from xlcorpus.beam.map import MapBatches
from xlcorpus.beam.step import Step, as_read
from xlcorpus.dataset.columns import require_column
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.kinds import DOCUMENT, PAIR
from xlcorpus.dataset.result import Result
from xlcorpus.dataset.tally import Tally
from xlcorpus.errors import UserError
from xlcorpus.options import StepOptions, option
from xlcorpus.pairs.sides import SRC, side_languages, side_schema
from xlcorpus.quality.datatrove.breakers import versions
from xlcorpus.quality.filter import filter_batch, filter_pairs
from xlcorpus.quality.thresholds import DATATROVE_SIGNAL, PairThresholds, Thresholds, load_thresholds
from xlcorpus.text.tables import in_lines


class Options(StepOptions):
    """Options of filter."""

    files: ClassVar[tuple[str, ...]] = ("thresholds",)
    thresholds: str | None = option(
        None, description="YAML file of thresholds by language, or folder of FineWeb-2 YAML files; default: our own"
    )
    signals: Literal["ours", "datatrove"] | None = option(
        None,
        description="what FineWeb-2's thresholds judge; default: what datatrove counts, where the input has it",
        only={"thresholds": ()},
    )


@dataclass(frozen=True)
class FilterKernel:
    """`filter_batch` or, of sentence pairs, `filter_pairs` with its thresholds.

    packed: the thresholds, so that no worker reads and parses them again.
    """

    packed: bytes
    keep_text: bool
    step: str = "filter"

    @classmethod
    def of(cls, thresholds: Thresholds, keep_text: bool, reads: str = DOCUMENT) -> FilterKernel:
        """The kernel with these thresholds, for rows of the schema of this name."""
        judged = thresholds.of_pairs if reads == PAIR else replace(thresholds, of_pairs=None)
        return cls(zlib.compress(pickle.dumps(judged), 1), keep_text)

    def load(self) -> Thresholds | PairThresholds:
        """The thresholds, once a process."""
        thresholds: Thresholds | PairThresholds = pickle.loads(zlib.decompress(self.packed))
        return thresholds

    def apply(self, batch: pa.RecordBatch, loaded: Thresholds | PairThresholds) -> Result:
        """See `filter_batch` and `filter_pairs`."""
        if isinstance(loaded, PairThresholds):
            return filter_pairs(batch, loaded, step=self.step, keep_text=self.keep_text)
        return filter_batch(batch, loaded, step=self.step, keep_text=self.keep_text)


def thresholds_of(options: Options) -> Thresholds:
    """The thresholds, for the signals that the options name. Raises UserError where they were not made for those."""
    thresholds = load_thresholds(options.thresholds)
    if options.signals is not None and thresholds.datatrove is None:
        raise UserError(
            "--signals is about FineWeb-2's thresholds; these name their columns themselves",
            remedy="leave out --signals",
        )
    judging = thresholds.judging(options.signals)
    if judging.of_pairs is None:
        return judging
    of_pairs = replace(judging.of_pairs, sides=judging.of_pairs.sides.judging(options.signals))
    return replace(judging, of_pairs=of_pairs, _known={})


def models(options: Options) -> dict[str, str]:
    """The thresholds; and the libraries that find words, where stop words are looked for among these."""
    thresholds = thresholds_of(options)
    return {"thresholds": thresholds.fingerprint} | (versions() if thresholds.needs_word_breakers else {})


def check(options: Options, inputs: Sequence[Dataset]) -> list[str]:
    """What the thresholds ask for and this step cannot do, and the languages of the input that they do not know."""
    thresholds = thresholds_of(options)
    lines: list[str] = []
    for dataset in inputs:
        columns, labels = dataset.manifest.arrow_schema, dict(dataset.manifest.languages)
        if dataset.manifest.schema_name == PAIR and thresholds.of_pairs is not None:
            lines += [f"thresholds: {_OF_DOCUMENTS}"] if thresholds.published else []
            columns, labels = side_schema(columns, SRC), side_languages(labels)
            thresholds = thresholds.of_pairs.sides
        if options.signals == "datatrove":
            remedy = "run `xlcorpus score --signals datatrove` first, or judge with --signals ours"
            require_column(columns, DATATROVE_SIGNAL, str(dataset.folder), remedy=remedy)
        thresholds = thresholds.suited_to(columns.names)
        if thresholds.published and options.signals is None:
            lines.append(f"thresholds: {_signals_line(DATATROVE_SIGNAL in columns.names)}")
        if thresholds.published:
            lines += [f"thresholds: {line}" for line in _languages(labels, thresholds)]
    return [*(f"thresholds: {warning}" for warning in thresholds.warnings), *dict.fromkeys(lines)]


_OF_DOCUMENTS = "FineWeb-2's are made for documents: sentences fail most of them; our own for pairs are the default"


def _signals_line(datatrove: bool) -> str:
    if datatrove:
        return "judging the signals that datatrove counts (columns dt_...), which they were made for"
    return (
        "made for signals that datatrove counts, which the input does not have: judging our own, with which 4 in 100 "
        "decisions differ; `xlcorpus score --signals datatrove` adds them"
    )


def _languages(counts: Mapping[str, int], thresholds: Thresholds) -> list[str]:
    """Languages of a dataset (rows by label) without a file, and those that have one under another name."""
    own = {label: thresholds.section_of(label or None) for label in counts}
    without = [f"{label or 'no language'} ({counts[label]:,})" for label in sorted(counts) if own[label] is None]
    other = [f"{label} as {own[label]}" for label in sorted(counts) if own[label] not in (None, label)]
    lines = [f"no file for {some}: our own thresholds decide on these" for some in in_lines(without)]
    return lines + [f"under another name: {some}" for some in in_lines(other)]


def notes(tally: Tally, rows: Iterable[pa.RecordBatch]) -> Mapping[str, Any]:
    """Languages of which a folder of thresholds had no file, or one under another name, with their documents."""
    without, other = (tally.counts.get(name, {}) for name in ("without_file", "under_other_name"))
    names = [f"{label} ({count:,})" for label, count in sorted(without.items())]
    table = [f"no file of thresholds for {some}: our own decided" for some in in_lines(names)]
    found = {"thresholds_without_file": without, "thresholds_under_other_name": other}
    return {"table": table} | {name: counts for name, counts in found.items() if counts}


STEP = Step(
    name="filter",
    summary="Remove documents, or sentence pairs, by thresholds of their language, with a reason each.",
    order=40,
    speed=50.0,
    options=Options,
    reads=(DOCUMENT, PAIR),
    makes=as_read,
    map=lambda options, execution: MapBatches(
        FilterKernel.of(thresholds_of(options), execution.keep_text, execution.reads)
    ),
    models=models,
    check=check,
    notes=notes,
)
