"""Words and their translations out of a language model alone: SAIL (Li, Korhonen and Vulić 2024, arXiv:2402.10024).

The most frequent words of both languages are asked for; what the model says first is asked back; a pair stays where
both say each other first. Later rounds ask with pairs of the round before as examples, all rounds with those that are
known. Pure functions: the model is behind `ask`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from xlcorpus.mine.backend import Answered, Ask, Decoding
from xlcorpus.mine.vocabulary import Vocabulary

Sides = tuple[Vocabulary, Vocabulary]
Words = tuple[Sequence[str], Sequence[str]]  # of each side
Examples = Sequence[tuple[str, str]]  # words that translate each other, the first side's first
Prompts = Callable[[int, Sequence[str], Examples], list[str]]  # number of the side that is asked for, its words


@dataclass(frozen=True)
class Said:
    """What a model said of a word. words: those of the other vocabulary, each once, best first, with the score of the
    answer (mean log-probability of its tokens); answered: whether it said anything at all."""

    words: tuple[tuple[str, float | None], ...]
    answered: bool

    @property
    def first(self) -> str | None:
        """The best one."""
        return self.words[0][0] if self.words else None

    def place(self, word: str) -> int | None:
        """Place of a word among them, from 1."""
        return next((place for place, (one, _) in enumerate(self.words, 1) if one == word), None)

    def score(self, word: str) -> float | None:
        """Score of the answer that named it."""
        return dict(self.words).get(word)


Answers = Mapping[str, Said]  # by word of one side


@dataclass(frozen=True)
class Confirmed:
    """A pair that both directions name; ranks from 1, score from 0 to 1; iteration: the first round that found it."""

    src: str
    tgt: str
    rank_f: int
    rank_b: int
    score: float | None
    iteration: int = 0


@dataclass(frozen=True)
class Round:
    """One round. answers: of each side's words; asked_back: words of each side that were asked only for this; equal:
    pairs of one word with itself that were left out."""

    number: int
    answers: tuple[Answers, Answers]
    asked_back: tuple[int, int]
    pairs: tuple[Confirmed, ...]
    equal: int = 0


@dataclass(frozen=True)
class Rules:
    """rounds: beyond the first; agree: so many of the answers asked back count; keep_equal: pairs of equal words."""

    rounds: int = 1
    agree: int = 1
    keep_equal: bool = False


@dataclass(frozen=True)
class Mining:
    """What is asked of whom, and what counts as found."""

    sides: Sides
    prompts: Prompts
    ask: Ask
    decoding: Decoding
    rules: Rules = field(default_factory=Rules)

    def rounds(self, queries: Words, seeds: Examples = ()) -> list[Round]:
        """All rounds; the last one's pairs are what was found. queries: words of each side that are asked for; seeds:
        pairs that are known, examples of every round.

        They end early where one confirms nothing: the next would have no new examples.
        """
        done: list[Round] = []
        while len(done) <= self.rules.rounds and (not done or done[-1].pairs):
            done.append(self._round(len(done), queries, done[-1].pairs if done else (), seeds))
        return done

    def _round(self, number: int, queries: Words, before: Sequence[Confirmed], seeds: Examples) -> Round:
        examples = list(dict.fromkeys([*seeds, *((one.src, one.tgt) for one in before)]))
        forward = self._said(f"words-{number}", queries, examples)
        back = unasked(forward)
        backward = self._said(f"back-{number}", back, examples)
        answers = {**forward[0], **backward[0]}, {**forward[1], **backward[1]}
        pairs, equal = confirm(self.sides, queries, answers, self.rules)
        known = {(one.src, one.tgt): one.iteration for one in before}
        pairs = [replace(one, iteration=known.get((one.src, one.tgt), number)) for one in pairs]
        return Round(number, answers, (len(back[0]), len(back[1])), tuple(pairs), equal)

    def _said(self, phase: str, words: Words, examples: Examples) -> tuple[dict[str, Said], dict[str, Said]]:
        """What is said of words of both sides, which are asked as one."""
        asked = [self.prompts(side, words[side], examples) for side in (0, 1)]
        given = self.ask(phase, [*asked[0], *asked[1]], self.decoding)
        parts = given[: len(asked[0])], given[len(asked[0]) :]
        one, other = (
            dict(zip(words[side], read_answers(parts[side], self.sides[1 - side]), strict=True)) for side in (0, 1)
        )
        return one, other


def read_answers(answered: Sequence[Answered], into: Vocabulary) -> list[Said]:
    """The words that answers name, of each prompt; a word that several name counts once, by the best of them."""
    texts = [answer.text for one in answered for answer in one.answers]
    words = iter(into.named(texts))
    found = []
    for one in answered:
        named: dict[str, float | None] = {}
        for answer in one.answers:
            word = next(words)
            if word is not None:
                named.setdefault(word, answer.score)
        found.append(Said(tuple(named.items()), any(answer.text.strip() for answer in one.answers)))
    return found


def unasked(forward: tuple[Answers, Answers]) -> tuple[list[str], list[str]]:
    """Of each side the words that the other side's words were said to be first, and that were not asked for."""
    firsts = [dict.fromkeys(one.first for one in answers.values() if one.first is not None) for answers in forward]
    into_one, into_other = ([word for word in firsts[1 - side] if word not in forward[side]] for side in (0, 1))
    return into_one, into_other


def confirm(
    sides: Sides, queries: Words, answers: tuple[Answers, Answers], rules: Rules
) -> tuple[list[Confirmed], int]:
    """Pairs of a queried word and what it was said to be first, where that names the word among its first
    `rules.agree`; from both sides, by frequency of the source word; and how many of equal words were left out."""
    found: dict[tuple[str, str], Confirmed] = {}
    equal = set()
    for side in (0, 1):
        for word in queries[side]:
            first = answers[side][word].first
            place = answers[1 - side][first].place(word) if first is not None else None
            if first is None or place is None or place > rules.agree:
                continue
            src, tgt = (word, first) if side == 0 else (first, word)
            if src == tgt and not rules.keep_equal:
                equal.add(src)
                continue
            one, other = answers[0][src], answers[1][tgt]
            rank_f, rank_b = one.place(tgt), other.place(src)
            assert rank_f is not None
            assert rank_b is not None
            found[src, tgt] = Confirmed(src, tgt, rank_f, rank_b, probability(one.score(tgt), other.score(src)))
    order = [side.ranks for side in sides]
    return sorted(found.values(), key=lambda one: (order[0][one.src], order[1][one.tgt])), len(equal)


def probability(one: float | None, other: float | None) -> float | None:
    """Geometric mean of two probabilities given by their logarithms, to four digits (the last ones of a float follow
    from what else was in a batch); None where one is not known."""
    return None if one is None or other is None else round(math.exp((one + other) / 2), 4)
