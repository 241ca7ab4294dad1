"""Induced dictionaries: rotated vectors are found again, the best candidates come first, errors say what to do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlcorpus.errors import UserError
from xlcorpus.lexicon.embed import EmbedOptions, Vectors, train_vectors, word_lines
from xlcorpus.lexicon.vecmap import (
    INDUCED,
    InduceOptions,
    dictionary_seed,
    fit_orthogonal,
    identical_seed,
    induce,
    normalize,
    numeral_seed,
    top_k,
)

WORDS, DIMENSIONS = 300, 20
QUICK = InduceOptions(rounds=40, cutoff=WORDS, keep=1.0)


def languages(noise: float = 0.0, seed: int = 0) -> tuple[Vectors, Vectors]:
    """Clustered vectors and the same rotated, shuffled and stretched; word a7 is word b7."""
    generator = np.random.default_rng(seed)
    centres = generator.normal(size=(12, DIMENSIONS)) * np.linspace(2, 0.3, DIMENSIONS)
    matrix = centres[generator.integers(0, 12, WORDS)] + generator.normal(size=(WORDS, DIMENSIONS))
    rotation = np.linalg.qr(generator.normal(size=(DIMENSIONS, DIMENSIONS)))[0]
    order = generator.permutation(WORDS)
    other = (matrix + noise * generator.normal(size=matrix.shape)) @ rotation * generator.uniform(1, 3, (WORDS, 1))
    counts = np.arange(WORDS, 0, -1)
    one = Vectors([f"a{number}" for number in range(WORDS)], counts, matrix.astype(np.float32))
    return one, Vectors([f"b{number}" for number in order], counts, other[order].astype(np.float32))


def precision(table: pa.Table) -> float:
    best = [row for row in table.to_pylist() if row["rank"] == 1]
    return sum(row["src"][1:] == row["tgt"][1:] for row in best) / len(best)


@pytest.mark.parametrize("reweight", [0.0, 0.5])
@pytest.mark.parametrize("self_learning", [True, False])
def test_rotated_vectors_are_found_again(self_learning: bool, reweight: float) -> None:
    one, other = languages()
    seed = dictionary_seed(one, other, [(f"a{number}", f"b{number}") for number in range(40)])
    table = induce(one, other, seed, replace(QUICK, self_learning=self_learning, reweight=reweight))
    assert precision(table) == 1.0


def test_self_learning_grows_a_small_seed() -> None:
    one, other = languages(noise=0.1)
    seed = dictionary_seed(one, other, [(f"a{number}", f"b{number}") for number in range(8)])
    alone = precision(induce(one, other, seed, replace(QUICK, self_learning=False, reweight=0)))
    learned = precision(induce(one, other, seed, QUICK))
    assert alone < 0.9
    assert learned > 0.95


def test_the_best_candidates_are_the_most_similar() -> None:
    """The published program sorts in rising order and keeps the least similar (methods A2.1, E1)."""
    similarity = np.array([[0.1, 0.9, -0.5, 0.7], [1.0, 0.2, 0.3, 0.4]])
    assert top_k(similarity, 3).tolist() == [[1, 3, 0], [0, 3, 2]]
    one, other = languages()
    seed = dictionary_seed(one, other, [(f"a{number}", f"b{number}") for number in range(60)])
    rows = induce(one, other, seed, replace(QUICK, self_learning=False)).to_pylist()
    for first, second, third in zip(rows[::3], rows[1::3], rows[2::3], strict=True):
        assert first["score"] >= second["score"] >= third["score"]
        assert [first["rank"], second["rank"], third["rank"]] == [1, 2, 3]
        assert first["src"][1:] == first["tgt"][1:]


@given(st.integers(1, 6), st.integers(1, 8), st.integers(1, 9), st.data())
def test_top_k_is_a_sort(rows: int, columns: int, count: int, data: st.DataObject) -> None:
    values = data.draw(st.lists(st.integers(-3, 3), min_size=rows * columns, max_size=rows * columns))
    similarity = np.array(values, dtype=np.float64).reshape(rows, columns)
    expected = [sorted(range(columns), key=lambda at, row=row: (-row[at], at))[:count] for row in similarity.tolist()]
    assert top_k(similarity, count).tolist() == expected


def test_the_same_seed_gives_the_same_rows() -> None:
    one, other = languages(noise=0.5)
    seed = dictionary_seed(one, other, [(f"a{number}", f"b{number}") for number in range(10)])
    options = replace(QUICK, keep=0.3, rounds=8)
    table = induce(one, other, seed, options)
    assert table.schema.equals(INDUCED)
    assert len(table) == 3 * WORDS
    assert induce(one, other, seed, options).equals(table)
    assert not induce(one, other, seed, replace(options, seed=1)).equals(table)


def test_normalize_and_orthogonality() -> None:
    matrix = normalize(np.random.default_rng(1).normal(size=(50, 8)))
    assert np.linalg.norm(matrix, axis=1) == pytest.approx(1)
    assert not np.isnan(normalize(np.zeros((3, 4)))).any()
    rotation = fit_orthogonal(matrix[:3], matrix[5:8])  # fewer pairs than dimensions
    assert rotation @ rotation.T == pytest.approx(np.eye(8))


def test_seeds() -> None:
    counts, matrix = np.ones(4, dtype=np.int64), np.zeros((4, 2), dtype=np.float32)
    one = Vectors(["7", "radio", "२", "a1"], counts, matrix)
    other = Vectors(["radio", "7", "two", "a1"], counts, matrix)
    assert numeral_seed(one, other).tolist() == [[0, 1]]
    assert identical_seed(one, other).tolist() == [[0, 1], [1, 0], [3, 3]]
    assert dictionary_seed(one, other, [("२", "two"), ("7", "seven"), ("२", "two")]).tolist() == [[2, 2]]
    with pytest.raises(UserError, match="no word pair to begin with"):
        induce(one, other, dictionary_seed(one, other, []))
    with pytest.raises(UserError, match="dimensions"):
        induce(one, replace(other, matrix=np.zeros((4, 3), dtype=np.float32)), identical_seed(one, other))
    for name in ("candidates", "rounds", "keep"):
        with pytest.raises(UserError, match=name):
            InduceOptions(**{name: 0})


def test_vectors_do_not_depend_on_the_order_of_texts() -> None:
    assert list(word_lines(pa.array(["Don't, LÉA!", "我有", ""]))) == ["don't léa", "", ""]
    texts = [f"the cat number {number % 7} sat on mat {number % 3}" for number in range(60)]
    options = EmbedOptions(dim=8, epoch=2, bucket=500)
    one = train_vectors(pa.array(texts), options)
    other = train_vectors(pa.array(texts[::-1]), options)
    assert one.words == other.words
    assert np.array_equal(one.matrix, other.matrix)
    assert one.counts[0] == 60
    assert "</s>" not in one.words
    different = train_vectors(pa.array(texts), replace(options, seed=2))
    assert not np.array_equal(
        dict(zip(different.words, different.matrix.tolist(), strict=True))["cat"], one.matrix[one.words.index("cat")]
    )


def test_too_little_text() -> None:
    with pytest.raises(UserError, match="more text"):
        train_vectors(pa.array(["one two three"]), EmbedOptions(min_count=5))
    with pytest.raises(UserError, match="more text"):
        train_vectors(pa.array([], pa.string()))
