"""The rules as one language sees them, with everything that does not depend on the text worked out once."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from functools import cache

from xlcorpus.romanize.rules import NamedSigns, Rule, RuleSet, load_rules

# Languages that drop the inherent vowel at the end of a word; Devanagari does in all but Sanskrit.
DROPS_FINAL_VOWEL = frozenset({"asm", "ben", "guj", "kas", "pan"})
KEEPS_FINAL_VOWEL = frozenset({"san"})

THAI_O_ANG = "\u0e2d"
THAI_SILENCER = "\u0e4c"  # thanthakhat
SMALL_TSU = "っッ"
DOUBLERS = SMALL_TSU + "\u0a71"  # and Gurmukhi addak
SMALL_Y = "ゃゅょャュョ"
LENGTHENER = "ー"
BRAILLE_CAPITAL = "\u2820"
COPTIC_GRAVE = "\u0300"
NEIGHBOURS_MATTER = DOUBLERS + SMALL_Y + LENGTHENER + BRAILLE_CAPITAL + COPTIC_GRAVE

LAST_NUMBER = 0x20000  # Unicode has no numbers beyond

_CONSONANTS = re.compile(r"[bcdfghjklmnpqrstvwxyz]+$")
_TAIL = re.compile(r"\+(?:m|ng|n|h|r)")
_R_VOWEL = re.compile(r"r[aeiou]")

# Leads, vowels and tails of Hangul in the order of Unicode.
_LEADS, _VOWELS, _TAILS = (
    letters.split()
    for letters in (
        "g gg n d dd r m b bb s ss - j jj c k t p h",
        "a ae ya yae eo e yeo ye o wa wai oe yo u weo we wi yu eu yi i",
        "- g gg gs n nj nh d l lg lm lb ls lt lp lh m b bs s ss ng j c k t p h",
    )
)


def hangul(char: str) -> str:
    """A precomposed syllable by its index (Unicode 3.12), in uroman's letters."""
    index = ord(char) - 0xAC00
    parts = (_LEADS[index // 588], _VOWELS[index // 28 % 21], _TAILS[index % 28])
    return "".join(parts).replace("-", "")


def without_tail_mark(rom: str) -> tuple[str, bool]:
    """A target such as `+m` follows a vowel and never takes one: (`m`, True)."""
    return (rom[1:], True) if _TAIL.match(rom) else (rom, False)


@dataclass(frozen=True, slots=True)
class Reading:
    """A target with its parts: consonant alone, with the inherent vowel, or as the rule has it.

    base: None where the script is no abugida or the target no consonant, so that rom is all there is.
    """

    rom: str
    base: str | None = None
    full: str = ""
    keeps_initial: bool = True  # takes the inherent vowel at the start of a word


def split_consonant(rom: str, script: str, vowels: tuple[str, ...], single: bool) -> Reading:
    """The reading of a target in an abugida; `vowels`: the script's default vowels, `single`: of one character."""
    one_or_more = "|".join(vowel + "+" for vowel in vowels)
    if match := re.match(rf"([cfghkmnqrstxy]?y)({one_or_more})-?$", rom):
        base, full = match.group(1), match.group(1) + match.group(2)
    elif match := re.match(rf"([bcdfghjklmnpqrstvwxyz]+)({'|'.join(vowels)})-?$", rom):
        base, full = match.group(1), match.group(1) + match.group(2)
        if rom.endswith("-") and single and rom[0].isalpha():
            rom = rom[:-1]
    else:
        base, full = rom, rom + vowels[0]
    if not _CONSONANTS.match(base) and not (script == "Tibetan" and base == "'"):
        return Reading(rom)
    return Reading(rom, base, full, not _R_VOWEL.search(rom))


@dataclass(frozen=True, slots=True)
class Source:
    """What the rules say of one source string.

    reading: the one that always holds, or None where none does, or where it depends on the place (`depends`).
    """

    rules: tuple[Rule, ...]
    depends: bool
    target: str | None
    reading: Reading | None
    calm: bool  # besides the inherent vowel nothing but `Language.neighbours_matter` can change it
    plain: bool  # nor has it an inherent vowel


@dataclass(frozen=True, eq=False)
class Language:
    """Rules of one language: `code` is ISO 639-3, or None."""

    code: str | None
    data: RuleSet
    sources: dict[str, Source]
    uneven: set[str]  # sources beyond ASCII of several characters, with conditions, or of capitals of several
    longer: frozenset[str]  # characters that begin a source of several
    vowel_follows: frozenset[str]  # after these signs a consonant has no vowel of its own
    vowel_follows_mark: frozenset[str]  # nor where these come after a nonspacing mark
    neighbours_matter: frozenset[str]  # signs that change what is read before or after them
    other_digits: dict[str, str]  # digits that are no numerals of `RuleSet`, such as circled ones
    without_target: frozenset[str]  # signs that uroman fails to look at when it seeks the end of a word

    def drops_final_vowel(self, script: str) -> bool:
        """True where a consonant at the end of a word has no vowel."""
        return (script == "Devanagari" and self.code not in KEEPS_FINAL_VOWEL) or self.code in DROPS_FINAL_VOWEL

    def read(self, source: str, target: str) -> Reading:
        """The parts of a target that holds in its place."""
        script = self.data.scripts.get(source[0], "")
        vowels = self.data.abugida_vowels.get(script.lower())
        rom, tail = without_tail_mark(target)
        return split_consonant(rom, script, vowels, len(source) == 1) if vowels and not tail else Reading(rom)


@cache
def matters(code: str | None) -> str | None:
    """The code where some rule or habit of the language knows it, else None: all others share one set of tables."""
    known = load_rules().languages | DROPS_FINAL_VOWEL | KEEPS_FINAL_VOWEL
    return code if code in known else None


def language(code: str | None, named_signs: NamedSigns = "uroman") -> Language:
    """The compiled rules of a language for which `matters` is not None, or of None (0.3 s; the others share them)."""
    return _compiled(code, named_signs)


@cache
def _compiled(code: str | None, named_signs: NamedSigns) -> Language:
    if code is not None:
        common = language(None, named_signs)
        if code not in common.data.languages:
            return replace(common, code=code)  # of habits of its own, but no rules
        built = replace(common, code=code, sources=dict(common.sources), uneven=set(common.uneven))
        sources = _sources_by_language(built.data)
    else:
        data = load_rules().treating(named_signs)
        built, sources = _without_sources(data), list(data.rules)
    for source in filter(None, sources):
        entry = built.sources[source] = _source(built, source, tuple(built.data.rules[source]))
        if not source.isascii() and (entry.depends or (entry.rules and (len(source) > 1 or is_capital(entry)))):
            built.uneven.add(source)
        else:
            built.uneven.discard(source)
    return built


def is_capital(source: Source) -> bool:
    """True where a capital is read as several, of which only the first stays one before a small letter: Th, not TH."""
    return source.reading is not None and _several_capitals(source.reading.rom)


def _several_capitals(rom: str) -> bool:
    return rom.isupper() and rom.capitalize() != rom


_language_sources: list[str] = []


def _sources_by_language(data: RuleSet) -> list[str]:
    """Sources of which some rule holds in some languages alone."""
    if not _language_sources:
        _language_sources.extend(s for s, rules in data.rules.items() if any(rule.languages for rule in rules))
    return _language_sources


def _without_sources(data: RuleSet) -> Language:
    subjoined = {char for char in data.scripts if "SUBJOINED LETTER" in data.name(char)}
    return Language(
        None,
        data,
        sources={},
        uneven=set(),
        longer=frozenset(source[0] for source in data.prefixes if len(source) > 1),
        vowel_follows=frozenset(data.vowel_signs | data.medial_consonants | data.viramas | subjoined),
        vowel_follows_mark=frozenset(data.vowel_signs | data.viramas),
        neighbours_matter=frozenset(data.viramas) | frozenset(NEIGHBOURS_MATTER),
        other_digits=_other_digits(data),
        without_target=frozenset(
            source
            for source, rules in data.rules.items()
            if len(source) == 1 and not source.isalpha() and any(rule.target is None for rule in rules)
        ),
    )


def _other_digits(data: RuleSet) -> dict[str, str]:
    found = {}
    for char in (chr(code) for code in range(0x80, LAST_NUMBER) if chr(code).isnumeric()):
        value = unicodedata.numeric(char)
        if char not in data.numerals and value in range(10) and "DIGIT" in data.name(char):
            found[char] = str(int(value))
    return found


def _source(language: Language, source: str, rules: tuple[Rule, ...]) -> Source:
    ours = [rule for rule in rules if not rule.languages or language.code in rule.languages]
    if any(rule.has_place for rule in ours):
        return Source(rules, True, None, None, False, False)
    best = None
    for rule in ours:
        if rule.target is not None and (best is None or rule.restrictions > best.restrictions):
            best = rule
    if best is None or best.target is None:
        return Source((), False, None, None, False, False)
    if best.at_syllable_end is not None:
        return Source(rules, True, None, None, False, False)
    reading = language.read(source, best.target)
    rom = reading.rom
    capitals = len(source) == 1 and _several_capitals(rom)
    thai = language.data.scripts.get(source[0]) == "Thai"
    calm = not (capitals or thai or rom.startswith(" ") or rom.endswith(" "))
    return Source(rules, False, best.target, reading, calm, calm and reading.base is None)


@cache
def extra_reading(char: str) -> str | None:
    """What a character without a rule may have besides: `hangul`, `decomposition`, or nothing."""
    if "\uac00" <= char <= "\ud7a3":
        return "hangul"
    tag, *parts = unicodedata.decomposition(char).split() or [""]
    excluded = ("<super>", "<sub>", "<noBreak>", "<compat>")
    return "decomposition" if tag.startswith("<") and tag not in excluded and parts else None
