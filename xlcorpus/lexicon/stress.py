"""Accents that dictionaries write and texts do not: stress and tone of Slavic words and Lithuanian, length in Latin."""

from __future__ import annotations

import functools
import unicodedata
from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import regex

from xlcorpus.lexicon.fields import PIECE, STRESS
from xlcorpus.text.labels import language_of, script_of
from xlcorpus.text.normalize import class_of

_GRAVE, _ACUTE, _CIRCUMFLEX, _TILDE, _MACRON, _BREVE = "\u0300", "\u0301", "\u0302", "\u0303", "\u0304", "\u0306"
_TONES = _GRAVE + _ACUTE + _CIRCUMFLEX + _MACRON + "\u030f\u0311"  # of Serbo-Croatian: kȕća, rúka
_SOUTH_SLAVIC = dict.fromkeys(("hbs", "srp", "hrv", "bos", "cnr"), _TONES)
_LATIN = {"slv": _TONES, "lit": _GRAVE + _ACUTE + _TILDE, "lat": _MACRON + _BREVE} | _SOUTH_SLAVIC
_CYRILLIC = dict.fromkeys(("rus", "ukr", "bel", "bul", "rue"), _GRAVE + _ACUTE) | _SOUTH_SLAVIC
_SPELLED = ("chu",)  # Church Slavonic spells its accents
_LETTERS = {"Latn": "AEIOURYaeioury", "Cyrl": r"\p{Cyrillic}--[ГКгк]"}  # ѓ and ќ are letters of Macedonian
_LITHUANIAN = "LMN"  # and its diphthongs: kal̃ba
_FIRST, _LAST = 0xC0, 0x2000  # where composed letters of both scripts are


def without_stress(texts: pa.Array, label: str, counts: Counter[str]) -> pa.Array:
    """Words of one language without the accents that only dictionaries write: вода́ is вода, kȕća is kuća.

    texts: string[n] in NFC. A word of one letter keeps its accent (Bulgarian ѝ); counts: gets how many had one.
    """
    accents = _accents(language_of(label), script_of(label))
    if not accents:
        return texts
    pattern, seen = accents
    found = pc.fill_null(pc.match_substring_regex(texts, seen), False)
    if not pc.any(found).as_py():
        return texts
    written = texts.filter(found)
    plain: list[str] = []
    for start in range(0, len(written), PIECE):
        for word in written.slice(start, PIECE).to_pylist():
            apart = pattern.sub(r"\1", unicodedata.normalize("NFD", word))
            plain.append(unicodedata.normalize("NFC", apart))
            counts[STRESS] += plain[-1] != word
    return pc.replace_with_mask(texts, found, pa.array(plain, texts.type))


@functools.cache
def _accents(language: str, script: str) -> tuple[regex.Pattern[str], str] | None:
    """What is taken off in NFD, all but group 1, and an expression of Arrow for texts in NFC that may hold such."""
    marks = {"Latn": _LATIN.get(language, ""), "Cyrl": _CYRILLIC.get(language, _ACUTE)}.get(script, "")
    if not marks or language in _SPELLED:
        return None
    letters = _LETTERS[script] + (_LITHUANIAN + _LITHUANIAN.lower() if language == "lit" else "")
    accented = rf"[{letters}][\p{{M}}--[{marks}]]*)[{marks}]+"
    alone = rf"(?<![\p{{L}}\p{{M}}])(?:{accented}(?![\p{{L}}\p{{M}}])(*SKIP)(*FAIL)"
    pattern = regex.compile(rf"(?V1){alone}|({accented}")
    whole = regex.compile(rf"(?V1)(?:{accented}")
    composed = [code for code in range(_FIRST, _LAST) if whole.fullmatch(unicodedata.normalize("NFD", chr(code)))]
    return pattern, f"[{class_of(np.unique([*composed, *map(ord, marks)]))}]"
