"""Codes that mean one language: present and retired ones, macrolanguages and the member that corpora mean by them.

`iso639.tsv` holds ISO 639-3's own tables (SIL, of 2025): the macrolanguage of each of its parts, and the code that took
the place of each retired one; `iso639_codes.tsv` every code of it (of 2026, as pycountry 26.2.16 has them), the third
letters by the first two. Which member a macrolanguage stands for is no part of the standard: it is the one that
FLORES-200 and GlotLID file it under, else the one of CLDR.
"""

from __future__ import annotations

import functools
import pkgutil

# Macrolanguage: the member that is meant by it, where `codes.tsv` names none.
_REPRESENTATIVES = {
    "aka": "twi", "bal": "bcc", "bnc": "lbk", "cre": "crk", "doi": "dgo", "est": "ekk", "gba": "gya", "grb": "gbo",
    "grn": "gug", "hmn": "mww", "ipk": "esk", "kln": "spy", "kon": "kng", "kpe": "xpe", "luy": "bxk", "man": "emk",
    "mwr": "dhd", "raj": "mup", "rom": "rmy", "san": "cls", "srd": "src", "syr": "aii", "tmh": "ttq", "zap": "zai",
    "zha": "zyb", "zho": "cmn",
}  # fmt: skip


@functools.cache
def code_table() -> dict[str, tuple[str, tuple[str, ...]]]:
    """`codes.tsv`: the code of labels for one of ISO 639, and the scripts it is written in, the most usual first."""
    lines = (pkgutil.get_data("xlcorpus.text", "codes.tsv") or b"").decode().splitlines()[1:]
    rows = (line.split("\t") for line in lines)
    return {code: (canonical, tuple(scripts.split(",")) if scripts else ()) for code, canonical, scripts in rows}


@functools.cache
def iso639_codes() -> frozenset[str]:
    """The 7,919 codes of ISO 639-3 that are languages, macrolanguages among them."""
    lines = (pkgutil.get_data("xlcorpus.text", "iso639_codes.tsv") or b"").decode().splitlines()[1:]
    return frozenset(two + third for two, _, thirds in (line.partition("\t") for line in lines) for third in thirds)


@functools.cache
def _tables() -> tuple[dict[str, str], dict[str, str]]:
    """The macrolanguage of each part, and what each retired code is now."""
    lines = (pkgutil.get_data("xlcorpus.text", "iso639.tsv") or b"").decode().splitlines()[1:]
    rows = [line.split("\t") for line in lines]
    return (
        {code: other for code, what, other in rows if what == "part"},
        {code: other for code, what, other in rows if what == "retired"},
    )


@functools.cache
def _retired_names() -> dict[str, tuple[str, ...]]:
    """The retired codes of each present one."""
    names: dict[str, list[str]] = {}
    for old, new in _tables()[1].items():
        names.setdefault(new, []).append(old)
    return {new: tuple(sorted(old)) for new, old in names.items()}


def macrolanguage_of(code: str) -> str | None:
    """The ISO 639-3 macrolanguage that a language is part of: zho of cmn; None for one that is part of none."""
    return _tables()[0].get(code)


@functools.cache
def _members() -> dict[str, tuple[str, ...]]:
    members: dict[str, list[str]] = {}
    for code, macro in _tables()[0].items():
        members.setdefault(macro, []).append(code)
    return {macro: tuple(sorted(codes)) for macro, codes in members.items()}


def members_of(code: str) -> tuple[str, ...]:
    """The languages that a macrolanguage consists of; () of any other code."""
    return _members().get(code, ())


def present_code(code: str) -> str:
    """What ISO 639-3 calls a language whose code it retired; other codes as they are."""
    return _tables()[1].get(code, code)


def representative_of(macro: str) -> str | None:
    """The member that is meant by a macrolanguage: arb of ara; None of any other code."""
    written = code_table().get(macro, ("", ()))[0]
    return _REPRESENTATIVES.get(macro) or (written if macrolanguage_of(written) == macro else None)


def meant_by(code: str) -> list[str]:
    """The macrolanguage that means this member: kon of kng; none of any other language."""
    macro = macrolanguage_of(code)
    return [macro] if macro and representative_of(macro) == code else []


def related_codes(code: str) -> list[str]:
    """Other ISO 639-3 codes for a language, the nearest first.

    What a retired code is now and what a present one was; the macrolanguage that it is part of; the member that a
    macrolanguage stands for. Never a sister: apd (Sudanese Arabic) is found as ara, not as arb.
    """
    now = present_code(code)
    others = [now, *_retired_names().get(now, ()), macrolanguage_of(now), representative_of(now)]
    return [other for other in dict.fromkeys(others) if other and other != code]
