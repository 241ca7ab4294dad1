"""Which texts stay: against a reference that compares each text with all that stay before it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.dedup.dedup_helpers import first_independent_set, jaccard
from xlcorpus.dedup import independent, prefixes
from xlcorpus.dedup.independent import Block, Judged, judge
from xlcorpus.dedup.sets import Sets

THRESHOLDS = st.sampled_from([0.01, 0.25, 0.5, 2 / 3, 0.75, 0.8, 1.0])
POOL = np.random.default_rng(0).integers(0, 2**52, 40, dtype=np.uint64).tolist()


@st.composite
def families(draw: st.DrawFn) -> list[set[int]]:
    """Texts that are near one of three, so that chains, copies and pairs just below a threshold are among them."""
    bases = draw(st.lists(st.sets(st.sampled_from(POOL), min_size=1, max_size=25), min_size=1, max_size=3))
    changes = st.tuples(st.sampled_from(bases), st.sets(st.sampled_from(POOL), max_size=4))
    return [base ^ change or base for base, change in draw(st.lists(changes, min_size=1, max_size=25))]


def judged(texts: list[set[int]], labels: list[int], threshold: float, cuts: list[int]) -> Judged:
    bounds = sorted({0, len(texts), *(cut for cut in cuts if cut < len(texts))})

    def block(number: int) -> Block:
        mine = slice(bounds[number], bounds[number + 1])
        offsets = np.cumsum([0] + [len(text) for text in texts[mine]])
        hashes = np.array([value for text in texts[mine] for value in sorted(text)], dtype=np.uint64)
        return Block(Sets(hashes, offsets), np.array(labels[mine]))

    return judge(bounds, block, threshold)


def check(texts: list[set[int]], labels: list[int], threshold: float, found: Judged) -> None:
    stays = first_independent_set(texts, labels, threshold)
    assert {text for text, kept in enumerate(found.kept.tolist()) if kept == text} == stays
    for text, kept in enumerate(found.kept.tolist()):
        assert kept in stays
        if kept != text:
            assert kept < text
            assert labels[kept] == labels[text]
            assert found.similarity[text] == jaccard(texts[text], texts[kept]) >= threshold


@settings(max_examples=150)
@given(families(), THRESHOLDS, st.lists(st.integers(1, 24), max_size=3), st.data())
def test_those_that_stay_are_the_first_maximal_independent_set(
    texts: list[set[int]], threshold: float, cuts: list[int], data: st.DataObject
) -> None:
    labels = data.draw(st.lists(st.integers(0, 1), min_size=len(texts), max_size=len(texts)))
    with pytest.MonkeyPatch.context() as patch:
        for module, name, values in (
            (independent, "_SEATS_AT_ONCE", [1, 3, 256]),
            (independent, "_HELD_SHINGLES", [0, 30, 1 << 21]),
            (independent, "_FIRST_MEETINGS", [1, 4]),
            (independent, "_MEETINGS_AT_ONCE", [1, 20, 1 << 21]),
            (prefixes, "_AT_ONCE", [1, 7, 1 << 21]),
        ):
            patch.setattr(module, name, data.draw(st.sampled_from(values)))
        found = judged(texts, labels, threshold, cuts)
    check(texts, labels, threshold, found)


@given(st.lists(st.integers(0, 2**52 - 1), unique=True, min_size=12, max_size=60), THRESHOLDS, st.integers(1, 59))
@example(list(range(40)), 0.5, 7)
def test_chains_keep_no_two_that_are_alike(words: list[int], threshold: float, cut: int) -> None:
    """Windows over one text: each is like its neighbours, and the ends have nothing in common."""
    texts = [set(words[start : start + 10]) for start in range(len(words) - 9)]
    check(texts, [0] * len(texts), threshold, judged(texts, [0] * len(texts), threshold, [cut]))


def generated(kind: str, count: int) -> list[set[int]]:
    random = np.random.default_rng(5)
    common = random.integers(0, 2**52, 100, dtype=np.uint64).tolist()

    def own(size: int) -> set[int]:
        return set(random.integers(0, 2**52, size, dtype=np.uint64).tolist())

    if kind == "template":
        return [set(common) | own(5) for _ in range(count)]
    if kind == "boilerplate":  # from 5 to 40 of their own: on both sides of the threshold
        return [set(common) | own(size) for size in range(40, 4, -1) for _ in range(count // 36)]
    words = random.integers(0, 2**52, 2 * count + 60, dtype=np.uint64).tolist()
    return [set(words[2 * start : 2 * start + 60]) for start in range(count)]


@pytest.mark.parametrize(("kind", "most"), [("template", 1), ("boilerplate", 3), ("chain", 8)])
def test_pairs_that_are_compared_grow_with_the_texts(kind: str, most: int) -> None:
    """Not with their square: 2,000 texts are 2 million pairs."""
    for count in (500, 2000):
        texts = generated(kind, count)
        found = judged(texts, [0] * len(texts), 0.8, [300, 900])
        assert found.compared <= most * len(texts) + 256 * 128  # those that are first looked at together
    small: Any = texts[::8]
    check(small, [0] * len(small), 0.8, judged(small, [0] * len(small), 0.8, []))
