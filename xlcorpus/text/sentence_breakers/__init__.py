"""Sentences of scripts that mark no end of them: libraries, found by name. To add one is to add a file here."""

from __future__ import annotations

from typing import Protocol

from xlcorpus.registry import Registry
from xlcorpus.text.breakers import Breaker


class SentenceBreaker(Breaker, Protocol):
    """A library that knows where sentences of some scripts end; `text.sentences` adds these to its own."""

    def ends(self, text: str) -> list[int]:
        """Positions in a text without line breaks where one sentence ends and the next one begins, ascending."""


SENTENCE_BREAKERS: Registry[SentenceBreaker] = Registry(
    "sentence breaker", "xlcorpus.text.sentence_breakers", "BREAKER", "xlcorpus.sentence_breakers"
)
