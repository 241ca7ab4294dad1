"""Thai, which writes no spaces: whole phrases in one pass from left to right, without a lattice.

The same decisions as `Lattice` takes for Thai letters and marks (vowels written before their consonant, consonants that
sound otherwise at the end of a syllable, silent O ANG), with only the longest edge at each position kept.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from xlcorpus.romanize.alphabet import Alphabet, char_class
from xlcorpus.romanize.edges import read_before
from xlcorpus.romanize.language import THAI_O_ANG, Language, without_tail_mark
from xlcorpus.romanize.syllables import SyllableReader

_BETWEEN = "–"  # stands for the consonant in a source such as แ–ะ
_CONSONANTS = frozenset("bcdfghjklmnpqrstvwxyz")
_CLOSING = _CONSONANTS - {"w", "y"}  # the left neighbour after which no syllable ends
_PLAIN_CONSONANTS = re.compile(r"[bcdfghjklmnpqrstvwxz]+$")
_VOWELS = frozenset("aeiou")


@dataclass(frozen=True, slots=True)
class _Source:
    """How a source is read: by default, and for a consonant at the end of a syllable."""

    rom: str
    at_end: str | None
    target: str  # as the rule has it


class ThaiReader(SyllableReader):
    """Reads words of Thai letters and marks alone.

    words: gives the reading of a part of a word that stands for itself.
    """

    def __init__(self, language: Language, alphabet: Alphabet, words: Mapping[str, str]) -> None:
        data = language.data
        chars = {char for char in alphabet.by_script["Thai"] if unicodedata.category(char)[0] in "LM"}
        self._words = words
        self._word = re.compile(f"[{char_class(chars)}]+")
        self.pre_vowels, self.viramas = data.pre_vowels, data.viramas & chars
        self.tones = data.tone_marks & chars
        self.sources: dict[str, _Source] = {}
        self.around: dict[str, str] = {}  # vowels written before and after a consonant, without it -> target
        self.vowel_follows: dict[str, bool] = {}  # source -> its target begins with a vowel
        for source in (*sorted(chars), *alphabet.longer):
            rules = data.rules.get(source, [])
            target = rules[0].target if rules else None
            if source[0] not in chars or target is None:
                continue
            if len(rules) > 1 or rules[0].restrictions:
                raise ValueError(f"the Thai rule for {source!r} has conditions, which this reader does not know")
            if source[1:2] == _BETWEEN:
                self.around[source[0] + source[2:]] = target
            if chars.issuperset(source):
                self.sources[source] = _Source(without_tail_mark(target)[0], rules[0].at_syllable_end, target)
                self.vowel_follows[source] = target[:1].lower() in _VOWELS
        self.longer = {source[:end] for source in self.sources for end in range(2, len(source) + 1)}
        # A syllable ends before a vowel written first, as a word does, so words are cut there. But not where an O ANG
        # looks back beyond the vowel, nor after O ANG, which looks at it.
        first = char_class(self.pre_vowels)
        self._parts = re.compile(f"(?<=[^{THAI_O_ANG}])(?=[{first}])(?!{alphabet.thai_look_back})", re.S)

    def read(self, word: str) -> str | None:
        """See `SyllableReader`."""
        if not self._word.fullmatch(word):
            return None
        parts = self._parts.split(word)
        return _read_part(self, word) if len(parts) == 1 else "".join(map(self._words.__getitem__, parts))


class _Edges:
    """The longest edge from each position (end, text) and to each (start, text)."""

    def __init__(self, size: int) -> None:
        self.forward: list[tuple[int, str] | None] = [None] * size
        self.back: list[tuple[int, str] | None] = [None] * (size + 1)
        self._known: dict[int, str] = {}

    def add(self, start: int, end: int, text: str) -> None:
        known = self.forward[start]
        if known is None or end > known[0]:
            self.forward[start] = (end, text)
        known = self.back[end]
        if known is None or start < known[0]:
            self.back[end] = (start, text)

    def before(self, position: int) -> str:
        """As `Lattice.backwards`."""
        return read_before(position, self.back.__getitem__, self._known)


def _read_part(reader: ThaiReader, word: str) -> str:
    edges = _Edges(len(word))
    singles: list[str | None] = [None] * len(word)
    sources, longer = reader.sources, reader.longer
    for start, char in enumerate(word):
        source = sources.get(char)
        if source is not None:
            rom = source.rom
            if source.at_end is not None and _ends_syllable(reader, word, edges, start + 1):
                rom = source.at_end
            singles[start] = rom
            _place(reader, word, edges, rom, start, start + 1)
        end = start + 2
        while word[start:end] in longer and end <= len(word):
            source = sources.get(word[start:end])
            if source is not None:
                rom = source.rom
                if source.at_end is not None and _ends_syllable(reader, word, edges, end):
                    rom = source.at_end
                _place(reader, word, edges, rom, start, end)
            end += 1
    return _path(word, edges, singles)


def _place(reader: ThaiReader, word: str, edges: _Edges, rom: str, start: int, end: int) -> None:
    """Add the edge of a reading, with the vowel written before its consonant."""
    if rom:
        before = word[start - 1] if start else ""
        if before in reader.pre_vowels and rom[0] in _CONSONANTS:
            if end == start + 1 and _CONSONANTS.issuperset(rom):
                for last in (end + 3, end + 2, end + 1):
                    if last <= len(word) and (vowel := reader.around.get(before + word[end:last])) is not None:
                        return edges.add(start - 1, last, rom + vowel)
            if vowel := reader.sources[before].rom:
                return edges.add(start - 1, end, rom + vowel)
        if word[start] == THAI_O_ANG and end == start + 1 and not _between_consonants(reader, word, edges, start):
            rom = ""
        elif end < len(word) and word[end] in reader.viramas:
            end += 1
    return edges.add(start, end, rom)


def _between_consonants(reader: ThaiReader, word: str, edges: _Edges, position: int) -> bool:
    if position == 0 or position + 1 >= len(word) or not _PLAIN_CONSONANTS.match(edges.before(position)):
        return False
    following = reader.sources.get(word[position + 1])
    return following is not None and _PLAIN_CONSONANTS.match(following.target) is not None


def _ends_syllable(reader: ThaiReader, word: str, edges: _Edges, position: int) -> bool:
    """As `Lattice.ends_syllable`."""
    size = len(word)
    if position < 2 or word[position - 2] in reader.pre_vowels:
        return False
    after = position + 1 if position < size and word[position] in reader.tones else position
    if after >= size or word[after] in reader.pre_vowels:
        return True
    left = edges.back[position - 1]
    if left is not None and left[1][-1:] in _CLOSING:
        return False
    found = reader.vowel_follows.get(word[after : after + 2]) if after + 2 <= size else None
    if found is None:
        found = reader.vowel_follows.get(word[after], False)
    if found and word[after] == THAI_O_ANG and after + 1 < size:
        return reader.vowel_follows.get(word[after + 1], False)
    return not found


def _path(word: str, edges: _Edges, singles: list[str | None]) -> str:
    written = []
    position = 0
    while position < len(word):
        edge = edges.forward[position]
        if edge is not None:
            position, text = edge
            written.append(text)
            continue
        char, rom = word[position], singles[position]
        if unicodedata.category(char) != "Mn":
            written.append(char if rom is None else rom)
        position += 1
    return "".join(written)
