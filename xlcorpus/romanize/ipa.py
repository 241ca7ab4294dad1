"""Text in the International Phonetic Alphabet by epitran (extra `ipa`).

Languages and scripts are those whose tables the installed epitran has. Chinese, Cantonese and Japanese are left out:
their readings come from dictionaries that epitran downloads. English is read by Flite's `lex_lookup` where that
program is on the path (it is built from Flite's sources; Debian's package does not have it). Where there are no rules
the text is None, not a copy. Source: Mortensen, Dalmia and Littell (2018), "Epitran: Precision G2P for Many Languages".
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import version
from typing import Any

import regex

from xlcorpus.dataset import storage
from xlcorpus.errors import UserError
from xlcorpus.text.labels import language_of, normalize_label, usual_scripts

_TABLE = regex.compile(r"([a-z]{3})-([A-Z][a-z]{3})(-[a-z]+)?\.csv$")
_NEEDS_DICTIONARY = frozenset({"jpn"})  # kana tables alone would leave the kanji as they are
_ENGLISH = ("eng", "Latn")
_ENGLISH_PROGRAM = "lex_lookup"

# Words, because epitran's rules for the ends of words hold only at the ends of what it is given: in a whole line German
# "Montag" keeps its final ɡ and Hindi its final schwas (every line of 30 differed). And because its time grows with the
# square of the length, a run of letters in a script without spaces is cut.
_WORD = regex.compile(r"[\p{L}\p{M}](?:[\p{L}\p{M}\u200c\u200d]|['’](?=\p{L})){0,255}")


class EpitranTool:
    """IPA word by word; what is not a word (digits, punctuation, spaces) stays as it is."""

    name = "epitran"
    column = "text_ipa"

    def __init__(self, cache_bytes: int) -> None:
        """Load no language yet: each takes about a second when it first comes. cache_bytes: for words already read.

        Raises UserError where epitran is missing.
        """
        self._package = _import("epitran.simple")
        self._codes = ipa_codes()
        self._readers: dict[str, Any] = {}
        self._words = WordCache(cache_bytes)
        self.version = version("epitran")
        if _ENGLISH in self._codes:
            self.version += f"; {_ENGLISH_PROGRAM}"

    def romanize(self, text: str, lcode: str | None, script: str | None) -> str | None:
        """See `tools.Tool`. Without a script, the language's usual one."""
        if not text:
            return ""
        code = self._code(lcode, script)
        if code is None:
            return None
        words, read = self._words, self._reader(code)

        def ipa(match: regex.Match[str]) -> str:
            word = match[0]
            known = words.get(code, word)
            if known is None:
                known = read(word)
                words.put(code, word, known)
            return known

        return _WORD.sub(ipa, text)

    def _code(self, lcode: str | None, script: str | None) -> str | None:
        if lcode is None:
            return None
        scripts = (script,) if script else usual_scripts(lcode)[:1]
        return next((self._codes[lcode, each] for each in scripts if (lcode, each) in self._codes), None)

    def _reader(self, code: str) -> Any:
        if code not in self._readers:
            english = code == "-".join(_ENGLISH)
            made = _import("epitran.flite").FliteLexLookup() if english else self._package.SimpleEpitran(code)
            self._readers[code] = made.transliterate
        return self._readers[code]


@cache
def ipa_codes() -> Mapping[tuple[str, str], str]:
    """epitran's code for each (ISO 639-3, ISO 15924) that the installed release can read without downloading.

    Raises UserError where epitran is missing. Languages are named as in the project's labels too (`swh` for `swa`). A
    language with nothing but tables of one variety (`mon-Cyrl-bab`) takes that.
    """
    _import("epitran")
    folder = storage.packaged("epitran", "data", "map")
    matches = filter(None, (_TABLE.match(entry.name) for entry in storage.entries_of(folder)))
    # Tables for the whole language before those of a variety, so that these only fill gaps.
    tables = sorted((match.groups(default="") for match in matches), key=lambda parts: (parts[2] != "", parts))
    codes: dict[tuple[str, str], str] = {}
    for language, script, variety in tables:
        if language not in _NEEDS_DICTIONARY:
            codes.setdefault((language, script), f"{language}-{script}{variety}")
    for (language, script), code in list(codes.items()):
        ours = language_of(normalize_label(f"{language}_{script}"))
        codes.setdefault((ours, script), code)
    codes.pop(_ENGLISH, None)
    if storage.has_program(_ENGLISH_PROGRAM):
        codes[_ENGLISH] = "-".join(_ENGLISH)
    return codes


class WordCache:
    """Results by word, within a number of bytes: the half used last is always kept."""

    def __init__(self, limit: int) -> None:
        self._limit = limit // 2
        self._used = 0
        self._recent: dict[tuple[str, str], str] = {}
        self._former: dict[tuple[str, str], str] = {}

    def get(self, code: str, word: str) -> str | None:
        """The result kept for a word in a language, or None."""
        key = (code, word)
        found = self._recent.get(key)
        if found is None:
            found = self._former.get(key)
            if found is not None:
                self.put(code, word, found)
        return found

    def put(self, code: str, word: str, result: str) -> None:
        """Keep a result; where the half is full, what was not asked for since the last time is let go."""
        size = 2 * (len(word) + len(result)) + _ENTRY_BYTES
        if size > self._limit:
            return
        if self._used + size > self._limit:
            self._former, self._recent, self._used = self._recent, {}, 0
        self._recent[code, word] = result
        self._used += size


_ENTRY_BYTES = 300  # two string headers, the key's tuple and the dict's slot, measured with sys.getsizeof


def _import(module: str) -> Any:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        return import_module(module)
    except ImportError as error:
        raise UserError(f"the tool epitran needs a package: {error}", remedy="pip install 'xlcorpus[ipa]'") from error
    finally:
        # epitran sets the root logger to CRITICAL when imported, which would silence the whole program.
        root.handlers[:], root.level = handlers, level
