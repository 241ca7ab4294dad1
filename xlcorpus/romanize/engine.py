"""Romanisation as uroman 1.3.1.1 does it, byte for byte, at corpus speed.

ASCII is returned as it is. Any other text is cut where cutting cannot change anything (`alphabet`), and each word is
read once and kept (`readings`); most are read by compiled paths, the rest by the lattice itself (`exact`).
"""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.result import Counts
from xlcorpus.romanize.alphabet import alphabet, char_class, quick_class
from xlcorpus.romanize.exact import romanize_exactly
from xlcorpus.romanize.language import THAI_O_ANG, THAI_SILENCER, language, matters
from xlcorpus.romanize.readings import Readings, Speller
from xlcorpus.romanize.rules import UROMAN_VERSION, NamedSigns
from xlcorpus.text.script import count_by_script

DEFAULT_CACHE_BYTES = 256 << 20
_SURELY_HEARD = 3  # Thai consonants or ASCII letters of which one at least is heard, however the search skips


class Engine:
    """Romanises texts; keeps the words of all languages, at most `cache_bytes` of them. A `tools.Tool`."""

    name = "uroman"
    column = "text_latn"

    def __init__(self, cache_bytes: int = DEFAULT_CACHE_BYTES, named_signs: NamedSigns = "uroman") -> None:
        self._alphabet = alphabet(named_signs)
        self._named_signs = named_signs
        self.version = UROMAN_VERSION if named_signs == "uroman" else f"{UROMAN_VERSION}, named signs: {named_signs}"
        self._cache_bytes = cache_bytes
        self._languages: dict[str | None, Readings] = {}
        self._bytes = 0
        self.peak_bytes = 0
        self.lookups = 0
        self.misses = 0
        self._split = self._alphabet.word_pattern(digits=False).split
        self._split_with_digits = self._alphabet.word_pattern(digits=True).split
        self._numeric = re.compile(f"[{quick_class(self._alphabet.numeric | self._alphabet.signs)}]").search
        self._connectors = self._alphabet.common.data.fraction_connectors
        self._careful = re.compile(f"^[{char_class(self._alphabet.careful)}]").search
        self._whole = re.compile(f"[\\u2800-\\u28ff{char_class(self._alphabet.whole_text)}]").search

        # A virama takes along the sign before it; and Thai may look back over all signs.
        viramas = char_class(self._alphabet.common.data.viramas)
        separators = char_class(map(chr, self._alphabet.separators))
        self._virama_alone = re.compile(f"[{viramas}](?<=[{separators}][{viramas}])").search
        thai = char_class(char for char, script in self._alphabet.common.data.scripts.items() if script == "Thai")
        self._looks_back = re.compile(f"(?<![{thai}]){self._alphabet.thai_look_back}").search
        self._sounds = re.compile(f"[a-zA-Z]|[\u0e01-\u0e2c\u0e2e](?!.?{THAI_SILENCER})").findall
        self._open(None).prepare()

    def romanize(self, text: str, lcode: str | None = None, script: str | None = None) -> str:
        """What uroman's `romanize_string(text, lcode=lcode)` gives; where that raises, only what it fails on stays.

        lcode: ISO 639-3 as uroman has it (`tools.uroman_code`), or None (as the paper ran it); the script it sees.
        """
        if text.isascii():
            return text
        code = matters(lcode)
        if self._whole(text) or self._virama_alone(text):
            return romanize_exactly(text, language(code, self._named_signs))
        words = self._languages.get(code)
        if words is None:
            words = self._open(code)
        with_numbers = self._numeric(text) or any(connector in text for connector in self._connectors)
        parts = (self._split_with_digits if with_numbers else self._split)(text)
        if THAI_O_ANG in text and self._looks_back(text):
            parts = self._join_back(parts)
        if self._careful(parts[0]):
            parts[0] = romanize_exactly(parts[0] + ",", words.language)[:-1]
        self.lookups += len(parts) - parts.count("")
        return "".join(map(words.__getitem__, parts))

    def counts(self, texts: pa.Array, made: pa.Array) -> Counts:
        """Of texts and their readings (string): runs left because uroman fails; signs read by their name, by script."""
        left = [pc.sum(pc.count_substring(made, connector)).as_py() or 0 for connector in self._connectors]
        by_name = {} if self._named_signs != "uroman" else count_by_script(texts, self._alphabet.named_signs)
        return {"words_left_by_failure": sum(left), "signs_read_by_name": by_name}

    def _join_back(self, parts: list[str]) -> list[str]:
        """Put a Thai word that is read by what comes before it together with that, as far back as there is a sound."""
        joined = parts[:2]  # separators and words by turns
        for separators, word in zip(parts[2::2], parts[3::2], strict=False):
            if not self._looks_back(word):
                joined += (separators, word)
                continue
            part = separators + word
            while len(joined) > 1:
                part = joined.pop() + part
                if len(joined) == 1 or len(self._sounds(part)) > _SURELY_HEARD + len(self._sounds(word)):
                    break
                part = joined.pop() + part
            joined.append(part)
        return [*joined, parts[-1]]

    def _open(self, code: str | None) -> Readings:
        rules = language(code, self._named_signs)
        # A language without rules of its own spells as all do.
        common = self._languages[None] if code else None
        shared = common.speller if common and rules.sources is common.language.sources else None
        words = Readings(rules, self._alphabet, shared or Speller(rules, self._alphabet), self._grow)
        self._languages[code] = words
        return words

    def _grow(self, size: int) -> None:
        self.misses += 1
        self._bytes += size
        if self._bytes > self._cache_bytes:
            for words in self._languages.values():
                words.clear()
            self._bytes = size
        self.peak_bytes = max(self.peak_bytes, self._bytes)
