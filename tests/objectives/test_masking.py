"""Masking: its shares, what is never chosen, and that a row is masked alike in whatever batch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.objectives.masked_models import FIRST, MASK, PAD, SIZE, VOCABULARY
from xlcorpus.errors import UserError
from xlcorpus.objectives.masking import Masker, MaskOptions
from xlcorpus.objectives.objective import NO_LABEL, Vocabulary

SPECIAL = sorted(VOCABULARY.special)


def drawn(rows: int, width: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.integers(0, SIZE, (rows, width)), random.integers(0, 2**64, rows, dtype=np.uint64)


def test_shares_are_those_asked_for() -> None:
    ids, keys = drawn(400, 500)
    inputs, labels = Masker(MaskOptions(), VOCABULARY).mask(ids, keys, "mlm")
    chosen, text = labels != NO_LABEL, ~np.isin(ids, SPECIAL)
    assert chosen[text].mean() == pytest.approx(0.15, abs=0.003)  # 180,000 tokens: 0.0008 is one standard deviation
    masked = inputs[chosen] == MASK
    assert masked.mean() == pytest.approx(0.8, abs=0.01)
    changed = (inputs != ids)[chosen] & ~masked
    assert changed.mean() == pytest.approx(0.1 * (1 - 1 / (SIZE - len(SPECIAL))), abs=0.006)
    # every token of text comes in at random, about as often as any other, and no special id does
    counts = np.bincount(inputs[chosen][changed], minlength=SIZE)
    assert not counts[SPECIAL].any()
    others = np.delete(counts, SPECIAL)
    assert others.min() > 0.6 * others.mean()
    assert others.max() < 1.4 * others.mean()


@given(st.integers(0, 2**32), st.integers(1, 6), st.integers(1, 40))
def test_what_is_hidden_and_what_is_not(seed: int, rows: int, width: int) -> None:
    ids, keys = drawn(rows, width, seed)
    masker = Masker(MaskOptions(probability=0.5), VOCABULARY)
    inputs, labels = masker.mask(ids, keys, "mlm")
    chosen = labels != NO_LABEL
    assert (labels[chosen] == ids[chosen]).all()
    assert (inputs[~chosen] == ids[~chosen]).all()
    assert not chosen[np.isin(ids, SPECIAL)].any()
    # a row alone, with more padding behind it
    alone = np.full((1, width + 8), PAD)
    alone[0, :width] = ids[-1]
    for there, here in zip((inputs, labels), masker.mask(alone, keys[-1:], "mlm"), strict=True):
        assert (here[0, :width] == there[-1]).all()


def test_other_purpose_or_key_other_tokens() -> None:
    ids, keys = np.full((2, 400), FIRST), np.array([7, 8], dtype=np.uint64)
    masker = Masker(MaskOptions(), VOCABULARY)
    text, latin = (masker.mask(ids, keys, purpose)[1] for purpose in ("text", "latin"))
    assert (text != latin).any()
    assert (text[0] != text[1]).any()


def test_refusals() -> None:
    with pytest.raises(UserError, match="has no mask"):
        Masker(MaskOptions(), Vocabulary("f", 8, {"pad": 0}, frozenset({0})))
    with pytest.raises(UserError, match="more than 1 together"):
        MaskOptions(mask_share=0.8, random_share=0.3)


def words_of(starts: np.ndarray, row: list[int], texts: set[int]) -> list[list[int]]:
    """Places of each word of a row, as a loop finds them; special ids are words of their own."""
    words: list[list[int]] = []
    for place, number in enumerate(row):
        alone = number in SPECIAL or place == 0 or row[place - 1] in SPECIAL or place in texts
        if alone or starts[number]:
            words.append([])
        words[-1].append(place)
    return words


@given(st.integers(0, 2**32), st.integers(1, 5), st.integers(1, 60), st.lists(st.integers(0, 59), max_size=3))
def test_whole_words_are_chosen_whole(seed: int, rows: int, width: int, texts: list[int]) -> None:
    ids, keys = drawn(rows, width, seed)
    starts = np.arange(SIZE) % 3 == 0
    masker = Masker(MaskOptions(whole_word=True, probability=0.4), replace(VOCABULARY, word_starts=starts))
    own = np.array([row * width + at for row in range(rows) for at in texts if at < width], dtype=np.int64)
    inputs, labels = masker.mask(ids, keys, "mlm", own)
    for row in range(rows):
        for word in words_of(starts, ids[row].tolist(), set(texts)):
            chosen = labels[row, word] != NO_LABEL
            assert chosen.all() or not chosen.any()
    chosen = labels != NO_LABEL
    assert (labels[chosen] == ids[chosen]).all()
    assert (inputs[~chosen] == ids[~chosen]).all()
    assert not chosen[np.isin(ids, SPECIAL)].any()
    alone = masker.mask(ids[-1:], keys[-1:], "mlm", own[own >= (rows - 1) * width] - (rows - 1) * width)
    assert (alone[0] == inputs[-1:]).all()
    assert (alone[1] == labels[-1:]).all()


def test_shares_of_whole_words_are_those_of_tokens() -> None:
    ids, keys = drawn(400, 500)
    ids[ids < FIRST] = FIRST
    vocabulary = replace(VOCABULARY, word_starts=np.arange(SIZE) % 3 == 0)
    inputs, labels = Masker(MaskOptions(whole_word=True), vocabulary).mask(ids, keys, "mlm")
    chosen = labels != NO_LABEL
    assert chosen.mean() == pytest.approx(0.15, abs=0.006)  # words of 3 pieces in the mean: one deviation is 0.0018
    assert (inputs[chosen] == MASK).mean() == pytest.approx(0.8, abs=0.01)
    both = chosen[:, 1:] & chosen[:, :-1] & (ids[:, 1:] % 3 != 0)
    kinds = (inputs == MASK)[:, 1:][both], (inputs == MASK)[:, :-1][both]
    assert np.corrcoef(*kinds)[0, 1] == pytest.approx(0, abs=0.03)  # what stands in its place: each by itself


def test_a_run_without_a_mark_is_no_word() -> None:
    ids, keys = np.full((50, 400), FIRST), np.arange(50, dtype=np.uint64)
    vocabulary = replace(VOCABULARY, word_starts=np.zeros(SIZE, dtype=bool))
    shares = [
        (Masker(MaskOptions(whole_word=True), vocabulary).mask(ids[:, :width], keys, "mlm")[1] != NO_LABEL).mean(axis=1)
        for width in (400, 64)
    ]
    assert 0.05 < shares[0].min() <= shares[0].max() < 0.3
    assert set(shares[1]) == {0.0, 1.0}
    with pytest.raises(UserError, match="whole_word needs the tokenizer"):
        Masker(MaskOptions(whole_word=True), VOCABULARY)
