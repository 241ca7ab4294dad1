"""MapBatches: a pure kernel over every element, with its counts; a failing batch is retried row by row."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

import apache_beam as beam
import pyarrow as pa
from apache_beam.utils.shared import Shared

from xlcorpus.beam.element import ShardBatch
from xlcorpus.beam.failures import carried, memory_error
from xlcorpus.dataset.decisions import reject
from xlcorpus.dataset.result import Result, concat_results
from xlcorpus.dataset.tally import Tally
from xlcorpus.errors import UserError


class Kernel(Protocol):
    """A pure function over batches with what it needs loaded once a process (a model, thresholds)."""

    @property
    def step(self) -> str:
        """Name of the step, for decisions and counts."""

    def load(self) -> Any:
        """Load the model or tables; shared by all bundles of a process."""

    def apply(self, batch: pa.RecordBatch, loaded: Any) -> Result:
        """The rows that stay, and decisions for those that do not."""


class _Holder:
    """`Shared` keeps weak references, which built-in types do not allow."""

    def __init__(self, value: Any) -> None:
        self.value = value


def apply_kernel(kernel: Kernel, batch: pa.RecordBatch, loaded: Any) -> Result:
    """Apply a kernel to a batch; when it fails, row by row, so that only the rows at fault are rejected.

    UserError (a missing column, say) is not a row's fault and is raised. A document that is too large for the memory
    of this machine is a UserError that names it: were it rejected, the output would depend on the machine.
    """
    try:
        return replace(kernel.apply(batch, loaded), rows_in=batch.num_rows)
    except UserError:
        raise
    except Exception:
        kept = [kernel.apply(batch.slice(0, 0), loaded)]
        for index in range(batch.num_rows):
            row = batch.slice(index, 1)
            try:
                kept.append(kernel.apply(row, loaded))
            except UserError:
                raise
            except MemoryError as error:
                raise _no_memory(row, kernel.step) from error
            except Exception as error:
                failed = reject(row, kernel.step, [type(error).__name__], [str(error)[:500]])
                kept.append(Result(kept[0].rows, rejects=failed))
        return replace(concat_results(kept), rows_in=batch.num_rows)


def _no_memory(row: pa.RecordBatch, step: str) -> UserError:
    """The error for a document that a kernel has not memory enough for."""
    origin = row.column("origin")[0].as_py()
    where = f"the document at {origin['offset']:,} of {origin['file']}"
    return memory_error(f"{step} of {where}, which has {row.nbytes:,} bytes")


def map_batch(kernel: Kernel, element: ShardBatch, loaded: Any) -> ShardBatch:
    """Pass one element through a kernel, with its counts; raises ConservationError when rows are unaccounted for."""
    before = element.documents
    result = apply_kernel(kernel, before, loaded)
    tally = Tally(kernel.step, bytes_in=before.nbytes, bytes_out=result.rows.nbytes)
    tally.count(result)
    tally.check(f"task {element.task}, batch {element.sequence}")
    return element.then(result, tally)


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
