"""What operators promise: whole letters, words and sentences of the text, the same for a text wherever it stands."""

from __future__ import annotations

import itertools
import unicodedata

import numpy as np
import pyarrow as pa
import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.generate.references import GIVEN, TEXTS, is_edit, letters, opened, options_of, words
from xlcorpus.generate.crop import crop
from xlcorpus.generate.operators import FEW_WORDS, MADE, NO_CHANGE, Made
from xlcorpus.generate.pairs import OPERATORS
from xlcorpus.generate.shuffle import shuffle, shuffled
from xlcorpus.generate.spans import next_sentences, offers, span
from xlcorpus.generate.typo import typo
from xlcorpus.text.draws import below, draw_crop, numbers, shares, stream


def pairs(made: Made) -> list[tuple[str, str]]:
    return list(zip(made.src.to_pylist(), made.tgt.to_pylist(), strict=True))


@settings(max_examples=20)
@given(texts=GIVEN, operator=st.sampled_from(list(OPERATORS)))
def test_a_text_gives_the_same_pair_wherever_it_stands(texts: list[str], operator: str) -> None:
    source, states = opened(texts)
    options = options_of(operator)
    made = OPERATORS[operator](source, states, options)
    alone: list[tuple[str, str]] = []
    for row, text in enumerate(texts):
        one = OPERATORS[operator](opened([text])[0], states[row : row + 1], options)
        assert one.reasons[0] == made.reasons[row]
        alone += pairs(one)
    assert pairs(made) == alone


@settings(max_examples=20)
@given(texts=GIVEN)
def test_words_are_whole_letters_apart_from_one_another(texts: list[str]) -> None:
    source, _ = opened(texts)
    spans = source.words
    assert np.isin(spans.starts, source.letters.starts).all()
    assert np.isin(spans.ends, source.letters.ends).all()
    assert (spans.ends > spans.starts).all()
    assert (spans.starts[1:] >= spans.ends[:-1]).all()
    for row, text in enumerate(texts):
        found = source.pick(spans.starts, spans.ends).to_pylist()[spans.offsets[row] : spans.offsets[row + 1]]
        assert found == words(text)


@settings(max_examples=20)
@given(texts=GIVEN, least=st.floats(0.01, 0.5), most=st.floats(0.5, 1))
def test_crops_are_stretches_of_whole_words_within_the_bounds(texts: list[str], least: float, most: float) -> None:
    source, states = opened(texts)
    made = crop(source, states, options_of("crop", least_ratio=least, most_ratio=most))
    kept = [text for text, reason in zip(texts, made.reasons, strict=True) if reason == MADE]
    assert [len(words(text)) >= 2 for text in texts] == [reason == MADE for reason in made.reasons]
    for text, sides in zip(kept, pairs(made), strict=True):
        every = words(text)
        for side in sides:
            assert side in text
            count = len(words(side))
            assert max(1, int(len(every) * least)) <= count <= max(1, int(len(every) * most))


def test_crops_are_drawn_as_contriever_draws_them() -> None:
    states = numbers(np.zeros(20_000, dtype=np.uint64), np.arange(20_000))
    sizes = np.full(len(states), 256)
    begins, lengths = draw_crop(states, 0, sizes, 0.05, 0.5)
    assert (lengths.min(), lengths.max()) == (12, 127)  # int(256 * 0.05); 128 has probability 0
    assert abs(lengths.mean() - 256 * 0.275) < 1
    assert begins.min() == 0
    assert (begins + lengths).max() == 256
    other, _ = draw_crop(states, 1, sizes, 0.05, 0.5)
    assert abs(np.corrcoef(begins, other)[0, 1]) < 0.03
    long = lengths > 120
    assert abs(begins[long].mean() - 66) < 5  # uniform over the places it fits in


@settings(max_examples=20)
@given(texts=GIVEN, edit=st.sampled_from(["swap", "drop", "repeat", "insert", "substitute"]))
def test_a_typo_is_one_edit_of_letters_of_the_text(texts: list[str], edit: str) -> None:
    source, states = opened(texts)
    made = typo(source, states, options_of("typo", rate=1e-9, edits=edit, min_words=2))
    for before, after in pairs(made):
        old, new = letters(before), letters(after)
        if any(unicodedata.category(letter[0])[0] in "MC" or "\u1100" <= letter[0] < "\u1200" for letter in old):
            old, new = list(before), list(after)  # what is no mark or jamo at first may join others afterwards
            assert set(new) <= set(old)
            continue
        assert set(new) <= set(old)
        assert len(new) - len(old) == {"drop": -1, "repeat": 1, "insert": 1}.get(edit, 0)
        assert is_edit(old, new)


@pytest.mark.parametrize("text", TEXTS)
def test_typos_part_no_mark_from_its_letter(text: str) -> None:
    source, _ = opened([text] * 200)
    made = typo(source, np.arange(200, dtype=np.uint64) << np.uint64(9), options_of("typo", rate=0.5))
    known = set(letters(text))
    assert len(made.src) == 200
    assert {letter for tgt in made.tgt.to_pylist() for letter in letters(tgt)} <= known
    assert len(set(made.tgt.to_pylist())) > 190


def test_the_rate_is_that_of_words() -> None:
    text = " ".join(["quartz"] * 1000)
    source, states = opened([text])
    (after,) = typo(source, states, options_of("typo", rate=0.2)).tgt.to_pylist()
    wrong = sum(word != "quartz" for word in after.split())
    assert 160 < wrong < 240


@settings(max_examples=20)
@given(texts=GIVEN, within=st.sampled_from(["text", "clause"]))
def test_shuffles_keep_all_words_and_all_between_them(texts: list[str], within: str) -> None:
    source, states = opened(texts)
    made = shuffle(source, states, options_of("shuffle", within=within))
    for before, after in pairs(made):
        assert sorted(letters_of_words(before)) == sorted(letters_of_words(after))
        assert sorted(before) == sorted(after)
        assert before != after
    for text, reason in zip(texts, made.reasons, strict=True):
        if reason == NO_CHANGE and within == "text":
            assert len(set(words(text))) == 1
        if reason == FEW_WORDS:
            assert len(words(text)) < 2


def letters_of_words(text: str) -> list[str]:
    return list("".join(text.split()))


@pytest.mark.parametrize("text", TEXTS)
def test_shuffled_words_are_those_of_the_text(text: str) -> None:
    source, _ = opened([text] * 50)
    states = np.arange(50, dtype=np.uint64) << np.uint64(9)
    after = shuffled(source, states, options_of("shuffle")).to_pylist()
    assert len(set(after)) > 40
    for one in after:
        assert sorted(letters(one)) == sorted(letters(text))  # no mark is parted


def test_a_clause_keeps_its_first_and_last_word() -> None:
    text = "one two three four five, six seven eight nine. ten eleven twelve"
    source, states = opened([text] * 30)
    after = shuffled(source, states, options_of("shuffle", within="clause")).to_pylist()
    assert all(regex.fullmatch(r"one \w+ \w+ \w+ five, six \w+ \w+ nine\. ten eleven twelve", one) for one in after)
    assert {tuple(sorted(one.split())) for one in after} == {tuple(sorted(text.split()))}
    assert len(set(after)) == 12 or len(set(after)) > 5


@settings(max_examples=20)
@given(distance=st.integers(1, 5), state=st.integers(0, 2**60))
def test_no_word_is_moved_further_than_the_distance(distance: int, state: int) -> None:
    text = " ".join(f"w{number}" for number in range(40))
    source, _ = opened([text])
    states = np.array([state], dtype=np.uint64)
    (after,) = shuffled(source, states, options_of("shuffle", distance=distance)).to_pylist()
    moved = [abs(place - int(word[1:])) for place, word in enumerate(after.split())]
    assert 0 < max(moved) <= distance


@settings(max_examples=20)
@given(texts=GIVEN, most=st.integers(1, 4))
def test_spans_are_two_stretches_of_sentences_apart(texts: list[str], most: int) -> None:
    source, states = opened(texts)
    made = span(source, states, options_of("span", sentences=most))
    spans = source.sentences
    kept = np.flatnonzero(made.reasons == MADE)
    assert (made.reasons == MADE).tolist() == (spans.per_text >= 2).tolist()
    for row, (src, tgt) in zip(kept.tolist(), pairs(made), strict=True):
        every = source.pick(spans.starts, spans.ends).to_pylist()[spans.offsets[row] : spans.offsets[row + 1]]
        assert len(src) + len(tgt) <= len(texts[row])
        assert any(
            (src, tgt) in ((one, other), (other, one))
            for one, other in itertools.combinations(stretches(texts[row], every, most), 2)
        )


def stretches(text: str, sentences: list[str], most: int) -> list[str]:
    """All stretches of up to `most` sentences with what lies between them."""
    at = [0]
    places = []
    for one in sentences:
        start = text.index(one, at[-1])
        places.append((start, start + len(one)))
        at.append(start + len(one))
    return [
        text[places[first][0] : places[last][1]]
        for first in range(len(places))
        for last in range(first, min(first + most, len(places)))
    ]


def test_the_second_side_follows_or_is_what_another_text_offers() -> None:
    texts = [TEXTS[0]] * 400 + ["Alone."]
    source, _ = opened(texts)
    states = numbers(np.zeros(len(texts), dtype=np.uint64), np.arange(len(texts)))
    options = options_of("next-sentence", negatives=0.25)
    given = offers(source, states, options)
    assert given.to_pylist()[-1] == "Alone."
    assert set(given.to_pylist()[:-1]) == set(stretches(TEXTS[0], sentences_of(TEXTS[0]), 1))
    made = next_sentences(source, states, options, pa.array(["other"] * len(texts)))
    assert 0.68 < made.follows.mean() < 0.82
    following = set(itertools.pairwise(sentences_of(TEXTS[0])))
    for pair, follows in zip(pairs(made.made), made.follows, strict=True):
        assert pair in following if follows else pair[1] == "other"
    alone = next_sentences(source, states, options, pa.nulls(len(texts), pa.string()))
    assert alone.follows.all()
    assert len(alone.made.src) == made.follows.sum()


def sentences_of(text: str) -> list[str]:
    source, _ = opened([text])
    return source.pick(source.sentences.starts, source.sentences.ends).to_pylist()


def test_numbers_are_those_of_the_house_generator() -> None:
    states = np.array([5, 2**63 + 1], dtype=np.uint64)
    assert np.array_equal(np.stack([numbers(states, place) for place in range(4)], axis=1), stream(states, 5)[:, 1:])
    assert (below(states, 0, np.array([0, 0])) == 0).all()
    assert ((shares(states, 1) >= 0) & (shares(states, 1) < 1)).all()
