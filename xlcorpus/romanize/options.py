"""Options of a step that romanises."""

from __future__ import annotations

from typing import ClassVar

from pydantic import field_validator

from xlcorpus.options import StepOptions, option
from xlcorpus.romanize.rules import NamedSigns
from xlcorpus.romanize.tools import check_lcode, check_tool


class RomanizeOptions(StepOptions):
    """The tool, the language it is given, and the memory it may take."""

    files: ClassVar[tuple[str, ...]] = ("tool",)
    tool: str = option(
        "uroman",
        description="uroman, icu (needs xlcorpus[icu]), for IPA epitran (needs xlcorpus[ipa]), or a pronunciation "
        "lexicon (swh_Latn.txt: word, TAB, IPA) or a folder of them",
    )
    lcode: str = option(
        "auto", description="language for the tool: auto (each document's own), none (as TransliCo), or ISO 639-3"
    )
    cache_mb: int = option(256, ge=1, description="most memory for the words that a process keeps, in MB")

    named_signs: NamedSigns = option(
        "uroman",
        only={"tool": ["uroman"]},
        description="signs that uroman reads by their Unicode name, as tones: uroman (as it does), leave, drop, read",
    )

    @field_validator("tool")
    @classmethod
    def _check_tool(cls, value: str) -> str:
        check_tool(value)
        return value

    @field_validator("lcode")
    @classmethod
    def _check_lcode(cls, value: str) -> str:
        return value if value in ("auto", "none") else check_lcode(value)
