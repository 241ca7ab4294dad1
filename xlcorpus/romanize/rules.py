"""The rule data of the installed `uroman` package, read at run time: nothing of it is copied here.

Source: Hermjakob, May and Knight (2018), "Out-of-the-box Universal Romanization Tool uroman"; the package `uroman`
1.3.1.1. This project uses the universal romanizer software 'uroman' written by Ulf Hermjakob, USC Information
Sciences Institute (2015-2020).
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal

from xlcorpus.dataset import storage
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError
from xlcorpus.romanize.signs import sounds

UROMAN_VERSION = "1.3.1.1"  # the release whose output the engine reproduces

NamedSigns = Literal["uroman", "leave", "drop", "read"]  # what becomes of signs that uroman reads by their name

_FIELD = re.compile(r"(?:^|(?<=\s))::(\S+)(?=\s|$)(.*?)(?=\s+::\S|\s*$)", re.S)
_COMMENT = re.compile(r"\s{2,}#.*$", re.S)
_QUOTED = re.compile(r"""\s*(?:'(.*)'|"(.*)"|“(.*)”)\s*$""", re.S)
_PRE_VOWEL = "written-pre-consonant-spoken-post-consonant"


@dataclass(frozen=True, slots=True)
class Rule:
    """One way to write a source string: target (None: no target), languages and places where it holds."""

    target: str | None
    languages: frozenset[str] = frozenset()
    only_start: bool = False
    not_start: bool = False
    only_end: bool = False
    not_end: bool = False
    whole_word: bool = False
    at_syllable_end: str | None = None

    @property
    def restrictions(self) -> int:
        """How specific the rule is: of several valid ones the most specific wins."""
        return sum(self._places) + bool(self.languages)

    @property
    def has_place(self) -> bool:
        """True where the rule holds only in some places of a word."""
        return any(self._places)

    @property
    def _places(self) -> tuple[bool, ...]:
        return (self.only_start, self.not_start, self.only_end, self.not_end, self.whole_word)


@dataclass(frozen=True, slots=True)
class Numeral:
    """Numeric properties of one character: value or fraction, the power of its group, its class."""

    value: int | None
    fraction: tuple[int, int] | None
    base: int | None
    kind: str | None
    script: str | None
    large_power: bool


@dataclass
class RuleSet:
    """All rules by source string, and the properties of characters that they refer to."""

    rules: dict[str, list[Rule]] = field(default_factory=dict)
    prefixes: set[str] = field(default_factory=set)  # every prefix of every source string that was registered
    scripts: dict[str, str] = field(default_factory=dict)  # character -> uroman's name of its script
    abugida_vowels: dict[str, tuple[str, ...]] = field(default_factory=dict)  # script, in lower case -> default vowels
    vowel_signs: set[str] = field(default_factory=set)
    medial_consonants: set[str] = field(default_factory=set)
    viramas: set[str] = field(default_factory=set)
    numerals: dict[str, Numeral] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)  # of characters that Python's Unicode tables do not name
    tone_marks: set[str] = field(default_factory=set)
    pre_vowels: set[str] = field(default_factory=set)  # written before the consonant after which they are spoken
    minus_signs: tuple[str, ...] = ()
    plus_signs: tuple[str, ...] = ()
    fraction_connectors: tuple[str, ...] = ()

    def name(self, char: str) -> str:
        """Unicode name, or the one that the data gives, or the empty string."""
        return unicodedata.name(char, "") or self.names.get(char, "") if len(char) == 1 else self.names.get(char, "")

    @cached_property
    def languages(self) -> frozenset[str]:
        """Every language code that some rule names."""
        return frozenset(code for rules in self.rules.values() for rule in rules for code in rule.languages)

    @cached_property
    def named_signs(self) -> frozenset[str]:
        """Signs that are read by their name, not as they sound; others of `sounds` are left or not written."""
        found = ((sign, sound, self.rules.get(sign)) for sign, sound in sounds().items())
        return frozenset(sign for sign, sound, rules in found if rules and rules[0].target not in ("", sign, sound))

    def treating(self, named_signs: NamedSigns) -> RuleSet:
        """The rules with others for the signs that are read by name."""
        if named_signs == "uroman":
            return self
        if named_signs == "read":
            targets = sounds()
        else:
            targets = {sign: sign if named_signs == "leave" else "" for sign in self.named_signs}
        prefixes = self.prefixes.union(sign[:end] for sign in targets for end in range(1, len(sign) + 1))
        changed = {sign: [Rule(target)] for sign, target in targets.items()}
        return replace(self, rules=self.rules | changed, prefixes=prefixes)


@cache
def load_rules() -> RuleSet:
    """Read the data of the installed package, about 0.5 s; one copy a process.

    Raises UserError where the package is missing or is of another release.
    """
    try:
        found = version("uroman")
    except PackageNotFoundError:
        raise UserError("the package uroman is not installed", remedy=f"pip install uroman=={UROMAN_VERSION}") from None
    if found != UROMAN_VERSION:
        raise UserError(
            f"uroman {found} is installed; the engine is checked against {UROMAN_VERSION}",
            remedy=f"pip install uroman=={UROMAN_VERSION}",
        )
    folder = storage.packaged("uroman", "data")
    loader = _Loader()
    loader.read_table(folder / "romanization-auto-table.txt", replaceable=True)
    loader.read_overwrites(folder / "UnicodeDataOverwrite.txt")
    loader.read_table(folder / "romanization-table.txt", replaceable=False)
    loader.read_pinyin(folder / "Chinese_to_Pinyin.txt")
    loader.read_scripts(folder / "Scripts.txt")
    loader.read_numerals(folder / "NumProps.jsonl")
    for name in ("UnicodeDataProps.txt", "UnicodeDataPropsCJK.txt", "UnicodeDataPropsHangul.txt"):
        loader.read_properties(folder / name)
    return loader.found


def _lines(path: Location) -> Iterator[str]:
    """The lines of a file, without comments and blank ones."""
    lines = storage.read_text(path).split("\n")  # not at other line breaks, which are signs here
    return (line for line in lines if line.strip() and not line.startswith("#"))


def _records(path: Location) -> Iterator[dict[str, str]]:
    """The `::slot value` lines of a file; of a slot that is there twice the last value counts."""
    for line in _lines(path):
        yield {slot: value.strip() for slot, value in _FIELD.findall(_COMMENT.sub("", line))}


def _unquote(value: str | None) -> str | None:
    match = _QUOTED.match(value) if value else None
    return next(group for group in match.groups() if group is not None) if match else value


def _codes(value: str | None) -> frozenset[str]:
    return frozenset(re.split(r"[,;]\s*", value)) if value else frozenset()


class _Loader:
    def __init__(self) -> None:
        self.found = RuleSet()
        self._replaceable: set[str] = set()  # sources whose only rule came from the generated tables

    def _register(self, source: str) -> None:
        self.found.prefixes.update(source[:end] for end in range(1, len(source) + 1))

    def _add(self, source: str, record: dict[str, str], target: str | None, *, replaceable: bool) -> None:
        rule = Rule(
            target=self._one_word(source, target),
            languages=_codes(record.get("lcode")),
            only_start="use-only-at-start-of-word" in record,
            not_start="dont-use-at-start-of-word" in record,
            only_end="use-only-at-end-of-word" in record,
            not_end="dont-use-at-end-of-word" in record,
            whole_word="use-only-for-whole-word" in record,
            at_syllable_end=_unquote(record.get("t-end-of-syllable")) if not replaceable else None,
        )
        if "is-minus-sign" in record:
            self.found.minus_signs += (source,)
        if "is-plus-sign" in record:
            self.found.plus_signs += (source,)
        if record.get("fraction-connector") and source not in self.found.fraction_connectors:
            self.found.fraction_connectors += (source,)
        self._register(source)
        if source in self._replaceable and not rule.restrictions:
            self.found.rules[source] = [rule]  # a hand-made rule without conditions overrides the generated one
        else:
            self.found.rules.setdefault(source, []).append(rule)
        if replaceable and len(self.found.rules[source]) == 1:
            self._replaceable.add(source)
        else:
            self._replaceable.discard(source)

    def _one_word(self, source: str, target: str | None) -> str | None:
        """A target of several words is the name of a sign, not its sound, but for two scripts with the sound last."""
        if not target or " " not in target:
            return target
        name = self.found.name(source)
        for script, pattern in (
            ("MYANMAR VOWEL SIGN KAYAH", r"kayah\s+(\S+)\s*$"),
            ("MENDE KIKAKUI SYLLABLE", r"m\d+\s+(\S+)\s*$"),
        ):
            if script in name and (sound := re.search(pattern, target)):
                return sound.group(1)
        return source if re.search(r"\S\s+\S", target) else target

    def read_table(self, path: Location, *, replaceable: bool) -> None:
        for record in _records(path):
            source = _unquote(record.get("s"))
            if source is not None:
                self._add(source, record, _unquote(record.get("t")), replaceable=replaceable)
        self._add_thai_cancellations()

    def read_overwrites(self, path: Location) -> None:
        for record in _records(path):
            try:
                char = chr(int(_unquote(record.get("u")) or "", 16))
            except ValueError:
                continue
            if record.get("name"):
                self.found.names[char] = record["name"]
            if record.get("tone-mark"):
                self.found.tone_marks.add(char)
            if record.get("syllable-info") == _PRE_VOWEL:
                self.found.pre_vowels.add(char)
            self._add(char, record, _unquote(record.get("r")), replaceable=True)
        self._add_thai_cancellations()

    def _add_thai_cancellations(self) -> None:
        """Thanthakhat (U+0E4C) silences the letter before it, and a vowel written on that letter."""
        silencer = "\u0e4c"
        vowels = ["\u0e31", "\u0e47", *map(chr, range(0x0E33, 0x0E3B))]
        letters = [chr(code) for code in range(0x0E01, 0x0E4C)]
        syllables = [chr(code) + vowel for code in range(0x0E01, 0x0E2F) for vowel in vowels]
        for source in (text + silencer for text in (*letters, *syllables)):
            if source not in self.found.rules:
                self.found.rules[source] = [Rule("")]
                self._register(source)

    def read_pinyin(self, path: Location) -> None:
        for line in _lines(path):
            if len(fields := line.split()) == 2:
                chars, pinyin = fields
                self.found.rules.setdefault(chars, []).append(Rule(_without_tones(pinyin)))
                self._register(chars)

    def read_scripts(self, path: Location) -> None:
        for record in _records(path):
            if name := record.get("script-name"):
                vowels = record.get("abugida-default-vowel")
                names = [name, *re.split(r"[,;]\s*", record.get("alt-script-name", ""))]
                for each in (name.lower() for name in names if name):
                    self.found.abugida_vowels.setdefault(each, tuple(re.split(r"[,;]\s*", vowels)) if vowels else ())

    def read_properties(self, path: Location) -> None:
        for record in _records(path):
            if name := record.get("script-name"):
                for char in record.get("char", "") + record.get("numeral", ""):
                    self.found.scripts[char] = name
                self.found.vowel_signs.update(record.get("vowel-sign", ""))
                self.found.medial_consonants.update(record.get("medial-consonant-sign", ""))
                self.found.viramas.update(record.get("sign-virama", ""))

    def read_numerals(self, path: Location) -> None:
        for line in _lines(path):
            item: dict[str, Any] = json.loads(line)
            fraction = item.get("fraction")
            self.found.numerals[item["txt"]] = Numeral(
                value=item.get("value"),
                fraction=(fraction[0], fraction[1]) if fraction else None,
                base=item.get("base"),
                kind=item.get("type"),
                script=item.get("script"),
                large_power=bool(item.get("is-large-power")),
            )


def _without_tones(pinyin: str) -> str:
    """Letters alone: ü, and vowels with tone marks, as their base letter."""
    plain = []
    for char in pinyin:
        parts = [chr(int(code, 16)) for code in unicodedata.decomposition(char).split()]
        letters = [part for part in parts if unicodedata.category(part).startswith("L")]
        plain.append(letters[0] if parts and len(letters) == 1 else "" if parts else char)
    return "".join(plain).replace("ü", "u")
