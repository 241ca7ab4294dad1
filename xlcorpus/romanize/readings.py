"""Words of one language: each is read once and kept, the common kinds by compiled paths, the rest exactly."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Set
from functools import cache

from xlcorpus.romanize.alphabet import Alphabet, alone, char_class, quick_class
from xlcorpus.romanize.exact import romanize_exactly
from xlcorpus.romanize.language import Language, is_capital
from xlcorpus.romanize.syllables import MOST_KEPT, AbugidaReader, SyllableReader, TibetanReader, abugida_script
from xlcorpus.romanize.thai import ThaiReader

_ENTRY_BYTES = 104  # of a dict entry and its share of empty slots, besides the two strings


class _Letters(dict[int, str]):
    """Code point -> reading, for `str.translate`; only of characters that are read alike everywhere."""

    def __init__(self, language: Language) -> None:
        super().__init__({code: chr(code) for code in range(128)})
        self._language = language

    def __missing__(self, code: int) -> str:
        reading = self[code] = alone(chr(code), self._language)
        return reading


class Speller:
    """Reads letters one by one, but for sources of several, capitals of several, and signs that change others."""

    def __init__(self, language: Language, alphabet: Alphabet) -> None:
        self._language, self._alphabet = language, alphabet
        self._letters = _Letters(language)
        self._units: dict[tuple[str, bool, str], str] = {}
        self._patterns: dict[frozenset[str], re.Pattern[str]] = {}  # by the special characters of a word
        self._by_scripts: dict[frozenset[str], re.Pattern[str]] = {}
        sources = language.sources
        elsewhere = alphabet.own_path | alphabet.numeric
        uneven = sorted(source for source in language.uneven if elsewhere.isdisjoint(source))
        self._capitals = [source for source in uneven if len(source) == 1 and is_capital(sources[source])]
        self._keys = [source for source in uneven if len(source) > 1 or sources[source].depends]
        firsts = {source[0] for source in self._keys}
        self._special = frozenset({*firsts, *self._capitals, *alphabet.doublers, *alphabet.modifiers})
        self._may_be_special = re.compile(f"[{quick_class(self._special)}]")
        conditional = [source for source in self._keys if sources[source].depends]
        self._by_place = frozenset(char for source in (*conditional, *self._capitals) for char in source)
        self._conditional = re.compile("|".join(_longest_first(conditional)) or "(?!)")

    def _unit_pattern(self, special: frozenset[str]) -> re.Pattern[str]:
        """What in a word with these special characters is not read one by one; a pattern for each group of scripts."""
        scripts = self._language.data.scripts
        group = frozenset(scripts.get(char, "") for char in special)
        found = self._by_scripts.get(group)
        if found is None:
            alphabet = self._alphabet
            key = f"(?:{'|'.join(_longest_first([k for k in self._keys if scripts.get(k[0], '') in group])) or '(?!)'})"
            doublers, modifiers, capitals = (
                _one_of(char for char in chars if scripts.get(char, "") in group)
                for chars in (alphabet.doublers, alphabet.modifiers, self._capitals)
            )
            pattern = f"{doublers}+(?:{key}|.)?{modifiers}*|{key}{modifiers}*|.{modifiers}+"
            if doublers == modifiers == "(?!)":
                pattern = key  # found without a try at each character
            pattern = f"{pattern}|{capitals}"
            found = self._by_scripts[group] = re.compile(pattern.replace("(?!)+", "(?!)").replace("(?!)*", ""), re.S)
        if len(self._patterns) > MOST_KEPT:
            self._patterns.clear()
        self._patterns[special] = found
        return found

    def prepare(self) -> None:
        """Compile the patterns of each script by itself."""
        scripts: dict[str, set[str]] = {}
        for char in self._special:
            scripts.setdefault(self._language.data.scripts.get(char, ""), set()).add(char)
        for special in scripts.values():
            self._unit_pattern(frozenset(special))

    def has_conditions(self, word: str) -> bool:
        """True where a reading hangs on the start or end of the word."""
        return self._conditional.search(word) is not None

    def spell(self, word: str) -> str:
        """The reading of a word without characters of `Alphabet.own_path` and without numbers."""
        if not self._may_be_special.search(word):
            return word.translate(self._letters)
        # In a word of letters alone its start and end are those of the string; else they take the lattice to find.
        if not word.isalpha() and self.has_conditions(word):
            return romanize_exactly(word, self._language)
        special = self._special.intersection(word)
        if not special:
            return word.translate(self._letters)
        pattern = self._patterns.get(special) or self._unit_pattern(special)
        read = pattern.sub(self._read_unit, word)
        return romanize_exactly(word, self._language) if "\0" in read else read.translate(self._letters)

    def _read_unit(self, match: re.Match[str]) -> str:
        word, end, unit = match.string, match.end(), match.group()
        if unit[0] in self._by_place or unit[-1] in self._by_place:
            after = "" if end == len(word) else "q" if word[end].islower() else "Q"
            key = (unit, match.start() > 0, after)
        else:
            after, key = "", (unit, False, "")
        reading = self._units.get(key)
        if reading is None:
            before = "q" if key[1] else ""
            reading = romanize_exactly(before + key[0] + after, self._language)
            reading = reading[len(before) : len(reading) - len(after)]
            # A reading that is not ASCII would be read again as a letter: the word is then read whole.
            reading = self._units[key] = reading if reading.isascii() else "\0"
            if len(self._units) > MOST_KEPT:
                self._units.clear()
        return reading


def _one_of(chars: Iterable[str]) -> str:
    found = char_class(chars)
    return f"[{found}]" if found else "(?!)"


def _longest_first(sources: list[str]) -> list[str]:
    return [re.escape(source) for source in sorted(sources, key=lambda source: (-len(source), source))]


@cache
def _word_patterns(classes: Alphabet) -> tuple[re.Pattern[str], ...]:
    """Separators that hang on neighbours; characters of a path of their own; these or numbers; words that cling."""
    return (
        re.compile(f"[{char_class(classes.careful)}]"),
        re.compile(f"[{char_class(classes.own_path)}]"),
        re.compile(f"[0-9{quick_class(classes.own_path | classes.numeric | classes.signs)}]"),
        re.compile(f"^[{char_class(classes.modifiers)}]|[{char_class(classes.doublers)}]$"),
    )


@cache
def _number_patterns(classes: Alphabet) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Runs of numbers, with what only means something beside them: of the BMP alone (quick), and of all planes."""
    bmp = {char for char in classes.numeric if char <= "\uffff"}
    return _number_pattern(classes, bmp), _number_pattern(classes, classes.numeric)


def _number_pattern(classes: Alphabet, numeric: Set[str]) -> re.Pattern[str]:
    data = classes.common.data
    keys = [key for key in classes.longer if not key.isascii() and not classes.numeric.isdisjoint(key)]
    firsts = char_class(key[0] for key in keys)
    digits = char_class(char for char in classes.digits if char.isascii() or char in numeric)
    connectors = "|".join(map(re.escape, data.fraction_connectors))
    return re.compile(
        f"((?:(?=[{firsts}])(?:{'|'.join(_longest_first(keys))})"
        f"|[0-9{char_class(numeric | classes.signs)}]|{connectors}|(?<=[{digits}])\\.(?=[{digits}]))+)"
    )


class Readings(dict[str, str]):
    """Part of a text -> its reading; a part that is not there yet is read and kept, up to a size.

    grown: called with the bytes that each new entry takes.
    """

    def __init__(self, language: Language, alphabet: Alphabet, speller: Speller, grown: Callable[[int], None]) -> None:
        super().__init__()
        self.language = language
        self._grown = grown
        self._separators = alphabet.separators
        self._scripts = language.data.scripts
        self._alphabet = alphabet
        self.speller = speller
        self._readers: dict[str, SyllableReader] = {}
        self._careful, self._own_path, self._may_be_special, self._clings = _word_patterns(alphabet)
        self._number, self._any_number = _number_patterns(alphabet)

    def prepare(self) -> None:
        """Compile the patterns of every script now, not with its first word."""
        for script in sorted(set(self._scripts.values())):
            self._open_reader(script)
        self.speller.prepare()

    def __missing__(self, part: str) -> str:
        reading = part if part.isascii() else self._read(part)
        self._grown(sys.getsizeof(part) + sys.getsizeof(reading) + _ENTRY_BYTES)
        self[part] = reading
        return reading

    def _read(self, part: str) -> str:
        if ord(part[0]) in self._separators:
            if self._careful.search(part):
                return romanize_exactly(f",{part},", self.language)[1:-1]
            return part.translate(self._separators)
        script = self._scripts.get(part[0], "")
        reader = self._readers.get(script) or self._open_reader(script)
        if (reading := reader.read(part)) is not None:
            return reading
        if not self._may_be_special.search(part):
            return self.speller.spell(part)
        if self._own_path.search(part):
            return romanize_exactly(part, self.language)
        return self._read_with_numbers(part)

    def _open_reader(self, script: str) -> SyllableReader:
        reader: SyllableReader = SyllableReader()
        if script in ("Thai", "Tibetan"):
            reader = {"Thai": ThaiReader, "Tibetan": TibetanReader}[script](self.language, self._alphabet, self)
        elif self._alphabet.abugida(script):
            reader = AbugidaReader(abugida_script(script, self._alphabet), self.language)
        self._readers[script] = reader
        return reader

    def _read_with_numbers(self, part: str) -> str:
        """Numbers by themselves, and the words between them: they touch, but do not change each other."""
        pieces = (self._number if max(part) <= "\uffff" else self._any_number).split(part)
        if len(pieces) == 1:
            return self.speller.spell(part)
        words, numbers = pieces[::2], pieces[1::2]
        if len(numbers) == 1 and not any(words):
            return romanize_exactly(part, self.language)
        touching = any(word and self._clings.search(word) for word in words)
        touching = touching or any(n.islower() or not self.language.without_target.isdisjoint(n) for n in numbers)
        if touching or any(self.speller.has_conditions(word) for word in words):
            return romanize_exactly(part, self.language)
        return "".join([self[piece] for piece in pieces if piece])
