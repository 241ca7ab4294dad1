"""What users call languages, in codes and names of every usual kind, as the labels that we use.

Codes are read by `codes.tsv` (`labels`) and ISO 639-3's tables (`aliases`); which others there are, and which names
languages have, is looked up in langcodes and language_data (IANA's registry and CLDR).

- A macrolanguage is the member that FLORES-200 means by it (`ar` is arb, `no` nob, `ms` zsm: `codes.tsv`); one for
  which that list has none (`zap`, `raj`) is ambiguous, and so is `als`: Tosk Albanian in ISO 639-3, Alemannic in
  Wikipedia and lid.176 (`als_Latn` is Tosk, as everywhere in labels).
- Without a script, the text says which of the language's usual ones it is. A text without any letter of these has the
  most usual one, or Latn where its letters are Latin (`hi` of a romanised text is hin_Latn).
- A region counts where it tells the script of Chinese (`zh-TW`), or a language (`fa-AF` is Dari).
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.errors import UserError
from xlcorpus.text.aliases import members_of, present_code, representative_of
from xlcorpus.text.labels import (
    LABEL_PREFIX,
    NO_LANGUAGE,
    canonical_code,
    han_variant,
    language_of,
    normalize_label,
    script_of,
    unicode_scripts,
    usual_scripts,
)
from xlcorpus.text.script import leading_script, letters_by_script

_BEGINNING = 2_000  # characters that tell the script
_LONGEST = 200  # characters of a name of a language, script and region
INVALID, AMBIGUOUS = "invalid", "ambiguous"
_CODE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{1,8})*")
_COUNTRY = re.compile(r"[A-Za-z]{2}")
_LOCALE = re.compile(r"\.[A-Za-z0-9-]+$")  # en_US.UTF-8
_MODIFIERS = {"latin": "Latn", "cyrillic": "Cyrl", "devanagari": "Deva", "arabic": "Arab"}  # of locales: sr_RS@latin
_NOT_KNOWN = frozenset({"", "und", "mis", "mul", "unknown", "none", "null", "n/a", "?", "-"})
_TWO_MEANINGS = {"als": ("als_Latn (Tosk Albanian)", "gsw_Latn (Alemannic)")}
# Wikipedias whose names are no codes, or other ones than those of ISO 639 (meta.wikimedia.org/wiki/List_of_Wikipedias).
_WIKIPEDIAS = {
    "simple": "eng", "bat-smg": "sgs", "be-x-old": "bel", "fiu-vro": "vro", "map-bms": "jav", "nds-nl": "nds",
    "roa-rup": "rup", "roa-tara": "nap", "zh-classical": "lzh", "zh-min-nan": "nan", "cbk-zam": "cbk",
}  # fmt: skip
_BY_REGION = {("fas", "AF"): "prs", ("pes", "AF"): "prs"}
_REMEDY = "write a code or a name of a language, e.g. swh_Latn, swh, sw-KE or Swahili"


@dataclass(frozen=True)
class Meaning:
    """What a value means.

    language: ISO 639-3 as labels have it, None where it says that none is known; script: ISO 15924, None where the
    text is to say it; problem: INVALID or AMBIGUOUS, and then message says why.
    """

    language: str | None = None
    script: str | None = None
    problem: str = ""
    message: str = ""

    @property
    def label(self) -> str | None:
        """The label, where no text is needed for it."""
        return f"{self.language}_{self.script}" if self.language and self.script else None


@functools.lru_cache(maxsize=1 << 14)
def meaning_of(value: str) -> Meaning:
    """The meaning of a code or name: `sw`, `swa`, `swh_Latn`, `sw-KE`, `pt_BR`, `iw`, `Swahili`, `日本語`."""
    if len(value) > _LONGEST:
        return Meaning(problem=INVALID, message=f"{len(value):,} characters are no name of a language")
    given = LABEL_PREFIX.sub("", unicodedata.normalize("NFC", value).strip())
    base, _, modifier = given.partition("@")
    base = _LOCALE.sub("", base)
    lower = base.lower().replace("_", "-")
    if lower in _NOT_KNOWN:
        return Meaning()
    if lower in _WIKIPEDIAS:
        return Meaning(_WIKIPEDIAS[lower])
    is_code = base.islower() or base.isupper()  # Ga is a name, ga a code
    if base == "NaN":  # a missing value; nan is Min Nan
        return Meaning()
    named = None if is_code or "-" in lower else _by_name(base)
    if named is None and _CODE.fullmatch(base):
        found = _by_code(lower, _MODIFIERS.get(modifier.lower()))
        if found is not None:
            return found
    if not (is_code and _COUNTRY.fullmatch(base)):  # UA is Ukraine, and not the language of the name Ua
        named = named or _by_name(base)
    if named is not None:
        return named
    candidates = _longer_names(base)
    if candidates:
        return Meaning(problem=AMBIGUOUS, message=f"several languages have this name: {', '.join(candidates)}")
    return Meaning(problem=INVALID, message="no language is known by this code or name")


@functools.cache
def english_name(label: str, *, with_script: bool = False) -> str:
    """What a language is called in English: German of deu_Latn; with its script where it is asked for, or not the
    usual one: Serbian (Latin); the code where it has no name."""
    from langcodes import Language

    code, script = language_of(label), script_of(label)
    name = re.sub(r" \([^)]*\)$", "", Language.get(code).language_name())  # Swahili (individual language)
    name = code if name.startswith("Unknown language") else name
    usual = usual_scripts(code)
    if not script or not (with_script or (usual and script != usual[0])):
        return name
    return f"{name} ({Language.make(script=script).script_name()})"


def _by_code(tag: str, modifier: str | None = None, *, named: bool = False) -> Meaning | None:
    """The meaning of a tag in lower case with dashes, which may be that of a name; None where a part is no code."""
    from langcodes.data_dicts import ALL_SCRIPTS

    code, *rest = tag.split("-")
    rest = rest[: rest.index("x")] if "x" in rest else rest
    script = next((part.title() for part in rest if re.fullmatch("[a-z]{4}", part)), modifier)
    if script is not None and script not in ALL_SCRIPTS:
        return None
    region = next((part.upper() for part in rest if re.fullmatch(r"[a-z]{2}|\d{3}", part)), None)
    for part in rest[:1]:
        if part in members_of(_three_letters(code)):  # zh-yue, ar-arz
            code = part
    code = _BY_REGION.get((_three_letters(code), region or ""), code)
    if any(len(part) > 4 and not _is_code(f"{code}-{part}") for part in rest):  # a variant: be-tarask
        return None
    if code in _TWO_MEANINGS and script is None and not named:
        return Meaning(problem=AMBIGUOUS, message=f"it may be {' or '.join(_TWO_MEANINGS[code])}")
    language = canonical_code(code) or canonical_code(present_code(code))
    if language is None:
        if not _is_code(code):
            return None
        members = members_of(code)
        if members:
            first = representative_of(code)
            shown = sorted(members, key=lambda member: (member != first, member))
            more = f", {len(shown) - 12} more" if len(shown) > 12 else ""
            return Meaning(problem=AMBIGUOUS, message=f"it is a macrolanguage: {', '.join(shown[:12])}{more}")
        if code in _families():
            return Meaning(problem=AMBIGUOUS, message="it is a family of languages")
        language = present_code(code)
    if language_of(NO_LANGUAGE) == language:
        return Meaning(language, script_of(NO_LANGUAGE))
    if script is None and language == "zho" and region is not None:
        script = _likely_script("zh", region)
    if script is None or (language == "zho" and script == "Hani"):
        return Meaning(language)
    return Meaning(*normalize_label(f"{language}_{script}").split("_"))


def _three_letters(code: str) -> str:
    """ISO 639-3 of a code of two letters, macrolanguages as they are: zho of zh, ara of ar."""
    from langcodes import Language

    return Language.get(code).to_alpha3() if len(code) == 2 and _is_code(code) else code


def _is_code(code: str) -> bool:
    """Whether a code is in IANA's registry, and not one for private use."""
    from langcodes import tag_is_valid

    return not "qaa" <= code <= "qtz" and bool(tag_is_valid(code))


@functools.cache
def _families() -> frozenset[str]:
    """Codes of IANA's registry for more than one language: sla, cel, ber."""
    from langcodes.registry_parser import parse_registry

    return frozenset(entry["Subtag"] for entry in parse_registry() if entry.get("Scope") == "collection")  # type: ignore[no-untyped-call]


def _likely_script(code: str, region: str) -> str | None:
    from langcodes import Language

    script: str | None = Language.make(language=code, territory=region).maximize().script
    return script


@functools.cache
def _names(what: str, language: str) -> Any:
    """language_data's names of languages, scripts or territories in a language (`und`: in all); exact ones only.

    Its own function takes a name for any that begins with it: Maribor for Mari.
    """
    from language_data.names import load_trie
    from language_data.util import data_filename

    return load_trie(data_filename(f"trie/{language}/name_to_{what}.marisa"))


def _look_up(what: str, name: str, language: str = "en") -> str | None:
    from language_data.names import normalize_name

    names, wanted = _names(what, language), normalize_name(name.replace("_", " "))
    # The table is a trie of NAME 0xFF TAG in which NUL ends a text: it finds the beginnings of others for NUL.
    return names[wanted][0].decode() if "\0" not in wanted and wanted in names else None


def _by_name(name: str) -> Meaning | None:
    """The meaning of a name in English, or in the language itself; with a script or a region in brackets or behind."""
    tag = _look_up("language", name) or _look_up("language", re.sub(r"(?i)[ _]languages?$", "", name))
    if tag is None:
        tag = _look_up("language", name, "und")
        if tag is not None and not _is_own_name(name, tag):
            tag = None
    if tag is not None:
        return _by_code(tag.lower(), named=True)
    found = re.fullmatch(r"(.+?)[ _]*\((.+)\)", name) or re.fullmatch(r"(.+)[ _](.+)", name)
    if found is None:
        return None
    language, more = _look_up("language", found[1]), found[2]
    script, region = _look_up("script", more), _look_up("territory", more)
    if language is None or (script is None and region is None):
        return None
    return _by_code(f"{language}-{script or region}".lower(), named=True)


def _is_own_name(name: str, tag: str) -> bool:
    """Whether a name that is none in English is what the language calls itself, or in other letters than ours."""
    from langcodes import Language

    own = Language.get(tag).autonym().casefold()
    return own in name.casefold() or name.casefold() in own or not name.isascii()


def _longer_names(name: str) -> list[str]:
    """Names of languages that begin with this name: `mono california`, `mono cameroon`."""
    from language_data.names import normalize_name

    names, wanted = _names("language", "en"), normalize_name(name.replace("_", " "))
    longer = sorted(names.keys(f"{wanted} ")) if len(wanted) >= 3 else []
    tags = {names[one][0].decode(): one for one in reversed(longer)}
    return [f"{tag} ({one})" for tag, one in sorted(tags.items())][:12]


def check_language(value: str) -> str:
    """The label that a value means for every text, or the language alone where texts say the script.

    Raises UserError where it means none, or several.
    """
    meaning = meaning_of(value)
    if meaning.problem or meaning.language is None:
        raise UserError(f"{value!r} is no language: {meaning.message or 'it says that none is known'}", remedy=_REMEDY)
    return meaning.label or meaning.language


def check_meanings(given: str) -> None:
    """`value=language,...`, where the language may be `und`; raises UserError where it is something else."""
    for part in filter(str.strip, given.split(",")):
        value, equals, language = map(str.strip, part.partition("="))
        problem = meaning_of(language).problem
        if not equals or not value or problem:
            raise UserError(
                f"{part.strip()!r} says of no value what language it means",
                remedy="write VALUE=LANGUAGE with commas between, e.g. luhya=lwg,various=und",
            )


@dataclass(frozen=True)
class Labelled:
    """labels: string[n], null where the value says none or is wrong; problems: by value, of those that are wrong;
    wrong: bool[n]."""

    labels: pa.Array
    problems: Mapping[str, Meaning]
    wrong: np.ndarray


def labels_of(values: pa.Array, texts: pa.Array, also: Mapping[str, str] | None = None) -> Labelled:
    """The labels that values (string[n]) mean for these texts (string[n]); a null says that none is known.

    also: values that mean what another value means.
    """
    known = also or {}
    encoded = values.dictionary_encode()
    codes = encoded.indices.fill_null(len(encoded.dictionary)).to_numpy(zero_copy_only=False).astype(np.int64)
    meanings = [*(meaning_of(known.get(value, value)) for value in encoded.dictionary.to_pylist()), Meaning()]
    labels = np.array([meaning.label for meaning in meanings], dtype=object)[codes]
    by_text = [meaning.language if meaning.label is None else None for meaning in meanings]
    language = np.array(by_text, dtype=object)[codes]
    open_rows = np.flatnonzero(np.array([language is not None for language in by_text], dtype=bool)[codes])
    if len(open_rows):
        beginnings = pc.utf8_slice_codeunits(texts.take(pa.array(open_rows)), 0, _BEGINNING)
        labels[open_rows] = _by_text(language[open_rows], beginnings)
    return Labelled(
        pa.array(labels, pa.string()),
        {
            value: meaning
            for value, meaning in zip(encoded.dictionary.to_pylist(), meanings, strict=False)
            if meaning.problem
        },
        np.array([bool(meaning.problem) for meaning in meanings], dtype=bool)[codes],
    )


def _by_text(languages: np.ndarray, texts: pa.Array) -> np.ndarray:
    """Labels (object[n]) of texts whose languages are known, the scripts by their letters."""
    counts, names = letters_by_script(texts)
    labels = np.empty(len(texts), dtype=object)
    for language in np.unique(languages.astype(str)).tolist():
        rows = np.flatnonzero(languages == language)
        mine = counts[rows]
        usual = usual_scripts(language)
        own = np.isin(names, unicode_scripts(usual))
        written = np.asarray(mine[:, own].any(axis=1))
        scripts = np.asarray(leading_script(np.where(written[:, None] & ~own[None, :], 0, mine))[0]).astype(str)
        if usual:
            scripts = np.where(written | (scripts == "Latn"), scripts, usual[0])
        variants = "Hans" if language != "zho" else han_variant(texts.take(pa.array(rows))).astype(str)
        different, which = np.unique(np.char.add(scripts.astype(str), variants), return_inverse=True)
        named = [normalize_label(f"{language}_{one[:4]}", han=one[4:]) for one in different.tolist()]
        labels[rows] = np.array(named, dtype=object)[which]
    return labels
