"""Examples are those that slow code, written from the definitions, chooses too; in many scripts."""

from __future__ import annotations

import math
import unicodedata
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from xlcorpus.mine.examples import Bm25, Pool, choose_examples, nearest, words_of

TEXTS = [
    "The river rises early in spring.", "The mill by the river stands empty.", "Mto unapanda mapema wakati wa masika.",
    "नदी वसंत में जल्दी चढ़ती है।", "नदी के किनारे की चक्की खाली है।", "แม่น้ำขึ้นเร็วในฤดูใบไม้ผลิ", "河水在春天很早就上涨了。",
    "Река рано поднимается весной.", "ينهض النهر مبكرا في الربيع", "Odò ń kún ní kùtùkùtù ìgbà ìrúwé.", 
    "강은 봄에 일찍 불어난다.", "the THE the river", "", "!!!",
]  # fmt: skip


def slow_words(text: str) -> list[str]:
    """Runs of letters, marks and digits, one character with its marks where no spaces are written."""
    lowered = unicodedata.normalize("NFKC", text).lower()
    unspaced = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}]\p{M}*"
    return regex.findall(rf"{unspaced}|(?:(?![\p{{Han}}\p{{Thai}}])[\p{{L}}\p{{M}}\p{{N}}])+", lowered)


class SlowOkapi:
    """rank_bm25 0.2.2, BM25Okapi, line for line."""

    def __init__(self, corpus: list[list[str]], k1: float = 1.5, b: float = 0.75, epsilon: float = 0.25) -> None:
        self.k1, self.b = k1, b
        self.freqs = [Counter(document) for document in corpus]
        self.sizes = [len(document) for document in corpus]
        self.mean = sum(self.sizes) / len(corpus)
        having = Counter(word for document in self.freqs for word in document)
        self.idf = {word: math.log(len(corpus) - n + 0.5) - math.log(n + 0.5) for word, n in having.items()}
        floor = epsilon * sum(self.idf.values()) / len(self.idf)
        self.idf = {word: floor if value < 0 else value for word, value in self.idf.items()}

    def scores(self, query: list[str]) -> list[float]:
        found = []
        for freq, size in zip(self.freqs, self.sizes, strict=True):
            below = self.k1 * (1 - self.b + self.b * size / self.mean)
            found.append(
                sum(self.idf.get(word, 0) * freq[word] * (self.k1 + 1) / (freq[word] + below) for word in query)
            )
        return found


def test_words_are_those_of_the_house_in_many_scripts() -> None:
    _, offsets = words_of(pa.array(TEXTS))
    assert np.diff(offsets).tolist() == [len(slow_words(text)) for text in TEXTS]
    hashes, offsets = words_of(pa.array(["Ｔｈｅ the THE", "नदी नदी"]))
    assert len(set(hashes.tolist())) == 2


def test_bm25_is_okapis() -> None:
    bm25, slow = Bm25.of(pa.array(TEXTS)), SlowOkapi([slow_words(text) for text in TEXTS])
    for query in [*TEXTS, "the river the river", "unknown words only", "春天"]:
        hashes, _ = words_of(pa.array([query]))
        found = bm25.scores(hashes, np.arange(len(TEXTS)))
        np.testing.assert_allclose(found, slow.scores(slow_words(query)), rtol=1e-12, atol=1e-12)


def test_bm25_is_that_of_the_package_where_it_is_installed() -> None:
    rank_bm25 = pytest.importorskip("rank_bm25")
    theirs = rank_bm25.BM25Okapi([slow_words(text) for text in TEXTS])
    np.testing.assert_allclose(theirs.get_scores(slow_words(TEXTS[0])), SlowOkapi(
        [slow_words(text) for text in TEXTS]).scores(slow_words(TEXTS[0])))  # fmt: skip


def vectors_of(values: list[list[int]], *, thin: bool) -> np.ndarray | sparse.csr_matrix:
    made = np.array(values, dtype=np.float64).reshape(-1, 3)
    made /= np.maximum(np.linalg.norm(made, axis=1, keepdims=True), 1e-9)
    return sparse.csr_matrix(made.astype(np.float32)) if thin else made.astype(np.float32)


ROWS = st.lists(st.lists(st.integers(0, 3), min_size=3, max_size=3), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(ROWS, ROWS, st.integers(1, 5), st.booleans(), st.integers(-1, 11))
def test_nearest_against_sorting_everything(
    queries: list[list[int]], pool: list[list[int]], count: int, thin: bool, left_out: int
) -> None:
    own = np.full(len(queries), left_out if left_out < len(pool) else -1)
    found = nearest(vectors_of(queries, thin=thin), vectors_of(pool, thin=thin), count, own)
    for row, query in enumerate(vectors_of(queries, thin=False).astype(np.float64)):
        near = np.round(vectors_of(pool, thin=False).astype(np.float64) @ query, 9)
        order = [at for at in sorted(range(len(pool)), key=lambda at: (-near[at], at)) if at != own[row]][:count]
        kept = [at for at in found[row].tolist() if at >= 0]
        assert len(kept) == len(order)
        np.testing.assert_allclose(near[kept], near[order], atol=2e-7)


@pytest.mark.parametrize("passing", [14, 5, 3, 0])
def test_the_published_rule_with_its_fall_back(passing: int) -> None:
    """The best by BM25 of the nearest of those that pass; where too few pass, the nearest of all."""
    generator = np.random.default_rng(passing)
    vectors = vectors_of(generator.integers(0, 50, (len(TEXTS), 3)).tolist(), thin=False)
    passed = np.zeros(len(TEXTS), dtype=bool)
    passed[generator.permutation(len(TEXTS))[:passing]] = True
    own = np.arange(len(TEXTS))
    pool = Pool(pa.array(TEXTS), vectors, passed)
    found = choose_examples(pa.array(TEXTS), vectors, pool, own, shots=3, top=5)
    kept = np.flatnonzero(passed)
    okapi = SlowOkapi([slow_words(TEXTS[at]) for at in kept]) if passing else None
    for row, query in enumerate(TEXTS):
        near = vectors.astype(np.float64) @ vectors[row].astype(np.float64)
        usable = [at for at in kept.tolist() if at != row]
        if len(usable) < 3:
            expected = sorted((at for at in range(len(TEXTS)) if at != row), key=lambda at: (-near[at], at))[:3]
        else:
            some = sorted(usable, key=lambda at: (-near[at], at))[:5]
            assert okapi is not None
            scores = okapi.scores(slow_words(query))
            expected = sorted(some, key=lambda at: -scores[kept.tolist().index(at)])[:3]
        assert found[row].tolist() == expected
        assert row not in found[row]


def test_fewer_pairs_than_examples() -> None:
    one = vectors_of([[1, 2, 3]], thin=False)
    found = choose_examples(pa.array(["mto"]), one, Pool(pa.array(["mto"]), one, np.array([True])), np.array([-1]))
    assert found.tolist() == [[0, *[-1] * 7]]
    none = Pool(pa.array([], pa.string()), one[:0], np.zeros(0, dtype=bool))
    assert choose_examples(pa.array(["mto"]), one, none, np.array([-1]), shots=2).tolist() == [[-1, -1]]
