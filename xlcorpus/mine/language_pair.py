"""The two languages that are mined, `swh_Latn:eng_Latn`, and what prompts call them."""

from __future__ import annotations

from dataclasses import dataclass

from xlcorpus.errors import UserError
from xlcorpus.text.labels import has_script, language_of
from xlcorpus.text.language_names import check_language, english_name

PAIR_HELP = "languages, the one to be found first: swh_Latn:eng_Latn"


@dataclass(frozen=True)
class LanguagePair:
    """Labels of the source side and of the target side."""

    src: str
    tgt: str

    @classmethod
    def parse(cls, given: str) -> LanguagePair:
        """From `--pair`, codes or names; raises UserError unless it names two different labels with their scripts."""
        src, colon, tgt = given.partition(":")
        if not colon:
            raise UserError(f"--pair {given!r} names no two languages", remedy="write --pair swh_Latn:eng_Latn")
        labels = [check_language(one) for one in (src, tgt)]
        for value, label in zip((src, tgt), labels, strict=True):
            if not has_script(label):
                raise UserError(
                    f"--pair {given!r}: {value} is written in several scripts", remedy=f"write it as {label}_Latn"
                )
        if labels[0] == labels[1]:
            raise UserError(f"--pair {given!r}: both sides are {labels[0]}", remedy="name two languages")
        return cls(*labels)

    @property
    def names(self) -> tuple[str, str]:
        """Names in English; the script of each behind it where they are otherwise the same."""
        alike = language_of(self.src) == language_of(self.tgt)
        return english_name(self.src, with_script=alike), english_name(self.tgt, with_script=alike)

    def __str__(self) -> str:
        return f"{self.src}:{self.tgt}"
