"""The special tokens that a template names, and the ids that a tokenizer has for them."""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from xlcorpus.errors import UserError, nearest
from xlcorpus.text.language_names import INVALID, meaning_of
from xlcorpus.tokenizer.open import open_once
from xlcorpus.tokenizer.tokenizer import CONTROL, INSTEAD, ROLES, UNKNOWN, Tokenizer

ROLE, TOKEN, LANGUAGE = "role", "token", "language"
LIMIT = "limit"  # no token: how many of them a text has at most, below 0 its last ones (`name`)
# How models name languages in tokens, by the pattern of the names, and whether a script is part of it. Sources: NLLB
# Team (2022), FLORES-200 codes; Tang et al. (2020), mBART-50, `en_XX`; Fan et al. (2021), M2M-100, `__en__`; Kudugunta
# et al. (2023), MADLAD-400, `<2en>`; Radford et al. (2022), Whisper, `<|en|>`; Seamless Communication (2023),
# SeamlessM4T, `__cmn__` and `__cmn_Hant__`.
CONVENTIONS: Mapping[str, tuple[re.Pattern[str], bool]] = {
    "nllb": (re.compile(r"([a-z]{3}_[A-Z][a-z]{3})"), True),
    "mbart50": (re.compile(r"([a-z]{2})_[A-Z]{2}"), False),
    "m2m100": (re.compile(r"__([a-z]{2,3}(?:_[A-Z][a-z]{3})?)__"), True),
    "madlad400": (re.compile(r"<2([a-z]{2,3}(?:_[A-Z][a-z]{3})?)>"), True),
    "whisper": (re.compile(r"<\|([a-z]{2,3})\|>"), False),
}
_OWN_CODES = {"ns": "nso"}  # of M2M-100, in no list of codes


@dataclass(frozen=True)
class Special:
    """A special token: by its role (`eos`), by its name (`<2eng_Latn>`), or that of a language (its label).

    convention: of a language, one of CONVENTIONS; '' is the one that the tokenizer has most tokens of.
    """

    kind: str
    name: str
    convention: str = ""


class Named(Protocol):
    """A template, as far as its special tokens go: those with a name, and whether others are of a row's language."""

    specials: tuple[Special, ...]
    names_languages: bool


class SpecialIds:
    """The ids that a tokenizer has."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self._known: dict[Special, int | None] = {}
        self._encoders: dict[frozenset[int], Tokenizer] = {}

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

    def encoder(self, template: Named) -> Tokenizer:
        """The tokenizer, of which text does not become a token that the template names: those that are a user's own,
        `<2en>` of MADLAD-400's model, it would make of text as well. A letter, or white space, stays what texts have.
        """
        ids = {self.find(one) for one in template.specials}
        if template.names_languages:
            ids.update(number for written, _ in self._by_convention.values() for number in written.values())
        names, kinds = self.tokenizer.names, self.tokenizer.piece_kinds
        own = {number for name, number in names.items() if number in ids and len(name.strip()) > 1}
        made_of_text = frozenset(number for number in own if kinds[number] not in (CONTROL, UNKNOWN))
        if made_of_text and made_of_text not in self._encoders:
            self._encoders[made_of_text] = self.tokenizer.without(made_of_text)
        return self._encoders[made_of_text] if made_of_text else self.tokenizer

    @functools.cached_property
    def conventions(self) -> dict[str, int]:
        """How many tokens for languages there are by convention, the most first."""
        counts = Counter({name: len(written) for name, (written, _) in self._by_convention.items() if written})
        return dict(counts.most_common())

    def _role(self, special: Special) -> int | None:
        ids = self.tokenizer.special_ids()
        found = ids[special.name]
        return ids[INSTEAD[special.name]] if found is None and special.name in INSTEAD else found

    def _token(self, special: Special) -> int | None:
        return self.tokenizer.id_of(special.name)

    def _language(self, special: Special) -> int | None:
        convention = special.convention or next(iter(self.conventions), None)
        if convention is None:
            return None
        written, found = self._by_convention[convention]
        # As it is written first: two tokens may mean one language by today's codes (ajp and apc, <2ff> and <2fuv>).
        if special.name in written:
            return written[special.name]
        meaning = meaning_of(special.name)
        number = found.get((meaning.language, meaning.script), written.get(special.name.partition("_")[0]))
        if number is None and meaning.language is not None:
            number = found.get((meaning.language, None))
            of_language = [one for (language, _), one in found.items() if language == meaning.language]
            if number is None and meaning.script is None and len(of_language) == 1:
                number = of_language[0]
        return number

    @functools.cached_property
    def _by_convention(self) -> dict[str, tuple[dict[str, int], dict[tuple[str | None, str | None], int]]]:
        """Ids as the tokens write the language, and by language and script; no script: whatever the script."""
        found: dict[str, tuple[dict[str, int], dict[tuple[str | None, str | None], int]]]
        found = {name: ({}, {}) for name in CONVENTIONS}
        for token, number in sorted(self.tokenizer.names.items(), key=lambda item: item[1]):
            for name, (pattern, scripts) in CONVENTIONS.items():
                match = pattern.fullmatch(token)
                if match is not None:
                    code = match[1]
                    meaning = meaning_of(_OWN_CODES.get(code, code))
                    if meaning.problem != INVALID:
                        found[name][0][code] = number
                    if meaning.language is not None and not meaning.problem:
                        found[name][1].setdefault((meaning.language, meaning.script if scripts else None), number)
        return found


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
