"""codeswitch: switch words or spans of texts into other languages; rows without a switch become decisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa

from xlcorpus.beam.map import MapBatches
from xlcorpus.beam.step import Step
from xlcorpus.codeswitch.labels import carry_labels, said_of
from xlcorpus.codeswitch.notes import notes_of
from xlcorpus.codeswitch.operators import OPERATORS, Operator, fingerprints, open_operator
from xlcorpus.codeswitch.options import CodeswitchOptions
from xlcorpus.codeswitch.restore import check_kept, restore_batch
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.features import Features
from xlcorpus.dataset.kinds import CODESWITCH, PAIR
from xlcorpus.dataset.result import Result
from xlcorpus.pairs.sides import is_pairs, without_text


@dataclass(frozen=True)
class CodeswitchKernel:
    """An operator with its dictionaries, and the view of its rows. features: of their columns, which name tags."""

    options: CodeswitchOptions
    seed: int
    keep_text: bool
    pairs: bool = False
    features: Features = field(default_factory=dict)
    step: str = "codeswitch"

    def load(self) -> Operator:
        """The operator, its dictionaries read once a process."""
        return open_operator(self.options, self.seed)

    def apply(self, batch: pa.RecordBatch, loaded: Operator) -> Result:
        """See `Operator.switch`; of a mix of pairs the sides are switched, not the text that was counted."""
        if self.pairs:
            batch = batch.select(without_text(batch.schema))
        made = loaded.switch(batch, keep_text=self.keep_text, features=self.features)
        rows, counts = carry_labels(made.rows, self.features, pairs=is_pairs(batch.schema))
        rows = restore_batch(rows, self.options.kept) if self.options.view else rows
        return replace(made, rows=rows, counts={**made.counts, **counts})


def check(options: CodeswitchOptions, inputs: Sequence[Dataset]) -> list[str]:
    """Read the dictionaries, and compare their languages with those of the input; look for the columns they need."""
    operator = open_operator(options, seed=0)
    said: list[str] = []
    for dataset in inputs:
        schema = dataset.manifest.arrow_schema
        if dataset.manifest.schema_name == PAIR:
            schema = pa.schema([schema.field(name) for name in without_text(schema)])
        operator.check_columns(schema, str(dataset.folder))
        check_kept(options, schema, str(dataset.folder))
        said += said_of(schema, str(dataset.folder))
    return said + operator.check_languages([dataset.manifest.languages for dataset in inputs])


STEP = Step(
    name="codeswitch",
    summary="Switch words or spans of texts into other languages (dict-word, dict-piece, align-span), "
    "or make restore rows.",
    order=80,
    speed=15.0,
    example="--dictionary en-sw.tsv",
    options=CodeswitchOptions,
    reads=lambda options: OPERATORS[options.operator].reads,
    makes=lambda options, read: options.view or CODESWITCH,
    models=fingerprints,
    map=lambda options, execution: MapBatches(
        CodeswitchKernel(
            options, execution.seed, execution.keep_text, execution.reads == PAIR, execution.workspace.features
        )
    ),
    check=check,
    notes=lambda tally, batches: notes_of(tally.counts, batches),
)
