"""MapBatches: a pure kernel over every element, with its counts; a failing batch is retried row by row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeAlias

import apache_beam as beam
import pyarrow as pa
from apache_beam.utils.shared import Shared

from xlcorpus.beam.element import ShardBatch
from xlcorpus.beam.failures import carried
from xlcorpus.dataset.decisions import reject
from xlcorpus.dataset.tally import Tally
from xlcorpus.errors import UserError


@dataclass(frozen=True)
class Mapped:
    """What a kernel made of a batch: documents that stay, decisions for the others, and what it counted besides."""

    documents: pa.RecordBatch
    decisions: pa.RecordBatch | None = None
    counts: Mapping[str, int] = field(default_factory=dict)


Outcome: TypeAlias = pa.RecordBatch | tuple[pa.RecordBatch, pa.RecordBatch] | Mapped


class Kernel(Protocol):
    """A pure function over batches with what it needs loaded once a process (a model, thresholds)."""

    @property
    def step(self) -> str:
        """Name of the step, for decisions and counts."""

    def load(self) -> Any:
        """Load the model or tables; shared by all bundles of a process."""

    def apply(self, batch: pa.RecordBatch, loaded: Any) -> Outcome:
        """The documents that stay, alone or with decision rows (decision-1) for those that do not, or `Mapped`."""


class _Holder:
    """`Shared` keeps weak references, which built-in types do not allow."""

    def __init__(self, value: Any) -> None:
        self.value = value


def apply_kernel(
    kernel: Kernel, batch: pa.RecordBatch, loaded: Any
) -> tuple[pa.RecordBatch, list[pa.RecordBatch], list[pa.RecordBatch], Counter[str]]:
    """Apply a kernel to a batch; when it fails, row by row, so that only the rows at fault are rejected.

    Returns documents, decisions, rejects, counts. UserError (a missing column, say) is not a row's fault and is raised.
    """
    try:
        documents, decisions, counts = _split(kernel.apply(batch, loaded))
        return documents, decisions, [], counts
    except (UserError, MemoryError):
        raise
    except Exception:
        kept, decisions, counts = _split(kernel.apply(batch.slice(0, 0), loaded))
        documents, rejects = [kept], []
        for index in range(batch.num_rows):
            row = batch.slice(index, 1)
            try:
                kept, decided, counted = _split(kernel.apply(row, loaded))
            except UserError:
                raise
            except Exception as error:
                rejects.append(reject(row, kernel.step, [type(error).__name__], [str(error)[:500]]))
            else:
                documents.append(kept)
                decisions.extend(decided)
                counts.update(counted)
        return pa.concat_batches(documents), decisions, rejects, counts


def _split(outcome: Outcome) -> tuple[pa.RecordBatch, list[pa.RecordBatch], Counter[str]]:
    if isinstance(outcome, tuple):
        outcome = Mapped(*outcome)
    elif not isinstance(outcome, Mapped):
        outcome = Mapped(outcome)
    decisions = outcome.decisions
    return (
        outcome.documents,
        [decisions] if decisions is not None and decisions.num_rows else [],
        Counter(outcome.counts),
    )


def map_batch(kernel: Kernel, element: ShardBatch, loaded: Any) -> ShardBatch:
    """Pass one element through a kernel, with its counts; raises ConservationError when rows are unaccounted for."""
    before = element.documents
    documents, decisions, rejects, counts = apply_kernel(kernel, before, loaded)
    tally = Tally(kernel.step, rows_in=before.num_rows, rows_out=documents.num_rows, counts=counts)
    tally.bytes_in, tally.bytes_out = before.nbytes, documents.nbytes
    for rows in decisions:
        tally.count_decisions(rows)
    for rows in rejects:
        tally.count_rejects(rows)
    tally.check(f"task {element.task}, batch {element.sequence}")
    return replace(
        element,
        documents=documents,
        decisions=(*element.decisions, *decisions),
        rejects=(*element.rejects, *rejects),
        tallies=(*element.tallies, tally),
    )


class _MapBatch(beam.DoFn):  # type: ignore[misc]
    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._shared = Shared()
        self._loaded: Any = None

    @carried
    def setup(self) -> None:
        self._loaded = self._shared.acquire(lambda: _Holder(self._kernel.load()))

    @carried
    def process(self, element: ShardBatch) -> list[ShardBatch]:
        return [map_batch(self._kernel, element, self._loaded.value)]


@dataclass
class MapBatches(beam.PTransform):  # type: ignore[misc]
    """PTransform of `map_batch`: PCollection[ShardBatch] -> PCollection[ShardBatch]."""

    kernel: Kernel

    def expand(self, batches: beam.PCollection[ShardBatch]) -> beam.PCollection[ShardBatch]:
        """One fused ParDo."""
        return batches | beam.ParDo(_MapBatch(self.kernel)).with_output_types(ShardBatch)
