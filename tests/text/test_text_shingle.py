"""Shingles: equal windows of tokens have equal hashes, others do not, wherever they stand."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.text.text_reference import texts, tokens_of
from xlcorpus.text import shingle
from xlcorpus.text.codepoints import code_points
from xlcorpus.text.hashes import hash_spans, mix
from xlcorpus.text.shingle import Shingles, shingles
from xlcorpus.text.words import tokens


def shingled(values: list[str], size: int = 5) -> Shingles:
    points = code_points(pa.array(values, pa.string()))
    return shingles(points, tokens(points), size)


def per_text(found: Shingles) -> list[list[int]]:
    return [found.hashes[a:b].tolist() for a, b in pairwise(found.offsets)]


def windows(tokens_in: list[str], size: int) -> list[tuple[str, ...]]:
    if not tokens_in:
        return []
    return [tuple(tokens_in[i : i + size]) for i in range(max(len(tokens_in) - size + 1, 1))]


@given(st.lists(texts(40), max_size=6), st.integers(1, 6))
@example(["a b c d e f", "a b c d e", "a b c d", "", "...", "漢字かな交じり文", "b c d e f"], 5)
def test_equal_windows_equal_hashes(values: list[str], size: int) -> None:
    due = [windows(tokens_of(value), size) for value in values]
    found = per_text(shingled(values, size))
    assert [len(hashes) for hashes in found] == [len(row) for row in due]
    pairs = {
        (window, value)
        for row, hashes in zip(due, found, strict=True)
        for window, value in zip(row, hashes, strict=True)
    }
    assert len(pairs) == len({window for window, _ in pairs}) == len({value for _, value in pairs})


@given(st.lists(texts(40), min_size=1, max_size=6), st.data())
def test_hashes_depend_on_neither_batch_nor_place(values: list[str], data: st.DataObject) -> None:
    together = per_text(shingled(values))
    assert [per_text(shingled([value]))[0] for value in values] == together
    order = data.draw(st.permutations(range(len(values))))
    assert per_text(shingled([values[i] for i in order])) == [together[i] for i in order]
    filled = pa.array(["पहले", *values, "後"]).slice(1, len(values))
    points = code_points(filled)
    assert per_text(shingles(points, tokens(points))) == together


@given(st.lists(st.text("abकखกขかき", min_size=1, max_size=3), min_size=1, max_size=12), st.data())
def test_separators_do_not_count(words: list[str], data: st.DataObject) -> None:
    marks = st.text(" ,.\n—।。", min_size=1, max_size=3)
    other = "".join(word + data.draw(marks) for word in words)
    assert per_text(shingled([" ".join(words)])) == per_text(shingled([other]))


def test_a_short_text_is_one_shingle_and_one_without_tokens_has_none() -> None:
    found = per_text(shingled(["one", "one two", "one two three four five", "one two three four five six", "!?", ""]))
    assert [len(hashes) for hashes in found] == [1, 1, 1, 2, 0, 0]
    assert found[2][0] == found[3][0]
    assert len({hashes[0] for hashes in found[:3]}) == 3


def test_a_text_in_two_scripts_has_shingles_of_both_kinds() -> None:
    (found,) = per_text(shingled(["ab cd 漢字かな"], 2))
    assert len(found) == 5
    assert found[0] == per_text(shingled(["ab cd"], 2))[0][0]
    assert found[2] == per_text(shingled(["漢字"], 2))[0][0]


def test_hash_spans_tells_100_000_random_sequences_apart() -> None:
    random = np.random.default_rng(5)
    lengths = random.integers(2, 9, 130_000)
    ends = np.cumsum(lengths)
    starts = ends - lengths
    for first, last in ((0x900, 0x980), (0x61, 0x7B), (0xAC00, 0xD7A4)):
        values = random.integers(first, last, int(ends[-1]), dtype=np.uint32)
        sequences = [values[a:b].tobytes() for a, b in zip(starts.tolist(), ends.tolist(), strict=True)]
        hashes = hash_spans(values, starts, ends)
        by_sequence = dict(zip(sequences, hashes.tolist(), strict=True))
        assert [by_sequence[sequence] for sequence in sequences] == hashes.tolist()  # equal sequences, equal hash
        assert len(by_sequence) > 100_000
        assert len(set(by_sequence.values())) == len(by_sequence)


def test_hash_spans_tells_all_short_words_apart() -> None:
    """Every word of one, two and three letters: the sequences nearest to one another that there are."""
    letters = np.arange(0x430, 0x460, dtype=np.uint32)
    grids = [np.stack(np.meshgrid(*[letters] * size, indexing="ij"), axis=-1).reshape(-1, size) for size in (1, 2, 3)]
    values = np.concatenate([grid.ravel() for grid in grids])
    lengths = np.concatenate([np.full(len(grid), grid.shape[1]) for grid in grids])
    ends = np.cumsum(lengths)
    hashes = hash_spans(values, ends - lengths, ends)
    assert len(hashes) == 48 + 48**2 + 48**3
    assert len(np.unique(hashes)) == len(hashes)
    # Each of the 64 bits is set in half of them: 113,000 fair coins are within 0.008 of it at five deviations.
    bits = (hashes[:, None] >> np.arange(64, dtype=np.uint64)) & np.uint64(1)
    assert np.abs(bits.mean(axis=0) - 0.5).max() < 0.008


def test_hash_spans_of_nothing() -> None:
    none = np.zeros(0, dtype=np.int64)
    assert hash_spans(np.zeros(0, dtype=np.uint32), none, none).tolist() == []
    empty = hash_spans(np.array([5, 6], dtype=np.uint32), np.array([0, 1, 2]), np.array([0, 1, 2]))
    assert len(set(empty.tolist())) == 1
    one = hash_spans(np.array([5, 6], dtype=np.uint32), np.array([0]), np.array([1]))
    assert one[0] != empty[0]


@given(st.lists(st.integers(0, 2**64 - 1), unique=True, max_size=50))
def test_mix_is_a_bijection_and_leaves_its_argument(values: list[int]) -> None:
    given_values = np.array(values, dtype=np.uint64)
    mixed = mix(given_values)
    assert given_values.tolist() == values
    assert len(set(mixed.tolist())) == len(values)


def test_mix_is_the_finaliser_of_splitmix64() -> None:
    """The stream of Java's SplittableRandom (and of xoshiro's reference seeding) from seed 1234567."""
    golden = 0x9E3779B97F4A7C15
    states = np.array([(1234567 + (i + 1) * golden) % 2**64 for i in range(5)], dtype=np.uint64)
    assert mix(states).tolist() == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]


def test_shingles_do_not_depend_on_how_many_tokens_are_hashed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    points = code_points(pa.array(["one two three four five six seven", "", "सभी मनुष्यों को गौरव और", "すべての人間は"]))
    whole = shingles(points, tokens(points))
    for at_once in (1, 2, 5):
        monkeypatch.setattr(shingle, "_TOKENS_AT_ONCE", at_once)
        assert shingles(points, tokens(points)).hashes.tolist() == whole.hashes.tolist()
