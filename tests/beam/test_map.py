"""MapBatches: counts, rejects of single rows, and rows that nobody accounts for."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tests.beam.test_element import documents
from xlcorpus.beam.element import ShardBatch
from xlcorpus.beam.map import apply_kernel, map_batch
from xlcorpus.dataset.decisions import decide
from xlcorpus.errors import ConservationError, UserError


class Upper:
    """A kernel that fails on one text and removes another."""

    step = "upper"

    def load(self) -> None: ...

    def apply(self, batch: pa.RecordBatch, loaded: Any) -> tuple[pa.RecordBatch, pa.RecordBatch]:
        if "ошибка" in batch.column("text").to_pylist():
            raise ZeroDivisionError("cannot divide ошибка")
        gone = pc.equal(batch.column("text"), "убрать")
        kept = batch.filter(pc.invert(gone))
        kept = kept.set_column(1, "text", pc.utf8_upper(kept.column("text")))
        return kept, decide(batch.filter(gone), self.step, "unwanted")


class LosesRows(Upper):
    """Drops the first row and says nothing."""

    def apply(self, batch: pa.RecordBatch, loaded: Any) -> tuple[pa.RecordBatch, pa.RecordBatch]:
        return batch.slice(1), decide(batch.slice(0, 0), self.step, "unwanted")


class DoublesRows(Upper):
    """Gives every row twice."""

    def apply(self, batch: pa.RecordBatch, loaded: Any) -> tuple[pa.RecordBatch, pa.RecordBatch]:
        return pa.concat_batches([batch, batch]), decide(batch.slice(0, 0), self.step, "unwanted")


def test_only_the_failing_row_is_rejected() -> None:
    batch = documents(["один", "ошибка", "убрать", "два"])
    result = map_batch(Upper(), ShardBatch(0, 0, True, batch), None)
    assert result.documents.column("text").to_pylist() == ["ОДИН", "ДВА"]
    (rejects,) = result.rejects
    assert rejects.to_pylist()[0]["reason"] == "ZeroDivisionError"
    assert rejects.to_pylist()[0]["origin"] == {"file": "f", "offset": 1}
    assert rejects.to_pylist()[0]["excerpt"] == "ошибка"
    (tally,) = result.tallies
    assert (tally.rows_in, tally.rows_out, tally.removed_rows, tally.rejected_rows) == (4, 2, 1, 1)


def test_all_rows_failing_keeps_the_schema() -> None:
    kept, decisions, rejects, _ = apply_kernel(Upper(), documents(["ошибка"]), None)
    assert kept.num_rows == 0
    assert kept.schema.names == ["doc_id", "text", "origin"]
    assert not decisions
    assert sum(part.num_rows for part in rejects) == 1


@pytest.mark.parametrize("kernel", [LosesRows(), DoublesRows()])
def test_unaccounted_rows_fail_the_step(kernel: Upper) -> None:
    with pytest.raises(ConservationError, match="step 'upper' does not account for every row: rows_in 3"):
        map_batch(kernel, ShardBatch(0, 0, True, documents(["a", "b", "c"])), None)


def test_a_users_mistake_is_not_a_rejected_row() -> None:
    class NeedsColumn(Upper):
        def apply(self, batch: pa.RecordBatch, loaded: Any) -> tuple[pa.RecordBatch, pa.RecordBatch]:
            raise UserError("no column q_n_words", remedy="run xlcorpus score first")

    with pytest.raises(UserError, match="q_n_words"):
        map_batch(NeedsColumn(), ShardBatch(0, 0, True, documents(["a"])), None)
