"""What a field of a dictionary holds: words, taken apart from alternatives, notes, signs and marks that nobody sees.

Public dictionaries write for readers: `laufen, rennen`, `Katze / Kater`, `Haus {n}`, `/traditional/old/`, `1. run 2.
flow`, `-ness`, `so ... as`. What is a word of these goes into the dictionary; the rest is counted, and goes into
no text.
"""

from __future__ import annotations

import functools
import unicodedata
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import regex

from xlcorpus.text import properties
from xlcorpus.text.apostrophes import clitics
from xlcorpus.text.characters import LIKE_APOSTROPHE
from xlcorpus.text.labels import script_of
from xlcorpus.text.normalize import class_of, collapse_whitespace, compose

PIECE = 1 << 16  # texts that are Python strings at a time: a million of them would be 80 MB
# What becomes of fields, as counts call it. Taken off, or taken apart:
NOTES, TRIMMED, UNSEEN, PARTICLES, APART, STRESS = "notes", "trimmed", "unseen", "particles", "apart", "stress"
MENDED = (NOTES, TRIMMED, UNSEEN, PARTICLES, APART, STRESS)
# Left out: parts of words and phrases, those with signs inside, those without a letter or number, remarks in Latin.
AFFIXES, SIGNS, NO_WORD, OTHER_SCRIPT = "affixes", "signs", "no_word", "other_script"

_MISSING = ("NULL", r"\N")  # what databases write for a field that is not there
_MOST_WORDS = 3  # of the other side, for commas to part translations: in a sentence they part clauses
_LEAST_STEM, _ENDING = 4, 0.75  # `amigo/a`: letters of a word that an ending of less than this share of it goes with


def _named(*parts: str) -> str:
    """Punctuation with one of these in its Unicode name, as inside the brackets of a pattern."""
    every = (chr(code) for code in np.flatnonzero(properties.matches(r"\p{Po}")).tolist())
    return "".join(regex.escape(one) for one in every if any(part in unicodedata.name(one, "") for part in parts))


_APOSTROPHES = "'" + LIKE_APOSTROPHE
_COMMAS = _named("COMMA") + "\u104a\u066c\u2022"  # with Burmese's, Arabic's of thousands in its place, and bullets
_SEMICOLONS = _named("SEMICOLON") + r"|\uff5c"
_SLASHES = r"/\\\uff0f"
_ALIGNED = regex.compile(rf"[|\uff5c{_SLASHES}]")  # that part what stands at the same place on both sides
_COMMA = regex.compile(rf"(?<!\d)[{_COMMAS}]|[{_COMMAS}](?!\d)")
_SEPARATOR = regex.compile(rf"\\n|[{_SEMICOLONS}]|(?:^|\s)[{_SLASHES}]|[{_SLASHES}](?:\s|$)")
_SLASH = regex.compile(f"[{_SLASHES}]")
_NUMBERED = regex.compile(r"(?:^|(?<=[\s;,]))\(?\d{1,2}[.)]\s+")  # `1. run 2. flow`
_NOTE = regex.compile(  # in brackets, and the measure word of CC-CEDICT
    r"[(\[{<（［｛【〔〖⟨〈][^()\[\]{}<>（）［］｛｝【】〔〕〖〗⟨⟩〈〉]*[)\]}>）］｝】〕〗⟩〉]|\bCL:[^;/]*"
)
_GAP = regex.compile(r"\u2026|\.\.|[~\uff5e\u301c\u223c]|_{2,}|_$|^_|\s\+|\+\s")  # `so ... as`, `Nwng ___ da`
_JOINT = regex.compile(r"(?<=[^\W_])_(?=[^\W_])")  # ice_cream
_INTONATION = regex.compile(r"[\u055b\u055c\u055e]")  # Armenian stress, exclamation and question, written inside words
_HYPHEN = r"\p{Pd}\u2212\u0640"  # and minus, and the stroke that lengthens an Arabic letter, which shows that one joins
_END = rf"[\s\p{{P}}--[#%&@\u05f3\u05f4{_APOSTROPHES}{_HYPHEN}]]"
_ENDS = regex.compile(rf"(?V1)^(?:{_END}|[{_HYPHEN}](?=\s))+|(?:{_END}|(?<=\s)[{_HYPHEN}])+$")
_AFFIX = regex.compile(rf"^[{_HYPHEN}]|[{_HYPHEN}]$")
_LETTERS = r"\p{L}\p{M}\p{N}"
_INSIDE = rf"[{_APOSTROPHES}\p{{Pd}}\u2212\u00b7\u2027\u30fb\uff65\uff1d\u30a0\u0f0b\u0f0c\u05f3\u05f4\u1361]"
_WORD = regex.compile(
    rf"[{_APOSTROPHES}]?[{_LETTERS}](?:[{_LETTERS}\u200c\u200d ]|{_INSIDE}(?=[{_LETTERS}{_APOSTROPHES}])"
    rf"|(?<=\p{{Hebrew}})\"(?=\p{{Hebrew}}))*[{_APOSTROPHES}\u05f3]?"
)
_GENDER = regex.compile(r"(?:[mfn]|mf|nt|(?:[mf]\.? ?)?pl)\.?")
_WORDLIKE = regex.compile(r"[\p{L}\p{N}]")
_UNCASED = r"(?V1)[\p{Lo}--[\p{Latin}\p{Common}\p{Inherited}]]"
_PLAIN = rf"^[{_LETTERS}]+(?:[ '\x{{2019}}-]?[{_LETTERS}])*$"  # of RE2: nothing to do
_JOINED = r"(^|[\s\p{P}])[\x{200C}\x{200D}]+|([^\p{M}])[\x{200C}\x{200D}]+($|[\s\p{P}])"  # at an end they join nothing


@functools.cache
def _hidden() -> str:
    """What nobody sees and no spelling needs: all but joiners (Persian, Indic) and variants (Mongolian, Han)."""
    needed = properties.joiners() | properties.matches(r"\p{Variation_Selector}")
    return f"[{class_of(np.flatnonzero(properties.unseen() & ~needed))}]"


def clean_texts(texts: pa.Array) -> tuple[pa.Array, int]:
    """NFC, one space for each run of white space, without what nobody sees; and how many texts held such."""
    cleaned, count = [texts.slice(0, 0)], 0
    for start in range(0, len(texts), PIECE):
        piece = texts.slice(start, PIECE)
        hidden = pc.sum(pc.match_substring_regex(piece, rf"{_hidden()}|{_JOINED}")).as_py() or 0
        if hidden:
            piece = pc.replace_substring_regex(piece, _hidden(), "")
            piece = pc.replace_substring_regex(piece, _JOINED, r"\1\2\3")
        cleaned.append(collapse_whitespace(compose(piece)))
        count += hidden
    return pa.concat_arrays(cleaned), count


def take_apart(src: pa.Array, tgt: pa.Array, counts: Counter[str]) -> tuple[np.ndarray, pa.Array, pa.Array]:
    """The entries in the fields of both sides, by row, then as they are listed: the row of each (int64), src and tgt.

    src, tgt: string[n], of `clean_texts`; counts: gets what was taken off, taken apart and left out, by reason. Several
    translations of one field are one entry each; fields with as many parts by `/` or `|` belong together part by part.
    """
    plain, missing = pc.and_(*(pc.match_substring_regex(side, _PLAIN) for side in (src, tgt))), pa.array(_MISSING)
    plain = pc.and_not(plain, pc.or_(*(pc.is_in(side, missing) for side in (src, tgt))))
    stroke = pc.or_(pc.match_substring(src, "\u0640"), pc.match_substring(tgt, "\u0640"))  # a letter to Unicode
    odd = np.flatnonzero(~pc.and_(plain, pc.invert(stroke)).to_numpy(zero_copy_only=False))
    if not len(odd):
        return np.arange(len(src)), src, tgt
    found = np.ones(len(src), dtype=np.int64)
    sides: tuple[list[str], list[str]] = ([], [])
    for start in range(0, len(odd), PIECE):
        rows = pa.array(odd[start : start + PIECE])
        fields = (rows.to_pylist(), src.take(rows).to_pylist(), tgt.take(rows).to_pylist())
        for at, left, right in zip(*fields, strict=True):
            pairs = list(_entries(left, right, counts))
            found[at] = len(pairs)
            for side, words in zip(sides, zip(*pairs, strict=True), strict=False):
                side.extend(words)
    rows = np.repeat(np.arange(len(src)), found)
    new = np.zeros(len(src), dtype=bool)
    new[odd] = True
    place = rows.copy()
    place[new[rows]] = len(src) + np.arange(len(sides[0]))
    one, other = (
        pa.concat_arrays([old, pa.array(words, old.type)]).take(pa.array(place))
        for old, words in zip((src, tgt), sides, strict=True)
    )
    return rows, one, other


def _entries(src: str, tgt: str, counts: Counter[str]) -> Iterator[tuple[str, str]]:
    """The entries of one row."""
    both = _COMMA.search(src) and _COMMA.search(tgt)  # `yes, of course`: a phrase, and its translation
    left = _alternatives(src, counts, commas=not both and tgt.count(" ") < _MOST_WORDS)
    if not left:
        return
    right = _alternatives(tgt, counts, commas=not both and src.count(" ") < _MOST_WORDS)
    if len(left) == len(right) > 1 and _ALIGNED.search(src) and _ALIGNED.search(tgt):
        yield from zip(left, right, strict=True)
    else:
        yield from ((one, other) for one in left for other in right)


def _alternatives(text: str, counts: Counter[str], *, commas: bool) -> list[str]:
    """The words or phrases of a field, in order; commas: whether they part alternatives."""
    if text in _MISSING:
        counts[NO_WORD] += 1
        return []
    bare = _NUMBERED.sub(";", text)
    if _SLASH.match(bare):  # /of CC-CEDICT/
        bare = _SLASH.sub(";", bare)
    while _NOTE.search(bare):
        bare = _NOTE.sub("", bare)
        counts[NOTES] += 1
    bare = " ".join(_INTONATION.sub("", _JOINT.sub(" ", bare)).split())
    found = [part for one in _SEPARATOR.split(bare) for part in (_COMMA.split(one) if commas else [one])]
    parts = [part.strip() for part in found if part.strip()]
    genders = [at for at, part in enumerate(parts) if at and _GENDER.fullmatch(part)]
    if genders:  # of `maison, f`
        counts[NOTES] += 1
        parts = [part for at, part in enumerate(parts) if at not in genders]
        bare = parts[0] if len(parts) == 1 else bare
    words: list[str] = []
    wrong: Counter[str] = Counter()
    for part in parts:
        spellings, endings = _spellings(part)
        wrong[AFFIXES] += endings
        for one in spellings:
            word = _ENDS.sub("", one)
            if len(word) > 2 and word[0] in _APOSTROPHES and word[-1] in _APOSTROPHES:
                word = word[1:-1]
            word = " ".join(word.split())
            reason = _fault(word, one)
            wrong[reason] += 1
            if not reason:
                counts[TRIMMED] += word != (one if len(parts) > 1 or one != part else bare)
                words.append(word)
    if not parts:
        wrong[NO_WORD] = 1
    del wrong[""]
    words = list(dict.fromkeys(words))
    counts[APART] += len(words) > 1
    counts.update(wrong)
    return words


def _fault(word: str, written: str) -> str:
    """Why what is left of an alternative is no word, or ''."""
    if not _WORDLIKE.search(word):
        return NO_WORD
    if _GAP.search(written) or _AFFIX.search(word):
        return AFFIXES
    return "" if _WORD.fullmatch(word) else SIGNS


def _spellings(part: str) -> tuple[list[str], int]:
    """The alternatives between slashes, and how many were endings: `colour/color` are two; of `amigo/a` the word
    stays, and its other ending is none; `km/h` and an address are one, with a sign."""
    if "//" in part or "@" in part:
        return [part], 0
    first, *others = _SLASH.split(part)
    words = [other for other in others if len(other) >= _ENDING * len(first) and not _is_letter(other)]
    if len(words) < len(others) and len(first) < _LEAST_STEM:
        return [part], 0
    return [first, *words], len(others) - len(words)


def _is_letter(text: str) -> bool:
    """One letter of an alphabet: of Chinese it may be a word."""
    return len(text) == 1 and unicodedata.category(text) != "Lo"


# Words before the dictionary form that say what kind of word it is, in dictionaries that write them.
_BEFORE = {
    "eng": "to|the|an?", "deu": "der|die|das|eine?", "fra": "les?|la|une?", "spa": "el|l[ao]s?|una?",
    "por": "os?|as?|uma?", "ita": "il|l[oae]|gli|i|un[oa]?", "nld": "de|het|een", "swe": "att|ett|en",
    "dan": "at|en|et", "nob": "å|en|ei|et", "nno": "å|ein|ei|eit", "cat": "els?|las?|les|una?",
    "glg": "[oa]s?|unha|un", "ell": "ο|η|το|οι|τα|ένας|μια|μία|ένα", "hun": "az?|egy", "epo": "la", "gle": "an|na",
}  # fmt: skip
_ELIDED = {"fra": "|l['’]", "ita": "|l['’]|un['’]", "cat": "|l['’]"}
_GENDER_BEHIND = r"([\p{L}\p{M}]{2}) (?:[mfn]|mf|nt|(?:[mf] ?)?pl)$"  # `maison f`, `дом m`
_CUSTOM = 0.05  # of the entries with one: then the dictionary writes them; elsewhere `to date` and `a lot` are words


def without_particles(texts: pa.Array, language: str, counts: Counter[str]) -> pa.Array:
    """Words of one language and file without `to`, articles and the like before them, and without the letter of their
    gender behind them, if so many of them have one."""
    before = rf"(?i)^(?:(?:{_BEFORE[language]}) {_ELIDED.get(language, '')})(\p{{L}})" if language in _BEFORE else None
    for pattern in filter(None, (_GENDER_BEHIND, before)):
        count = pc.sum(pc.match_substring_regex(texts, pattern)).as_py() or 0
        if count and count >= _CUSTOM * len(texts):
            counts[PARTICLES] += count
            texts = pc.replace_substring_regex(texts, pattern, r"\1")
    return texts


def is_clitic(texts: pa.Array, label: str) -> pa.BooleanArray:
    """bool[n]: texts that are a clitic of a language and its apostrophe alone, so no word: `l'`, `'s`."""
    bare, found = pc.utf8_lower(pc.utf8_trim(texts, characters=_APOSTROPHES)), pc.is_null(texts)
    for behind, edge in ((False, f"[{_APOSTROPHES}]$"), (True, f"^[{_APOSTROPHES}]")):
        listed = pc.is_in(bare, pa.array(clitics(label, behind=behind), pa.string()))
        found = pc.or_(found, pc.and_(listed, pc.match_substring_regex(texts, edge)))
    return found


@functools.cache
def _foreign_letters() -> str:
    """Letters without capitals that are not Latin: γ-Strahlung is a word, and Cyrillic may be of a mislabelled side."""
    return f"[{class_of(np.flatnonzero(properties.matches(_UNCASED)))}]"


def is_remark(texts: pa.Array, label: str) -> pa.BooleanArray:
    """bool[n]: several words in Latin letters in a language of another script: `Not used in Chinese`; in one of Latin
    letters those of a script without capitals: `variant of 為`."""
    if script_of(label) == "Latn":
        return pc.match_substring_regex(texts, _foreign_letters())
    if script_of(label) in ("", "Zyyy"):
        return pc.is_null(texts)
    return pc.match_substring_regex(texts, r"^[\p{Latin}\p{N}'-]+( [\p{Latin}\p{M}\p{N}'-]+)+$")
