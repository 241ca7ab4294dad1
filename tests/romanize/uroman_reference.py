"""The installed uroman as the standard of the engine, and random texts of the characters that it knows."""

from __future__ import annotations

import unicodedata
from functools import cache

import uroman
from hypothesis import strategies as st

from xlcorpus.romanize.engine import Engine
from xlcorpus.romanize.rules import load_rules

Outcome = str | type[Exception]

CODES = [
    *("rus", "ukr", "bel", "bul", "mkd", "kaz", "kir", "fas", "ara", "pus", "uig", "heb", "yid", "ell"),
    *("grc", "hin", "san", "ben", "asm", "guj", "pan", "kas", "hye", "srp", "tur", "lav", "deu", "jpn"),
]


class Reference:
    """uroman's own reading of a text, or the type of what it raises."""

    def __init__(self) -> None:
        self.uroman = uroman.Uroman()

    def __call__(self, text: str, lcode: str | None = None) -> Outcome:
        try:
            return self.uroman.romanize_string(text, lcode=lcode)
        except Exception as error:
            return type(error)


def difference(engine: Engine, reference: Reference, text: str, lcode: str | None = None) -> tuple[str, Outcome] | None:
    """The engine's reading and uroman's, where uroman has one and it is another. The engine reads every text."""
    ours, theirs = engine.romanize(text, lcode), reference(text, lcode)
    return None if ours == theirs or isinstance(theirs, type) else (ours, theirs)


def lcodes() -> st.SearchStrategy[str | None]:
    """No language, every third time, or one that some rule knows."""
    return st.sampled_from([None] * (len(CODES) // 2) + CODES)


@cache
def chars_by_script() -> dict[str, list[str]]:
    """Characters by uroman's name of their script."""
    found: dict[str, list[str]] = {}
    for char, script in sorted(load_rules().scripts.items()):
        found.setdefault(script, []).append(char)
    return found


def chars_of(script: str, *, categories: str = "LMN") -> list[str]:
    """Characters of a script whose general category begins with one of these letters."""
    return [char for char in chars_by_script()[script] if unicodedata.category(char)[0] in categories]


# Signs that end words in some script, join them, or change what is beside them.
PUNCTUATION = [
    *" .,;:!?'\"()-–—…«»“”‘’、。「」『』・，．！？：；（）।॥၊။៕។་།፡።،؛؟ー々〜/%+±−×@_°²½①",
    *("\n", "\t", "\r", "\x1c", "\x85", "\xa0", "\u1680", "\u2003", "\u2028", "\u202f", "\u3000"),
    *("\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u0640", "\u0301", "\u0300", "\u094d", "\u103a", "\u17d2"),
    *("\ue000", "\uf8f1", "\u0378", "\U0001f600", "\u2800", "\u2820", "\u283c", "っ", "ッ", "ゃ", "\u0a71"),
]


def punctuation() -> st.SearchStrategy[str]:
    """One sign; a space more often than any other."""
    return st.one_of(st.just(" "), st.sampled_from(PUNCTUATION))


@cache
def words(script: str, most: int = 8) -> st.SearchStrategy[str]:
    """Letters, marks and digits of a script in any order."""
    return st.text(st.sampled_from(chars_by_script()[script]), min_size=1, max_size=most)


@cache
def numbers() -> st.SearchStrategy[str]:
    """Digits of all scripts with full stops, Chinese numerals, fractions, and signs before them."""
    numerals = sorted(load_rules().numerals)
    digits = [char for char in numerals if char.isdecimal()]
    powers = [*"零〇一二三五九十百千万萬億兆京兩参伍半", "分之", "百分之", "负", "負", "−", "+", "½", "²", "⑤"]
    return st.one_of(
        st.text(st.sampled_from([*digits, *"....0123456789"]), min_size=1, max_size=7),
        st.lists(st.sampled_from(powers + list("0123456789")), min_size=1, max_size=6).map("".join),
        st.text(st.sampled_from(numerals), min_size=1, max_size=4),
    )


def mixtures() -> st.SearchStrategy[str]:
    """Words of two scripts, numbers and punctuation, with and without spaces between them."""
    scripts = sorted(chars_by_script())

    def of_two(pair: tuple[str, str]) -> st.SearchStrategy[str]:
        part = st.one_of(words(pair[0], 3), words(pair[1], 3), punctuation(), punctuation(), numbers())
        return st.lists(part, min_size=2, max_size=6).map("".join)

    return st.tuples(st.sampled_from(scripts), st.sampled_from(scripts)).flatmap(of_two)
