"""The element's coder: same rows back, and a slice costs what the slice holds."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from tests.rows import documents
from xlcorpus.beam.element import RecordBatchCoder, ShardBatch, ShardBatchCoder
from xlcorpus.dataset.decisions import decide
from xlcorpus.dataset.tally import Tally


@given(
    st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"])), max_size=20), st.integers(0, 5), st.booleans()
)
def test_round_trip(texts: list[str], sequence: int, last: bool) -> None:
    batch = documents(texts)
    tally = Tally("filter", rows_in=len(texts), rows_out=0)
    decisions = decide(batch, "filter", "n_words_below", score=pa.array([1.0] * len(texts)), threshold=2.0)
    tally.count_decisions(decisions)
    element = ShardBatch(3, sequence, last, batch, (decisions,), (), (tally,))
    coder = ShardBatchCoder()
    back = coder.decode(coder.encode(element))
    assert back.documents.equals(batch)
    assert (back.task, back.sequence, back.last) == (3, sequence, last)
    assert pa.Table.from_batches(back.decisions, decisions.schema).equals(pa.Table.from_batches([decisions]))
    assert back.tallies == (tally,)


def test_a_slice_is_encoded_alone() -> None:
    batch = documents(["मक्के का भंडारण " * 100] * 4096)
    piece = batch.slice(10, 10)
    assert len(RecordBatchCoder().encode(piece)) < 2 * piece.get_total_buffer_size() / 4096 * 10 + 4096
    element = ShardBatch(0, 0, True, piece)
    assert len(ShardBatchCoder().encode(element)) < 0.02 * batch.nbytes


def test_size_is_estimated_without_encoding() -> None:
    batch = documents(["text"] * 100)
    assert ShardBatchCoder().estimate_size(ShardBatch(0, 0, True, batch)) == batch.nbytes
