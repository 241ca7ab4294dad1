from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlcorpus.dataset.kept import MOST_BYTES, Kept, cuts_of, spread
from xlcorpus.errors import UserError

INPUT = pa.schema([("label", pa.int64()), ("image", pa.binary()), ("length", pa.int32())])


def test_names_and_new_names() -> None:
    kept = Kept.parse("label, size=length")
    assert kept.names == (("label", "label"), ("size", "length"))
    kept.check(INPUT, {"length", "pack_id"}, "out/mix")
    assert not Kept.parse(None)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("lable", r"no column 'lable' in out/mix \(.*'label'"),
        ("length", "have a column 'length' of their own\n  remedy: .*--keep input_length=length"),
        ("label,label", "'label' is there twice"),
        ("label,,image", "has an empty name"),
        ("=image", "has an empty name"),
    ],
)
def test_refused(given: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        Kept.parse(given).check(INPUT, {"length"}, "out/mix")


@given(st.lists(st.integers(0, 2 * MOST_BYTES), max_size=50))
def test_stretches_are_all_rows_and_none_is_too_heavy(weights: list[int]) -> None:
    cuts = list(cuts_of(np.array(weights, dtype=np.int64)))
    assert [start for start, _ in cuts] == [0, *(stop for _, stop in cuts[:-1])]
    assert cuts[-1][1] == len(weights)
    assert all(stop - start == 1 or sum(weights[start:stop]) <= MOST_BYTES for start, stop in cuts)


def test_a_document_whose_image_is_wanted_for_many_sentences_comes_in_pieces() -> None:
    rows = pa.RecordBatch.from_pydict({"sentence": list(range(10))})
    kept = pa.RecordBatch.from_pydict({"image": [b"a" * (5 << 20), b"b"]})
    at = np.array([0] * 7 + [1, 1, 0])
    pieces = list(spread(rows, kept, at))
    assert len(pieces) > 1
    assert [value[:1] for piece in pieces for value in piece.column("image").to_pylist()] == [b"a"] * 7 + [
        b"b",
        b"b",
        b"a",
    ]
    assert [value for piece in pieces for value in piece.column("sentence").to_pylist()] == list(range(10))
    assert [piece.num_rows for piece in spread(rows.slice(0, 0), kept, at[:0])] == [0]
