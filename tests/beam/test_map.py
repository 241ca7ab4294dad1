"""MapBatches: counts, rejects of single rows, and rows that nobody accounts for."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tests.rows import documents
from xlcorpus.beam.element import ShardBatch
from xlcorpus.beam.map import apply_kernel, map_batch
from xlcorpus.dataset.columns import put_columns
from xlcorpus.dataset.decisions import decide
from xlcorpus.dataset.result import Result
from xlcorpus.errors import ConservationError, UserError


class Upper:
    """A kernel that fails on one text and removes another."""

    step = "upper"

    def load(self) -> None: ...

    def apply(self, batch: pa.RecordBatch, loaded: Any) -> Result:
        if "ошибка" in batch.column("text").to_pylist():
            raise ZeroDivisionError("cannot divide ошибка")
        gone = pc.equal(batch.column("text"), "убрать")
        kept = batch.filter(pc.invert(gone))
        kept = put_columns(kept, {"text": pc.utf8_upper(kept.column("text"))})
        return Result(kept, decide(batch.filter(gone), self.step, "unwanted"), counts={"seen": {"all": batch.num_rows}})


class LosesRows(Upper):
    """Drops the first row and says nothing."""

    def apply(self, batch: pa.RecordBatch, loaded: Any) -> Result:
        return Result(batch.slice(1))


class DoublesRows(Upper):
    """Gives every row twice."""

    def apply(self, batch: pa.RecordBatch, loaded: Any) -> Result:
        return Result(pa.concat_batches([batch, batch]))


def test_only_the_failing_row_is_rejected() -> None:
    batch = documents(["один", "ошибка", "убрать", "два"])
    result = map_batch(Upper(), ShardBatch(0, 0, True, batch), None)
    assert result.documents.column("text").to_pylist() == ["ОДИН", "ДВА"]
    (rejects,) = result.rejects
    assert rejects.to_pylist()[0]["reason"] == "ZeroDivisionError"
    assert rejects.to_pylist()[0]["origin"] == {"file": "/1", "offset": 0}
    assert rejects.to_pylist()[0]["excerpt"] == "ошибка"
    (tally,) = result.tallies
    assert (tally.rows_in, tally.rows_out, tally.removed_rows, tally.rejected_rows) == (4, 2, 1, 1)
    assert tally.counts == {"seen": {"all": 3}}


def test_all_rows_failing_keeps_the_schema() -> None:
    result = apply_kernel(Upper(), documents(["ошибка"], source=None), None)
    assert result.rows.num_rows == 0
    assert result.rows.schema.names == ["doc_id", "origin", "text"]
    assert result.decisions is not None
    assert result.decisions.num_rows == 0
    assert result.rejects is not None
    assert result.rejects.num_rows == 1


@pytest.mark.parametrize("kernel", [LosesRows(), DoublesRows()])
def test_unaccounted_rows_fail_the_step(kernel: Upper) -> None:
    with pytest.raises(ConservationError, match="step 'upper' does not account for every row: rows_in 3"):
        map_batch(kernel, ShardBatch(0, 0, True, documents(["a", "b", "c"])), None)


def test_a_users_mistake_is_not_a_rejected_row() -> None:
    class NeedsColumn(Upper):
        def apply(self, batch: pa.RecordBatch, loaded: Any) -> Result:
            raise UserError("no column q_n_words", remedy="run xlcorpus score first")

    with pytest.raises(UserError, match="q_n_words"):
        map_batch(NeedsColumn(), ShardBatch(0, 0, True, documents(["a"])), None)


class Hungry(Upper):
    """Has memory for so many bytes of text at once."""

    def apply(self, batch: pa.RecordBatch, loaded: Any) -> Result:
        if batch.column("text").nbytes > 400:
            raise loaded
        return super().apply(batch, loaded)


@pytest.mark.parametrize("error", [MemoryError(), pa.ArrowMemoryError("malloc of size 7 failed")])
def test_a_batch_too_large_for_the_memory_goes_row_by_row(error: MemoryError) -> None:
    several = ["слово " * 20, "убрать", "คำ" * 30, "word"]
    result = map_batch(Hungry(), ShardBatch(0, 0, True, documents(several)), error)
    assert result.documents.column("text").to_pylist() == [several[0].upper(), several[2], "WORD"]
    assert (result.tallies[0].rows_in, result.tallies[0].rejected_rows) == (4, 0)


@pytest.mark.parametrize("error", [MemoryError(), pa.ArrowMemoryError("malloc of size 7 failed")])
@pytest.mark.parametrize("text", ["слово " * 80, "文" * 200, "🙂 " * 99])
def test_a_document_too_large_for_the_memory_is_named(text: str, error: MemoryError) -> None:
    with pytest.raises(UserError, match=r"not enough memory for upper of the document at 0 of /2, which has .* bytes"):
        map_batch(Hungry(), ShardBatch(0, 0, True, documents(["a", "b", text])), error)
