"""Classes of characters: where a text can be cut so that each part is read as if it stood alone.

Derived from the rule data, not listed by hand. `readings` and `syllables` build their patterns from these.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np

from xlcorpus.romanize.exact import romanize_exactly
from xlcorpus.romanize.language import (
    COPTIC_GRAVE,
    DOUBLERS,
    LAST_NUMBER,
    LENGTHENER,
    SMALL_Y,
    THAI_O_ANG,
    THAI_SILENCER,
    Language,
    extra_reading,
    hangul,
    language,
)
from xlcorpus.romanize.rules import NamedSigns

BRAILLE = re.compile(r"[\u2800-\u28ff]")
_STEPS = 40  # of Thai that looks back: longer than any word
# Where separators are sought: beyond the BMP every character but emoji counts as part of a word.
_SEPARATORS = (*range(0x10000), *range(0x1F300, 0x1FB00))
_NEUTRAL = ","  # a sign next to which every other is read as it is


def char_class(chars: Iterable[str]) -> str:
    """The inside of a regular expression's brackets, with ranges; `(?!)`-like if empty."""
    codes = sorted({ord(char) for char in chars})
    ranges: list[list[int]] = []
    for code in codes:
        if ranges and code == ranges[-1][1] + 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ranges)


def quick_class(chars: Iterable[str]) -> str:
    """As `char_class`, but with any character beyond the BMP in place of some.

    Python's `re` finds a BMP character in a table and goes through all ranges beyond it one by one (20 times as slow).
    """
    found = set(chars)
    beyond = {char for char in found if char > "\uffff"}
    return char_class(found - beyond) + ("\U00010000-\U0010ffff" if beyond else "")


def alone(char: str, language: Language) -> str:
    """How a character is read between two neutral signs."""
    source = language.sources.get(char)
    if source is not None and source.plain and source.reading is not None and char not in language.data.numerals:
        return source.reading.rom
    if extra_reading(char) == "hangul":
        return hangul(char)
    return romanize_exactly(f"{_NEUTRAL}{char}{_NEUTRAL}", language)[1:-1]


def _decomposed(char: str) -> str:
    if extra_reading(char) != "decomposition":
        return ""
    return "".join(chr(int(part, 16)) for part in unicodedata.decomposition(char).split()[1:])


def _is_letter_or_number(char: str) -> bool:
    return unicodedata.category(char)[0] in "LN"


@dataclass(frozen=True, eq=False)
class Alphabet:
    """The classes; `common` is the language without rules of its own."""

    common: Language

    @cached_property
    def numeric(self) -> frozenset[str]:
        """Characters beyond ASCII that are numbers, or are read with digits."""
        data = self.common.data
        found = {char for char in data.numerals if not char.isascii()}
        found |= {
            source[0]
            for source, rules in data.rules.items()
            if source and any(rule.target and any(char.isdecimal() for char in rule.target) for rule in rules)
        }
        found |= {char for char in map(chr, range(0x80, LAST_NUMBER)) if char.isnumeric()}
        found |= {char for char in map(chr, range(0x80, LAST_NUMBER)) if not found.isdisjoint(_decomposed(char))}
        return frozenset(found)

    @cached_property
    def digits(self) -> frozenset[str]:
        """Digits of positional systems, between which a full stop is a decimal point."""
        return frozenset(char for char, numeral in self.common.data.numerals.items() if numeral.kind == "digit")

    @cached_property
    def longer(self) -> list[str]:
        """Sources of several characters, and their beginnings from two on."""
        return sorted(source for source in self.common.data.prefixes if len(source) > 1)

    @cached_property
    def by_script(self) -> dict[str, set[str]]:
        """Characters by uroman's name of their script, without numbers."""
        found: dict[str, set[str]] = {}
        for char, script in self.common.data.scripts.items():
            if char not in self.common.data.numerals and not char.isnumeric():
                found.setdefault(script, set()).add(char)
        return found

    @cached_property
    def joined(self) -> dict[str, frozenset[str]]:
        """Characters inside a source of several, with those that come right before them there."""
        before: dict[str, set[str]] = {}
        for source in self.longer:
            if not source.isascii():
                before.setdefault(source[-1], set()).add(source[-2])
        return {char: frozenset(found) for char, found in before.items()}

    @cached_property
    def _separators(self) -> tuple[dict[int, str], frozenset[str]]:
        """Readings of the signs that end a word on both sides; and those of them that give way to a space."""
        found = {char for char in map(chr, _SEPARATORS) if self._may_separate(char)}
        # A sign that begins a longer source stays out, unless all of that source is separators.
        longer = [source for source in self.longer if not source.isascii()]
        found -= {source[0] for source in longer if not found.issuperset(source)}
        readings = {char: char if char.isascii() else alone(char, self.common) for char in found}
        readings = {char: text for char, text in readings.items() if not any(map(_is_letter_or_number, text))}
        careful = {char for char, text in readings.items() if char != " " and text.strip(" ") != text}
        careful |= {source[0] for source in longer if readings.keys() >= set(source)}
        return {ord(char): readings[char] for char in sorted(readings)}, frozenset(careful)

    def _may_separate(self, char: str) -> bool:
        category = unicodedata.category(char)
        if (category[0] not in "PSZ" and category not in ("Cc", "Cf")) or char in "'" + LENGTHENER:
            return False
        data = self.common.data
        if char in self.numeric or BRAILLE.match(char) or data.scripts.get(char, "") in self._noticed_scripts:
            return False
        # A rule of one language is no matter where it says what the others do: that a sign is not written.
        rules = data.rules.get(char, ())
        return not any(rule.has_place or (rule.languages and (rule.target or category != "Cf")) for rule in rules)

    @cached_property
    def _noticed_scripts(self) -> frozenset[str]:
        """Scripts where it makes a difference that the sign beside a letter is of the same script."""
        data, found = self.common.data, {"Thai", "Coptic"}
        for source, entry in self.common.sources.items():
            reading = entry.reading
            if reading is None or reading.base is None or reading.keeps_initial:
                continue
            if reading.full != reading.rom or "VOCALIC" in data.name(source[-1]):
                found.add(data.scripts[source[0]])
        return frozenset(found)

    @cached_property
    def named_signs(self) -> np.ndarray:
        """bool[0x110000]: signs that uroman reads by their name (`RuleSet.named_signs`)."""
        table = np.zeros(sys.maxunicode + 1, dtype=bool)
        table[[ord(sign) for sign in self.common.data.named_signs]] = True
        return table

    @property
    def separators(self) -> dict[int, str]:
        """Code point -> reading of the signs that end a word on both sides."""
        return self._separators[0]

    @property
    def careful(self) -> frozenset[str]:
        """Separators that hang on their neighbours: a space at an edge, which gives way to others; several as one."""
        return self._separators[1]

    @cached_property
    def thai_look_back(self) -> str:
        """Pattern of Thai whose O ANG is read by what comes before all of it.

        The search back goes on after what has no sound, each time one character further than that begins.
        """
        data = self.common.data
        thai = {char for char, script in data.scripts.items() if script == "Thai"}
        silent = {char for char in thai if not (rules := data.rules.get(char)) or rules[0].target == ""} | {THAI_O_ANG}
        heard, unheard = f"[{char_class(thai - silent)}]", f"[{char_class(silent)}]"
        # At each step the number of signs that are heard says which branch it is, so that no run is tried in many ways;
        # and after so many steps it is not worth while to look for the O ANG.
        step = f"(?:{heard}?{unheard}|{heard}{{2,3}}{THAI_SILENCER})"
        return f"(?:{step}{{1,{_STEPS}}}{THAI_O_ANG}|{step}{{{_STEPS}}})"

    @cached_property
    def signs(self) -> frozenset[str]:
        """Letters that are a plus or minus before a number."""
        return frozenset("".join((*self.common.data.minus_signs, *self.common.data.plus_signs)))

    def word_pattern(self, *, digits: bool) -> re.Pattern[str]:
        """Splits a text into separators (even parts) and words (odd parts); digits: ASCII digits belong to words."""
        separators = {chr(code) for code in self.separators} | (set() if digits else set("0123456789"))
        if digits:
            separators -= set("0123456789")
        word = f"[^{char_class(separators)}]"
        inside = [
            f"(?<=[{char_class(before)}])[{char_class(char)}]"
            for char, before in sorted(self.joined.items())
            if char in separators
        ]
        if digits:
            inside.append(f"(?<=[{char_class(self.digits)}])\\.(?=[{char_class(self.digits)}])")
        return re.compile(f"({word}+(?:(?:{'|'.join(inside)})+{word}*)*)" if inside else f"({word}+)")

    @cached_property
    def doublers(self) -> frozenset[str]:
        """Signs that double the consonant after them."""
        return frozenset(DOUBLERS)

    @cached_property
    def modifiers(self) -> frozenset[str]:
        """Signs that change what is read before them."""
        return frozenset(SMALL_Y + LENGTHENER + COPTIC_GRAVE) | frozenset(self.common.data.viramas)

    def abugida(self, script: str) -> bool:
        """True of scripts whose consonants carry a vowel."""
        return bool(self.common.data.abugida_vowels.get(script.lower()))

    @cached_property
    def own_path(self) -> frozenset[str]:
        """Characters of abugidas, Thai and Tibetan: not for `Speller`."""
        scripts = self.common.data.scripts.items()
        found = {char for char, script in scripts if self.abugida(script) or script == "Thai"}
        return frozenset(char for char in found if ord(char) not in self.separators)

    @cached_property
    def whole_text(self) -> frozenset[str]:
        """Characters for which a text is read as a whole.

        They are letters or marks with a space at the edge of their reading, or signs that uroman fails to look at.
        """
        spaced = {
            source[0]
            for source, rules in self.common.data.rules.items()
            if source and any(rule.target and rule.target.strip(" ") != rule.target for rule in rules)
        }
        failing = {char for char in self.common.without_target if not char.isnumeric()}
        return frozenset(failing | {char for char in spaced if ord(char) not in self.separators})


@cache
def alphabet(named_signs: NamedSigns) -> Alphabet:
    """The classes, worked out once a process (0.3 s)."""
    return Alphabet(language(None, named_signs))
