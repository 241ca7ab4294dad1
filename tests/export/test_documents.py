"""Packs to documents: whatever the cuts, the order of parts, the blocks; what does not fit is refused."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.export.exported import SCHEMA, by_hand, documents_of, pack_row, packs
from tests.rows import doc_id
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.errors import IntegrityError, UserError
from xlcorpus.export.documents import COLUMNS, EPOCHS, Documents, Joiner, by_file, in_blocks


def _batch(rows: list[dict[str, object]]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(rows, schema=SCHEMA).select([*COLUMNS, EPOCHS])


def _lists(documents: list[Documents]) -> list[list[int]]:
    return [
        part.tolist()
        for some in documents
        for part in np.split(some.ids, np.cumsum(some.sizes)[:-1])
        if len(some.sizes)
    ]


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 1), st.lists(st.integers(1, 9), min_size=1, max_size=4))),
    st.randoms(use_true_random=False),
    st.integers(1, 60),
    st.integers(0, 20),
    st.integers(1, 5),
)
@settings(max_examples=120, deadline=None)
def test_parts_dealt_to_packs_at_random_are_joined_whatever_the_blocks(
    tmp_path_factory: pytest.TempPathFactory,
    cut: list[tuple[int, int, list[int]]],
    chaos: random.Random,
    block: int,
    held: int,
    rows: int,
) -> None:
    """Documents by (name, epoch), each once; parts of any sizes in any order, several in a pack."""
    whole = {(name, epoch): (number, sizes) for number, (name, epoch, sizes) in enumerate(cut)}
    parts = []
    for (name, epoch), (number, sizes) in whole.items():
        ids = [100 * number + token for token in range(sum(sizes))]
        starts = np.cumsum([0, *sizes]).tolist()
        for start, size in zip(starts, sizes, strict=False):
            parts.append((doc_id(f"{name}"), ids[start : start + size], start, sum(sizes), epoch))
    chaos.shuffle(parts)
    given_rows = [pack_row(at, parts[at : at + 3]) for at in range(0, len(parts), 3)]
    batches = [_batch(given_rows[at : at + rows]) for at in range(0, len(given_rows), rows)]
    joiner = Joiner(tmp_path_factory.mktemp("dataset"), 64, True, tmp_path_factory.mktemp("scratch"), held)
    found = _lists(list(joiner.join(batches, block)))
    last = {(part[0], part[4]): place for place, part in enumerate(parts)}
    expected = sorted(whole.items(), key=lambda item: last[doc_id(str(item[0][0])), item[0][1]])
    assert found == [[100 * number + token for token in range(sum(sizes))] for _, (number, sizes) in expected]
    assert joiner.tokens == sum(map(len, found))
    assert not list(joiner.scratch.iterdir())  # what waited on disk is gone


@pytest.mark.parametrize("options", [{}, {"strategy": "concatenate"}, {"strategy": "one"}, {"length": 16}])
def test_real_packs_are_joined_whatever_the_blocks(options: dict[str, object], tmp_path: Path) -> None:
    folder = packs(**options)
    dataset = Dataset.open(folder)
    columns = [name for name in (*COLUMNS, EPOCHS) if name in dataset.manifest.arrow_schema.names]
    length = options.get("length", 64)
    for block, held in ((1 << 20, 1 << 20), (1, 0), (333, 1000)):
        joiner = Joiner(folder, length, EPOCHS in columns, tmp_path, held)
        small = (piece for batch in dataset.batches(columns) for piece in _pieces(batch, 7))
        assert _lists(list(joiner.join(small, block))) == documents_of(folder)


def _pieces(batch: pa.RecordBatch, rows: int) -> list[pa.RecordBatch]:
    return [batch.slice(at, rows) for at in range(0, batch.num_rows, rows)]


def _join(folder: Path, tmp_path: Path) -> list[list[int]]:
    dataset = Dataset.open(folder)
    columns = [name for name in (*COLUMNS, EPOCHS) if name in dataset.manifest.arrow_schema.names]
    return _lists(list(Joiner(folder, 64, EPOCHS in columns, tmp_path).join(dataset.batches(columns))))


ONE, TWO = doc_id("one"), doc_id("two")


def test_a_document_split_over_shards_is_joined(tmp_path: Path) -> None:
    first = [pack_row(0, [(ONE, [1, 2], 0, 5, 0), (TWO, [9], 0, 1, 0)])]
    second = [pack_row(1, [(ONE, [5], 4, 5, 0)]), pack_row(2, [(ONE, [3, 4], 2, 5, 0)])]
    assert _join(by_hand(tmp_path / "d", [first, second]), tmp_path) == [[9], [1, 2, 3, 4, 5]]


def test_shards_without_rows_and_documents_of_one_token_are_no_exception(tmp_path: Path) -> None:
    assert _join(by_hand(tmp_path / "d", [[], [pack_row(0, [(ONE, [3], 0, 1, 0)])], []]), tmp_path) == [[3]]


@pytest.mark.parametrize("parts", [[(0, [1, 2]), (0, [1, 2]), (2, [3]), (2, [3])], [(0, [1]), (0, [1, 2]), (2, [3])]])
def test_shards_without_epochs_whose_copies_lie_among_one_another_are_refused(
    parts: list[tuple[int, list[int]]], tmp_path: Path
) -> None:
    rows = [pack_row(at, [(ONE, ids, offset, 3, 0)]) for at, (offset, ids) in enumerate(parts)]
    with pytest.raises(UserError, match=r"more than once.*\n.*make the token shards again with this version"):
        _join(by_hand(tmp_path / "d", [rows], older=True), tmp_path)


def test_copies_one_after_the_other_are_told_apart_without_epochs(tmp_path: Path) -> None:
    rows = [pack_row(at, [(ONE, ids, offset, 3, 0)]) for at, (offset, ids) in enumerate([(0, [1]), (1, [2, 3])] * 3)]
    assert _join(by_hand(tmp_path / "d", [rows], older=True), tmp_path) == [[1, 2, 3]] * 3


def test_epochs_tell_copies_apart_wherever_they_lie(tmp_path: Path) -> None:
    parts = [(0, [1, 2], 0), (0, [1], 1), (1, [2, 3], 1), (2, [3], 0)]
    rows = [pack_row(at, [(ONE, ids, offset, 3, epoch)]) for at, (offset, ids, epoch) in enumerate(parts)]
    assert _join(by_hand(tmp_path / "d", [rows]), tmp_path) == [[1, 2, 3]] * 2


def test_switched_variants_of_one_document_have_its_id_and_lengths_of_their_own(tmp_path: Path) -> None:
    parts = [(0, [1, 2], 3), (0, [4, 5, 6], 5), (2, [3], 3), (3, [7, 8], 5)]
    rows = [pack_row(at, [(ONE, ids, offset, total, 0)]) for at, (offset, ids, total) in enumerate(parts)]
    assert _join(by_hand(tmp_path / "d", [rows]), tmp_path) == [[1, 2, 3], [4, 5, 6, 7, 8]]


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ([(0, [1, 2], 4)], "not all parts are there"),
        ([(0, [1, 2], 4), (1, [3, 4], 4)], "one is missing or there twice"),
        ([(0, [1, 2, 3], 4), (3, [4, 5], 4)], "one is missing or there twice"),
        ([(1, [1, 2], 2)], "one is missing or there twice"),
        ([(0, [1, 2], 1)], "one is missing or there twice"),
    ],
)
def test_parts_that_do_not_make_up_a_document_are_refused(
    parts: list[tuple[int, list[int], int]], said: str, tmp_path: Path
) -> None:
    rows = [pack_row(at, [(ONE, ids, offset, total, 0)]) for at, (offset, ids, total) in enumerate(parts)]
    with pytest.raises(IntegrityError, match=f"{ONE.hex()}.*{said}"):
        _join(by_hand(tmp_path / "d", [rows]), tmp_path)


@pytest.mark.parametrize(
    "change", [{"length": 2}, {"doc_ids": [ONE]}, {"doc_offsets": [0, 0, 0]}, {"doc_ids": [b"x"] * 2}]
)
def test_packs_that_contradict_themselves_are_refused(change: dict[str, object], tmp_path: Path) -> None:
    row = pack_row(0, [(ONE, [1, 2], 0, 2, 0), (TWO, [3], 0, 1, 0)])
    with pytest.raises(IntegrityError, match="make the token shards again"):
        _join(by_hand(tmp_path / "d", [[{**row, **change}]]), tmp_path)


@given(
    st.lists(st.lists(st.integers(1, 30), min_size=1, max_size=6), min_size=1), st.integers(1, 50), st.integers(1, 90)
)
@settings(max_examples=60, deadline=None)
def test_blocks_and_files_hold_every_token_once(sizes: list[list[int]], block: int, most: int) -> None:
    tokens = iter(range(10**6))
    documents = [
        Documents(np.array([next(tokens) for _ in range(sum(some))], dtype=np.int32), np.array(some)) for some in sizes
    ]
    total = sum(map(sum, sizes))
    cut = list(in_blocks(documents, block))
    assert np.concatenate([one.ids for one in cut]).tolist() == list(range(total))
    assert [size for one in cut for size in one.sizes.tolist()] == [block] * (total // block) + [total % block][
        : bool(total % block)
    ]
    dealt = list(by_file(documents, 2, 3, most))
    assert np.concatenate([some.ids for _, some in dealt]).tolist() == list(range(total))
    assert [size for _, some in dealt for size in some.sizes.tolist()] == [size for some in sizes for size in some]
    numbers = [number for number, _ in dealt]
    assert numbers == sorted(numbers)
    assert set(numbers) == set(range(numbers[-1] + 1))
    for number in set(numbers):
        held = [size for at, some in dealt if at == number for size in some.sizes.tolist()]
        assert sum(2 * size + 3 for size in held) <= most or len(held) == 1
