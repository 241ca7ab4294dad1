"""From band hashes to components."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from tests.dedup.dedup_helpers import union_find
from xlcorpus.dedup.candidates import ROW_BITS, ROW_MASK, bucket_edges, components, deal_bands, document_keys

EDGES = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)).filter(lambda edge: edge[0] != edge[1]), min_size=1)
BANDS = st.lists(st.lists(st.integers(0, 3), min_size=3, max_size=3), min_size=1, max_size=12)


def spread(values: list[int]) -> np.ndarray:
    """Small numbers as keys all over uint64, in the same order."""
    return np.array(values, dtype=np.uint64) * np.uint64(0x1357_9BDF_0246_8ACE)


@given(EDGES)
@example([(0, 1)] * 256)  # a count in one byte would come back to nothing
@example([(1, 0)] * 512 + [(2, 1)])
def test_components_are_those_of_union_find(edges: list[tuple[int, int]]) -> None:
    keys, labels = components(spread([end for edge in edges for end in edge]).reshape(-1, 2))
    due = union_find(13, edges)
    members = sorted({end for edge in edges for end in edge})
    assert keys.tolist() == spread(members).tolist()
    assert labels.tolist() == spread([due[member] for member in members]).tolist()


@given(BANDS, st.integers(1, 4), st.randoms(use_true_random=False))
@example([[1, 1, 1]] * 12, 1, None)
def test_members_of_a_bucket_meet_and_no_others(bands: list[list[int]], partitions: int, random: object) -> None:
    hashes = np.array(bands, dtype=np.uint64) * np.uint64(0x9E37_79B9_7F4A_7C15)
    keys = document_keys(3, len(bands))
    cut = len(bands) // 2
    elements = [
        *deal_bands(hashes[:cut], keys[:cut], partitions),
        *deal_bands(hashes[cut:], keys[cut:], partitions),
    ]
    groups: dict[int, list[bytes]] = {}
    for group, packed in reversed(elements):
        groups.setdefault(group, []).append(packed)
    assert all(0 <= group < 3 * partitions for group in groups)
    edges = [edge for packed in groups.values() for edge in bucket_edges(packed).tolist()]
    due = []
    for band in range(3):
        for value in {row[band] for row in bands}:
            bucket = [int(key) for key, row in zip(keys, bands, strict=True) if row[band] == value]
            due += [[bucket[0], other] for other in bucket[1:]]  # a star: the smallest key to each other one
    assert sorted(edges) == sorted(due)


def test_every_document_is_packed_once_a_band() -> None:
    bands = np.random.default_rng(1).integers(0, 2**64, (500, 4), dtype=np.uint64)
    keys = document_keys(7, 500)
    found = list(deal_bands(bands, keys, 5))
    assert len({group for group, _ in found}) == len(found) == 20
    for band in range(4):
        parts = [packed for group, packed in found if group // 5 == band]
        rows = np.frombuffer(b"".join(parts), np.uint64).reshape(-1, 2)
        order = np.argsort(rows[:, 1])
        assert rows[order, 1].tolist() == keys.tolist()
        assert rows[order, 0].tolist() == bands[:, band].tolist()


def test_a_document_twice_in_a_bucket_is_no_pair() -> None:
    packed = np.array([[5, 1], [5, 1], [5, 2], [6, 3]], dtype=np.uint64).tobytes()
    assert bucket_edges([packed]).tolist() == [[1, 2]]
    lone = np.array([[5, 1], [6, 1], [7, 2]], dtype=np.uint64).tobytes()
    assert bucket_edges([lone]).tolist() == []


@given(st.integers(0, 2**31), st.integers(0, 5))
def test_keys_hold_shard_and_row(shard: int, rows: int) -> None:
    keys = document_keys(shard, rows)
    assert (keys >> ROW_BITS).tolist() == [shard] * rows
    assert (keys & ROW_MASK).tolist() == list(range(rows))
