"""The words of one language of a pair, by falling frequency, and which of them an answer of a model names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.lexicon.entries import lookup_keys
from xlcorpus.lexicon.words import lines_of_words
from xlcorpus.text.breakers import WordBreaker

FULL_STOPS = ".。．｡।॥۔։።᙮꓿᠃᠉"  # of any script: Latin, Han, Devanagari, Arabic, Armenian, Ethiopic, Mongolian, ...
_FULL_STOP = re.compile(f"[{FULL_STOPS}]")


@dataclass(frozen=True)
class Vocabulary:
    """words, counts: by falling frequency, those with a number left out; breaker: of a script without spaces."""

    lang: str
    words: tuple[str, ...]
    counts: tuple[int, ...]
    breaker: WordBreaker | None = None

    @classmethod
    def of(cls, lang: str, table: pa.Table, breaker: WordBreaker | None = None) -> Vocabulary:
        """table: as `lexicon.words.by_frequency` has it."""
        table = table.filter(pc.invert(pc.match_substring_regex(table["word"], r"\p{N}")))
        return cls(lang, tuple(table["word"].to_pylist()), tuple(table["count"].to_pylist()), breaker)

    @cached_property
    def ranks(self) -> dict[str, int]:
        """Place of each word, from 1."""
        return {word: place for place, word in enumerate(self.words, 1)}

    def named(self, answers: Sequence[str]) -> list[str | None]:
        """The word that each answer names; None where that is none of this vocabulary.

        As SAIL reads it: up to the first white space and the first full stop, in lower case. Quotation marks and
        commas around it belong to no word here, so they do not count. Of a script without spaces, all up to the full
        stop, or else its first word.
        """
        if self.breaker is None:
            begins = [(answer.split(None, 1) or [""])[0] for answer in answers]
        else:
            begins = [answer.strip() for answer in answers]
        cut = pa.array([_FULL_STOP.split(begin, maxsplit=1)[0] for begin in begins], pa.string())
        return [self._word(line) for line in self.lines(lookup_keys(cut, self.lang))]

    def lines(self, texts: pa.Array) -> Iterator[str]:
        """The words of each text (string[n]) with a space between them, as the vocabulary has them."""
        return lines_of_words(texts, self.lang, self.breaker)

    def _word(self, line: str) -> str | None:
        words = line.split(" ")
        if self.breaker is None:
            return line if line in self.ranks else None
        return next((word for word in ("".join(words), words[0]) if word in self.ranks), None)
