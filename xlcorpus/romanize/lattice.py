"""The romanisation lattice of one text: every way to read it as edges, of which the longest from the left are taken.

This is the exact path: slow (microseconds a character) and right for every text. `engine` sends it only what its
compiled paths do not cover.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from contextlib import suppress

import regex

from xlcorpus.romanize.edges import Edge, Edges, Rank
from xlcorpus.romanize.language import (
    BRAILLE_CAPITAL,
    COPTIC_GRAVE,
    DOUBLERS,
    LENGTHENER,
    SMALL_TSU,
    SMALL_Y,
    THAI_O_ANG,
    Language,
    Reading,
    Source,
    extra_reading,
    hangul,
    without_tail_mark,
)
from xlcorpus.romanize.rules import Rule

KHMER_YO = "យ"

_LETTER, _LETTER_OR_MARK = regex.compile(r"\p{L}"), regex.compile(r"[\p{L}\p{M}]")
_CONSONANTS = re.compile(r"[bcdfghjklmnpqrstvwxyz]+$")
_CONSONANT = re.compile(r"[bcdfghjklmnpqrstvwxyz]")
_CONSONANTS_BUT_Y = re.compile(r"[bcdfghjklmnpqrstvwxz]+$")
_CONSONANT_BUT_Y_LAST = re.compile(r"[bcdfghjklmnpqrstvxz]$")  # as uroman has it: neither w nor y
_DOUBLED = re.compile(r"ch|[bcdfghjklmnpqrstwz]")
_VOWELS = frozenset("aeiou")
_CONSONANT_I = re.compile(r"[bcdfghjklmnpqrstvwxyz]i$")


def is_letter_or_mark(char: str) -> bool:
    r"""\p{L} or \p{M} by the package `regex`, whose Unicode is younger than Python's; uroman asks it too."""
    return _LETTER_OR_MARK.match(char) is not None


def is_nonspacing_mark(char: str) -> bool:
    """General category Mn, of one character."""
    return len(char) == 1 and unicodedata.category(char) == "Mn"


def has_letter(text: str | None) -> bool:
    """True when a character is a letter; TypeError for None, as uroman raises for a rule without a target."""
    if text is None:
        raise TypeError("expected string or buffer")
    return _LETTER.search(text) is not None


def _number(char: str) -> float:
    return unicodedata.numeric(char, 0.0)


class Lattice(Edges):
    """All edges over one text in one language."""

    def __init__(self, text: str, language: Language, romanize: Callable[[str], str]) -> None:
        """romanize: reads a string as a whole text of its own, for decompositions."""
        super().__init__()
        self.text, self.language, self.rules = text, language, language.data
        self.size = len(text)
        self._romanize = romanize
        self._after_letter: dict[int, bool] = {}
        self._before_letter: dict[int, bool] = {}
        self._readings: dict[tuple[int, int], str] = {}
        self.upper: set[int] = set()  # Braille letters inside a capitalised passage
        self.tibetan_vowel: dict[int, bool] = {}
        self.tibetan_deleted: set[int] = set()

    # Word and syllable boundaries

    def starts_word(self, position: int) -> bool:
        """No letter before it, nor an edge found so far that ends here in a letter."""
        known = self._after_letter.get(position)
        if known is None:
            known = bool(position) and self.text[position - 1].isalpha()
            if not known:
                braille = "\u2800" <= self.text[position] <= "\u28ff"
                for start in self.starts.get(position, ()):
                    for edge in self.spans[start, position]:
                        last = edge.text[-1:]
                        if last and (last.isalpha() or (braille and last == "'")):
                            known = True
            self._after_letter[position] = known
        return not known

    def ends_word(self, position: int) -> bool:
        """No letter after it, nor a sign that a rule reads as one; TypeError where such a rule has no target."""
        known = self._before_letter.get(position)
        if known is None:
            known = self._letter_follows(position)
            self._before_letter[position] = known
        return not known

    def _letter_follows(self, position: int) -> bool:
        text, rules = self.text, self.rules
        if position < self.size and text[position].isalpha():
            return True
        start = position
        while start + 1 < self.size and is_nonspacing_mark(text[start]) and "NUKTA" in rules.name(text[start]):
            start += 1
        for end in range(start + 1, self.size + 1):
            source = text[start:end]
            if source not in rules.prefixes:
                break
            for rule in rules.rules.get(source, ()):
                if not rule.only_start and has_letter(rule.target):
                    return True
        return False

    def ends_syllable(self, position: int) -> bool:
        """For Thai consonants that sound otherwise at the end of a syllable."""
        text, rules = self.text, self.rules
        if position < 2 or not is_letter_or_mark(text[position - 2]) or text[position - 2] in rules.pre_vowels:
            return False
        after = position
        if after < self.size and text[after] in rules.tone_marks:
            after += 1
        if after < self.size and text[after] in rules.pre_vowels:
            return True
        if after >= self.size or not is_letter_or_mark(text[after]):
            return True
        left = self.best_to(position - 1)
        if left is not None and _CONSONANT_BUT_Y_LAST.search(left.text):
            return False
        following = self._plain_reading(after, 2)
        if following is None:
            following = self._plain_reading(after, 1)
        if following is None or following[:1].lower() not in _VOWELS:
            return True
        if text[after] == THAI_O_ANG and after + 1 < self.size:
            second = self._plain_reading(after + 1, 1)
            return second is not None and second[:1].lower() in _VOWELS
        return False

    def _plain_reading(self, start: int, length: int) -> str | None:
        """The reading of a span by its rules alone, whatever the syllable."""
        if start + length > self.size:
            return None
        if (start, start + length) in self._readings:
            return self._readings[start, start + length]
        source = self.language.sources.get(self.text[start : start + length])
        if source is None:
            return None
        if not source.depends:
            return source.target
        rule = self._choose(source, start, start + length)
        return None if rule is None else rule.target

    # Rules

    def _is_valid(self, rule: Rule, start: int, end: int) -> bool:
        if rule.target is None:
            return False
        try:
            return self._holds(rule, start, end)
        except TypeError:  # of `ends_word`: here uroman fails
            return False

    def _holds(self, rule: Rule, start: int, end: int) -> bool:
        if rule.not_start and self.starts_word(start):
            return False
        if rule.only_start and not self.starts_word(start):
            return False
        if rule.not_end and self.ends_word(end):
            return False
        if rule.only_end and not self.ends_word(end):
            return False
        if rule.whole_word and not (self.starts_word(start) and self.ends_word(end)):
            return False
        return not rule.languages or self.language.code in rule.languages

    def _choose(self, source: Source, start: int, end: int) -> Rule | None:
        best = None
        for rule in source.rules:
            if self._is_valid(rule, start, end) and (best is None or rule.restrictions > best.restrictions):
                best = rule
        return best

    def reading(self, start: int, end: int) -> str | None:
        """The most specific valid rule's target for a span; None without one."""
        source = self.language.sources.get(self.text[start:end]) if end <= self.size else None
        if source is None:
            return None
        return self._reading(source, start, end) if source.depends else source.target

    def _reading(self, source: Source, start: int, end: int) -> str | None:
        known = self._readings.get((start, end))
        if known is not None:
            return known
        rule = self._choose(source, start, end)
        if rule is None or rule.target is None:
            return None
        at_end = rule.at_syllable_end
        found = at_end if at_end is not None and self.ends_syllable(end) else rule.target
        self._readings[start, end] = found
        return found

    def first_target(self, source: str) -> str | None:
        """Target of the first rule of a source, whatever its conditions."""
        rules = self.rules.rules.get(source)
        return rules[0].target if rules else None

    def read_rules(self, first: int = 0, stop: int | None = None) -> None:
        """An edge for every span from first:stop that a rule reads, with what its neighbours do to it."""
        text, prefixes, longer = self.text, self.rules.prefixes, self.language.longer
        sources, sensitive = self.language.sources, self.language.neighbours_matter
        before_matters = first > 0 and text[first - 1] in sensitive
        for start in range(first, self.size if stop is None else stop):
            char = text[start]
            source = sources.get(char)
            if source is not None and source.rules:
                around_matters = before_matters or text[start + 1 : start + 2] in sensitive or start in self.upper
                if source.plain and not around_matters:
                    self.add(Edge(start, start + 1, source.reading.rom, Rank.RULE))  # type: ignore[union-attr]
                else:
                    self._read_source(source, start, start + 1, around_matters)
            before_matters = char in sensitive
            if char in longer:
                for end in range(start + 2, self.size + 1):
                    if (part := text[start:end]) not in prefixes:
                        break
                    if (source := sources.get(part)) is not None and source.rules:
                        self._read_source(source, start, end, True)
            if not char.isascii() and (extra := extra_reading(char)):
                if extra == "hangul":
                    self.add(Edge(start, start + 1, hangul(char), Rank.RULE))
                elif decomposed := self._decomposed(start):
                    self.add(Edge(start, start + 1, decomposed, Rank.DECOMPOSITION))

    def _read_source(self, source: Source, start: int, end: int, around_matters: bool) -> None:
        reading = source.reading
        if reading is None:
            target = self._reading(source, start, end)
            if target is None:
                return
            reading = self.language.read(self.text[start:end], target)
        rom = reading.rom
        if start in self.upper and start + 1 == end:
            rom = rom.upper()
        elif reading.base is not None:
            # A sign without a target may follow, at which uroman fails and keeps the reading of the rule.
            with suppress(TypeError):
                rom = self._inherent_vowel(reading, start, end)
        if source.calm and not around_matters:
            self.add(Edge(start, end, rom, Rank.RULE))
        else:
            self.add(self._in_context(rom, start, end))

    def _inherent_vowel(self, reading: Reading, start: int, end: int) -> str:
        """Add or drop the vowel that a consonant of an abugida carries when nothing else is written."""
        text, rules, scripts = self.text, self.rules, self.rules.scripts
        base, full = reading.base or "", reading.full
        script = scripts.get(text[start], "")
        if script == "Tibetan":
            if start in self.tibetan_deleted:
                return ""
            return full if self.tibetan_vowel.get(start) else base
        previous, following = text[start - 1 : start] if start else "", text[end : end + 1]
        if following == KHMER_YO and (base in "bcdfghklmnpqrstvwz" or base == "ng"):
            return base
        if following in self.language.vowel_follows:
            return base
        if is_nonspacing_mark(following) and text[end + 1 : end + 2] in self.language.vowel_follows_mark:
            return base
        if previous in rules.viramas:
            return full
        if reading.keeps_initial and self.starts_word(start):
            return full
        if self.ends_word(end):
            return reading.rom if self.language.drops_final_vowel(script) else full
        if scripts.get(previous, "") != script:
            return full
        if "VOCALIC" in rules.name(text[end - 1]):
            return base
        return full if scripts.get(following, "") == script else reading.rom

    def _in_context(self, rom: str, start: int, end: int) -> Edge:
        """The edge of a reading after its neighbours: doubled, lengthened, silenced, capitalised."""
        if rom == "":
            return Edge(start, end, rom, Rank.RULE)
        text, scripts = self.text, self.rules.scripts
        first_start, previous, following = start, text[start - 1 : start] if start else "", text[end : end + 1]
        if previous == BRAILLE_CAPITAL and "a" <= rom[0] <= "z":
            return Edge(start - 1, end, rom[0].upper() + rom[1:], Rank.RULE)
        if start + 1 == end and rom.isupper() and following.islower():
            rom = rom.capitalize()  # Th in Thessalonike, TH in THESSALONIKE
        if previous and previous in DOUBLERS and (doubled := _DOUBLED.match(rom)):
            rom = doubled.group().replace("ch", "t" if previous in SMALL_TSU else "c") + rom
            start -= 1
            previous = text[start - 1 : start] if start else ""
        if scripts.get(text[start]) == "Thai" and (edge := self._thai(rom, start, end)):
            return edge
        last = text[end - 1]
        if following == COPTIC_GRAVE and scripts.get(last) == "Coptic" and not self.reading(first_start, end + 1):
            rom, end = "e" + rom, end + 1
            last, following = text[end - 1], text[end : end + 1]
        if (
            following
            and following in SMALL_Y
            and scripts.get(last) == scripts.get(following)
            and _CONSONANT_I.search(rom)
            and (glide := self.first_target(following))
            and not self.reading(first_start, end + 1)
            and not self.reading(start, end + 1)
        ):
            rom, end = rom[:-1] + glide, end + 1
            last, following = text[end - 1], text[end : end + 1]
        if following == LENGTHENER and scripts.get(last) in ("Hiragana", "Katakana") and rom[-1] in "aeiou":
            return Edge(start, end + 1, rom + rom[-1], Rank.RULE)
        if following in self.rules.viramas:
            return Edge(start, end + 1, rom, Rank.RULE)
        if rom.startswith(" ") and (start == 0 or previous == " "):
            rom = rom[1:]
        if rom.endswith(" ") and following == " ":
            rom = rom[:-1]
        return Edge(start, end, rom, Rank.RULE)

    def _thai(self, rom: str, start: int, end: int) -> Edge | None:
        """Vowels written before their consonant, and O ANG, which is silent but between two consonants."""
        text, rules = self.text, self.rules
        previous = text[start - 1 : start] if start else ""
        if previous in rules.pre_vowels:
            if start + 1 == end and _CONSONANTS.match(rom):
                for length in (3, 2, 1):
                    around = rules.rules.get(f"{previous}–{text[end : end + length]}")
                    if end + length <= self.size and around:
                        return Edge(start - 1, end + length, rom + (around[0].target or ""), Rank.RULE)
            if _CONSONANT.match(rom) and (vowel := self.first_target(previous)):
                return Edge(start - 1, end, rom + vowel, Rank.RULE)
        if text[start] == THAI_O_ANG and end - start == 1:
            following = text[end : end + 1]
            between = rules.scripts.get(previous) == "Thai" and rules.scripts.get(following) == "Thai"
            if not (
                between
                and _CONSONANTS_BUT_Y.match(self.backwards(start))
                and _CONSONANTS_BUT_Y.match(self.first_target(following) or "")  # uroman fails where there is none
            ):
                return Edge(start, end, "", Rank.RULE)
        return None

    def _decomposed(self, position: int) -> str | None:
        """A compatibility character by its Unicode decomposition: a ligature, or ½ as 1/2."""
        _, *parts = unicodedata.decomposition(self.text[position]).split()
        rom = self._romanize("".join(chr(int(part, 16)) for part in parts))
        if rom and _number(self.text[position]):
            rom = rom.replace("⁄", "/")
            if position and _number(self.text[position - 1]):
                rom = " " + rom
            if position + 1 < self.size and _number(self.text[position + 1]):
                rom += " "
        return rom

    # The result

    def _single(self, position: int) -> str:
        """A character that no edge begins with."""
        char = self.text[position]
        if unicodedata.category(char) in ("Mn", "Cf", "Co"):
            return ""
        rom = self.reading(position, position + 1) if char != " " else None
        return char if rom is None else without_tail_mark(rom)[0]

    def path(self, first: int = 0, stop: int | None = None) -> list[Edge]:
        """The longest edges from the left; they cover first:stop of the text without a gap."""
        path = []
        position, ends, spans = first, self.ends, self.spans
        stop = self.size if stop is None else stop
        while position < stop:
            end = ends.get(position)
            if end is None:
                edge = Edge(position, position + 1, self._single(position), Rank.OTHER)
            else:
                edges = spans[position, end]
                edge = edges[0] if len(edges) == 1 else self.best(position, end) or edges[0]
            path.append(edge)
            position = edge.end
        return path
