"""Sentences of scripts that mark no end of them: libraries, found by name. To add one is to add a file here."""

from __future__ import annotations

from typing import Protocol

from xlcorpus.registry import Registry


class SentenceBreaker(Protocol):
    """A library that knows where sentences of some scripts end; `text.sentences` adds these to its own."""

    name: str
    scripts: frozenset[str]  # ISO 15924

    @property
    def version(self) -> str:
        """What was found on this machine: other versions may find other sentences.

        Raises UserError, with the remedy, where the library is not installed.
        """

    def ends(self, text: str) -> list[int]:
        """Positions in a text without line breaks where one sentence ends and the next one begins, ascending."""


SENTENCE_BREAKERS: Registry[SentenceBreaker] = Registry(
    "sentence breaker", "xlcorpus.text.sentence_breakers", "BREAKER", "xlcorpus.sentence_breakers"
)
