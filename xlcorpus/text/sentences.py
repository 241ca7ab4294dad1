r"""Sentences of a batch as spans of code points, by rules that follow the script.

Terminators are Unicode's Sentence_Terminal (UCD, PropList.txt) and what each script really uses besides; quotes,
brackets and note numbers that follow one go with it. Three kinds of rules:

- A terminator that is nothing else (。 । ۔ ؟ ። ။ ៕ ։ ...) ends a sentence wherever it stands, unless the sentence goes
  on: a comma, or hiragana after a closing quote (「...。」と言った).
- `.` `!` `?` and ellipses need white space after them, and then no lower-case letter. A full stop ends nothing after a
  single capital or a letter between stops (J. K., z. B.), after a title (Dr., Prof.), a day or rank (am 3. Mai), or
  between a short word and a number (No. 5). `!` and `?` need no space before kana and Han.
- Thai and Lao write no terminators, and spaces between clauses: such a space is a boundary where the runs on both
  sides of it are long. A line break of any kind always is one.

Lists of words are kept as short as they are on purpose: an abbreviation like `approx.` before a capital is a boundary.

Checked against parallel text in 18 scripts (tests/text/test_text_sentences.py has the figures).
"""

from __future__ import annotations

import functools

import numpy as np
import regex

from xlcorpus.text import properties
from xlcorpus.text.codepoints import CodePoints
from xlcorpus.text.segment import LINE_FEED, Spans, spans_of

# Characters in an unbroken run of Thai or Lao that may be a sentence, or a clause worth keeping alone. In PUD's Thai,
# 20 finds 0.54 of the boundaries and cuts 0.5 clauses for each of them; 10: 0.75 and 0.9; 30: 0.38 and 0.3.
RUN_CHARACTERS = 20

_BREAKS = "\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029"  # where str.splitlines breaks
_STOPS = ".․．﹒"
_SOFT = f"{_STOPS}!?…‥⋯‼⁇⁈⁉‽"
# ၊ is Myanmar's comma, though Unicode lists it; Tibetan ends clauses and sentences with the shad, which it does not.
_HARD = rf"[\p{{Sentence_Terminal}}--[{_SOFT}၊]]||[\u0F0D-\u0F12]"
# Prof. and the like in Latin, Cyrillic and Greek. Those without a vowel (Dr., Mr., Св., dhr.) go by their shape: up to
# three consonants, r and l at the end only, where they do not stand for a vowel (Czech krk, Croatian vrh).
_TITLES = "Prof|Gen|Sen|Rep|Gov|Rev|Hon|Capt|Col|Maj|Mrs|Bw|Sra|sra|[Śś]w|Проф|Акад|Ген|Им|Ул|Αγ|Καθ"
_VOWELS = "AEIOUYÄÖÜÅÆØАЕЁИІЇОУЫЭЄЮЯΑΕΗΙΟΥΩ"
_CONSONANTS = "b-df-hjkmnp-qstvxzçčšžřñбвгджзйкмнпстфхцчшщβγδζθκμνξπστφχψς"


@functools.cache
def _ends() -> regex.Pattern[str]:
    """Matches from the first of a run of terminators to the end of its sentence; possessive, so that it is linear."""
    breaks, word = f"[{_BREAKS}]", r"[\p{L}\p{M}\p{N}]"
    gap = rf"[\s--[{_BREAKS}]]"
    soft, hard, terminal = f"[{_SOFT}]", f"[{_HARD}]", f"[[{_HARD}]||[{_SOFT}]]"
    opener = r"[\p{Ps}\p{Pi}\p{Pf}\p{Pd}\"'¿¡]"
    closers = (
        rf"(?: [\p{{Pe}}\p{{Pf}}\"'＂＇] | \p{{Pi}}(?=[\s\p{{Pe}}\p{{Pf}}\"'.]) | \[\w{{1,3}}\] )*+"
        rf"(?: {gap}[»›]++(?=\s) )?+"  # French puts a space before it
    )
    free = rf"(?= {gap}*+{breaks} | {gap}++(?! (?:{opener}{gap}?)*+ [\p{{Ll}}--\p{{Georgian}}] ) )"
    capital = rf"(?= {gap}*+{breaks} | {gap}++(?:{opener}{gap}?)*+\p{{Lu}} )"
    abbreviated = (
        rf"(?<! (?<!{word}) (?: \p{{Lu}}\p{{M}}? | {_TITLES}"
        rf" | (?![{_VOWELS}])\p{{Lu}}[{_CONSONANTS}]{{0,2}}[{_CONSONANTS}rlрлρλ]"
        rf" | (?<!\p{{Nd}}{gap}?)[{_CONSONANTS}]{{0,2}}[{_CONSONANTS}rlрлρλ] ) )"
        rf"(?<! [.]{gap}?\p{{L}}\p{{M}}{{0,3}} )"
        rf"(?<! (?<=[\s(])(?:[012]?\d|3[01]) )"
        r"(?<! \p{Armenian} )"  # a colon, there
    )
    numbered = (
        rf"(?! (?<= (?<!{word})[\p{{Lu}}\p{{Ll}}]{{1,3}}[.] ) {gap}++\p{{Nd}} )"
        rf"(?! (?<= (?<!{word})\p{{L}}{{1,2}}[.] ) {gap}++\p{{L}}{{1,2}}[.] )"
    )
    return regex.compile(
        rf"""
        (?: {soft}*+ (?: {hard} | ፡፡ ) {terminal}*+ (?: {gap}*[\u0F0D-\u0F12] )*+
            {closers} (?! (?<= [\p{{Pe}}\p{{Pf}}\"'] ) \p{{Hiragana}} ) (?! [,;:、，；：،؛・] )
          | {abbreviated} [{_STOPS}](?! {terminal} ) {numbered} {closers} {free}
          | (?! [{_STOPS}](?! {terminal} ) ) {soft}++ {closers} {free}
          | {soft}++ (?<= [!?．] ) (?= [\p{{Han}}\p{{Hiragana}}\p{{Katakana}}] )
        )
        | \u0F42 {gap}++ (?= \p{{Tibetan}} )  # the shad is not written after ga
        | (?<= \p{{Armenian}}[»)”\"]{{0,2}} ) : {closers} {capital}  # typed for ։
        | (?<= \p{{Greek}} ) ; {closers} {capital}  # the Greek question mark
        """,
        regex.VERBOSE | regex.VERSION1,
    )


@functools.cache
def _runs() -> regex.Pattern[str]:
    """Matches the end of a long run of Thai or Lao where another one follows, and a wide space before either script."""
    letter = r"[[\p{Thai}\p{Lao}]--\p{Nd}]"
    gap = rf"[\s--[{_BREAKS}]]"
    return regex.compile(
        rf"""
        (?<!{letter}) {letter}{{{RUN_CHARACTERS},}}+ {gap}++ (?={letter}{{{RUN_CHARACTERS}}})
        | (?<!{gap}) {gap}{{2,}}+ (?={letter})
        """,
        regex.VERBOSE | regex.VERSION1,
    )


@functools.cache
def _candidate_table() -> np.ndarray:
    """uint8[0x110000]: 1 for terminators, of which the first of a run is tried, 2 for what else `_ends` begins with."""
    table = properties.sentence_terminals().astype(np.uint8)
    table[[ord(character) for character in _SOFT]] = 1
    table[ord("၊")] = 0
    table[[ord(character) for character in "፡:;\u0f42"]] = 2
    return table


@functools.cache
def _space_table() -> np.ndarray:
    """bool[0x110000]: white space and line breaks of any kind."""
    table = properties.whitespace().copy()
    table[0x1C:0x20] = True
    return table


def sentences(points: CodePoints) -> Spans:
    """Sentences of each text, in order, without the white space around them; what has none but white space has none.

    A span holds no line break (of those that str.splitlines knows). Every other character than white space is in
    exactly one span. points: uint32[n]; the result's positions are int64.
    """
    # Each text is given a line break at its end, so that no rule looks into the next one.
    apart = np.insert(points.codes, points.offsets[1:], LINE_FEED)
    joined = apart.tobytes().decode("utf-32-le")
    found = _terminated(joined, apart)
    if ((apart >= 0x0E00) & (apart < 0x0F00)).any():
        found += [match.end() for match in _runs().finditer(joined)]
    # Back to positions without these breaks: text i is moved by i.
    ends = np.array(found, dtype=np.int64)
    ends -= np.searchsorted(points.offsets[1:] + np.arange(1, len(points) + 1), ends, side="right")
    breaks = np.flatnonzero(np.isin(points.codes, [ord(character) for character in _BREAKS]))
    edges = np.unique(np.concatenate([ends, breaks, points.offsets]))
    return _trimmed(points, edges)


def _terminated(joined: str, codes: np.ndarray) -> list[int]:
    """Ends of the sentences with a terminator. The pattern is tried at the one character in 40 that may be one."""
    kind = _candidate_table()[codes]
    kind[1:][(kind[1:] == 1) & (kind[:-1] == 1)] = 0
    match, found, last = _ends().match, [], 0
    for at in np.flatnonzero(kind).tolist():
        end = match(joined, at) if at >= last else None
        if end is not None:
            last = end.end()
            found.append(last)
    return found


def _trimmed(points: CodePoints, edges: np.ndarray) -> Spans:
    """What lies between the edges, without white space around it; pieces of nothing else are left out."""
    solid = np.flatnonzero(~_space_table()[points.codes])
    first, stop = np.searchsorted(solid, edges[:-1]), np.searchsorted(solid, edges[1:])
    some = stop > first
    return spans_of(solid[first[some]], solid[stop[some] - 1] + 1, points)
