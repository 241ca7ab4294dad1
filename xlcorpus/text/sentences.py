r"""Sentences of a batch as spans of code points, by rules that follow the script.

Terminators are Unicode's Sentence_Terminal (UCD, PropList.txt) and what each script really uses besides; quotes,
brackets, note numbers and what shows nothing (marks of direction, U+200B) go with it. Four kinds of rules:

- A terminator that is nothing else (。 । ۔ ؟ ። ။ ៕ ։ ...) ends a sentence wherever it stands, unless the sentence goes
  on: a comma, or hiragana after a closing quote (「...。」と言った).
- `.` `!` `?` and ellipses need white space after them, and then no lower-case letter. A full stop ends nothing after a
  single capital or a letter between stops (J. K., z. B.), after a title (Dr., Prof.), a day or rank (am 3. Mai), or
  between a short word and a number (No. 5), or one to four consonants of Thai or Lao (ดร.). `!` and `?` need no space
  before kana and Han.
- What is typed for a terminator counts as one before white space: a bar for a danda, `::` for ።, `:` for ։, and `;` in
  Greek. Where Tibetan script has no shad, a letter before a space ends a sentence (Dzongkha).
- Thai and Lao write no terminators, and spaces between clauses: such a space is a boundary where the runs on both
  sides of it are long, and none of the words that go on with a sentence stands there. A line break always is one.

Lists of words are kept as short as they are on purpose: an abbreviation like `approx.` before a capital is a boundary.

Checked against parallel text in 18 scripts (`python -m benchmarks.sentences`; tests/text/test_text_sentences.py).
"""

from __future__ import annotations

import functools

import numpy as np
import regex

from xlcorpus.text import properties
from xlcorpus.text.codepoints import CodePoints
from xlcorpus.text.segment import LINE_FEED, Spans, spans_of
from xlcorpus.text.sentence_breakers import SentenceBreaker

# Characters without a space in Thai or Lao before and after one that may end a sentence. F of PUD and of NTREX's Thai:
# 0.66 and 0.48; with 20 after it, 0.59 and 0.40; with 10 before it, 0.63 and 0.47.
RUN_CHARACTERS, NEXT_CHARACTERS = 20, 8
# And, or, by and that end no sentence. They, which, in order to, because, then, makes, with, got, will, but and is open
# none: without these words, F is 0.60 and 0.45.
_OPEN_ENDS = "และ|หรือ|โดย|ว่า|ແລະ|ຫຼື|ຫລື|ໂດຍ|ວ່າ"
_THAI_GOES_ON = "ที่|ซึ่ง|เพื่อ|เพราะ|จึง|ก็|ทำให้|รวมถึง|รวมทั้ง|ได้|จะ|แต่|เป็น"
_LAO_GOES_ON = "ທີ່|ຊຶ່ງ|ເຊິ່ງ|ເພື່ອ|ເພາະ|ຈຶ່ງ|ກໍ|ເຮັດໃຫ້|ລວມເຖິງ|ລວມທັງ|ໄດ້|ຈະ|ແຕ່|ເປັນ"

_SOFT_END, _HARD_END, _STAND_IN, _TIBETAN = 1, 2, 3, 4  # kinds of characters that may end a sentence

_BREAKS = "\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029"  # where str.splitlines breaks
_UNSEEN = r"\p{Default_Ignorable_Code_Point}"  # marks of direction, U+200B: stand before and after a space
_STOPS = ".․．﹒"
_SOFT = f"{_STOPS}!?…‥⋯‼⁇⁈⁉‽"
# ၊ is Myanmar's comma, though Unicode lists it; Tibetan ends clauses and sentences with the shad, which it does not.
_HARD = rf"[\p{{Sentence_Terminal}}--[{_SOFT}၊]]||[\u0F0D-\u0F12]"
# Typed for a danda, where the keyboard has none: bars, and a Bengali sign of fractions that looks like it.
_BARS = "|｜│∣ǀ৷"
_DANDA_SCRIPTS = r"\p{Deva}\p{Beng}\p{Guru}\p{Gujr}\p{Orya}\p{Olck}\p{Mtei}\p{Tibt}"
_BAR_FOR_DANDA = rf"(?= [{_BARS}] ) (?<= [{_DANDA_SCRIPTS}] [\p{{N}}\p{{Pf}})\]\"'.,%\x20]{{0,12}} ) [{_BARS}]++"
# Prof. and the like in Latin, Cyrillic and Greek. Those without a vowel (Dr., Mr., Св., dhr.) go by their shape: up to
# three consonants, r and l at the end only, where they do not stand for a vowel (Czech krk, Croatian vrh).
_TITLES = "Prof|Gen|Sen|Rep|Gov|Rev|Hon|Capt|Col|Maj|Mrs|Bw|Sra|sra|[Śś]w|Проф|Акад|Ген|Им|Ул|Αγ|Καθ"
# Dr., Mr., No. and letters of the alphabet as initials, in Devanagari; the other eight scripts that Unicode lays out
# alike have them 0x80 n further on. Not C: Panjabi ends sentences with that word (ਸੀ, was).
_INDIC_TITLES = (
    "डॉ|डा|डो|ड|(?:श्|स़?्)री|श्रीमती|प्र[ोॊा]फ?|मि|मिस|मो|पं|नं|[एऎऐई]|[बडजपटवतढ][ीि]|[जक]े|आर्?|आ[ईइ]|ओ|य[ूु]|[एऎऐ]ੱ?[फचलमनस]्?"
)
_THAI_LETTERS = "[ก-ฮກ-ຮ]{1,4}"  # ดร., ศ., กม.: consonants alone; no sentence ends with a full stop after such a word
_VOWELS = "AEIOUYÄÖÜÅÆØАЕЁИІЇОУЫЭЄЮЯΑΕΗΙΟΥΩ"
_CONSONANTS = "b-df-hjkmnp-qstvxzçčšžřñбвгджзйкмнпстфхцчшщβγδζθκμνξπστφχψς"


def _indic(devanagari: str) -> str:
    """Alternatives, for a look behind: the pattern, and what it is in the scripts from Bengali to Malayalam.

    Each looks at the script of the last character first: 270 titles one by one take 3 times as long as the other rules.
    """
    shifts = range(0, 9 * 0x80, 0x80)
    shifted = ("".join(chr(ord(one) + by) if "ऀ" <= one <= "ॿ" else one for one in devanagari) for by in shifts)
    return "|".join(
        f"(?:{one})(?<=[{chr(0x900 + by)}-{chr(0x97F + by)}])" for one, by in zip(shifted, shifts, strict=True)
    )


@functools.cache
def _ends() -> dict[int, regex.Pattern[str]]:
    """By kind of the character where they begin: the first of a run of terminators to the end of its sentence.

    Possessive, so that they are linear; one pattern of all takes 1.2 times as long.
    """
    breaks, word = f"[{_BREAKS}]", r"[\p{L}\p{M}\p{N}]"
    gap = rf"[\s--[{_BREAKS}]]"
    soft, hard, terminal = f"[{_SOFT}]", f"[{_HARD}]", f"[[{_HARD}]||[{_SOFT}{_BARS}]]"
    indic = r"[\u0900-\u0DFF]"
    tibetan = r"[\p{Tibetan}&&[\p{L}\p{M}]]"
    opener = rf"[\p{{Ps}}\p{{Pi}}\p{{Pf}}\p{{Pd}}\"'¿¡{_UNSEEN}]"
    closers = (
        rf"(?: [\p{{Pe}}\p{{Pf}}\"'＂＇{_UNSEEN}] | \p{{Pi}}(?=[\s\p{{Pe}}\p{{Pf}}\"'.]) | \[\w{{1,3}}\] )*+"
        rf"(?: {gap}[»›]++(?=\s) )?+"  # French puts a space before it
    )
    free = rf"(?= {gap}*+{breaks} | {gap}++(?! (?:{opener}{gap}?)*+ [\p{{Ll}}--\p{{Georgian}}] ) )"
    capital = rf"(?= {gap}*+{breaks} | {gap}++(?:{opener}{gap}?)*+\p{{Lu}} )"
    abbreviated = (
        rf"(?<! (?<!{word}) (?: \p{{Lu}}\p{{M}}? | {_TITLES} | {_THAI_LETTERS}"
        rf" | (?![{_VOWELS}])\p{{Lu}}[{_CONSONANTS}]{{0,2}}[{_CONSONANTS}rlрлρλ]"
        rf" | (?<!\p{{Nd}}{gap}?)[{_CONSONANTS}]{{0,2}}[{_CONSONANTS}rlрлρλ] ) )"
        rf"(?<! [.]{gap}?\p{{L}}\p{{M}}{{0,3}} )"
        rf"(?: (?<! {indic} ) | (?<! (?<!{word}) (?: {_indic(_INDIC_TITLES)} ) )"
        rf"  (?<! [.]{gap}? (?: {indic}\p{{M}}{{0,3}} ){{1,3}} ) )"  # letters have names of up to three syllables there
        rf"(?<! (?<=[\s(])(?:[012]?\d|3[01]) )"
        r"(?<! \p{Armenian} )"  # a colon, there
    )
    numbered = (
        rf"(?! (?<= (?<!{word})[\p{{Lu}}\p{{Ll}}]{{1,3}}[.] ) {gap}++\p{{Nd}} )"
        rf"(?! (?<= (?<!{word})\p{{L}}{{1,2}}[.] ) {gap}++\p{{L}}{{1,2}}[.] )"
    )
    after = (
        rf"{terminal}*+ (?: {gap}*[\u0F0D-\u0F12] )*+ {closers} (?: (?: {gap}++ [।॥{_BARS}]++ | [{_STOPS}] ) (?=\s) )?+"
        rf"(?! (?<= [\p{{Pe}}\p{{Pf}}\"'] ) \p{{Hiragana}} ) (?! [,;:、，；：،؛・] )"
    )
    kinds = {
        _SOFT_END: rf"""
          {abbreviated} [{_STOPS}](?! {terminal} ) {numbered} {closers} {free}
          | (?! [{_STOPS}](?! {terminal} ) ) {soft}++ {closers} {free}
          | {soft}++ (?<= [!?．] ) (?= [\p{{Han}}\p{{Hiragana}}\p{{Katakana}}] )
          | {soft}++ (?: {hard} | ፡፡ ) {after}
          """,
        _HARD_END: rf"{hard} {after}",
        _STAND_IN: rf"""
          (?: ፡፡ | (?<= \p{{Ethiopic}} ) :: ) {after}
          | {_BAR_FOR_DANDA} {terminal}*+ {closers} [{_STOPS}]?+ (?=\s)
          | (?<= \p{{Armenian}}[»)”\"]{{0,2}} ) : {closers} {capital}  # typed for ։
          | (?<= \p{{Greek}} ) ; {closers} {capital}  # the Greek question mark
          """,
        # No shad is written after ga. Dzongkha leaves it out after any letter, and writes a tsheg before other spaces.
        _TIBETAN: rf"(?: \u0F42 | (?<= [\u0F0B\u0F0C] {tibetan}{{0,7}} ) {tibetan} ) {gap}++ (?= {tibetan} )",
    }
    return {kind: regex.compile(rule, regex.VERBOSE | regex.VERSION1) for kind, rule in kinds.items()}


@functools.cache
def _runs() -> regex.Pattern[str]:
    """Matches long runs of Thai or Lao with the space after them, where no clause goes on, and wide spaces."""
    letter = r"[[\p{Thai}\p{Lao}]--\p{Nd}]"
    gap = rf"[\s--[{_BREAKS}]]"
    return regex.compile(
        rf"""
        (?<!\S) \S{{{RUN_CHARACTERS},}}+ (?<= {letter} | [\p{{Pe}}\p{{Pf}}\"'] ) (?<! {_OPEN_ENDS} )
            {gap}++ (?= [\p{{Ps}}\p{{Pi}}\"']?{letter} \S{{{NEXT_CHARACTERS - 1},}} ) 
            (?! {_OPEN_ENDS}|{_THAI_GOES_ON}|{_LAO_GOES_ON} )
        | (?<!{gap}) {gap}{{2,}}+ (?={letter})
        """,
        regex.VERBOSE | regex.VERSION1,
    )


@functools.cache
def _candidate_table() -> np.ndarray:
    """uint8[0x110000]: for each character the pattern of `_ends` that it may begin; 0 for most."""
    table = properties.sentence_terminals().astype(np.uint8) * np.uint8(_HARD_END)
    table[[ord(character) for character in _SOFT]] = _SOFT_END
    table[ord("၊")] = 0
    table[[ord(character) for character in f"፡:;{_BARS}"]] = _STAND_IN
    table[0x0F40:0x0FBD] = _TIBETAN
    return table


@functools.cache
def _space_table() -> np.ndarray:
    """bool[0x110000]: white space and line breaks of any kind."""
    table = properties.whitespace().copy()
    table[0x1C:0x20] = True
    return table


@functools.cache
def _bars() -> regex.Pattern[str]:
    closers = rf"[\p{{Pe}}\p{{Pf}}\"'{_STOPS}{_UNSEEN}]"
    return regex.compile(rf"{_BAR_FOR_DANDA} (?= {closers}*+ \s )", regex.VERBOSE | regex.VERSION1)


def _apart(points: CodePoints) -> np.ndarray:
    """uint32[n + texts]: each text is given a line break at its end, so that no rule looks into the next one."""
    return np.insert(points.codes, points.offsets[1:], LINE_FEED)


def _without_breaks(points: CodePoints, ends: list[int]) -> np.ndarray:
    """int64[ends]: ends in `_apart` as ends in the texts: text i was moved by i."""
    found = np.array(ends, dtype=np.int64)
    found -= np.searchsorted(points.offsets[1:] + np.arange(1, len(points) + 1), found, side="right")
    return found


def bars_for_dandas(points: CodePoints) -> np.ndarray:
    """int64[hits]: the last of each run of bars that was typed for a danda; `sentences` end there."""
    bars = properties.matches(f"[{_BARS}]")
    if not bars.take(points.codes).any():
        return np.zeros(0, dtype=np.int64)
    codes = _apart(points)
    joined = codes.tobytes().decode("utf-32-le")
    tried = (_bars().match(joined, at) for at in np.flatnonzero(bars.take(codes)).tolist())
    ends = np.unique(_without_breaks(points, [match.end() for match in tried if match is not None]))
    return ends - 1


def sentences(points: CodePoints, breaker: SentenceBreaker | None = None) -> Spans:
    """Sentences of each text, in order, without the white space around them; what has none but white space has none.

    breaker: its ends are added in stretches with letters of its scripts. A span holds no line break (of those that
    str.splitlines knows). Every other character than white space is in exactly one span.
    points: uint32[n]; the result's positions are int64.
    """
    apart = _apart(points)
    joined = apart.tobytes().decode("utf-32-le")
    found = _terminated(joined, apart)
    if ((apart >= 0x0E00) & (apart < 0x0F00)).any():
        found += [match.end() for match in _runs().finditer(joined)]
    if breaker is not None:
        found += _broken(joined, apart, found, breaker)
    breaks = np.flatnonzero(np.isin(points.codes, [ord(character) for character in _BREAKS]))
    edges = np.unique(np.concatenate([_without_breaks(points, found), breaks, points.offsets]))
    return _trimmed(points, edges)


def _terminated(joined: str, codes: np.ndarray) -> list[int]:
    """Ends of the sentences with a terminator. The pattern is tried at the one character in 40 that may be one."""
    kinds = _candidate_table().take(codes)
    places = np.flatnonzero(kinds != 0)
    kinds = kinds[places]
    tried = (kinds != _TIBETAN) | _space_table()[codes[np.minimum(places + 1, len(codes) - 1)]]
    terminal = kinds <= _HARD_END
    tried[1:] &= ~(terminal[1:] & terminal[:-1] & (places[1:] == places[:-1] + 1))
    matches = {kind: pattern.match for kind, pattern in _ends().items()}
    found, last = [], 0
    for at, kind in zip(places[tried].tolist(), kinds[tried].tolist(), strict=True):
        end = matches[kind](joined, at) if at >= last else None
        if end is not None:
            last = end.end()
            found.append(last)
    return found


@functools.cache
def _pause() -> regex.Pattern[str]:
    """Matches white space where no clause goes on."""
    return regex.compile(
        rf"(?<! {_OPEN_ENDS} ) [\s--[{_BREAKS}]]++ (?! {_OPEN_ENDS}|{_THAI_GOES_ON}|{_LAO_GOES_ON} )",
        regex.VERBOSE | regex.VERSION1,
    )


def _broken(joined: str, codes: np.ndarray, found: list[int], breaker: SentenceBreaker) -> list[int]:
    """Ends that a breaker finds, in stretches between the ends found by rules and line breaks, at white space."""
    numbers = [number for number, name in enumerate(properties.script_names()) if name in breaker.scripts]
    inside = np.flatnonzero(np.isin(properties.scripts().take(codes), numbers))
    breaks = np.flatnonzero(np.isin(codes, [ord(character) for character in _BREAKS]))
    edges = np.unique(np.concatenate([[0], np.array(found, dtype=np.int64), breaks, breaks + 1, [len(codes)]]))
    more: list[int] = []
    for stretch in np.unique(np.searchsorted(edges, inside, side="right")).tolist():
        start, stop = int(edges[stretch - 1]), int(edges[stretch])
        for end in breaker.ends(joined[start:stop]):
            at = start + len(joined[start : start + end].rstrip())
            pause = _pause().match(joined, at, stop)
            more += [pause.end()] if pause is not None else []
    return more


def _trimmed(points: CodePoints, edges: np.ndarray) -> Spans:
    """What lies between the edges, without white space around it; pieces of nothing else are left out."""
    solid = np.flatnonzero(~_space_table()[points.codes])
    first, stop = np.searchsorted(solid, edges[:-1]), np.searchsorted(solid, edges[1:])
    some = stop > first
    return spans_of(solid[first[some]], solid[stop[some] - 1] + 1, points)
