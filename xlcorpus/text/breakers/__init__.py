"""Words of scripts without spaces: word breakers, found by name. To add one is to add a file to this folder."""

from __future__ import annotations

from typing import Protocol

from xlcorpus.errors import UserError
from xlcorpus.registry import Registry
from xlcorpus.text.properties import writes_spaces


class Breaker(Protocol):
    """A library that knows where words or sentences of some scripts end."""

    name: str
    scripts: frozenset[str]  # ISO 15924, as labels name them

    @property
    def version(self) -> str:
        """What was found on this machine: other versions may find other ends.

        Raises UserError, with the remedy, where the library is not installed.
        """


class WordBreaker(Breaker, Protocol):
    """A library that knows the words of some scripts."""

    def cuts(self, run: str) -> list[int]:
        """Positions inside a run of unspaced characters where one word ends and the next one begins, ascending."""


WORD_BREAKERS: Registry[WordBreaker] = Registry(
    "word breaker", "xlcorpus.text.breakers", "BREAKER", "xlcorpus.word_breakers"
)


def word_breaker_for(script: str, name: str | None = None) -> WordBreaker | None:
    """The word breaker for texts of a script (ISO 15924, as labels name it); None where the script has spaces.

    name: one of `WORD_BREAKERS`; by default the first that knows the script and is installed. Raises UserError where
    there is none, with the remedy.
    """
    if writes_spaces(script):
        return None
    known = list(WORD_BREAKERS.all.values()) if name is None else [WORD_BREAKERS.find(name)]
    missing: UserError | None = None
    for breaker in known:
        if script not in breaker.scripts:
            continue
        try:
            _ = breaker.version
        except UserError as error:
            missing = missing or error
        else:
            return breaker
    if missing is not None:
        raise UserError(f"{script} has no spaces between words; {missing.message}", remedy=missing.remedy)
    raise UserError(
        f"{script} has no spaces between words, and {f'the word breaker {name}' if name else 'no word breaker'} knows "
        "where its words end",
        remedy="use a ready dictionary, or add a word breaker for it (entry point `xlcorpus.word_breakers`)",
    )
