"""One interface to what writes text in Latin letters or in IPA: uroman, ICU, epitran, pronunciation lexicons.

Open a tool once a worker (`open_tool`): tools hold tables and native objects and cannot be pickled. What a tool makes
of a text depends on nothing but the text, the language, the script and the tool's `version`.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import cache

from xlcorpus.dataset import storage
from xlcorpus.errors import UserError, nearest
from xlcorpus.romanize.rules import NamedSigns
from xlcorpus.text.aliases import iso639_codes
from xlcorpus.text.labels import known_languages, language_of, normalize_label
from xlcorpus.text.romanizer import Tool as Tool

TOOLS = ("uroman", "icu", "epitran")
# Where each writes; for plans, before a tool is opened.
COLUMNS = {"uroman": "text_latn", "icu": "text_latn", "epitran": "text_ipa", "pronunciations": "text_ipa"}

_NO_LANGUAGE = frozenset(["und", "zxx", "mul", "mis"])  # codes of ISO 639-3 that name no single language
_ISO_639_3 = re.compile(r"[a-z]{3}$")
_RECORD_FIELD = re.compile(r"::(\S+) (.*?)(?= ::|$)")


def open_tool(name: str, cache_bytes: int, named_signs: NamedSigns = "uroman") -> Tool:
    """Open one of TOOLS, or lexicons by their path; its package is imported now and not before.

    cache_bytes: how much a tool may keep of the words it has seen; named_signs: of uroman alone. Raises UserError where
    there is no such tool, or its package is missing.
    """
    if name == "uroman":
        from xlcorpus.romanize.engine import Engine

        return Engine(cache_bytes, named_signs)
    if name == "icu":
        from xlcorpus.romanize.icu import IcuTool

        return IcuTool()
    if name == "epitran":
        from xlcorpus.romanize.ipa import EpitranTool

        return EpitranTool(cache_bytes)
    check_tool(name)
    from xlcorpus.romanize.pronunciations import Pronunciations

    return Pronunciations(name)


def check_tool(name: str) -> None:
    """Raise UserError where this is neither one of TOOLS nor the path of pronunciation lexicons."""
    if name not in TOOLS and not storage.exists(storage.locate(name)):
        raise UserError(
            f"there is no tool {name!r}; {nearest(name, TOOLS)}",
            remedy=f"choose one of {', '.join(TOOLS)}, or give a pronunciation lexicon (swh_Latn.txt: word, TAB, IPA)",
        )


def check_latin(name: str) -> None:
    """Raise UserError where the tool of this name writes something else than Latin script."""
    column = COLUMNS.get(name, "text_ipa")
    if column != "text_latn":
        raise UserError(
            f"the tool {name} writes {column}, the view pairs a text with text_latn", remedy="--tool uroman, or icu"
        )


def language_code(lang: str | None, asked: str, tool: str) -> str | None:
    """The ISO 639-3 code for a tool: the one asked for, None for `none`, else that of the label (`hin_Deva`), if any.

    uroman is given its own codes (`uroman_code`).
    """
    if asked == "none":
        return None
    code = asked if asked != "auto" else language_of(lang or "")
    if not _ISO_639_3.match(code) or code in _NO_LANGUAGE:
        return None
    return uroman_code(code) if tool == "uroman" else code


def uroman_code(lcode: str | None) -> str | None:
    """The code under which uroman's rules know a language: labels say `pes`, `arb`, `lvs`; uroman `fas`, `ara`, `lav`.

    A code that no rule mentions stays as it is, and so does uroman's own.
    """
    return None if lcode is None else _rule_codes().get(lcode, lcode)


@cache
def _rule_codes() -> dict[str, str]:
    from xlcorpus.romanize.rules import load_rules

    ours = {language_of(normalize_label(code)): code for code in sorted(load_rules().languages)}
    return ours | {code: code for code in ours.values()}


def check_lcode(code: str) -> str:
    """A language code that the user wrote, as ISO 639-3 in lower case.

    Raises UserError, with what was probably meant, where neither ISO 639-3, uroman's list nor the labels have it.
    """
    known, meant = _known_languages()
    written = code.strip().lower()
    base = re.split("[-_]", written)[0]  # of a label or a BCP 47 tag
    ours = language_of(normalize_label(f"{base}_Zyyy")) if base else ""
    ours = ours if ours in known else ""
    if written in known or written in iso639_codes():
        return written
    close = get_close_matches(written, meant, 1, 0.8) if len(written) > 3 else []  # a name, misspelt
    guess = (
        base
        if base in known or base in iso639_codes()
        else meant.get(written) or ours or (meant[close[0]] if close else "")
    )
    hint = f"did you mean {guess!r}?" if guess else nearest(written, known) if written else "the code is empty"
    if hint.startswith("known:"):  # nothing is close: not the whole list, only what begins alike
        hint = nearest(written, [other for other in known if other[0] == written[:1]])
    raise UserError(f"there is no language {code!r}; {hint}", remedy="give an ISO 639-3 code, such as 'rus' or 'hin'")


@cache
def _known_languages() -> tuple[frozenset[str], dict[str, str]]:
    """(codes of labels and of uroman's list, code for each retired code or English name there)."""
    known = set(known_languages())
    meant: dict[str, str] = {}
    for record in _uroman_languages():
        language = record["lang-code"]
        if not _ISO_639_3.match(language):
            continue
        known.add(language)
        retired = re.split(r"[;,\s]+", record.get("deprecated-lang-codes", ""))
        names = re.split(r";\s*", record.get("lang-names", "").lower())
        for other in filter(None, (*retired, *names)):
            meant.setdefault(other, language)
    return frozenset(known), meant


def _uroman_languages() -> list[dict[str, str]]:
    """The records of uroman's own list of languages; none where the package is missing."""
    try:
        text = storage.read_text(storage.packaged("uroman", "data", "ISO-639-3-list.txt"))
    except ModuleNotFoundError:
        return []
    return [dict(_RECORD_FIELD.findall(line)) for line in text.splitlines() if line.startswith("::lang-code ")]
