"""Text in the International Phonetic Alphabet by epitran (extra `ipa`).

Languages and scripts are those whose tables the installed epitran has. Chinese, Cantonese and Japanese are left out:
their readings come from dictionaries that epitran downloads. English is read by Flite's `lex_lookup` where that
program is on the path (it is built from Flite's sources; Debian's package does not have it). Where there are no rules
the text is None, not a copy. Source: Mortensen, Dalmia and Littell (2018), "Epitran: Precision G2P for Many Languages".
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import cache, lru_cache
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
_LONGEST_KEPT = 64  # letters of a word that is kept when it was read
ENTRY_BYTES = 750  # of the cache, for the longest word and its reading, measured with sys.getsizeof


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
        self._kept = lru_cache(cache_bytes // ENTRY_BYTES)(self._read)
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
        kept, read = self._kept, self._read
        return _WORD.sub(lambda match: (kept if len(match[0]) <= _LONGEST_KEPT else read)(code, match[0]), text)

    def _read(self, code: str, word: str) -> str:
        ipa: str = self._reader(code)(word)
        return ipa

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
