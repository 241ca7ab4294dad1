"""Words of abugidas and of Tibetan, syllable by syllable: what a syllable is read as hangs on little around it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cache

from xlcorpus.romanize.alphabet import Alphabet, char_class
from xlcorpus.romanize.exact import romanize_exactly
from xlcorpus.romanize.language import Language
from xlcorpus.romanize.lattice import KHMER_YO, Lattice

MOST_KEPT = 50_000  # parts of words: about 10 MB; real text has a few thousand a script
# Control characters never are part of a word; here they say what is before a syllable, or that nothing is after it.
_START, _AFTER_SILENT, _AFTER_VIRAMA, _END = "\x01", "\x02", "\x03", "\x04"
_BEFORE = _START + _AFTER_SILENT + _AFTER_VIRAMA


class SyllableReader:
    """Reads words of one script; this one reads none."""

    def read(self, word: str) -> str | None:
        """The reading; None where the word needs the lattice."""
        return None


class AbugidaScript:
    """Patterns of one script, the same in every language."""

    def __init__(self, script: str, alphabet: Alphabet) -> None:
        language, data, chars = alphabet.common, alphabet.common.data, alphabet.by_script[script]
        # Signs that are heard, such as the Burmese genitive, count as letters on both sides.
        letters = {c for c in chars if unicodedata.category(c) in ("Po", "So") and _sounds(language, c)}
        # A letter without a sound ends a word where a nukta is before it.
        letters |= {c for c in chars if unicodedata.category(c) == "Lo" and any(map(str.isalpha, _rom(language, c)))}
        marks = {char for char in chars if unicodedata.category(char) in ("Mn", "Mc")}
        longer = [source for source in alphabet.longer if not chars.isdisjoint(source)]
        inside = {char for source in longer for char in source[1:]}
        self.word = re.compile("(?!)")
        plain = sorted(letters - {char for source in longer for char in source} - {KHMER_YO})
        if not plain or any(len(source) > 2 for source in longer):
            return
        viramas, doublers = marks & data.viramas, marks & alphabet.doublers
        # A sign inside a longer source is heard in that source alone.
        silent = {char for char in marks - viramas - doublers if char in inside or not _sounds(language, char)}
        self.before = {_START: "", _AFTER_SILENT: plain[0] + min(silent - inside, default="")}
        self.before[_AFTER_VIRAMA] = plain[0] + min(viramas, default="")
        self.neighbour = plain[0]
        letter, mark = f"[{char_class(letters)}]", f"[{char_class(marks)}]" if marks else "(?!)"
        self.word = re.compile(f"{letter}(?:{letter}|{mark})*")
        heard = "".join(f"(?<!{source})" for source in sorted(longer))
        self.after_silent = re.compile(f"(?<=[{char_class(silent)}]){heard}(?={letter})" if silent else "(?!)")
        self.after_virama = re.compile(f"(?<=[{char_class(viramas)}])(?={letter})" if viramas else "(?!)")
        # Khmer yo silences the vowel of a letter before it, so it goes with that.
        core = f"(?:{'|'.join([*sorted(longer), letter])}){KHMER_YO}*{mark}*"
        doubled = f"(?:(?<=[{char_class(doublers)}]){core})*" if doublers else ""
        self.syllable = re.compile(f"[{_BEFORE}]?{core}{doubled}{_END}?")


class AbugidaReader(SyllableReader):
    """Letters with their signs, one after the other.

    Whether a consonant has its vowel hangs on its own signs, on whether the word begins or ends there, and on a virama
    or a sign without sound right before it. A letter with its signs is read once for each of these, in a text made for
    it, and kept.
    """

    def __init__(self, script: AbugidaScript, language: Language) -> None:
        self._script, self._language = script, language
        self._syllables: dict[str, str] = {}

    def read(self, word: str) -> str | None:
        """See `SyllableReader`."""
        script = self._script
        if not script.word.fullmatch(word):
            return None
        marked = script.after_virama.sub(_AFTER_VIRAMA, script.after_silent.sub(_AFTER_SILENT, word))
        syllables = script.syllable.findall(f"{_START}{marked}{_END}")
        known = self._syllables
        try:
            return "".join([known[syllable] for syllable in syllables])
        except KeyError:
            if len(known) > MOST_KEPT:
                known.clear()
            for syllable in syllables:
                if syllable not in known:
                    reading = self._read_syllable(syllable)
                    if reading is None:
                        return None
                    known[syllable] = reading
            return "".join([known[syllable] for syllable in syllables])

    def _read_syllable(self, syllable: str) -> str | None:
        core = syllable.lstrip(_BEFORE).rstrip(_END)
        before = self._script.before.get(syllable[0], self._script.neighbour)
        after = "" if syllable[-1] == _END else self._script.neighbour
        begin, end = len(before), len(before) + len(core)
        lattice = Lattice(before + core + after, self._language, str)
        lattice.read_rules(begin, end)
        edges = lattice.path(begin, end)
        # An edge across the border: not a syllable after all.
        return "".join([edge.text for edge in edges]) if edges[-1].end == end else None


class TibetanReader(SyllableReader):
    """Syllables between other signs; each is a world of its own.

    words: gives the reading of a part of a word that stands for itself.
    """

    def __init__(self, language: Language, alphabet: Alphabet, words: Mapping[str, str]) -> None:
        data = language.data
        chars = alphabet.by_script["Tibetan"]
        letters = [char for char in chars if "LETTER" in data.name(char) or char in data.vowel_signs]
        others = [char for char in chars if char not in letters and char not in data.viramas]
        spaced = {c for c in others if (t := language.data.rules.get(c)) and t[0].target and " " in t[0].target}
        self._language = language
        self._word = re.compile(f"[{char_class(letters)}{char_class(set(others) - spaced)}]+")
        self._part = re.compile(f"[{char_class(letters)}]+|[^{char_class(letters)}]+")
        self._words = words

    def read(self, word: str) -> str | None:
        """See `SyllableReader`."""
        if not self._word.fullmatch(word):
            return None
        parts = self._part.findall(word)
        return romanize_exactly(word, self._language) if len(parts) == 1 else "".join([self._words[p] for p in parts])


def _sounds(language: Language, char: str) -> bool:
    """True of a sign read as something that ends in a letter."""
    return _rom(language, char)[-1:].isalpha()


def _rom(language: Language, char: str) -> str:
    source = language.sources.get(char)
    return source.reading.rom if source is not None and source.reading is not None else ""


@cache
def abugida_script(script: str, alphabet: Alphabet) -> AbugidaScript:
    """The patterns of a script, made once a process."""
    return AbugidaScript(script, alphabet)
