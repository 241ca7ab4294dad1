"""The special tokens that a template names, and the ids that a tokenizer has for them."""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from xlcorpus.errors import UserError, nearest
from xlcorpus.text.language_names import meaning_of
from xlcorpus.tokenizer.open import open_once
from xlcorpus.tokenizer.tokenizer import CONTROL, INSTEAD, ROLES, Tokenizer

ROLE, TOKEN, LANGUAGE = "role", "token", "language"
# How models name languages in tokens, by the pattern of the names, and whether a script is part of it. Sources: NLLB
# Team (2022), FLORES-200 codes; Tang et al. (2020), mBART-50, `en_XX`; Fan et al. (2021), M2M-100, `__en__`; Kudugunta
# et al. (2023), MADLAD-400, `<2en>`; Radford et al. (2022), Whisper, `<|en|>`.
CONVENTIONS: Mapping[str, tuple[re.Pattern[str], bool]] = {
    "nllb": (re.compile(r"([a-z]{3}_[A-Z][a-z]{3})"), True),
    "mbart50": (re.compile(r"([a-z]{2})_[A-Z]{2}"), False),
    "m2m100": (re.compile(r"__([a-z]{2,3})__"), False),
    "madlad400": (re.compile(r"<2([a-z]{2,3}(?:_[A-Z][a-z]{3})?)>"), True),
    "whisper": (re.compile(r"<\|([a-z]{2,3})\|>"), False),
}


@dataclass(frozen=True)
class Special:
    """A special token: by its role (`eos`), by its name (`<2eng_Latn>`), or that of a language (its label).

    convention: of a language, one of CONVENTIONS; '' is the one that the tokenizer has most tokens of.
    """

    kind: str
    name: str
    convention: str = ""


class SpecialIds:
    """The ids that a tokenizer has."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self._known: dict[Special, int | None] = {}

    def __getitem__(self, special: Special) -> int:
        """The id; raises UserError where there is none."""
        found = self.find(special)
        if found is None:
            raise UserError(f"the tokenizer {self.tokenizer.path} has {self.missing(special)}", remedy=_remedy(special))
        return found

    def find(self, special: Special) -> int | None:
        """The id; None where there is none."""
        if special not in self._known:
            find: Callable[[Special], int | None] = {ROLE: self._role, TOKEN: self._token, LANGUAGE: self._language}[
                special.kind
            ]
            self._known[special] = find(special)
        return self._known[special]

    def missing(self, special: Special) -> str:
        """What the tokenizer lacks, in words."""
        if special.kind == ROLE:
            return f"no {special.name} id"
        if special.kind == TOKEN:
            names = [name for name in self.tokenizer.names if not name.isalnum()] or self.tokenizer.names
            return f"no token {special.name!r}: {nearest(special.name, names)}"
        counts = self.conventions
        if not counts:
            return "no tokens for languages (" + ", ".join(CONVENTIONS) + ")"
        convention = special.convention or next(iter(counts))
        return f"no token for the language {special.name!r} ({convention}, {counts.get(convention, 0)} languages)"

    @functools.cached_property
    def conventions(self) -> dict[str, int]:
        """How many tokens for languages there are by convention, the most first."""
        counts = Counter(name for name in CONVENTIONS for _ in self._languages(name))
        return {name: count for name, count in counts.most_common() if count}

    def _role(self, special: Special) -> int | None:
        ids = self.tokenizer.special_ids()
        found = ids[special.name]
        return ids[INSTEAD[special.name]] if found is None and special.name in INSTEAD else found

    def _token(self, special: Special) -> int | None:
        return self.tokenizer.id_of(special.name)

    def _language(self, special: Special) -> int | None:
        convention = special.convention or next(iter(self.conventions), None)
        meaning = meaning_of(special.name)
        if convention is None or meaning.language is None:
            return None
        found = self._languages(convention)
        exact = found.get((meaning.language, meaning.script), found.get((meaning.language, None)))
        of_language = [number for (language, _), number in found.items() if language == meaning.language]
        return of_language[0] if exact is None and meaning.script is None and len(of_language) == 1 else exact

    @functools.cached_property
    def _by_convention(self) -> dict[str, dict[tuple[str, str | None], int]]:
        found: dict[str, dict[tuple[str, str | None], int]] = {name: {} for name in CONVENTIONS}
        for token, number in self.tokenizer.names.items():
            for name, (pattern, scripts) in CONVENTIONS.items():
                match = pattern.fullmatch(token)
                if match is not None:
                    meaning = meaning_of(match[1])
                    if meaning.language is not None and not meaning.problem:
                        found[name].setdefault((meaning.language, meaning.script if scripts else None), number)
        return found

    def _languages(self, convention: str) -> dict[tuple[str, str | None], int]:
        """Ids by language and script; no script: whatever the script."""
        return self._by_convention[convention]


@functools.lru_cache(maxsize=4)
def special_ids_of(tokenizer: str) -> SpecialIds:
    """Those of a tokenizer by its path, once in a process."""
    return SpecialIds(open_once(tokenizer))


def control_names(tokenizer: Tokenizer) -> dict[str, int]:
    """Names of the tokens that are never made from text."""
    kinds = tokenizer.piece_kinds
    return {name: number for name, number in tokenizer.names.items() if kinds[number] == CONTROL}


def _remedy(special: Special) -> str:
    if special.kind == LANGUAGE:
        return f"name a convention that it has, lang_token(label, 'nllb') with one of {', '.join(CONVENTIONS)}"
    return "add it (`xlcorpus tokenizer extend --special`), or leave it out of the template"


__all__ = ["CONVENTIONS", "LANGUAGE", "ROLE", "ROLES", "TOKEN", "Special", "SpecialIds", "special_ids_of"]
