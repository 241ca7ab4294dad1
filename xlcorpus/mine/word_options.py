"""Options of the step mine-words, and which languages a pair names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Literal

from xlcorpus.errors import UserError, nearest
from xlcorpus.mine.backend import Decoding
from xlcorpus.mine.language_pair import LanguagePair
from xlcorpus.mine.options import AskOptions
from xlcorpus.mine.word_prompts import SHOTS_TEMPLATE, TEMPLATE
from xlcorpus.mine.words import Rules
from xlcorpus.options import option
from xlcorpus.text.labels import same_language


class WordOptions(AskOptions):
    """What is mined, and how the model is asked."""

    files: ClassVar[tuple[str, ...]] = (*AskOptions.files, "seed_dictionary")
    pair: str = option(description="languages, source first: swh_Latn:eng_Latn")
    queries: int = option(5000, ge=1, description="words of each language that are asked for, the most frequent ones")
    min_count: int = option(1, ge=1, description="times that a word must stand in the texts")
    least_words: int = option(100, ge=2, description="words that each language must have")
    seed_dictionary: list[str] = option(
        [], description="dictionary file (as codeswitch reads it) of words that are known, examples of every round"
    )
    rounds: int = option(1, ge=0, description="rounds with pairs of the round before as examples, after the first")
    shots: int = option(5, ge=1, description="examples in a prompt")
    beams: int = option(5, ge=1, description="beams of the search, and answers that are looked at")
    agree: int = option(1, ge=1, description="answers asked back among which the word must be")
    new_tokens: int = option(5, ge=1, description="tokens of an answer, at most")
    template: str = option(TEMPLATE, description="prompt of a word, without examples")
    shots_template: str = option(
        SHOTS_TEMPLATE, description="an example; the word behind the examples gets it up to {answer}"
    )
    equal: Literal["drop", "keep"] = option(
        "drop", description="pairs of a word with itself: a model that repeats words confirms them all"
    )
    vectors_mb: int = option(64, ge=1, description="MB of text of each language that word vectors are trained on")
    source: str = option("mined", description="name of the collection, a column of the rows")

    @property
    def decoding(self) -> Decoding:
        """How answers are made: a line, by beam search."""
        return Decoding(self.new_tokens, beams=self.beams, returns=self.beams)

    @property
    def rules(self) -> Rules:
        """What counts as found."""
        return Rules(self.rounds, self.agree, self.equal == "keep")


def languages_of(pair: str, known: Iterable[str] | None = None) -> tuple[str, str]:
    """The labels of SRC:TGT. known: those that there are documents of. Raises UserError where there are none of one."""
    found = LanguagePair.parse(pair)
    if known is not None:
        labels = sorted({label for label in known if label})
        for lang in (found.src, found.tgt):
            if not any(same_language(lang, label) for label in labels):
                raise UserError(
                    f"--pair {pair}: no document is in {lang!r}; {nearest(lang, labels)}",
                    remedy="`xlcorpus inspect DIR` lists the languages of a dataset",
                )
    return found.src, found.tgt
