"""What thresholds are made of: bounds of columns, stop words, and the layers they are written in. Plain frozen data."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


def is_number(value: Any) -> bool:
    """Whether a value of a file is a finite number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


@dataclass(frozen=True)
class Bounds:
    """Least and greatest value that passes; `sets_*` tells a bound that is switched off from one that is not named.

    drops_missing: whether a row without a value fails; None: not said, so that it passes.
    """

    min: float | None = None
    max: float | None = None
    sets_min: bool = False
    sets_max: bool = False
    drops_missing: bool | None = None

    def changed(self, by: Bounds | None) -> Bounds:
        """These bounds with those of a more special section; None switches both off."""
        if by is None:
            return Bounds()
        return Bounds(
            min=by.min if by.sets_min else self.min,
            max=by.max if by.sets_max else self.max,
            drops_missing=self.drops_missing if by.drops_missing is None else by.drops_missing,
        )

    def as_json(self) -> dict[str, float | bool | None]:
        """Only what is set, for fingerprints."""
        said = {"min": (self.sets_min, self.min), "max": (self.sets_max, self.max)}
        missing = {} if self.drops_missing is None else {"drops_missing": self.drops_missing}
        return {name: value for name, (sets, value) in said.items() if sets} | missing


@dataclass(frozen=True)
class Rule:
    """One column's bounds, both included: a document passes where min <= value <= max, or, unless drops_missing, where
    there is no value."""

    column: str
    min: float | None
    max: float | None
    drops_missing: bool = False

    @property
    def active(self) -> bool:
        """Whether it can remove anything."""
        return self.min is not None or self.max is not None or self.drops_missing


@dataclass(frozen=True)
class StopWords:
    """Words of which a document must hold at least `min` different ones.

    exact: as datatrove looks for them, letter for letter among the words that its word breaker finds.
    """

    words: tuple[str, ...]
    min: int
    exact: bool = False

    @classmethod
    def of(cls, words: Iterable[str], least: int) -> StopWords | None:
        """Each word once, NFC and lower case; None where nothing is asked. No more is asked than the list has."""
        folded = dict.fromkeys(unicodedata.normalize("NFC", word.strip()).lower() for word in words)
        distinct = tuple(word for word in folded if word)
        least = min(least, len(distinct))
        return cls(distinct, least) if least > 0 else None


@dataclass(frozen=True)
class Rules:
    """All that a document of one language must pass, in order: bounds, then stop words."""

    bounds: tuple[Rule, ...]
    stop_words: StopWords | None


@dataclass(frozen=True)
class Section:
    """What one place of a file says; None for a column switches its rule off. alone: nothing more general applies."""

    bounds: Mapping[str, Bounds | None] = field(default_factory=dict)
    stop_words: StopWords | None = None
    has_stop_words: bool = False
    alone: bool = False

    def as_json(self) -> dict[str, Any]:
        """Content in a canonical form."""
        content: dict[str, Any] = {name: bounds and bounds.as_json() for name, bounds in self.bounds.items()}
        if self.has_stop_words:
            words = self.stop_words
            content["stop_words"] = words and {"words": sorted(words.words), "min": words.min}
            if words and words.exact:
                content["stop_words"]["exact"] = True
        return {"rules": content, "alone": self.alone}


@dataclass(frozen=True)
class Layer:
    """One file: a default section, sections by script and by language."""

    default: Section
    scripts: Mapping[str, Section]
    languages: Mapping[str, Section]

    def as_json(self) -> dict[str, Any]:
        """Content in a canonical form."""
        return {
            "default": self.default.as_json(),
            "scripts": {name: section.as_json() for name, section in self.scripts.items()},
            "languages": {name: section.as_json() for name, section in self.languages.items()},
        }
