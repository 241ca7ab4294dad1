"""Romanisation as uroman 1.3.1.1 does it, byte for byte, at corpus speed.

ASCII is returned as it is. Any other text is cut where cutting cannot change anything (`alphabet`), and each word is
read once and kept (`words`); most are read by compiled paths, the rest by the lattice itself (`exact`).
"""

from __future__ import annotations

import re

from xlcorpus.romanize.alphabet import LONG_NUMBER, MOST_DIGITS, alphabet, char_class, quick_class
from xlcorpus.romanize.exact import romanize_exactly
from xlcorpus.romanize.language import language, matters
from xlcorpus.romanize.rules import UROMAN_VERSION
from xlcorpus.romanize.words import Speller, Words

DEFAULT_CACHE_BYTES = 256 << 20


class Engine:
    """Romanises texts; keeps the words of all languages, at most `cache_bytes` of them."""

    version = UROMAN_VERSION

    def __init__(self, cache_bytes: int = DEFAULT_CACHE_BYTES) -> None:
        self._alphabet = alphabet()
        self._cache_bytes = cache_bytes
        self._languages: dict[str | None, Words] = {}
        self._bytes = 0
        self.peak_bytes = 0
        self.lookups = 0
        self.misses = 0
        self._asked = 0
        self._seen: set[str] = set()
        self._split = self._alphabet.word_pattern(digits=False).split
        self._split_with_digits = self._alphabet.word_pattern(digits=True).split
        self._numeric = re.compile(f"[{quick_class(self._alphabet.numeric)}]").search
        self._careful = re.compile(f"^[{char_class(self._alphabet.careful)}]").search
        self._whole = re.compile(f"[\\u2800-\\u28ff{char_class(self._alphabet.whole_text)}]").search

        self._open(None).prepare()

    def romanize(self, text: str, lcode: str | None = None) -> str:
        """What uroman's `romanize_string(text, lcode=lcode)` gives, and its errors: ValueError for a number too long.

        lcode: ISO 639-3, or None (as the paper ran it).
        """
        if text.isascii() and len(text) <= MOST_DIGITS:
            return text
        code = matters(lcode)
        if self._whole(text) or (len(text) > MOST_DIGITS and LONG_NUMBER.search(text)):
            return romanize_exactly(text, language(code))
        words = self._languages.get(code)
        if words is None:
            words = self._open(code)
        parts = (self._split_with_digits if self._numeric(text) else self._split)(text)
        if self._careful(parts[0]):
            parts[0] = romanize_exactly(parts[0] + ",", language(code))[:-1]
        self.lookups += len(parts) - parts.count("")
        self._seen.update(parts)
        return "".join(map(words.__getitem__, parts))

    def _open(self, code: str | None) -> Words:
        rules = language(code)
        # A language without rules of its own spells as all do.
        shared = self._languages[None].speller if code and rules.sources is language(None).sources else None
        words = Words(rules, self._alphabet, shared or Speller(rules, self._alphabet), self._grow)
        self._languages[code] = words
        return words

    def take_counts(self) -> dict[str, int]:
        """Words read since this was last asked, and how many of them were repetitions, so not read anew.

        The cache keeps words for longer than that; but what it holds hangs on what this process did before, and these
        counts do not.
        """
        asked, self._asked = self.lookups - self._asked, self.lookups
        counts = {"words": asked, "words_repeated": asked - len(self._seen - {""})}
        self._seen = set()
        return counts

    def _grow(self, size: int) -> None:
        self.misses += 1
        self._bytes += size
        if self._bytes > self._cache_bytes:
            for words in self._languages.values():
                words.clear()
            self._bytes = size
        self.peak_bytes = max(self.peak_bytes, self._bytes)
