"""What readers derive from packs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pack.pack_helpers import options_of, pack, token_documents
from xlcorpus.errors import IntegrityError, UserError
from xlcorpus.pack.packer import Packer
from xlcorpus.pack.packs import BATCH_ROWS
from xlcorpus.pack.segments import Parts, fill_up
from xlcorpus.pack.strategies import STRATEGIES


@given(st.lists(st.integers(1, 30), max_size=20), st.sampled_from(sorted(STRATEGIES)), st.integers(0, 5))
def test_segments_and_positions(sizes: list[int], strategy: str, skip: int) -> None:
    packs, _ = pack(token_documents(sizes), options_of(8, strategy))
    for batch in packs.slice(skip).to_batches():
        parts = Parts.of(batch, 9)
        segments, positions = parts.segment_ids().tolist(), parts.position_ids().tolist()
        sums = iter(parts.sums(np.arange(batch.num_rows * 9, dtype=np.float32).reshape(-1, 9)).tolist())
        for number, row in enumerate(batch.to_pylist()):
            ends = [*row["doc_starts"][1:], row["length"]]
            lengths = [end - start for start, end in zip(row["doc_starts"], ends, strict=True)]
            rest = 9 - row["length"]
            expected = [one for one, size in enumerate(lengths, 1) for _ in range(size)]
            assert segments[number] == expected + [0] * rest
            assert positions[number] == [place for size in [*lengths, rest] for place in range(size)]
            for start, end in zip(row["doc_starts"], ends, strict=True):
                assert next(sums) == sum(range(number * 9 + start, number * 9 + end))
        assert next(sums, None) is None


@given(st.lists(st.integers(1, 30), min_size=1, max_size=20))
def test_across_documents_a_row_is_one_part(sizes: list[int]) -> None:
    packs, _ = pack(token_documents(sizes), options_of(8))
    for batch in packs.to_batches():
        parts = Parts.of(batch, 8, across=True)
        filled = [[1] * size + [0] * (8 - size) for size in batch.column("length").to_pylist()]
        assert parts.segment_ids().tolist() == filled


def test_the_code_in_the_documentation() -> None:
    """docs/packing.md shows readers how masks and positions follow from the columns; what it shows runs."""
    page = (Path(__file__).parents[2] / "docs" / "packing.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    packs, _ = pack(token_documents([3, 20, 5]), options_of(2048))
    made: dict[str, Any] = {"batch": packs.to_batches()[0], "pad_id": 0}
    exec(code, made)
    assert made["ids"].shape == made["segments"].shape == made["positions"].shape == (1, 2048)
    assert made["segments"][0, :29].tolist() == [1] * 3 + [2] * 20 + [3] * 5 + [0]
    assert made["positions"][0, 2:5].tolist() == [2, 0, 1]
    assert made["positions"][0, 26:30].tolist() == [3, 4, 0, 1]


def test_fill_up() -> None:
    lists = pa.array([[9], [1, 2], [], None, [3, 4, 5]], pa.list_(pa.int32())).slice(1)
    filled = fill_up(lists, 4, -7)
    assert filled.tolist() == [[1, 2, -7, -7], [-7] * 4, [-7] * 4, [3, 4, 5, -7]]
    assert filled.dtype == np.int64
    assert fill_up(lists.slice(0, 1), 2, 0).tolist() == [[1, 2]]
    with pytest.raises(UserError, match="a row has 3 tokens, more than 2"):
        fill_up(lists, 2, 0)


def test_after_a_round_through_parquet(tmp_path: Path) -> None:
    """Lists come back with other names of their items."""
    packs, _ = pack(token_documents([3, 20, 5]), options_of(8, "best-fit"))
    pq.write_table(packs, tmp_path / "a.parquet")
    read = pq.read_table(tmp_path / "a.parquet")
    assert read.to_pylist() == packs.to_pylist()
    for one, other in zip(read.to_batches(), packs.to_batches(), strict=True):
        assert Parts.of(one, 8).segment_ids().tolist() == Parts.of(other, 8).segment_ids().tolist()


@pytest.mark.parametrize("starts", [[], [1], [0, 0], [0, 3], [0, 2, 1]])
def test_spoilt_boundaries(starts: list[int]) -> None:
    batch = pa.RecordBatch.from_pydict(
        {
            "input_ids": pa.array([[4, 5, 6], [7, 8, 9]], pa.list_(pa.int32())),
            "doc_starts": pa.array([starts, [0]], pa.list_(pa.int32())),
        }
    )
    with pytest.raises(IntegrityError, match="doc_starts"):
        Parts.of(batch, 4)


def test_batches_are_small() -> None:
    packs, _ = pack(token_documents(np.full(10_000, 2)), options_of(8, "one"))
    assert packs.column("pack_id").to_pylist() == list(range(10_000))
    many = token_documents(np.full(10_000, 2))
    packer = Packer(options_of(8, "one"))
    assert max(batch.num_rows for batch in [*packer.add(many), *packer.finish()]) == BATCH_ROWS
    long = Packer(options_of(1 << 18, "one"))
    made = [*long.add(token_documents(np.full(10, 1 << 18))), *long.finish()]
    assert [batch.num_rows for batch in made] == [4, 4, 2]
