"""english: a share for English, the rest for all other languages (Centurio)."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from xlcorpus.mix.rules.anchor import Anchored

ENGLISH = "eng_Latn"


class English(Anchored):
    """English, or the language `name`, has the share."""

    name: ClassVar[str] = "english"
    formula: ClassVar[str] = "eng_Latn has the share, the others the rest, uniformly or by the rule in rest"
    source: ClassVar[str] = "Geigle et al. 2025 (Centurio)"
    value: ClassVar[str | None] = "share"
    group: str | None = Field(None, alias="name")

    def anchors(self) -> tuple[str, ...]:
        """English unless told."""
        return (self.group or ENGLISH,)


RULE = English
