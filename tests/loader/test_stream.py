"""What ranks and workers get of a stream together: every row once, the same after a stop, whoever goes on."""

from __future__ import annotations

import itertools
import pickle
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from tests import packed
from tests.loader.echo import Echo, MemoryRows, by_turns, pack_ids
from xlcorpus.errors import UserError
from xlcorpus.loader import stream as module
from xlcorpus.loader.rows import TokenRows
from xlcorpus.loader.source import Source
from xlcorpus.loader.stream import TokenStream

SIZES = st.lists(st.integers(0, 30), min_size=1, max_size=12).filter(lambda sizes: sum(sizes) >= 8)


def streams(*rows: Any, ranks: int = 1, weights: Any = None, **more: Any) -> list[TokenStream]:
    """One for each rank, over these datasets."""
    sources = [Source(one, Echo(), weight) for one, weight in zip(rows, weights or [1.0] * len(rows), strict=True)]
    return [TokenStream(sources, rank=rank, ranks=ranks, **more) for rank in range(ranks)]


@pytest.fixture(scope="module")
def token_rows(tmp_path_factory: pytest.TempPathFactory) -> TokenRows:
    """951 packs in row groups of many sizes in three shards."""
    folder = tmp_path_factory.mktemp("rows") / "out"
    return TokenRows.open(packed.regroup(packed.packs(), folder, [[10] * 40, [], [7, 1, 0, 30, *[8] * 60, 33]]))


@pytest.fixture(autouse=True)
def _small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WINDOW_TOKENS", 20 * 64)


def test_every_row_once_over_four_ranks_of_two_workers(token_rows: TokenRows) -> None:
    """In processes of their own, as a DataLoader has them; what is no row for each rank is said."""
    given_streams = streams(token_rows, ranks=4, rows=3, samples=token_rows.count)
    found: list[int] = []
    for stream in given_streams:
        loader = DataLoader(stream, batch_size=None, num_workers=2, multiprocessing_context="fork")
        batches = [batch["pack_id"] for batch in loader]
        assert len(batches) == stream.steps == 79
        assert {len(one) for one in batches[:-1]} == {3}
        found += [one for batch in batches for one in batch.tolist()]
    ids = [group.column(0).to_pylist() for group in map(token_rows.read, range(len(token_rows.groups)))]
    every = {one for group in ids for one in group}
    assert token_rows.count == 951
    assert given_streams[0].left_out == 3
    assert len(found) == len(set(found)) == 948
    assert set(found) < every


@settings(max_examples=40)
@given(SIZES, st.integers(1, 8), st.integers(1, 4), st.integers(1, 9), st.integers(1, 70), st.integers(1, 3))
def test_every_row_once_an_epoch(
    sizes: list[int], ranks: int, workers: int, rows: int, lanes: int, epochs: int
) -> None:
    memory = MemoryRows(sizes)
    given_streams = streams(memory, ranks=ranks, rows=rows, lanes=lanes, samples=epochs * memory.count)
    steps = [pack_ids(step) for step in by_turns(given_streams, workers)]
    assert len(steps) == given_streams[0].steps
    assert all(len(step) == rows * ranks for step in steps[:-1])
    found = [one for step in steps for one in step]
    assert len(found) == epochs * memory.count - given_streams[0].left_out
    assert given_streams[0].left_out < ranks
    for epoch in range(epochs):
        of_epoch = found[epoch * memory.count : (epoch + 1) * memory.count]
        assert len(set(of_epoch)) == len(of_epoch)
    (alone,) = streams(memory, rows=1, lanes=lanes)
    in_order = [batch["pack_id"].item() for batch in itertools.islice(alone, len(found))]
    # A rank has every R-th sample, so the rows of a batch, rank by rank, are the global order turned by a few places.
    size = rows * ranks
    for number, step in enumerate(steps):
        assert sorted(step) == sorted(in_order[number * size : (number + 1) * size])


def test_stop_anywhere_and_go_on_with_others(token_rows: TokenRows) -> None:
    """Twenty stops; the same rows in the same order from 1, 2 and 8 ranks, other workers and global batches."""
    chance = random.Random(4)
    (alone,) = streams(token_rows, rows=1, seed=3)
    order = [batch["pack_id"].item() for batch in itertools.islice(alone, 3 * token_rows.count)]
    stops = sorted(chance.sample(range(1, 120), 20))
    before = streams(token_rows, rows=2, seed=3, ranks=4)
    for step, last in enumerate(itertools.islice(by_turns(before, 2), stops[-1]), 1):
        if step not in stops:
            continue
        assert set(pack_ids(last)) == set(order[8 * (step - 1) : 8 * step])
        state = pickle.loads(pickle.dumps(before[0].state_dict(after=step)))
        assert state == before[3].state_dict(after=step)
        for ranks, workers, rows in chance.sample(
            ((1, 1, 8), (2, 3, 4), (8, 2, 1), (4, 4, 5), (3, 1, 7), (1, 2, 3)), 2
        ):
            after = streams(token_rows, rows=rows, seed=3, ranks=ranks)
            for stream in after:
                stream.load_state_dict(state)
            size = ranks * rows
            for number, one in enumerate(itertools.islice(by_turns(after, workers), 4)):
                start = 8 * step + number * size
                assert sorted(pack_ids(one)) == sorted(order[start : start + size])


def test_the_state_in_this_process_is_that_of_the_last_batch(token_rows: TokenRows) -> None:
    (stream,) = streams(token_rows, rows=5)
    batches = iter(stream)
    for step in range(1, 40):
        next(batches)
        assert stream.state_dict() == stream.state_dict(after=step)
    assert stream.state_dict(after=3)["samples"] == [15]  # an earlier one again
    batches.close()
    (other,) = streams(token_rows, rows=5)
    other.load_state_dict(stream.state_dict())
    assert other.state_dict() == other.state_dict(after=0) == stream.state_dict(after=39)


def test_rows_with_their_keys_are_the_same_for_all(token_rows: TokenRows) -> None:
    def keys(ranks: int, workers: int, rows: int) -> dict[int, int]:
        found: dict[int, int] = {}
        for step in by_turns(streams(token_rows, ranks=ranks, rows=rows, samples=token_rows.count), workers):
            for batch in step:
                found |= dict(zip(batch["pack_id"].tolist(), batch["keys"].tolist(), strict=True))
        return found

    first, second = keys(1, 1, 951), keys(3, 2, 3)
    assert len(set(first.values())) == 951
    assert second.items() <= first.items()


@settings(max_examples=25)
@given(
    st.lists(st.tuples(SIZES, st.sampled_from((0.1, 1, 3, 40))), min_size=2, max_size=4),
    st.integers(1, 4),
    st.integers(1, 3),
    st.integers(1, 5),
)
def test_several_sources(drawn: list[tuple[list[int], float]], ranks: int, workers: int, rows: int) -> None:
    sizes, weights = zip(*drawn, strict=True)
    memories = [MemoryRows(one, name=str(number)) for number, one in enumerate(sizes)]
    given_streams = streams(*memories, ranks=ranks, rows=rows, weights=weights)
    taken = [0] * len(weights)
    given_rows: list[list[int]] = [[] for _ in weights]
    for number, step in enumerate(itertools.islice(by_turns(given_streams, workers), 40), 1):
        (source,) = {batch["source"] for batch in step}
        taken[source] += 1
        given_rows[source] += pack_ids(step)
        for count, weight in zip(taken, weights, strict=True):
            assert abs(count - number * weight / sum(weights)) < 1
        assert given_streams[0].state_dict(after=number)["samples"] == [count * ranks * rows for count in taken]
    for memory, found in zip(memories, given_rows, strict=True):
        for epoch in range(0, len(found) - memory.count, memory.count):
            if memory.count % (ranks * rows) == 0:
                assert sorted(found[epoch : epoch + memory.count]) == list(range(memory.count))


def test_a_group_is_decoded_once_where_ranks_and_workers_are_powers_of_two() -> None:
    memories = [MemoryRows([16] * 200) for _ in range(4)]
    given_streams = [
        TokenStream([Source(memory, Echo())], rows=2, rank=rank, ranks=4, lanes=32, samples=3200)  # type: ignore[arg-type]
        for rank, memory in enumerate(memories)
    ]
    for _ in by_turns(given_streams, 2):
        pass
    decoded = [group for memory in memories for group in memory.read_groups]
    assert len(set(decoded)) == 200
    assert len(decoded) <= 200 + 31


def test_memory_is_bounded_and_a_rare_source_keeps_its_groups() -> None:
    often, rare = MemoryRows([10] * 300), MemoryRows([10] * 300, name="rare")
    (stream,) = streams(often, rare, rows=4, weights=[100, 1], lanes=8)
    for _ in itertools.islice(stream, 4_000):
        pass
    # 40 micro-batches of 4 rows are 160 rows of 8 lanes: 16 groups and the beginnings of 8, and two windows ahead.
    assert len(rare.read_groups) <= 40
    # Of the other one every group comes once an epoch, but for the cuts.
    assert len(often.read_groups) <= 1.1 * 15_840 / 10 + 24


def test_what_is_refused(token_rows: TokenRows) -> None:
    empty, few = MemoryRows([0, 0]), MemoryRows([3])
    for given_rows, more, message in (
        ([empty], {}, "memory has no rows"),
        ([few], {"ranks": 4}, "3 rows for 4 ranks: a rank would have none"),
        ([token_rows], {"ranks": 4, "samples": 3}, "3 samples for 4 ranks"),
        ([token_rows], {"rows": 0}, "rows is 0"),
        ([token_rows], {"lanes": 0}, "lanes is 0"),
        ([token_rows], {"weights": [-1.0]}, "weight -1"),
        ([], {}, "no source"),
    ):
        with pytest.raises(UserError, match=message):
            streams(*given_rows, **{"rows": 2, **more})  # type: ignore[misc,arg-type]
    with pytest.raises(UserError, match="no rank 2 of 2"):
        TokenStream([Source(token_rows, Echo())], rows=1, rank=2, ranks=2)


def test_states_of_something_else(token_rows: TokenRows) -> None:
    (stream,) = streams(token_rows, rows=2)
    for other, what in (
        (streams(MemoryRows([9]), rows=2), "datasets"),
        (streams(token_rows, rows=2, seed=1), "seeds"),
        (streams(token_rows, rows=2, lanes=8), "lanes"),
        (streams(token_rows, rows=2, weights=[2.0]), "weights"),
    ):
        with pytest.raises(UserError, match=f"made with other {what}"):
            stream.load_state_dict(other[0].state_dict())


NO_STATES = [None, [4], {}, {"samples": 4}, {"samples": [4, 4]}, {"samples": [-1]}, {"samples": ["4"]}]


@pytest.mark.parametrize("state", NO_STATES)
def test_what_is_no_state(token_rows: TokenRows, state: Any) -> None:
    (stream,) = streams(token_rows, rows=2)
    whole = {**stream.state_dict(), **state} if isinstance(state, dict) and state else state
    with pytest.raises(UserError, match="no state of a token stream"):
        stream.load_state_dict(whole)
    assert stream.state_dict()["samples"] == [0]


def test_an_error_while_decoding_is_raised_where_it_is_needed(tmp_path: Path) -> None:
    class Broken(MemoryRows):
        def read(self, group: int, columns: Any = None) -> Any:
            if group == 3:
                raise UserError("group 3 is gone")
            return super().read(group, columns)

    (stream,) = streams(Broken([10] * 5), rows=2)
    with pytest.raises(UserError, match="group 3 is gone"):
        list(itertools.islice(stream, 25))


def test_an_objective_gets_contiguous_rows_of_its_columns(token_rows: TokenRows) -> None:
    seen: list[tuple[list[str], int, Any]] = []

    class Looking(Echo):
        columns = ("input_ids", "pack_id")

        def collate(self, rows: Any, keys: np.ndarray) -> Any:
            seen.append((rows.schema.names, rows.num_rows, keys.dtype))
            return super().collate(rows, keys)

    stream = TokenStream([Source(token_rows, Looking())], rows=6)
    next(iter(stream))
    assert seen == [(["input_ids", "pack_id"], 6, np.uint64)]
