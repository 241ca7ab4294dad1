"""Romanisation by ICU's transliterator, through PyICU (extra `icu`).

The rules are those of the ICU that is installed (`text.icu`), so two machines with different ICU give different texts:
its version is in `version`. Source of the rules: Unicode CLDR, as shipped in ICU.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from xlcorpus.text.icu import import_icu

TRANSFORM = "Any-Latin; Latin-ASCII"

# ICU writes each result into the whole string, which costs the square of a line's length.
_LONGEST = 4096

_RULES_OF = {"Hans": "Hani", "Hant": "Hani", "Jpan": "Hira", "Hrkt": "Hira", "Kore": "Hang", "Aran": "Arab"}
_NEEDS_NONE = frozenset({"Latn", "Zyyy", "Zinh", "Zxxx"})


class IcuTool:
    """ICU's `Any-Latin; Latin-ASCII`.

    A script without rules gives None, unless ICU has rules for the language (Sinhala). `Latin-ASCII` leaves some
    letters as they are: Arabic ʿ ʾ, Ethiopic ǝ, Cyrillic and Uyghur letters that only a language's own rules know.
    """

    name = "icu"
    column = "text_latn"

    def __init__(self) -> None:
        """Create the transliterator. Raises UserError where PyICU is missing."""
        self._icu = import_icu("the tool icu")
        self.version = f"{self._icu.ICU_VERSION}/{TRANSFORM}"
        self._default = self._create(TRANSFORM)
        self._found: dict[tuple[str | None, str], Any] = {}

    def romanize(self, text: str, lcode: str | None, script: str | None) -> str | None:
        """See `tools.Tool`."""
        if not text:
            return ""
        rules = self._default if script is None else self._rules(lcode, script)
        if rules is None:
            return None
        return "\n".join(
            line if line.isascii() else "".join(map(rules.transliterate, _stretches(line))) for line in text.split("\n")
        )

    def _rules(self, lcode: str | None, script: str) -> Any:
        key = (lcode, script)
        if key not in self._found:
            self._found[key] = self._find(lcode, _RULES_OF.get(script, script))
        return self._found[key]

    def _find(self, lcode: str | None, script: str) -> Any:
        if script in _NEEDS_NONE or self._create(f"{script}-Latn") is not None:
            return self._default
        if lcode is None:
            return None
        code = self._icu.Locale(lcode).getLanguage()  # ICU names languages by ISO 639-1 where there is one
        return self._create(f"{code}-{code}_Latn; {TRANSFORM}")

    def _create(self, transform: str) -> Any:
        try:
            return self._icu.Transliterator.createInstance(transform)
        except self._icu.ICUError:
            return None


def _stretches(line: str) -> Iterator[str]:
    """The line in pieces of at most _LONGEST characters, cut after white space where there is any."""
    while len(line) > _LONGEST:
        cut = next((at for at in range(_LONGEST, _LONGEST // 2, -1) if line[at - 1].isspace()), _LONGEST)
        yield line[:cut]
        line = line[cut:]
    yield line
