"""A model that knows a gold dictionary and errs by hash, for word mining: hub words, words of no text, other words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import xxhash

from xlcorpus.mine.backend import Answer, Answered, Decoding
from xlcorpus.mine.vocabulary import Vocabulary

LANGS = ("eng_Latn", "hin_Deva")
NAMES = {"English": 0, "Hindi": 1}
_PROMPT = re.compile(r"The (\w+) word '?([^\s']+)'? in \w+ is:?$")
_LETTERS = ("bcdfghjklmnpqrstvwxz", "कगचजटडतदनपबमरलवसहखघछ")
HUBS = 3


def made_word(number: int, side: int) -> str:
    """A word of letters alone for each number."""
    letters, word = _LETTERS[side], ""
    for _ in range(4):
        number, place = divmod(number, len(letters))
        word += letters[place]
    return word


def gold_sides(words: int) -> tuple[Vocabulary, Vocabulary]:
    """Vocabularies in which the words of one place translate each other."""
    one, other = (
        Vocabulary(lang, tuple(made_word(number, side) for number in range(words)), tuple(range(words, 0, -1)))
        for side, lang in enumerate(LANGS)
    )
    return one, other


def share(*parts: object) -> float:
    """A number in [0, 1) by hash."""
    return xxhash.xxh3_64_intdigest("\t".join(map(str, parts)).encode()) / 2**64


@dataclass
class Oracle:
    """error: share of wrong first answers, of prompts with examples `error_with_shots`; asked: phases and prompts."""

    words: int
    error: float
    error_with_shots: float = 0.0
    asked: list[tuple[str, list[str]]] = field(default_factory=list)

    def says(self, side: int, number: int, *, shots: bool = False) -> list[str]:
        """The answers to a word of a side, as a model writes them, best first."""
        error = self.error_with_shots if shots else self.error
        gold = made_word(number, 1 - side)
        if share("wrong", side, number, shots) >= error:
            return [f" {gold.upper()}. The", " gibberish", f" {made_word(number + 1, 1 - side)}"]
        kind = share("kind", side, number, shots)
        if kind < 0.4:
            return [f" {made_word(int(kind * 1000) % HUBS, 1 - side)}।", f" {gold}"]
        if kind < 0.6:
            return [" outofvocabulary", "", " \u0915\u0915\u0915\u0915\u0915x"]
        if kind < 0.65:
            return []
        return [f" {made_word(int(share('other', side, number, shots) * self.words), 1 - side)}", f" {gold}"]

    def __call__(self, phase: str, prompts: Sequence[str], decoding: Decoding) -> list[Answered]:
        """See Ask."""
        self.asked.append((phase, list(prompts)))
        return [self.answer(prompt, decoding.returns) for prompt in prompts]

    def answer(self, prompt: str, returns: int) -> Answered:
        """The answers to a prompt by its last line."""
        *shots, last = prompt.split("\n")
        found = _PROMPT.search(last)
        assert found is not None, last
        side = NAMES[found[1]]
        said = self.says(side, number_of(found[2], side), shots=bool(shots))[:returns]
        return Answered(tuple(Answer(text, -0.5 * place - 0.1) for place, text in enumerate(said)), 10, len(said))


def number_of(word: str, side: int) -> int:
    """The number that `made_word` made the word of."""
    return sum(_LETTERS[side].index(letter) * len(_LETTERS[side]) ** place for place, letter in enumerate(word))
