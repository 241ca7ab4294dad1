"""score: add quality signals to every document, or to both sides of pairs and to pairs; nothing is dropped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import pyarrow as pa

from xlcorpus.beam.map import MapBatches
from xlcorpus.beam.step import Step, as_read
from xlcorpus.dataset.columns import require_column
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.kinds import DOCUMENT, PAIR
from xlcorpus.dataset.result import Result, add_counts
from xlcorpus.dataset.tally import Tally
from xlcorpus.options import StepOptions, option
from xlcorpus.pairs.sides import each_side, side_languages
from xlcorpus.quality.datatrove.breakers import choose, versions
from xlcorpus.quality.datatrove.signals import score_as_datatrove
from xlcorpus.quality.datatrove.spacy_words import import_spacy
from xlcorpus.quality.pair_scores import score_pairs
from xlcorpus.quality.signals import score_batch
from xlcorpus.text.tables import in_lines


class Options(StepOptions):
    """Options of score: ours are the same for every language; datatrove's depend on its words."""

    signals: Literal["ours", "datatrove"] = option(
        "ours",
        description="datatrove: beside ours, the signals that FineWeb-2's thresholds compare, as datatrove counts",
    )


@dataclass(frozen=True)
class ScoreKernel:
    """`score_batch`, or `score_as_datatrove`; of sentence pairs on both sides, and `score_pairs`."""

    signals: str = "ours"
    pairs: bool = False
    step: str = "score"

    def load(self) -> None:
        """Nothing to load."""

    def apply(self, batch: pa.RecordBatch, loaded: None) -> Result:
        """See `score_batch` and `score_as_datatrove`."""
        if not self.pairs:
            return self._texts(batch)
        made = each_side(batch, self._texts)
        return replace(made, rows=score_pairs(made.rows))

    def _texts(self, batch: pa.RecordBatch) -> Result:
        return score_as_datatrove(batch) if self.signals == "datatrove" else Result(score_batch(batch))


def check(options: Options, inputs: Sequence[Dataset]) -> list[str]:
    """Whether datatrove's words can be found here, and the languages whose words are found in another way."""
    if options.signals == "ours":
        return []
    import_spacy()
    others: dict[str, dict[str, int]] = {}
    for dataset in inputs:
        pairs = dataset.manifest.schema_name == PAIR
        if not pairs:
            require_column(dataset.manifest.arrow_schema, "lang", str(dataset.folder))
        labels = dataset.manifest.languages
        for label, rows in sorted((side_languages(labels) if pairs else labels).items()):
            choice = choose(label or None)
            if choice.why:
                add_counts(others, {f"{choice.breaker}, {choice.why}": {label or "no language": rows}})
    return _lines(others)


def notes(tally: Tally, rows: Iterable[pa.RecordBatch]) -> Mapping[str, Any]:
    """The languages whose words were not found as datatrove finds them."""
    return {"table": _lines(tally.counts.get("other_breakers", {}))}


def _lines(others: Mapping[str, Mapping[str, int]]) -> list[str]:
    return [
        f"words of {line}: {what}"
        for what, labels in sorted(others.items())
        for line in in_lines([f"{label} ({count:,})" for label, count in sorted(labels.items())])
    ]


STEP = Step(
    name="score",
    summary="Add quality signals (Gopher, C4, FineWeb); drops nothing.",
    order=30,
    speed=8.0,
    options=Options,
    reads=(DOCUMENT, PAIR),
    makes=as_read,
    map=lambda options, execution: MapBatches(ScoreKernel(options.signals, execution.reads == PAIR)),
    models=lambda options: versions() if options.signals == "datatrove" else {},
    check=check,
    notes=notes,
)
