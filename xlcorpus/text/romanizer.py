"""What writes a text in Latin letters or in IPA: the interface of the tools of `romanize`."""

from __future__ import annotations

from typing import Protocol


class Tool(Protocol):
    """What makes the romanised or phonetic text of a document."""

    @property
    def name(self) -> str:
        """Its name: uroman, icu, epitran or pronunciations."""

    @property
    def version(self) -> str:
        """The version of all that shapes the text: package, data, rules in use. Belongs in fingerprints."""

    @property
    def column(self) -> str:
        """The column the text goes to: `text_latn`, or `text_ipa`."""

    def romanize(self, text: str, lcode: str | None, script: str | None) -> str | None:
        r"""The text in Latin letters or IPA, with the same number of lines (split at "\n"); "" for "".

        lcode: ISO 639-3, script: ISO 15924, as in the project's labels; None where not known. None when the tool has
        no rules for the language or script: a copy of the text would pass for its romanisation.
        """
