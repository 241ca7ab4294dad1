"""Labels of languages, `xxx_Yyyy`: ISO 639-3 and ISO 15924, with the codes of FLORES-200 where it has the language.

What is chosen where the labels of models differ:

- Macrolanguages become the individual language that FLORES-200 means by them (`ar`, `ara` -> `arb`; `fa` -> `pes`;
  `sw` -> `swh`), ISO 639-2/B and retired codes the present one (`dut` -> `nld`, `iw` -> `heb`): `codes.tsv`.
- In lid.176, whose labels have no script, `als` is Alemannic (`gsw`), `no` Bokmål (`nob`), `sh` stays Serbo-Croatian
  (`hbs`), `bh` is Bhojpuri and `eml` Emilian. `als_Latn`, with a script, is Tosk Albanian.
- A label without a script takes the main script of the text when the language is written in it, otherwise the
  language's usual script: a Chinese page of shell commands has more Latin letters than Han, and is not `zho_Latn`.
- Chinese is `zho_Hans` or `zho_Hant` by the characters that only one of the two national character sets has
  (`han_variant`), `zho_Hani` when none decides; without a text, `zho_Hans`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.text.aliases import code_table, macrolanguage_of, meant_by, related_codes, representative_of
from xlcorpus.text.codepoints import CODE_SPACE, code_points

FOLDED_PREFIX = "__folded__"  # before the labels of models that were trained on `folding.fold`ed text
NO_LANGUAGE = "zxx_Zyyy"
UNKNOWN_LANGUAGE = "und"

LABEL_PREFIX = re.compile(r"^__[A-Za-z0-9]+__")  # of fastText: __label__, and those of models
_SCRIPT = re.compile(r"^[A-Za-z]{4}$")
_LABEL = re.compile(r"[a-z]{2,3}_[A-Z][a-z]{3}")
# Languages that write a dotless i: there I is the capital of ı, and İ that of i. In Latin letters only.
_DOTLESS = frozenset({"tur", "aze", "azj", "azb", "crh", "gag", "kaz", "tat"})
_LID176_ONLY = {"als": "gsw"}
_SAME_SCRIPT = {"Kore": "Hang", "Hira": "Jpan", "Kana": "Jpan", "Hrkt": "Jpan", "Aran": "Arab", "Zxxx": "Zyyy"}
_HAN = ("Hani", "Hans", "Hant")
# What Unicode can see of a script code: simplified and traditional Chinese are both Hani.
_UNICODE_SCRIPT = {"Hans": "Hani", "Hant": "Hani", "Kore": "Hang"}
_LETTERS = {"Jpan": ("Hani", "Hira", "Kana")}  # scripts of several of Unicode's


def _parts(raw: str) -> tuple[str, str | None]:
    """Language code as written (lower case) and script (title case) of a label; regions and variants are dropped."""
    code, *rest = LABEL_PREFIX.sub("", raw).replace("-", "_").split("_")
    script = next((part.title() for part in rest if _SCRIPT.match(part)), None)
    return code.lower(), script


def has_script(raw: str) -> bool:
    """Whether a label names its script, like `__label__swh_Latn`."""
    return _parts(raw)[1] is not None


@functools.cache
def known_languages() -> frozenset[str]:
    """Codes of the languages that labels have: ISO 639-3, after FLORES-200."""
    return frozenset(canonical for canonical, _ in code_table().values())


def usual_scripts(language: str) -> tuple[str, ...]:
    """ISO 15924 codes that a language (ISO 639-1 or -3) is written in, the most usual first; () where not known."""
    codes = code_table()
    canonical, scripts = codes.get(language, (language, ()))
    return scripts or codes.get(canonical, (canonical, ()))[1]


def canonical_code(code: str) -> str | None:
    """The code of labels for one of ISO 639: swh of sw, swa and swh; None where `codes.tsv` lacks it."""
    return code_table().get(code, ("", ()))[0] or None


def unicode_scripts(scripts: Iterable[str]) -> list[str]:
    """What Unicode calls the letters of these scripts: Hani of Hans, and three of Jpan."""
    return [name for script in scripts for name in _LETTERS.get(script, (_UNICODE_SCRIPT.get(script, script),))]


def normalize_label(raw: str, *, script: str | None = None, han: str = "Hans") -> str:
    """`xxx_Yyyy` of a fastText label.

    raw: with or without `__label__`, as lid.176 (`en`, `als`), NLLB, OpenLID, GlotLID (`cmn_Hani`) or BCP 47
    (`zh-Hant-TW`) write them. script: the text's main script (ISO 15924), for labels without one. han: `Hans`, `Hant`
    or `Hani`, what the text's characters say (`han_variant`), for Chinese labels that leave it open.
    """
    code, given = _parts(raw)
    written = code if given else _LID176_ONLY.get(code, code)
    language = code_table().get(written, (written, ()))[0] or UNKNOWN_LANGUAGE
    if given is None:
        usual = usual_scripts(language)
        seen = _SAME_SCRIPT.get(script or "", script)
        given = seen if seen and (not usual or seen in usual) else (usual[0] if usual else "Zyyy")
        if language == "zho":
            given = "Hani"
    given = _SAME_SCRIPT.get(given, given)
    if language == "jpn" and given == "Hani":
        given = "Jpan"
    if language == "zho" and given == "Hani":
        given = han
    if language == "yue" and given in _HAN:
        given = "Hant"
    return f"{language}_{given}"


def canonical_label(label: str) -> str:
    """The label of a language as steps write it: `kor_Hang` of `kor_Kore`. What is no code with a script stays, as does
    Chinese of either kind (`zho_Hani`): no label says which it is."""
    return label if not _LABEL.fullmatch(label) or label.endswith("_Hani") else normalize_label(label)


def canonical_direction(lang: str) -> str:
    """A pair with the labels of steps, in its direction; a language likewise."""
    return "-".join(map(canonical_label, lang.split("-")))


def fits_script(label: str, script: str) -> bool:
    """Whether a text whose main script is `script` can bear a label: Hani text may be Chinese or Japanese."""
    own = _UNICODE_SCRIPT.get(script_of(label), script_of(label))
    return own == script or (own == "Jpan" and script == "Hani")


@functools.cache
def _han_votes() -> np.ndarray:
    """int8 per code point: +1 in GB 2312 but not in Big5 (simplified), -1 in Big5 but not in GB 2312 (traditional).

    GB 2312 (1980) holds 6,763 simplified and Big5 13,053 traditional characters; both hold those never simplified.
    """

    def encodes(character: str, codec: str) -> bool:
        try:
            return bool(character.encode(codec))
        except UnicodeEncodeError:
            return False

    votes = np.zeros(CODE_SPACE, dtype=np.int8)
    for code in range(0x4E00, 0xA000):
        votes[code] = int(encodes(chr(code), "gb2312")) - int(encodes(chr(code), "big5"))
    return votes


def han_variant(texts: pa.Array) -> np.ndarray:
    """`Hans`, `Hant` or `Hani` (none decides) of each text, by the characters of one set only: object[rows]."""
    points = code_points(texts)
    votes = points.sum_per_text(_han_votes()[points.codes])
    variants: np.ndarray = np.array(["Hant", "Hani", "Hans"], dtype=object)[np.sign(votes) + 1]
    return variants


def language_of(label: str) -> str:
    """The language of a label: swh of swh_Latn; all of one without a script."""
    return label.partition("_")[0]


def script_of(label: str) -> str:
    """The script of a label: Latn of swh_Latn; '' of one without."""
    return label.partition("_")[2]


def script_seen(label: str) -> str:
    """The label with the script that Unicode can see: zho_Hani of zho_Hans and zho_Hant."""
    script = script_of(label)
    return f"{language_of(label)}_{_UNICODE_SCRIPT.get(script, script)}" if script else label


def encode_pairs(one: pa.Array, other: pa.Array) -> tuple[list[tuple[str, str]], np.ndarray]:
    """The pairs of labels that occur (string[rows] twice, without nulls), and int64[rows], the number of each row's."""
    joined = pc.binary_join_element_wise(one, other, "\t").dictionary_encode()
    pairs = [(one, other) for one, _, other in (pair.partition("\t") for pair in joined.dictionary.to_pylist())]
    return pairs, joined.indices.to_numpy(zero_copy_only=False).astype(np.int64)


def same_language(label: str, other: str) -> bool:
    """Whether two labels are of one language; one without a script is of every script; Hans, Hant and Hani are one."""
    if language_of(label) != language_of(other):
        return False
    one, two = (_UNICODE_SCRIPT.get(script, script) for script in (script_of(label), script_of(other)))
    return not one or not two or one == two


def stands_for(label: str, other: str) -> bool:
    """Whether words of a label may be words of another one: of one language (`same_language`), or of a macrolanguage
    that means none of its members (`hbs_Cyrl` for `srp_Cyrl`), where the other is written in this script."""
    if same_language(label, other):
        return True
    macro, member, script = language_of(label), language_of(other), script_of(label)
    if macrolanguage_of(member) != macro or representative_of(macro):
        return False
    usual = usual_scripts(member)
    fits = script_of(other) == script if script_of(other) else not usual or script in usual
    return not script or fits


def in_language(labels: pa.Array, lang: str) -> np.ndarray:
    """bool[n]: which labels (string[n], without nulls) are of a language (`same_language`)."""
    found = labels.dictionary_encode()
    same = np.array([bool(one) and same_language(one, lang) for one in found.dictionary.to_pylist()], bool)
    own: np.ndarray = same[found.indices.to_numpy(zero_copy_only=False)]
    return own


def names_of_scripts(*scripts: str | None) -> list[str]:
    """These scripts, then other codes for the same letters: Hani for Hans, Kore for Hang, Jpan for Kana."""
    names = [script for script in scripts if script]
    more = [others[name] for name in names for others in (_UNICODE_SCRIPT, _SAME_SCRIPT) if name in others]
    more += [other for name in names for other, same in _SAME_SCRIPT.items() if same == name and other != "Zxxx"]
    return list(dict.fromkeys([*names, *more]))


@functools.cache
def _codes_of_canonical() -> dict[str, tuple[str, ...]]:
    """All codes of `codes.tsv` for each canonical one."""
    names: dict[str, list[str]] = {}
    for code, (canonical, _) in code_table().items():
        names.setdefault(canonical, []).append(code)
    return {canonical: tuple(sorted(codes, key=len, reverse=True)) for canonical, codes in names.items()}


def codes_of(code: str) -> list[str]:
    """A language's code (ISO 639-1 or -3), then all others under which its data may lie, the nearest first.

    Those that `normalize_label` makes the same code, retired ones, its macrolanguage, and of a macrolanguage the member
    that is meant by it (`aliases`): pes, fas and fa; kon and kng; both ways.
    """
    same = _same_codes(code)
    same += [other for name in same for macro in meant_by(name) for other in _same_codes(macro)]
    return list(dict.fromkeys([*same, *(other for name in same for other in related_codes(name))]))


def _same_codes(code: str) -> list[str]:
    canonical = code_table().get(code, (code, ()))[0]
    return [code, canonical, *_codes_of_canonical().get(canonical, ())]


def names_of(label: str, script: str | None = None) -> list[str]:
    """The label as it is, then other names of the same language and script: zho_Hans is zho_Hani, cmn_Hans too.

    script: of the text, for a label without one (then the scripts that the language is usual in follow).
    """
    code, given = _parts(label)
    scripts = names_of_scripts(*([given] if given else [script, *usual_scripts(code)]))
    names = [f"{one}_{of}" for one in codes_of(code) for of in scripts]
    return list(dict.fromkeys([label, *names, *([] if given else codes_of(code))]))


def is_dotless(label: str) -> bool:
    """Whether a language writes a dotless i, of which I is the capital (İ is that of i): in Latin letters, not others.

    A label without a script is taken as the language in Latin letters.
    """
    return language_of(label) in _DOTLESS and script_of(label) in ("", "Latn")
