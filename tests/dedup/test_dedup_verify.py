"""Exact Jaccard and clusters against Python's sets."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.dedup.dedup_helpers import jaccard, union_find
from xlcorpus.dedup import verify
from xlcorpus.dedup.verify import Candidates, cluster, jaccard_pairs

# Few shingles, so that sets meet; one far up, because hashes are all over uint64.
SHINGLES = st.sampled_from([3, 5, 7, 11, 13, 2**64 - 1])
SETS = st.lists(st.lists(SHINGLES, max_size=7), max_size=9)
THRESHOLDS = st.sampled_from([0.01, 0.25, 0.5, 2 / 3, 0.75, 0.8, 1.0])


def laid_out(sets: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    offsets = np.concatenate([[0], np.cumsum([len(part) for part in sets])]).astype(np.int64)
    return np.array([value for part in sets for value in part], dtype=np.uint64), offsets


@given(SETS, THRESHOLDS, st.integers(1, 4))
@example([[], [], [3], [3, 3], [3, 5]], 0.5, 1)
def test_pairs_are_those_of_pythons_sets(sets: list[list[int]], threshold: float, block: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verify, "_BLOCK_TEXTS", block)
        first, second, similarity = jaccard_pairs(*laid_out(sets), threshold)
    found = {(a, b): s for a, b, s in zip(first.tolist(), second.tolist(), similarity.tolist(), strict=True)}
    assert len(found) == len(first)
    due = {(a, b): jaccard(set(sets[a]), set(sets[b])) for a, b in combinations(range(len(sets)), 2)}
    assert found == {pair: value for pair, value in due.items() if value >= threshold}


def test_large_sets_are_counted_exactly() -> None:
    random = np.random.default_rng(3)
    pool = random.integers(0, 2**64, 90_000, dtype=np.uint64)
    sets = [pool[:70_000], pool[20_000:], pool[:1]]
    offsets = np.array([0, 70_000, 140_000, 140_001])
    first, second, similarity = jaccard_pairs(np.concatenate(sets), offsets, 1e-6)
    found = zip(first.tolist(), second.tolist(), similarity.tolist(), strict=True)
    assert sorted(found) == [(0, 1, 50_000 / 90_000), (0, 2, 1 / 70_000)]


@dataclass(frozen=True)
class Text:
    """A candidate: texts of equal content have equal shingles."""

    content: int
    rank: float
    doc_id: bytes


CONTENTS = st.lists(st.lists(SHINGLES, max_size=6, unique=True), min_size=1, max_size=5)


@st.composite
def candidates(draw: st.DrawFn) -> tuple[list[list[int]], list[Text]]:
    contents = draw(CONTENTS)
    ids = draw(st.lists(st.binary(min_size=16, max_size=16), unique=True, max_size=9))
    texts = [Text(draw(st.integers(0, len(contents) - 1)), draw(st.sampled_from([0, 1, -1.5])), one) for one in ids]
    return contents, texts


def clustered(contents: list[list[int]], texts: list[Text], threshold: float) -> list[tuple[bytes, int, bool, float]]:
    shingles, offsets = laid_out([contents[text.content] for text in texts])
    found = cluster(
        Candidates(
            shingles=shingles,
            offsets=offsets,
            digests=np.array([f"content {text.content:08d}".encode() for text in texts], dtype="V16"),
            rank=np.array([text.rank for text in texts], dtype=np.float64),
            doc_ids=np.frombuffer(b"".join(text.doc_id for text in texts), dtype="V16"),
        ),
        threshold,
    )
    assert found.similarity.dtype == np.float32
    columns = (found.kept.tolist(), found.size.tolist(), found.exact.tolist(), found.similarity.tolist())
    return [(texts[kept].doc_id, *rest) for kept, *rest in zip(*columns, strict=True)]  # type: ignore[misc]


def expected(contents: list[list[int]], texts: list[Text], threshold: float) -> list[tuple[bytes, int, bool, float]]:
    edges: dict[tuple[int, int], float] = {}
    for (a, one), (b, two) in combinations(enumerate(texts), 2):
        same = one.content == two.content
        value = 1.0 if same else jaccard(set(contents[one.content]), set(contents[two.content]))
        if value >= threshold:
            edges[a, b] = value
    labels = union_find(len(texts), list(edges))
    found = []
    for place, text in enumerate(texts):
        members = [texts[other] for other, label in enumerate(labels) if label == labels[place]]
        best_first = sorted(members, key=lambda member: (-member.rank, member.doc_id))
        copies = [member for member in best_first if member.content == text.content]
        nearest = max((value for edge, value in edges.items() if place in edge), default=0.0)
        found.append((best_first[0].doc_id, len(members), copies[0] != text, float(np.float32(nearest))))
    return found


@given(candidates(), THRESHOLDS)
@example(([[]], [Text(0, 0, b"b" * 16), Text(0, 0, b"a" * 16)]), 0.8)  # copies without shingles
@example(([[3]], [Text(0, 0, b"\xff" * 16), Text(0, 0, b"\x00" * 16)]), 0.8)  # ids are unsigned bytes
@example(([[3]], [Text(0, 0, b"a" * 15 + b"\x01"), Text(0, 0, b"a" * 15 + b"\x00")]), 0.8)
@example(([[3], [5]], []), 0.8)
def test_clusters_are_those_of_the_reference(given_texts: tuple[list[list[int]], list[Text]], threshold: float) -> None:
    contents, texts = given_texts
    assert clustered(contents, texts, threshold) == expected(contents, texts, threshold)


@given(candidates(), THRESHOLDS, st.data())
def test_clusters_do_not_depend_on_the_order(
    given_texts: tuple[list[list[int]], list[Text]], threshold: float, data: st.DataObject
) -> None:
    contents, texts = given_texts
    order = data.draw(st.permutations(range(len(texts))))
    found = clustered(contents, texts, threshold)
    assert clustered(contents, [texts[place] for place in order], threshold) == [found[place] for place in order]


def test_the_best_member_stays() -> None:
    contents = [[3, 5, 7, 11], [3, 5, 7, 11, 13], [2**64 - 1]]
    texts = [Text(0, 10, b"b" * 16), Text(1, 20, b"c" * 16), Text(0, 10, b"a" * 16), Text(2, 99, b"z" * 16)]
    assert clustered(contents, texts, 0.8) == [
        (b"c" * 16, 3, True, 1.0),  # a copy of a, which has the smaller id
        (b"c" * 16, 3, False, pytest.approx(0.8)),
        (b"c" * 16, 3, False, 1.0),
        (b"z" * 16, 1, False, 0.0),
    ]


def test_texts_without_shingles_are_alone_unless_copied() -> None:
    texts = [Text(0, 1, b"a" * 16), Text(1, 1, b"b" * 16), Text(1, 2, b"c" * 16)]
    assert clustered([[], []], texts, 0.01) == [
        (b"a" * 16, 1, False, 0.0),
        (b"c" * 16, 2, True, 1.0),
        (b"c" * 16, 2, False, 1.0),
    ]


def test_a_chain_is_one_cluster() -> None:
    """Single linkage: the ends of a chain need not resemble each other."""
    contents = [[3, 5, 7], [5, 7, 11], [7, 11, 13]]
    texts = [Text(number, -number, bytes([number]) * 16) for number in range(3)]
    assert [kept for kept, *_ in clustered(contents, texts, 0.5)] == [bytes(16)] * 3
    assert [kept for kept, *_ in clustered(contents, texts, 0.51)] == [bytes([number]) * 16 for number in range(3)]


def test_unordered_ranks_lose() -> None:
    texts = [Text(0, float("nan"), b"a" * 16), Text(0, float("-inf"), b"b" * 16), Text(0, 0.0, b"c" * 16)]
    assert {kept for kept, *_ in clustered([[3]], texts, 0.8)} == {b"c" * 16}
